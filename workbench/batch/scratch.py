"""Scratch: the folder where files wait on their way, cleared whatever happens to its owner."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.errors import DestinationUnusable
from workbench.owned import clear_dead, own_name


def default_root() -> Path:
    """Return where scratch folders go unless a person says otherwise."""
    return Path(tempfile.gettempdir())


@contextmanager
def scratch(root: Path) -> Iterator[Path]:
    """Give a new folder in `root`, for this user alone, removed at the end with all in it.

    What was left there by a process of this machine that is gone is removed first. Raises
    DestinationUnusable.
    """
    clear_dead(root)
    folder = root / own_name()
    try:
        folder.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise DestinationUnusable(
            f"{root} cannot hold temporary files: {str(error.strerror).lower()}"
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def refuse_full_disk(folder: Path, need: int, what: str) -> None:
    """Raise DestinationUnusable unless the disk of a folder has so many bytes free."""
    free = shutil.disk_usage(folder).free
    if free < need:
        raise DestinationUnusable(
            f"{what} needs about {need / 1e6:.0f} MB for its files on the way, and the disk of "
            f"{os.fspath(folder)} has {free / 1e6:.0f} MB free: make room, or name another folder "
            "with --temp"
        )
