"""Progress bars of conversions and batches, for terminals and notebooks."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TextIO

from tqdm import tqdm

from workbench.batch.outcome import Standing
from workbench.ffmpeg import Progress

Follower = Callable[[Progress | int], None]
"""Callback that moves a bar to ffmpeg's progress, or to a number of frames."""


@contextmanager
def progress_bar(frames: int, label: str, stream: TextIO | None = None) -> Iterator[Follower]:
    """Yield a callback that moves a bar of this many frames; the default `stream` is stderr.

    The bar is plain text, not a widget, so that a stored notebook still shows it.
    """
    with tqdm(total=frames, desc=label, unit=" frames", file=stream, ascii=" ▏▎▍▌▋▊▉█") as bar:

        def follow(progress: Progress | int) -> None:
            done = progress if isinstance(progress, int) else progress.frame
            bar.update(min(done, frames) - bar.n)

        yield follow


@contextmanager
def counting_bar(count: int, label: str) -> Iterator[Callable[[int], None]]:
    """Yield a callback that moves a bar to a number of this count; shown in terminals only."""
    with tqdm(total=count, desc=label, disable=None, ascii=" ▏▎▍▌▋▊▉█") as bar:

        def follow(done: int) -> None:
            bar.update(done - bar.n)

        yield follow


@contextmanager
def batch_bar(
    stream: TextIO | None = None,
) -> Iterator[tuple[Callable[[Standing], None], Callable[[str], None]]]:
    """Yield a callback that moves the bar of a batch, and one that writes a line above it.

    The default `stream` is stderr; a notebook needs sys.stdout.
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
                    smoothing=0,  # an average: workers finish together
                )
                bars.append(stack.enter_context(new))
            (bar,) = bars
            bar.initial = standing.unchanged  # these took no time
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
    """Yield callbacks for encoding and checking; each bar appears when its work begins."""
    with ExitStack() as stack:

        def bar(label: str) -> Follower:
            followers: list[Follower] = []

            def follow(progress: Progress | int) -> None:
                if not followers:
                    stack.close()  # close the previous bar
                    followers.append(stack.enter_context(progress_bar(frames, label, stream)))
                followers[0](progress)

            return follow

        yield bar("encoding"), bar("checking")
