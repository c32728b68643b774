"""Measure time per frame and peak memory for long and large clips."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests import clips
from tests.benchmarks.figures import Figure, Run, figure, watched

_RATE = 8  # frames/s: as low as generators deliver, so that an hour is affordable


def growing(folder: Path, minutes: Sequence[int], size: str) -> Iterator[Figure]:
    """Convert clips of these lengths with QC, record and report."""
    few, *_, most = minutes
    base = folder / "minute.mp4"
    picture = f"{clips.sky(size, str(_RATE), 60)},format=yuv420p"
    clips.run("-f", "lavfi", "-i", picture, "-c:v", "libx264", "-crf", "18", base)
    runs = {}
    for count in minutes:
        path = folder / "long.mp4"
        sound = ["-f", "lavfi", "-i", f"sine=d={60 * count}:r=48000"]
        looped = ["-stream_loop", str(count - 1), "-i", base, *sound, "-t", str(60 * count)]
        clips.run(*looped, "-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "aac", path)
        runs[count] = convert(path)
        report = path.with_name("long_prores.report.html")
        each = 1000 * runs[count].seconds / (60 * count * _RATE)
        yield figure(f"time per frame, {count} min, {size}", [each], None, "ms")
        yield figure(f"size of the report, {count} min", [report.stat().st_size / 1e6], 3, "MB")
    first, last = runs[few], runs[most]
    slower = last.seconds / most / (first.seconds / few)
    yield figure(f"time per frame, {most} min over {few} min", [slower], 1.1, "times")
    gained = last.memory - first.memory
    yield figure(f"peak memory, {most} min minus {few} min", [gained], 100, "MB")
    yield figure(f"peak memory of ffmpeg, {most} min", [last.programs], None, "MB")


def large(folder: Path, length: int) -> Iterator[Figure]:
    """Convert `length` seconds of 4K with QC, record and report."""
    path = folder / "large.mp4"
    picture = f"{clips.sky('3840x2160', '24', length)},format=yuv420p"
    clips.run("-f", "lavfi", "-i", picture, "-c:v", "libx264", "-preset", "veryfast", path)
    run = convert(path)
    yield figure(
        f"time per frame, {length} s, 4K", [1000 * run.seconds / (24 * length)], None, "ms"
    )
    yield figure(f"peak memory, {length} s of 4K", [run.memory], None, "MB")
    yield figure(f"peak memory of ffmpeg, {length} s of 4K", [run.programs], None, "MB")


def convert(path: Path) -> Run:
    """Run the command, then delete everything but the report."""
    run = watched(sys.executable, "-m", "workbench", "convert", path, "--report", "--overwrite")
    path.unlink()
    path.with_name(f"{path.stem}_prores.mov").unlink()
    return run
