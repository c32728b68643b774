"""Test levels against ffmpeg's own filters, and black, frozen and jumping frames."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests import clips
from workbench.look.preset import load_preset
from workbench.look.render import render
from workbench.measure.code_values import count_code_values
from workbench.measure.gamut import outside_r103
from workbench.measure.levels import FrameRange, Levels, LevelsTimeline, levels
from workbench.measure.motion import Motion
from workbench.media.colour import Colour
from workbench.media.frames import Frame
from workbench.media.probe import open_clip

Made = Callable[[str], Path]


def signalstats(path: Path, folder: Path) -> list[dict[str, float]]:
    """Return the values of ffmpeg's signalstats for every frame."""
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
def test_levels_equal_signalstats(made: Made, tmp_path: Path, name: str) -> None:
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


def test_full_range_is_converted_to_the_legal_scale(made: Made) -> None:
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
    found = count_code_values(frame)
    return found.outside_legal, found.outside_legal_chroma


@pytest.mark.parametrize("code", [0, 1, 16, 128, 178, 235, 254, 255])
def test_the_preset_untouched_converts_full_range_to_the_nearest_code(code: int) -> None:
    luma = np.full((32, 32), code, np.uint8)
    cb, cr = (np.full((16, 16), value, np.uint8) for value in (code, 255 - code))
    colour = Colour("full", "bt709", "bt709", "bt709")
    found = render(Frame(luma, cb, cr, "yuvj420p", 8, colour), load_preset("untouched"))
    assert found.luma == pytest.approx(64 + code * 876 / 255, abs=0.51)
    assert found.cb == pytest.approx(512 + (code - 128) * 896 / 255, abs=0.51)
    assert found.cr == pytest.approx(512 + (127 - code) * 896 / 255, abs=0.51)


