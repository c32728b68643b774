import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests import clips
from workbench import ffmpeg
from workbench.errors import FfmpegMissing, ResultsMissing, UnsupportedClip
from workbench.look.filter_chain import encoder_input_chain, filter_chain
from workbench.look.preset import load_preset
from workbench.look.render import render, render_frames, render_through
from workbench.measure.banding import (
    COARSE,
    FINE,
    CambiMap,
    cambi,
    cambi_fine_and_coarse,
    cambi_map,
    is_halved,
    is_measurable,
)
from workbench.media.colour import Colour
from workbench.media.frames import Frame
from workbench.media.probe import open_clip

Made = Callable[[str], Path]


def plain_scores(path: Path, chain: str, folder: Path, option: str, key: str) -> list[float]:
    """Return CAMBI of every frame from a plain ffmpeg command."""
    log = folder / "plain.json"
    escaped = str(log).replace("\\", "/").replace(":", "\\:")
    feature = f"name=cambi{option}"
    graph = f"{chain},split[a][b];[a][b]libvmaf=model='':feature='{feature}':log_fmt=json"
    clips.run("-i", path, "-lavfi", f"{graph}:log_path='{escaped}'", "-f", "null", "-")
    return [frame["metrics"][key] for frame in json.loads(log.read_text())["frames"]]


