"""Levels equal ffmpeg's own filters."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from tests import clips
from workbench.look.preset import load_preset
from workbench.look.render import render
from workbench.measure.levels import Levels, LevelsTimeline, Stretch, levels
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
