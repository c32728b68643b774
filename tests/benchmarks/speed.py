"""Measure speed: `make bench`. Whole processes alternate with the bare ffmpeg command.

Ratios compare neighbouring runs, so a slow moment of the machine affects both. Times are medians.
The full benchmark takes about two hours and writes docs/benchmarks.json, from which the tables in
docs/benchmarks.md and README.md are generated. QUICK=1 takes less than five minutes and only
prints its figures.
"""

import os
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click
import psutil

from tests import clips
from tests.benchmarks import batches, chains, desk, encoders, growth, ranking, record, stages, truth
from tests.benchmarks.figures import Figure, figure, process, seconds
from tests.benchmarks.following import follow, rank_correlation
from workbench import ffmpeg
from workbench.batch.plan import plan
from workbench.deliver.settings import Settings
from workbench.look.filter_chain import clip_filter_chain, encoder_input_chain
from workbench.look.preset import load_preset
from workbench.look.render import render
from workbench.measure import scopes
from workbench.media.probe import open_clip


def convert_against_bare(folder: Path, length: int, runs: int) -> Iterator[Figure]:
    """Compare the whole `workbench convert` process, verification included, with bare ffmpeg.

    One bare command is the plain one; the other adds the option that skips the encoder's search.
    All four processes alternate, so each ratio compares neighbouring runs.
    """
    clip = make(folder / f"{length}.mp4", length)

    def bare(*options: str) -> Callable[[], object]:
        argv = [ffmpeg.find(), "-nostdin", "-loglevel", "error", "-y", "-i", clip, *clips.SEED]
        return process(*argv, *options, folder / "bare.mov")

    def ours(look: str) -> Callable[[], object]:
        argv = [sys.executable, "-m", "workbench", "convert", clip, folder / "ours.mov"]
        return process(*argv, "--preset", look, "--overwrite")

    plain, finest, classic, smooth = bare(), bare("-q:v", "1"), ours("classic"), ours("smooth")
    seconds(finest)
    times = [[seconds(act) for act in (classic, plain, smooth, finest)] for _ in range(runs)]
    size = f"1080p, {length} s"
    over_plain = [one[0] / one[1] for one in times]
    goal, smooth_goal, finest_goal = (0.54, 0.64, 1.8) if length >= 10 else (0.60, None, None)
    yield figure(f"convert with QC over bare ffmpeg, {size}", over_plain, goal, "times")
    over_plain = [one[2] / one[1] for one in times]
    yield figure(
        f"convert with QC, smooth, over bare ffmpeg, {size}", over_plain, smooth_goal, "times"
    )
    over_finest = [one[0] / one[3] for one in times]
    yield figure(
        f"convert with QC over bare ffmpeg -q:v 1, {size}", over_finest, finest_goal, "times"
    )
    skipped = [one[3] / one[1] for one in times]
    yield figure(f"bare ffmpeg -q:v 1 over bare ffmpeg, {size}", skipped, None, "times")


def frames(path: Path, runs: int) -> list[Figure]:
    """Time rendering, random scrubbing and stepping in one process, as the desk does them."""
    classic = load_preset("classic")
    with open_clip(path) as clip:
        frame = clip.frame(0)
        rendering = [1000 * seconds(lambda: render(frame, classic)) for _ in range(runs)]
        picks = random.Random(5)
        order = [picks.randrange(clip.frame_count) for _ in range(runs)]
        scrubbing = [1000 * seconds(lambda i=i: clip.frame(i)) for i in order]
        clip.close()
        clip.frame(0)
        steps = range(1, clip.frame_count)
        stepping = [1000 * seconds(lambda i=i: clip.frame(i)) for i in steps]
    return [
        figure("a frame through render, 1080p", rendering, 60, "ms"),
        figure("a random frame of 10 s, 1080p", scrubbing, 100, "ms"),
        figure("the next frame, 1080p", stepping, 15, "ms"),
    ]


def scoping(path: Path, runs: int) -> list[Figure]:
    """Time each scope of one delivered frame."""
    with open_clip(path) as clip:
        frame = render(clip.frame(0), load_preset("classic"))
    kinds = (scopes.waveform, scopes.rgb_parade, scopes.vectorscope)
    return [
        figure(
            f"{kind.__name__}, 1080p",
            [1000 * seconds(lambda kind=kind: kind(frame)) for _ in range(runs)],
            25,
            "ms",
        )
        for kind in kinds
    ]


