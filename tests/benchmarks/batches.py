"""Compare batches with parallel bare ffmpeg commands, and measure how they scale."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests import clips
from tests.benchmarks.figures import Run, watched
from workbench import ffmpeg


def clip(path: Path, number: int, size: str, length: float) -> Path:
    """Make a clip with light grain and sound, different for each number."""
    picture = f"{clips.sky(size, seconds=length)},noise=alls=3:allf=t:all_seed={number + 1}"
    inputs = ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", f"sine=d={length}:r=48000"]
    codecs = ["-c:v", "libx264", "-crf", "18", "-pix_fmt", "yuv420p", "-c:a", "aac"]
    clips.run(*inputs, *codecs, path)
    return path


def bare(sources: Sequence[Path]) -> float:
    """Return the seconds that the bare command takes under xargs, one process for each core."""
    program = [str(ffmpeg.find()), "-nostdin", "-loglevel", "error", "-y", "-i", "{}", *clips.SEED]
    began = time.perf_counter()
    subprocess.run(
        ["xargs", "-P", str(os.cpu_count()), "-I", "{}", *program, "{}.bare.mov"],
        input="\n".join(map(str, sources)),
        text=True,
        check=True,
    )
    took = time.perf_counter() - began
    for source in sources:
        source.with_name(f"{source.name}.bare.mov").unlink()
    return took


def batch(folder: Path, out: Path) -> Run:
    """Run `workbench batch` over a folder, notebooks, QC and summary included."""
    run = watched(sys.executable, "-m", "workbench", "batch", folder, "--out", out)
    shutil.rmtree(out)
    return run


def against_bare(folder: Path, count: int, runs: int) -> list[float]:
    """Return the ratios of a batch of five-second 720p clips over the bare command."""
    source = folder / "five"
    source.mkdir()
    made = [clip(source / f"{n:02}.mp4", n, "1280x720", 5) for n in range(count)]
    bare(made[:1])
    ratios = []
    for _ in range(runs):
        ours = batch(source, folder / "ours").seconds
        ratios.append(ours / bare(made))
    shutil.rmtree(source)
    return ratios


def growth(folder: Path, counts: Sequence[int]) -> list[Run]:
    """Run batches of `counts` tiny clips; return the time and the batch process's memory."""
    source = folder / "tiny"
    source.mkdir()
    first = clip(source / "0000.mp4", 0, "640x360", 0.5)
    found = []
    for count in counts:
        for number in range(1, count):
            if not (copy := source / f"{number:04}.mp4").exists():
                os.link(first, copy)
        found.append(batch(source, folder / "grown"))
    shutil.rmtree(source)
    return found
