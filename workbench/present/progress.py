"""Progress bars that follow a run, in a terminal and in a notebook's output alike."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TextIO

from tqdm import tqdm

from workbench.batch.outcome import Standing
from workbench.ffmpeg import Progress

Follower = Callable[[Progress | int], None]
"""Moves a bar to what ffmpeg says, or to so many frames."""


@contextmanager
def progress_bar(frames: int, label: str, stream: TextIO | None = None) -> Iterator[Follower]:
    """Give a callback that moves a bar of so many frames; `stream` is stderr unless given.

    Plain text and not a widget, so that an executed notebook still shows it when it is opened.
    """
    with tqdm(total=frames, desc=label, unit=" frames", file=stream, ascii=" ▏▎▍▌▋▊▉█") as bar:

        def follow(progress: Progress | int) -> None:
            done = progress if isinstance(progress, int) else progress.frame
            bar.update(min(done, frames) - bar.n)

        yield follow


@contextmanager
def counting_bar(count: int, label: str) -> Iterator[Callable[[int], None]]:
    """Give a callback that moves a bar on stderr to so many of a count; only on a terminal."""
    with tqdm(total=count, desc=label, disable=None, ascii=" ▏▎▍▌▋▊▉█") as bar:

        def follow(done: int) -> None:
            bar.update(done - bar.n)

        yield follow


@contextmanager
def batch_bar(
    stream: TextIO | None = None,
) -> Iterator[tuple[Callable[[Standing], None], Callable[[str], None]]]:
    """Give what moves a bar to how a batch stands, and what writes a line above it.

    In a terminal or, with sys.stdout for a stream, in a notebook.
    """
    with ExitStack() as stack:
        bars: list[tqdm[Any]] = []

        def follow(standing: Standing) -> None:
            if not bars:
                new: tqdm[Any] = tqdm(
                    total=standing.total,
                    desc="clips",
                    unit=" clips",
                    file=stream,
                    ascii=" ▏▎▍▌▋▊▉█",
                    smoothing=0,  # the last few say little: workers finish together
                )
                bars.append(stack.enter_context(new))
            (bar,) = bars
            bar.initial = standing.unchanged  # which took no time
            bar.set_postfix_str(_standing(standing), refresh=False)
            bar.update(standing.done - bar.n)
            bar.refresh()

        yield follow, lambda line: tqdm.write(line, file=stream)


def _standing(standing: Standing) -> str:
    stages = Counter(stage for stage in standing.running.values() if stage)
    parts = [f"{count} {stage}" for stage, count in sorted(stages.items())]
    parts += ["waiting for workers"] if standing.waiting else []
    parts += [f"{standing.failed} FAILED"] if standing.failed else []
    moved = (("down", standing.fetched), ("up", standing.stored))
    parts += [f"{size / 1e6:.0f} MB {way}" for way, size in moved if size]
    return ", ".join(parts)


@contextmanager
def delivery_bars(frames: int, stream: TextIO | None = None) -> Iterator[tuple[Follower, Follower]]:
    """Give callbacks for encoding and for checking; each bar appears when its work begins."""
    with ExitStack() as stack:

        def bar(label: str) -> Follower:
            followers: list[Follower] = []

            def follow(progress: Progress | int) -> None:
                if not followers:
                    stack.close()  # the bar before is done
                    followers.append(stack.enter_context(progress_bar(frames, label, stream)))
                followers[0](progress)

            return follow

        yield bar("encoding"), bar("checking")
