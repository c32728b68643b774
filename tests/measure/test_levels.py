"""Levels equal ffmpeg's own filters; R103 is found where it was broken."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests import clips
from workbench.colour import Colour
from workbench.frames import Frame
from workbench.look.preset import load_preset
from workbench.look.render import render
from workbench.measure.codes import codes
from workbench.measure.levels import Levels, LevelsTimeline, Stretch, levels, outside_r103
from workbench.measure.match import block_means, movement
from workbench.probe import open_clip

Made = Callable[[str], Path]


def signalstats(path: Path, folder: Path) -> list[dict[str, float]]:
    """What ffmpeg's signalstats says of every frame."""
    log = "stats.txt"
    printed = f"signalstats,metadata=mode=print:file={log}"
    clips.run_in(folder, "-i", path, "-vf", printed, "-f", "null", "-")
    frames: list[dict[str, float]] = []
    for line in (folder / log).read_text(encoding="utf-8").splitlines():
        if line.startswith("frame:"):
            frames.append({})
        else:
            key, _, value = line.rpartition("=")
            frames[-1][key.rpartition(".")[2]] = float(value)
    return frames


@pytest.mark.parametrize("name", ["untagged", "ten_bit", "odd"])
def test_levels_are_those_of_signalstats(made: Made, tmp_path: Path, name: str) -> None:
    path = made(name)
    with open_clip(path) as clip:
        unit = 2 ** (10 - clip.bit_depth)
        for frame, theirs in zip(clip.frames(), signalstats(path, tmp_path), strict=True):
            ours = levels(frame)
            assert ours.lowest == theirs["YMIN"] * unit
            assert ours.low == theirs["YLOW"] * unit
            assert ours.mean == pytest.approx(theirs["YAVG"] * unit, abs=0.01)
            assert ours.high == theirs["YHIGH"] * unit
            assert ours.highest == theirs["YMAX"] * unit
            # signalstats rounds each pixel's saturation.
            assert ours.saturation == pytest.approx(theirs["SATAVG"] * unit, abs=0.5 * unit)


def test_full_range_is_shown_on_the_legal_scale(made: Made) -> None:
    with open_clip(made("full_range")) as clip:
        frame = clip.frame(0)
    ours, ffmpegs = levels(frame), levels(render(frame, load_preset("untouched")))
    assert ours.mean == pytest.approx(ffmpegs.mean, abs=1)
    assert ours.lowest == pytest.approx(ffmpegs.lowest, abs=1)
    assert ours.saturation == pytest.approx(ffmpegs.saturation, abs=1)