def test_the_black_limit_is_the_highest_black_code_value(made: Made) -> None:
    with open_clip(made("ten_bit")) as clip:
        frame = clip.frame(0)
    luma = np.full_like(frame.luma, 180)
    luma[: luma.shape[0] // 2] = 181
    half = replace(frame, luma=luma)
    assert levels(half).black == 0
    assert levels(half, black_limit=179).black == 0
    assert levels(half, black_limit=180).black == 0.5
    assert levels(half, black_limit=181).black == 1
    assert levels(replace(frame, luma=np.full_like(luma, 152))).black == 1
    assert levels(replace(frame, luma=np.full_like(luma, 153))).black == 0


def striped() -> NDArray[np.uint16]:
    """Only every eighth column is bright, so that a sample of every eighth pixel misleads."""
    luma = np.full((64, 64), 300, np.uint16)
    luma[:, ::8] = 900
    return luma


@pytest.mark.parametrize(
    "luma",
    [
        striped(),
        striped()[::-1, 7::-1],
        np.arange(17 * 33, dtype=np.uint16).reshape(17, 33),
        np.random.default_rng(1).integers(0, 1024, (8, 8), np.uint16),
        np.array([[0]], np.uint16),
        np.array([[1023, 1023]], np.uint16),
    ],
    ids=["stripes", "8 columns", "ramp", "tiny", "one pixel", "brightest"],
)
def test_percentiles_equal_those_of_the_sorted_pixels(luma: NDArray[np.uint16]) -> None:
    grey = np.full(luma.shape, 512, np.uint16)
    found = levels(Frame(luma, grey, grey, "yuv444p10le", 10, Colour()))
    ranked = np.sort(luma, axis=None)
    assert found.low == ranked[max(0, round(0.1 * luma.size) - 1)]
    assert found.high == ranked[max(0, round(0.9 * luma.size) - 1)]
    assert (found.lowest, found.highest) == (ranked[0], ranked[-1])
    assert found.mean == pytest.approx(luma.mean())
    assert found.saturation == 0


def test_gamut_is_measured_in_the_same_pass(made: Made) -> None:
    with open_clip(made("ten_bit")) as clip:
        frame = clip.frame(0)
    luma = frame.luma.copy()
    luma[-3:] = 1000
    broken = replace(frame, luma=luma)
    assert levels(broken).outside_r103 == outside_r103(broken) >= 3 / frame.height


def timeline(**columns: list[float]) -> LevelsTimeline:
    count = len(next(iter(columns.values())))
    empty = Levels(64, 64, 64, 64, 64, 0, 0, 0, 5, 5)
    frames = [
        replace(empty, **{name: values[i] for name, values in columns.items()})
        for i in range(count)
    ]
    return LevelsTimeline.of(frames)


def evenly(count: int, frame_rate: int = 24) -> tuple[Fraction, ...]:
    return tuple(Fraction(number, frame_rate) for number in range(count + 1))


def test_a_frame_is_black_if_98_percent_of_its_pixels_are() -> None:
    black = timeline(black=[1, 0, 1, 1, 0.979, 0.98])
    assert black.black_ranges() == [FrameRange(0, 1), FrameRange(2, 4), FrameRange(5, 6)]


def test_the_largest_jump_may_be_to_the_last_frame() -> None:
    assert timeline(mean=[100, 110, 300, 290, 101]).largest_jump() == (2, 190)
    assert timeline(mean=[100, 110, 100, 290]).largest_jump() == (3, 190)
    assert timeline(mean=[300, 110, 100]).largest_jump() == (1, 190)
    assert timeline(mean=[100]).largest_jump() is None


def test_any_number_of_repeated_frames_is_frozen() -> None:
    repeats = timeline(change=[0, 0.09, 0.1, 5, 0], drift=[0, 0.1, 0.1, 5, 0])
    assert repeats.frozen_ranges(evenly(5)) == [FrameRange(0, 2), FrameRange(3, 5)]


def test_a_noisy_still_of_a_quarter_second_is_frozen() -> None:
    def frozen(count: int, change: list[float], drift: float) -> list[FrameRange]:
        noisy = timeline(change=[9, *change * count][:count], drift=[9, *[drift] * (count - 1)])
        return noisy.frozen_ranges(evenly(count))

    assert frozen(6, [0.24], 3.4) == [FrameRange(0, 6)]
    assert frozen(5, [0.24], 3.4) == []
    assert frozen(24, [0.25], 3.4) == [], "it moves all the time"
    assert frozen(24, [0.24], 3.5) == [], "every frame is unlike the one before"
    assert frozen(24, [2, 0.24, 0.24], 3.4) == [FrameRange(0, 24)], "most frames are alike"
    assert frozen(24, [0.24, 2, 2], 3.4) == []


def test_a_frame_that_drifts_begins_the_next_range() -> None:
    """Each frame resembles the one before, but the eleventh no longer resembles the first."""
    drift = [*np.arange(0, 3.5, 0.35), 3.5, *np.arange(0.35, 3.5, 0.35)]
    wandering = timeline(change=[0.09] * len(drift), drift=drift)
    assert wandering.frozen_ranges(evenly(20)) == [FrameRange(0, 10), FrameRange(10, 20)]


def test_a_held_frame_is_frozen_for_its_duration() -> None:
    moving = timeline(change=[0, 5, 5, 5, 5], drift=[0, 5, 5, 5, 5])
    assert moving.frozen_ranges(evenly(5)) == []
    at = [Fraction(n, 24) for n in range(5)]
    first = (Fraction(0), *(time + 2 for time in at))
    assert moving.frozen_ranges(first) == [FrameRange(0, 1)]
    last = (*at, at[-1] + 2)
    assert moving.frozen_ranges(last) == [FrameRange(4, 5)]
    for lasts, found in ((Fraction(15, 240), []), (Fraction(16, 240), [FrameRange(4, 5)])):
        assert moving.frozen_ranges((*at, at[-1] + lasts)) == found, "1.5 frames is usual"


def test_a_slide_show_is_frozen_but_a_low_frame_rate_is_not() -> None:
    slides = timeline(change=[0, 50, 50], drift=[0, 50, 50])
    assert slides.frozen_ranges((*map(Fraction, (0, 2, 4, 6)),)) == [
        FrameRange(0, 1),
        FrameRange(1, 2),
        FrameRange(2, 3),
    ]
    assert slides.frozen_ranges((*map(Fraction, range(4)),)) == []


def test_a_single_long_frame_is_frozen() -> None:
    one = timeline(change=[0], drift=[0])
    assert one.frozen_ranges((Fraction(0), Fraction(1, 24))) == []
    assert one.frozen_ranges((Fraction(0), Fraction(2))) == [FrameRange(0, 1)]


def test_black_and_frozen_are_found_where_ffmpeg_finds_them(tmp_path: Path) -> None:
    """One second of picture, one of black, one of picture, and two of its last frame."""
    path = tmp_path / "stretches.mp4"
    moving = "testsrc2=s=320x180:r=24:d=1,format=yuv420p"
    dark = "color=black:s=320x180:r=24:d=1,format=yuv420p"
    held = f"{moving},tpad=stop_mode=clone:stop_duration=2"
    clips.run(
        *("-f", "lavfi", "-i", moving, "-f", "lavfi", "-i", dark, "-f", "lavfi", "-i", held),
        *("-lavfi", "[0][1][2]concat=n=3", "-c:v", "libx264", "-qp", "0", path),
    )
    with open_clip(path) as clip:
        motion = Motion()
        seen = LevelsTimeline.of(levels(frame, motion.add(frame)) for frame in clip.frames())
        bounds = (*clip.times, clip.duration)
    assert seen.black_ranges() == [FrameRange(24, 48)]
    assert seen.frozen_ranges(bounds) == [FrameRange(24, 48), FrameRange(71, 120)]
    detect = "blackdetect=d=0.5,freezedetect=d=1.5,metadata=print:file=d"
    clips.run_in(tmp_path, "-i", path, "-vf", detect, "-f", "null", "-")
    lines = (tmp_path / "d").read_text(encoding="utf-8").splitlines()
    marks = dict(line.partition("=")[::2] for line in lines if line.startswith("lavfi"))
    assert float(marks["lavfi.black_start"]) == 24 / 24
    assert float(marks["lavfi.freezedetect.freeze_start"]) == pytest.approx(71 / 24, abs=1e-3)