def gradient(steps: int, width: int = 640, height: int = 360, high: int = 72) -> Frame:
    """Return a ramp from 40 to `high` in this number of steps."""
    step = (high - 40) // steps
    ramp = 40 + np.floor(np.linspace(0, steps, width, endpoint=False)) * step
    luma = np.tile(ramp.astype(np.uint8), (height, 1))
    grey = np.full((height // 2, width // 2), 128, np.uint8)
    return Frame(luma, grey, grey, "yuv420p", 8, Colour())


@pytest.mark.parametrize(("contrast", "key"), [(FINE, "cambi"), (COARSE, "cambi_mlc_5")])
def test_scores_equal_those_of_a_plain_command(
    made: Made, tmp_path: Path, contrast: int, key: str
) -> None:
    path = made("untagged")
    preset = load_preset("classic")
    with open_clip(path) as clip:
        frames = list(clip.sample(6))
        chain = encoder_input_chain(filter_chain(preset, clip))
    indices = [frame.index for frame in frames]
    option = "" if contrast == FINE else rf"\:max_log_contrast={contrast}"
    before = plain_scores(path, "null", tmp_path, option, key)
    after = plain_scores(path, chain, tmp_path, option, key)
    assert cambi(frames, contrast) == [before[i] for i in indices]
    assert cambi(render_frames(frames, preset), contrast) == [after[i] for i in indices]


@pytest.mark.parametrize(
    ("transfer", "option", "key"),
    [("smpte2084", ":eotf=pq", "cambi_eotf_pq"), ("arib-std-b67", "", "cambi")],
)
def test_a_pq_picture_is_scored_for_a_pq_display(
    tmp_path: Path, transfer: str, option: str, key: str
) -> None:
    path = tmp_path / "hdr.mkv"
    tags = f"setparams=range=tv:color_primaries=bt2020:color_trc={transfer}:colorspace=bt2020nc"
    ramp = "gradients=s=640x360:c0=0x808080:c1=0xc8c8c8:x0=0:y0=0:x1=639:y1=0:speed=0:d=0.1:r=20"
    steps = f"{ramp}:nb_colors=2,format=yuv420p10le,lutyuv=y='floor(val/4)*4',{tags}"
    clips.run("-f", "lavfi", "-i", steps, "-c:v", "ffv1", path)
    with open_clip(path) as clip:
        frames = list(clip.frames([0, 1]))
    scores = plain_scores(path, "null", tmp_path, option.replace(":", "\\:"), key)
    assert cambi(frames) == pytest.approx(scores)
    bt1886 = plain_scores(path, "null", tmp_path, "", "cambi")
    assert (scores != bt1886) == bool(option)


def test_both_settings_in_one_run_equal_two_runs() -> None:
    frames = [gradient(32), gradient(8, high=136)]
    fine, coarse = zip(*cambi_fine_and_coarse(frames), strict=True)
    assert list(fine) == cambi(frames, FINE)
    assert list(coarse) == cambi(frames, COARSE)
    assert fine != coarse


def test_a_chain_of_filters_is_applied_before_scoring(made: Made) -> None:
    """Stretched contrast makes more visible bands, and the score is that of the rendered frame."""
    with open_clip(made("untagged")) as clip:
        frames = [render(clip.frame(3), load_preset("smooth"))]
    chain = "format=yuv422p16le,lutyuv=y=(val-16384)*1.5+16384"
    rendered = render_through(frames, chain, "yuv422p16le", frames[0].colour)
    found = cambi(frames, chain=chain)
    assert found == cambi(rendered)
    assert found[0] > cambi(frames)[0]


def test_the_wider_setting_detects_coarse_steps() -> None:
    """The default setting takes these steps for edges of the picture."""
    posterized = gradient(8, high=136)
    assert cambi([posterized], FINE)[0] < cambi([posterized], COARSE)[0] / 4


def test_a_flat_picture_scores_zero_and_steps_score_more() -> None:
    assert cambi([gradient(1)])[0] == 0
    assert cambi([gradient(32)])[0] > 1


def test_the_map_shows_the_position_of_the_steps() -> None:
    banded = gradient(32)
    luma = banded.luma.copy()
    luma[:, :320] = 60
    found = cambi_map(replace(banded, luma=luma))
    assert found.score == cambi([replace(banded, luma=luma)])[0]
    assert found.c_values.shape == (360, 640)
    assert found.c_values[:, 400:].mean() > 4 * found.c_values[:, :240].mean()
    assert found.worst_window(160, 120)[0] >= 280


def test_a_map_of_an_odd_size(made: Made) -> None:
    with open_clip(made("odd")) as clip:
        assert cambi_map(clip.frame(0)).c_values.shape == (179, 319)


def test_the_worst_window_contains_the_most_banding() -> None:
    c_values = np.zeros((20, 30), np.float32)
    c_values[12:15, 21:25] = 1
    found = CambiMap(0.0, c_values)
    assert found.worst_window(4, 3) == (21, 12, 4, 3)
    assert found.worst_window(300, 200) == (0, 0, 30, 20)


def test_a_picture_too_small_raises_an_error() -> None:
    assert cambi([gradient(32, 216, 100)])[0] >= 0
    with pytest.raises(UnsupportedClip, match=r"214x120 picture is too small .* needs 216 pixels"):
        cambi([gradient(32, 214, 120)])


@pytest.mark.parametrize(
    ("width", "height", "fits"),
    [(1600, 128, False), (1600, 160, True), (640, 32, False), (640, 64, True), (32, 640, True)],
)
def test_a_picture_of_few_rows_raises_an_error_instead_of_crashing_libvmaf(
    width: int, height: int, fits: bool
) -> None:
    banded = gradient(32, width, height)
    assert is_measurable(width, height) == fits
    if fits:
        assert len(cambi([banded])) == 1
    else:
        with pytest.raises(UnsupportedClip, match="too small to measure banding"):
            cambi([banded])


def test_a_picture_above_uhd_scores_the_same_as_at_uhd() -> None:
    """3932x2160 is the largest picture that libvmaf measures at full size."""
    wide, high = (cambi([gradient(32, *size)])[0] for size in ((3840, 2160), (2160, 3840)))
    assert not is_halved(3932, 2160)
    assert is_halved(3934, 2160)
    for width, height, usual in (
        *((3932, 2160, wide), (3934, 2160, wide), (4096, 2160, wide), (7680, 4320, wide)),
        *((2160, 4096, high), (8192, 4320, wide)),
    ):
        for contrast in (FINE, COARSE):
            scores = cambi([gradient(32, width, height)], contrast)
            assert scores == [pytest.approx(usual, rel=0.1)], (width, height, contrast)


def test_a_picture_above_uhd_may_have_few_rows() -> None:
    """libvmaf does not halve fewer pixels than 3840x2160, so the window is reduced."""
    assert cambi([gradient(1, 8000, 1000)]) == [0]
    assert cambi([gradient(32, 8000, 1000)])[0] > 1
    assert not is_measurable(8000, 400)


def test_the_map_above_uhd_shows_the_position_of_the_steps() -> None:
    banded = gradient(32, 4098, 2160)
    luma = banded.luma.copy()
    luma[:, :2049] = 60
    found = cambi_map(replace(banded, luma=luma))
    assert found.c_values.shape == (2160, 4098)
    assert found.score == cambi([replace(banded, luma=luma)])[0] > 1
    assert found.c_values[:, 2500:].mean() > 4 * found.c_values[:, :1600].mean()
    assert found.worst_window()[0] > 1900


def test_missing_scores_raise_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without options, libvmaf refuses a picture above UHD, but ffmpeg exits without an error."""
    monkeypatch.setattr("workbench.measure.banding._size_options", lambda _: [])
    large = gradient(32, 4096, 2160)
    with pytest.raises(ResultsMissing, match=r"banding \(CAMBI\) in 0 of 2 frames"):
        cambi([large, large])
    with pytest.raises(ResultsMissing, match="in 0 of 1 frames"):
        cambi_map(large)


def test_without_libvmaf_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian's ffmpeg has no libvmaf; the test simulates such a program."""
    whole = ffmpeg.program()
    poor = replace(whole, filters=whole.filters - {"libvmaf"})
    monkeypatch.setattr(ffmpeg, "program", lambda: poor)
    with pytest.raises(FfmpegMissing, match="without the filter libvmaf: install"):
        cambi([gradient(4)])