@pytest.mark.parametrize("depth", [8, 10])
def test_full_range_levels_are_the_exact_equivalents(depth: int) -> None:
    """H.273: legal luma is 64 + 876 E', legal chroma 512 + 896 E'."""
    top, middle = (1 << depth) - 1, 1 << depth - 1
    dtype = np.uint8 if depth == 8 else np.uint16
    for luma, cb in ((0, middle), (middle, top), (top, 0), (top // 3, middle + top // 5)):
        planes = [np.full((16, 16), value, dtype) for value in (luma, cb, middle)]
        frame = Frame(*planes, "yuv444p", depth, Colour(range="full", matrix="bt709"))
        found = levels(frame)
        right = 64 + luma * 876 / top
        for figure in (found.lowest, found.low, found.mean, found.high, found.highest):
            assert figure == pytest.approx(right, abs=1e-3)
        assert found.saturation == pytest.approx(abs(cb - middle) * 896 / top, abs=1e-3)
        assert outside_legal(frame) == (0, 0)


def outside_legal(frame: Frame) -> tuple[float, float]:
    found = codes(frame)
    return found.illegal, found.illegal_chroma


@pytest.mark.parametrize("code", [0, 1, 16, 128, 178, 235, 254, 255])
def test_untouched_makes_full_range_legal_to_the_nearest_code(code: int) -> None:
    luma = np.full((32, 32), code, np.uint8)
    cb, cr = (np.full((16, 16), value, np.uint8) for value in (code, 255 - code))
    colour = Colour("full", "bt709", "bt709", "bt709")
    found = render(Frame(luma, cb, cr, "yuvj420p", 8, colour), load_preset("untouched"))
    assert found.luma == pytest.approx(64 + code * 876 / 255, abs=0.51)
    assert found.cb == pytest.approx(512 + (code - 128) * 896 / 255, abs=0.51)
    assert found.cr == pytest.approx(512 + (127 - code) * 896 / 255, abs=0.51)


def picture(luma: int = 500, cb: int = 512, cr: int = 512) -> Frame:
    """100 x 100 pixels of one colour, 10 bits 4:4:4, so that each pixel is one percent of one."""
    planes = (np.full((100, 100), value, np.uint16) for value in (luma, cb, cr))
    return Frame(*planes, "yuv444p10le", 10, Colour(range="legal", matrix="bt709"))


@pytest.mark.parametrize(("value", "outside"), [(19, 1), (20, 0), (984, 0), (985, 1)])
def test_r103_has_limits_on_luma(value: int, outside: int) -> None:
    assert outside_r103(picture(luma=value)) == outside


def test_r103_counts_the_area() -> None:
    luma = np.full((100, 100), 500, np.uint16)
    luma[:2, :50] = 1000
    assert outside_r103(replace(picture(), luma=luma)) == 0.01


@pytest.mark.parametrize(
    ("cb", "cr", "outside"),
    [
        # R' = Y + 1.5396 (Cr - 512): 984 is reached at Cr = 826.4 from a luma of 500.
        (512, 826, 0),
        (512, 827, 1),
        # B' = Y + 1.8142 (Cb - 512): 984 is reached at Cb = 778.8, and 20 at Cb = 247.4.
        (778, 512, 0),
        (780, 512, 1),
        (248, 512, 0),
        (247, 512, 1),
    ],
)
def test_r103_has_limits_on_rgb_where_luma_is_legal(cb: int, cr: int, outside: int) -> None:
    assert outside_r103(picture(500, cb, cr)) == outside


def timeline(**columns: list[float]) -> LevelsTimeline:
    count = len(next(iter(columns.values())))
    empty = Levels(64, 64, 64, 64, 64, 0, 0, 5)
    frames = [
        replace(empty, **{name: values[i] for name, values in columns.items()})
        for i in range(count)
    ]
    return LevelsTimeline.of(frames)


def test_stretches_and_jumps() -> None:
    black = timeline(black=[0, 1, 1, 0.5, 0.99])
    assert black.black_stretches(1) == [Stretch(1, 3), Stretch(4, 5)]
    assert black.black_stretches(2) == [Stretch(1, 3)]
    still = timeline(change=[0, 0, 0, 5, 0, 5])
    assert still.frozen_stretches(2) == [Stretch(0, 3), Stretch(3, 5)]
    assert still.frozen_stretches(3) == [Stretch(0, 3)]
    assert timeline(mean=[100, 110, 300, 290, 101]).largest_jump() == (2, 190)
    assert timeline(mean=[100]).largest_jump() is None


def test_black_and_frozen_are_found_where_ffmpeg_finds_them(tmp_path: Path) -> None:
    """A second of picture, one of black, one of picture, two of its last frame."""
    path = tmp_path / "stretches.mp4"
    moving = "testsrc2=s=320x180:r=24:d=1,format=yuv420p"
    dark = "color=black:s=320x180:r=24:d=1,format=yuv420p"
    held = f"{moving},tpad=stop_mode=clone:stop_duration=2"
    clips.run(
        *("-f", "lavfi", "-i", moving, "-f", "lavfi", "-i", dark, "-f", "lavfi", "-i", held),
        *("-lavfi", "[0][1][2]concat=n=3", "-c:v", "libx264", "-qp", "0", path),
    )
    with open_clip(path) as clip:
        means = [block_means(frame) for frame in clip.frames()]
        changes = [0.0, *(movement(now, then) for then, now in pairwise(means))]
        found = [levels(*both) for both in zip(clip.frames(), changes, strict=True)]
    seen = LevelsTimeline.of(found)
    assert seen.black_stretches(12) == [Stretch(24, 48)]
    (frozen,) = seen.frozen_stretches(36)
    assert (frozen.start, frozen.end) == (71, 120)
    detect = "blackdetect=d=0.5,freezedetect=d=1.5,metadata=print:file=d"
    clips.run_in(tmp_path, "-i", path, "-vf", detect, "-f", "null", "-")
    lines = (tmp_path / "d").read_text(encoding="utf-8").splitlines()
    marks = dict(line.partition("=")[::2] for line in lines if line.startswith("lavfi"))
    assert float(marks["lavfi.black_start"]) == 24 / 24
    assert float(marks["lavfi.freezedetect.freeze_start"]) == pytest.approx(71 / 24, abs=1e-3)