def looks(path: Path, folder: Path, runs: int) -> list[Figure]:
    """Time the filters of each look alone, on decoded pictures and without an encoder."""
    found = []
    raw = folder / "pictures.yuv"
    with open_clip(path) as clip:
        clips.run("-i", path, "-frames:v", str(_PICTURES), "-f", "rawvideo", raw)
        size = ["-pixel_format", clip.pixel_format, "-video_size", f"{clip.width}x{clip.height}"]
        for look in chains.LOOKS:
            chain = encoder_input_chain(clip_filter_chain(look, clip))
            filtered = process(
                ffmpeg.find(), "-nostdin", "-loglevel", "error", "-f", "rawvideo", *size,
                "-i", raw, "-vf", chain, "-f", "null", "-",
            )  # fmt: skip
            times = [1000 * seconds(filtered) / _PICTURES for _ in range(runs)]
            found.append(figure(f"a frame through {look.name}, 1080p", times, 25, "ms"))
    raw.unlink()
    return found


_PICTURES = 48


def tuning(path: Path, moves: int) -> list[Figure]:
    """Time the desk in JupyterLab, from the input event to the painted picture."""
    found = desk.timings(path, moves)
    painted, measured, exact = zip(*found["slider"], strict=True)
    scrubbed = [move[0] for move in found["scrub"]]
    pictures, last = zip(*found["burst"], strict=True)
    before, after = found["memory"]
    assert not found["processes"], "the desk left ffmpeg processes behind"
    return [
        figure("slider to picture, 1080p", painted, 80, "ms"),
        figure("slider to scopes and CAMBI, 1080p", measured, 300, "ms"),
        figure("slider to exact picture, 1080p", exact, None, "ms"),
        figure("scrub to picture, 1080p", scrubbed, 90, "ms"),
        figure(
            "200 slider changes in 2 s: time between pictures",
            [2000 / n for n in pictures],
            100,
            "ms",
        ),
        figure("200 slider changes in 2 s: delay of the last picture", last, 200, "ms"),
        figure("kernel memory gained in the second half of the run", [after - before], 50, "MB"),
    ]


def many(folder: Path, quick: bool) -> list[Figure]:
    """Compare batches with xargs over the bare command, and measure how their cost grows."""
    ratios = batches.against_bare(folder, 3 if quick else 16, 1 if quick else 2)
    counts = (2, 4) if quick else (8, 48)
    few, most = batches.growth(folder, counts)
    fewer, more = counts
    # Both batches pay the fixed cost of starting and ending once.
    each = (most.seconds - few.seconds) / (more - fewer)
    fixed = few.seconds - fewer * each
    return [
        figure(
            f"batch over xargs -P, {3 if quick else 16} clips of 5 s, 720p", ratios, 0.78, "times"
        ),
        figure(f"each tiny clip in a batch, {fewer} to {more} of them", [each], 0.8, "s"),
        figure("fixed cost of a batch", [fixed], None, "s"),
        figure(f"memory of the batch process, {fewer} clips", [few.memory], None, "MB"),
        figure(
            f"memory of the batch process gained by {more} clips",
            [most.memory - few.memory],
            10,
            "MB",
        ),
    ]


def starting(runs: int) -> list[Figure]:
    """Time the start of whole processes, Python included."""
    importing = [seconds(process(sys.executable, "-c", "import workbench")) for _ in range(runs)]
    helping = [seconds(process(sys.executable, "-m", "workbench", "--help")) for _ in range(runs)]
    return [
        figure("import workbench", importing, 0.2, "s"),
        figure("workbench --help", helping, 0.4, "s"),
    ]


def planning(folder: Path, count: int) -> Figure:
    """List a folder of `count` clips and plan a job for each."""
    source = folder / "listed"
    source.mkdir()
    for number in range(count):
        (source / f"{number:05}.mp4").write_bytes(b"not looked into")
    took = seconds(lambda: plan([str(source)], Settings(), None, (), exclude=None))
    return figure(f"list and plan {count:,} clips", [took], 10, "s")


def make(path: Path, length: float) -> Path:
    """Make a 1080p clip as generators deliver it: one keyframe, light grain, sound."""
    picture = f"{clips.sky('1920x1080', seconds=length)},noise=alls=3:allf=t:all_seed=7"
    inputs = ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", f"sine=d={length}:r=48000"]
    codecs = ["-c:v", "libx264", "-crf", "18", "-pix_fmt", "yuv420p", "-c:a", "aac"]
    clips.run(*inputs, *codecs, path)
    return path


