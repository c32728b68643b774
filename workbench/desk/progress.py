"""Progress bars that follow a run, in a terminal and in a notebook's output alike."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TextIO

from tqdm import tqdm

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
def counting_bar(
    count: int, label: str, stream: TextIO | None = None
) -> Iterator[Callable[[int], None]]:
    """Give a callback that moves a bar to so many of a count; on a terminal alone if stderr's."""
    quiet = None if stream is None else False
    with tqdm(total=count, desc=label, file=stream, disable=quiet, ascii=" ▏▎▍▌▋▊▉█") as bar:

        def follow(done: int) -> None:
            bar.update(done - bar.n)

        yield follow


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
