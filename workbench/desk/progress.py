"""A progress bar that follows an ffmpeg run, in a terminal and in a notebook's output alike."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from tqdm import tqdm

from workbench.ffmpeg import Progress


@contextmanager
def progress_bar(
    frames: int, label: str, stream: TextIO | None = None
) -> Iterator[Callable[[Progress], None]]:
    """Give a callback that moves a bar of so many frames; `stream` is stderr unless given.

    Plain text and not a widget, so that an executed notebook still shows it when it is opened.
    """
    with tqdm(total=frames, desc=label, unit=" frames", file=stream, ascii=" ▏▎▍▌▋▊▉█") as bar:

        def follow(progress: Progress) -> None:
            bar.update(min(progress.frame, frames) - bar.n)

        yield follow
