"""Gamut, black and freeze of delivered files: in every frame, for as long as it is shown."""

from pathlib import Path

import pytest

from tests import clips
from workbench.deliver.encode import convert
from workbench.deliver.qc import Finding
from workbench.deliver.recheck import recheck
from workbench.deliver.record import write_record
from workbench.deliver.settings import Settings

MOVING = "testsrc2=s=160x96:r=24:d=1,format=yuv420p"
X264 = ("-c:v", "libx264", "-qp", "0", "-bf", "0", "-fps_mode", "passthrough")


def made(path: Path, picture: str, *options: str) -> Path:
    clips.run(
        "-f", "lavfi", "-i", picture, *X264, "-video_track_timescale", "12000", *options, path
    )
    return path


def found(source: Path, preset: str = "untouched", **overrides: str) -> dict[str, Finding]:
    """Convert a clip, and check it again by its record; both must say the same."""
    settings = Settings(
        preset=preset, overrides={f"tone.{name}": value for name, value in overrides.items()}
    )
    delivery = convert(source, source.with_suffix(".mov"), settings)
    write_record(delivery)
    again = {finding.id: finding for finding in recheck(source, delivery.destination).findings}
    first = {finding.id: finding for finding in delivery.findings}
    for name in ("gamut", "black", "freeze", "luma jump"):
        assert again[name] == first[name]
    return first


@pytest.mark.parametrize("frames", [(0, 1, 2, 4), (5, 11, 17, 22), (20, 22, 23, 24)])
def test_frames_outside_r103_between_the_samples_are_found(
    tmp_path: Path, frames: tuple[int, ...]
) -> None:
    """Four frames of 25 at code value 1000."""
    bright = "+".join(f"eq(N,{frame})" for frame in frames)
    grey = "color=gray:s=64x48:r=25:d=1,format=yuv420p"
    path = made(tmp_path / "bright.mp4", f"{grey},geq=lum='128+122*({bright})':cb=128:cr=128")
    gamut = found(path)["gamut"]
    assert (gamut.level, gamut.measured) == ("warn", f"100.00 % at frame {frames[0]}")


def test_a_frame_that_is_shown_for_two_seconds_is_a_freeze(tmp_path: Path) -> None:
    late = f"{MOVING},settb=1/12000,setpts='500*N+if(gt(N,12),23500,0)'"
    freeze = found(made(tmp_path / "held.mp4", late))["freeze"]
    assert (freeze.level, freeze.measured) == ("warn", "2.00 s from frame 12")


@pytest.mark.parametrize("preset", ["untouched", "smooth", "smooth-logc3"])
def test_a_last_frame_that_is_black_for_two_seconds_is_found(tmp_path: Path, preset: str) -> None:
    """Filters with several inputs, as `smooth` has them, forget how long a last frame is shown."""
    ends = f"{MOVING},drawbox=t=fill:color=black:enable='eq(n,23)'"
    short = made(tmp_path / "short.mp4", ends)
    path = tmp_path / "ends.mp4"
    clips.run("-i", short, "-c", "copy", "-bsf:v", "setts=duration='if(eq(N,23),24000,500)'", path)
    seen = found(path, preset)
    assert seen["duration"].level == "pass"
    assert (seen["black"].level, seen["black"].measured) == ("note", "2.00 s from frame 23")
    assert (seen["freeze"].level, seen["freeze"].measured) == ("warn", "2.00 s from frame 23")
    assert seen["luma jump"].measured.endswith("at frame 23")


def test_black_is_found_under_a_log_look(tmp_path: Path) -> None:
    """Canon Log 3 lifts black to 174; the box before it is a dark grey that is not black."""
    box = "drawbox=t=fill:color="
    dark = f"{MOVING},{box}0x303030:enable='lt(n,5)',{box}black:enable='gte(n,5)'"
    seen = found(made(tmp_path / "dark.mp4", dark), filter="log", curve="canonlog3")["black"]
    assert (seen.level, seen.measured) == ("note", "0.79 s from frame 5")
    assert "at most 181" in seen.sentence


@pytest.mark.parametrize("preset", ["untouched", "smooth"])
def test_a_still_at_crf_28_is_frozen_in_the_delivered_file(tmp_path: Path, preset: str) -> None:
    still = "testsrc2=s=160x96:r=24:d=1,select=eq(n\\,0),loop=47:1:0,setpts=N/24/TB"
    path = tmp_path / "still.mp4"
    x264 = ("-c:v", "libx264", "-crf", "28", "-pix_fmt", "yuv420p")
    clips.run("-f", "lavfi", "-i", f"{still},noise=alls=24:all_seed=3", *x264, path)
    freeze = found(path, preset)["freeze"]
    assert (freeze.level, freeze.measured) == ("warn", "2.00 s from frame 0")
