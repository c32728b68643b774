"""Scratch: the folder where files wait on their way, cleared whatever happens to its owner."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.errors import DestinationUnusable
from workbench.files import held
from workbench.owned import clear_dead, make_folder, own_name, remove_folder


def default_root() -> Path:
    """Return where scratch folders go unless a person says otherwise."""
    return Path(tempfile.gettempdir())


@contextmanager
def scratch(root: Path, *, create: bool = False) -> Iterator[Path]:
    """Give a new folder in `root`, for this user alone, removed at the end with all in it.

    What was left there by a process of this machine that is gone is removed first. `create` makes
    `root` where it is missing. Raises DestinationUnusable.
    """
    refuse_no_folder(root, missing=create)
    if create:
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            why = str(error.strerror).lower()
            raise DestinationUnusable(f"{root} cannot be made: {why}") from error
    clear_dead(root)
    folder = root / own_name()
    try:
        make_folder(folder)
        yield folder
    finally:
        with held():
            remove_folder(folder)


def refuse_no_folder(folder: Path, *, missing: bool) -> None:
    """Raise DestinationUnusable for a file in place of a folder, and unless it may be missing."""
    if folder.is_dir():
        return
    if os.path.lexists(folder):
        raise DestinationUnusable(f"{folder} is a file: give a folder")
    if not missing:
        raise DestinationUnusable(f"{folder} does not exist: make the folder, or name another")


def refuse_full_disk(folder: Path, need: int, what: str) -> None:
    """Raise DestinationUnusable unless the disk of a folder has so many bytes free."""
    free = shutil.disk_usage(folder).free
    if free < need:
        raise DestinationUnusable(
            f"{what} needs about {need / 1e6:.0f} MB for its files on the way, and the disk of "
            f"{os.fspath(folder)} has {free / 1e6:.0f} MB free: make room, or name another folder "
            "with --temp"
        )
