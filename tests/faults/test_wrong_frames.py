"""Check deliveries with wrong frames: black, negated, darker, brighter or blurred.

The scenes are noisy, flat, dark and moving. The faults are in the first, a middle or the last
frame, or in all frames. The usual command makes each delivery, with one more filter after the look.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import clips
from workbench import ffmpeg
from workbench.deliver.command import encode_command
from workbench.deliver.encode import convert
from workbench.deliver.recheck import recheck
from workbench.deliver.reencode import ReencodeDifference, check_reencoded
from workbench.deliver.settings import Settings
from workbench.media.probe import open_clip

GRADIENT = "gradients=s=320x180:seed=7:r=24:d=0.5:x0=0:y0=0:x1=0:y1=180"
SCENES = {
    "noisy": f"{GRADIENT}:c0=0x305070:c1=0xa08060,noise=alls=16:allf=t:all_seed=3",
    "flat": f"{GRADIENT}:c0=0x30405c:c1=0x7a5a4c",
    "dark": f"{GRADIENT}:c0=0x040408:c1=0x2a1a1c,noise=alls=3:allf=t:all_seed=5",
    "moving": "testsrc2=s=320x180:r=24:d=0.5",
}
LAST = 11

FRAME = {
    "black": "lutyuv=y=64:u=512:v=512:enable='{at}'",
    "white": "lutyuv=y=940:u=512:v=512:enable='{at}'",
    "grey": "lutyuv=y=502:u=512:v=512:enable='{at}'",
    "negated": "lutyuv=y=1004-val:u=1024-val:v=1024-val:enable='{at}'",
    "10 % darker": "lutyuv=y='64+(val-64)*0.9':enable='{at}'",
    "8 % brighter": "lutyuv=y='64+(val-64)*1.08':enable='{at}'",
}
SUBTLE = {
    "one code brighter": "lutyuv=y=val+1:enable='{at}'",
    "1 % less colour": "lutyuv=u='512+(val-512)*0.9':v='512+(val-512)*0.9':enable='{at}'",
    "blurred": "gblur=sigma=0.8:enable='{at}'",
    "sharpened": "unsharp=3:3:0.5:enable='{at}'",
}
WHOLE = {
    "one 8-bit code brighter": "lutyuv=y=val+4",
    "one 10-bit code darker": "lutyuv=y=val-1",
    "scaled to 316 and back": "scale=316:180,scale=320:180",
    "blurred": "gblur=sigma=0.8",
    "shifted by a pixel": "scroll=hpos=0.003125",
}

Wrong = Callable[[str, str, Settings], dict[str, str]]
KNOWN = Settings(preset="classic")
UNKNOWN = Settings(preset=None)


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> Wrong:
    """Return a function that gives the levels of all findings for a scene and a filter."""
    folder = tmp_path_factory.mktemp("wrong")

    made = ""

    def give(scene: str, filter_: str, settings: Settings) -> dict[str, str]:
        nonlocal made
        source, bad = folder / f"{scene}.mp4", folder / f"{scene}.mov"
        if not source.exists():
            x264 = ["-c:v", "libx264", "-crf", "12", "-pix_fmt", "yuv420p"]
            clips.run("-f", "lavfi", "-i", SCENES[scene], *x264, source)
        if made != f"{scene} {filter_}":
            with open_clip(source) as clip:
                arguments = encode_command(clip, KNOWN).arguments(bad)
            tags = "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
            at = arguments.index("-vf") + 1
            arguments[at] += f",format=yuv422p10le,{filter_},format=yuv422p10le,{tags}"
            ffmpeg.run(["-y", *arguments])
            made = f"{scene} {filter_}"
        return {one.id: one.level for one in recheck(source, bad, settings).findings}

    return give


@pytest.mark.parametrize("scene", SCENES)
def test_the_good_delivery_passes(wrong: Wrong, scene: str) -> None:
    assert "fail" not in wrong(scene, "null", KNOWN).values()
    unknown = wrong(scene, "null", UNKNOWN)
    assert "fail" not in unknown.values()
    for finding in ("consistent look", "hue", "sharpness", "combing"):
        assert unknown[finding] == "pass", finding


@pytest.mark.parametrize("scene", SCENES)
def test_one_wrong_frame_fails(wrong: Wrong, scene: str) -> None:
    """Each scene and each fault meets the first, a middle and the last frame, but not all pairs."""
    first = list(SCENES).index(scene)
    for nth, (fault, filter_) in enumerate(FRAME.items(), first):
        at = (0, 5, LAST)[nth % 3]
        changed = filter_.format(at=f"eq(n,{at})")
        assert wrong(scene, changed, KNOWN)["frame content"] == "fail", (fault, at)
        assert wrong(scene, changed, UNKNOWN)["consistent look"] == "fail", (fault, at)


STRETCHES = ["lt(n,3)", "between(n,4,6)", "gt(n,8)"]


@pytest.mark.parametrize("scene", SCENES)
def test_a_wrong_range_of_frames_fails(wrong: Wrong, scene: str) -> None:
    for (fault, filter_), frames in zip(FRAME.items(), STRETCHES * 2, strict=True):
        changed = filter_.format(at=frames)
        assert wrong(scene, changed, KNOWN)["frame content"] == "fail", (fault, frames)
        assert wrong(scene, changed, UNKNOWN)["consistent look"] == "fail", (fault, frames)


@pytest.mark.parametrize("scene", ["noisy", "moving"])
@pytest.mark.parametrize("fault", SUBTLE)
def test_a_subtle_fault_in_one_frame_fails_a_known_look(
    wrong: Wrong, scene: str, fault: str
) -> None:
    """The check of samples alone would miss these frames."""
    for at in (0, 5, LAST):
        found = wrong(scene, SUBTLE[fault].format(at=f"eq(n,{at})"), KNOWN)
        assert found["frame content"] == "fail", at


@pytest.mark.parametrize("scene", SCENES)
def test_a_fault_in_every_frame_fails_a_known_look(wrong: Wrong, scene: str) -> None:
    for fault, filter_ in WHOLE.items():
        found = wrong(scene, filter_, KNOWN)
        assert "fail" in (found["frame content"], found["re-encoded frame"]), fault
        if (scene, fault) != ("flat", "scaled to 316 and back"):  # below the error of ProRes itself
            assert found["frame content"] == "fail", fault


@pytest.mark.parametrize("scene", ["noisy", "moving"])
def test_a_difference_that_no_look_explains_is_a_warning(wrong: Wrong, scene: str) -> None:
    assert wrong(scene, "gblur=sigma=4", UNKNOWN)["sharpness"] == "warn"
    assert wrong(scene, "shuffleplanes=0:2:1", UNKNOWN)["hue"] in {"warn", "fail"}
    for inverted in ("u=1024-val", "v=1024-val", "u=1024-val:v=1024-val"):
        assert wrong(scene, f"lutyuv={inverted}", UNKNOWN)["hue"] == "fail"
    grade = wrong(scene, "hue=h=25:s=0.8,lutyuv=y='64+(val-64)*0.8+40'", UNKNOWN)
    assert {grade["hue"], grade["sharpness"], grade["consistent look"]} == {"pass"}


def test_a_slow_change_of_an_unknown_look_is_a_warning(wrong: Wrong) -> None:
    """The luma rises by a twelfth of the range over the clip, in invisible steps."""
    slowly = "geq=lum='lum(X,Y)+5*N':cb='cb(X,Y)':cr='cr(X,Y)'"
    assert wrong("noisy", slowly, UNKNOWN)["consistent look"] == "warn"


@pytest.mark.parametrize("frames", ["5", "11"])
def test_interlaced_frames_are_a_warning(wrong: Wrong, frames: str) -> None:
    """Weave the fields of neighbouring frames; flags and frame count stay the same."""
    woven = f"tinterlace=interlacex2,select='mod(n,2)',trim=end_frame={int(frames) + 1}"
    assert wrong("moving", woven, UNKNOWN)["combing"] == "warn"


EVENTS = {
    "cut": "testsrc2=s=320x180:r=24:d=0.4[a];smptebars=s=320x180:r=24:d=0.4[b];[a][b]concat=n=2",
    "fade": "testsrc2=s=320x180:r=24:d=0.8,fade=out:0:19",
    "flash": "testsrc2=s=320x180:r=24:d=0.8,eq=brightness=0.6:enable='eq(n,9)'",
    "black frame": "testsrc2=s=320x180:r=24:d=0.8,drawbox=t=fill:color=black:enable='eq(n,9)'",
    "late start": "color=black:s=320x180:r=24:d=0.5[a];testsrc2=s=320x180:r=24:d=0.4[b];"
    "[a][b]concat=n=2",
}


@pytest.mark.parametrize("look", ["classic", "smooth", "smooth-logc3", "untouched"])
@pytest.mark.parametrize("event", EVENTS)
def test_cuts_fades_and_flashes_of_the_source_pass(event: str, look: str, tmp_path: Path) -> None:
    source, out = tmp_path / "x.mp4", tmp_path / "x.mov"
    graph = f"{EVENTS[event]},format=yuv420p"
    clips.run("-filter_complex", graph, "-c:v", "libx264", "-crf", "20", source)
    settings = Settings(preset=look)
    assert "fail" not in {one.level for one in convert(source, out, settings).findings}
    found = {one.id: one.level for one in recheck(source, out, UNKNOWN).findings}
    for finding in ("frame content", "consistent look", "hue", "sharpness", "combing"):
        assert found[finding] == "pass", finding


@pytest.mark.parametrize("scene", ["flat", "dark"])
@pytest.mark.parametrize(
    "fault", ["scale=316:180,scale=320:180", "gblur=sigma=0.5", "unsharp=3:3:0.1"]
)
def test_encoding_a_frame_again_reveals_small_differences(
    wrong: Wrong, scene: str, fault: str
) -> None:
    assert wrong(scene, "null", KNOWN)["re-encoded frame"] == "pass"
    assert wrong(scene, fault, KNOWN)["re-encoded frame"] == "fail"


def test_a_different_frame_fails_if_the_encoder_is_known() -> None:
    assert [one.level for one in check_reencoded(ReencodeDifference(0.1, 0.5), certain=True)] == [
        "pass"
    ]
    assert [one.level for one in check_reencoded(ReencodeDifference(0.11, 0.0), certain=True)] == [
        "fail"
    ]
    assert [
        one.level for one in check_reencoded(ReencodeDifference(0.11, 0.05), certain=False)
    ] == ["warn"]
    assert [
        one.level for one in check_reencoded(ReencodeDifference(0.11, -0.06), certain=False)
    ] == ["fail"]
    assert check_reencoded(None, certain=True) == []


def test_a_small_fault_is_found_by_comparing_neighbours(wrong: Wrong) -> None:
    """One frame of a still clip is 0.1 dB brighter."""
    slight = "lutyuv=y='64+(val-64)*1.0116':enable='eq(n,{at})'"
    for at in (0, 5, LAST):
        assert wrong("dark", slight.format(at=at), KNOWN)["frame content"] == "fail", at