def start_part(_: Path, quick: bool) -> Iterator[Figure]:
    yield from starting(5 if quick else 11)


def convert_part(folder: Path, quick: bool) -> Iterator[Figure]:
    for length in (2,) if quick else (5, 10):
        yield from convert_against_bare(folder, length, 2 if quick else 3)


def cores_part(folder: Path, quick: bool) -> Iterator[Figure]:
    """Convert a clip on one core, on two, and so on, as far as this machine has them."""
    clip = make(folder / "clip.mp4", 2 if quick else 5)
    argv = [sys.executable, "-m", "workbench", "convert", clip, folder / "ours.mov", "--overwrite"]
    allowed = psutil.Process().cpu_affinity()
    for count in (1, 2, 4, 8, 16):
        if count <= len(allowed):
            psutil.Process().cpu_affinity(allowed[:count])  # the command inherits it
            times = [seconds(process(*argv)) for _ in range(1 if quick else 3)]
            yield figure(f"convert with QC, 1080p, cores allowed: {count}", times, None, "s")
    psutil.Process().cpu_affinity(allowed)


def encoders_part(folder: Path, quick: bool) -> Iterator[str]:
    """Compare both encoders' files over every frame of the real clips."""
    yield from encoders.table(sorted(clips.REAL.glob("*.mp4"))[: 2 if quick else None], folder)


def stages_part(folder: Path, quick: bool) -> Iterator[Figure]:
    """Measure the CPU time of each stage of a conversion."""
    clip = make(folder / "clip.mp4", 2 if quick else 10)
    yield from stages.stages(clip, folder)


def frames_part(folder: Path, quick: bool) -> Iterator[Figure]:
    clip = make(folder / "clip.mp4", 4 if quick else 10)
    yield from frames(clip, 60 if quick else 200)
    yield from scoping(clip, 10 if quick else 25)


def desk_part(folder: Path, quick: bool) -> Iterator[Figure]:
    yield from tuning(make(folder / "clip.mp4", 4 if quick else 10), 6 if quick else 50)


def batch_part(folder: Path, quick: bool) -> Iterator[Figure]:
    yield planning(folder, 10_000)
    yield from many(folder, quick)


def growth_part(folder: Path, quick: bool) -> Iterator[Figure]:
    minutes, size = ((1, 2), "416x240") if quick else ((1, 10, 60), "1920x1080")
    yield from growth.growing(folder, minutes, size)


def large_part(folder: Path, quick: bool) -> Iterator[Figure]:
    yield from growth.large(folder, 1 if quick else 60)


def looks_part(folder: Path, quick: bool) -> Iterator[Figure]:
    yield from looks(make(folder / "clip.mp4", 2), folder, 1 if quick else 5)


def truth_part(_: Path, quick: bool) -> Iterator[Figure | str]:
    """Compare looks with scenes whose true gradient is known, and contour with the true error."""
    sizes, rates = ([(1280, 720)], [4]) if quick else ([(1280, 720), (1920, 1080)], [4, 18])
    yield from chains.table(sizes, rates, [2] if quick else [2, 12, 23])
    yield from truth.table(truth.MEASURED[:1] if quick else truth.MEASURED)
    if quick:
        return
    overall, within = rank_correlation(list(follow()))
    yield (
        f"rank correlation of contour with the true error: {overall:.2f} over all scenes, "
        f"{within:.2f} within a scene (median)"
    )
    yield from ranking.table()


PARTS: dict[str, Callable[[Path, bool], Iterator[Figure | str]]] = {
    "start": start_part,
    "convert": convert_part,
    "cores": cores_part,
    "encoders": encoders_part,
    "stages": stages_part,
    "frames": frames_part,
    "desk": desk_part,
    "batch": batch_part,
    "looks": looks_part,
    "truth": truth_part,
    "large": large_part,
    "growth": growth_part,
}


@click.command()
@click.option("--only", type=click.Choice(list(PARTS)), multiple=True, help="Measure these parts.")
def main(only: Sequence[str]) -> None:
    """Measure speed, print the figures, and write them to docs/ unless QUICK is set."""
    quick = bool(os.environ.get("QUICK"))
    for name in only or PARTS:
        with tempfile.TemporaryDirectory() as folder:
            part = record.measured(PARTS[name](Path(folder), quick))
        click.echo(
            f"{name}: {part.machine}, load average {part.load:.1f} before, {part.seconds:.0f} s"
        )
        click.echo("\n".join(record.lines(part)))
        if not quick:
            record.keep(name, part)


if __name__ == "__main__":
    main()
