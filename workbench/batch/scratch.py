"""Scratch: the folder where files wait on their way, cleared whatever happens to its owner."""

import os
import shutil
import socket
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from workbench.errors import DestinationUnusable

_MARK = ".workbench-"


def default_root() -> Path:
    """Return where scratch folders go unless a person says otherwise."""
    return Path(tempfile.gettempdir())


@contextmanager
def scratch(root: Path) -> Iterator[Path]:
    """Give a new folder in `root`, removed at the end with all that is in it.

    What was left there by a process of this machine that is gone is removed first. Raises
    DestinationUnusable.
    """
    clear_dead(root)
    owner = psutil.Process()
    name = f"{_MARK}{_host()}-{owner.pid}-{_since(owner)}-{uuid.uuid4().hex[:8]}"
    folder = root / name
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise DestinationUnusable(
            f"{root} cannot hold temporary files: {str(error.strerror).lower()}"
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def clear_dead(root: Path) -> None:
    """Remove scratch folders whose owner, a process of this machine, does not run any more."""
    mine = f"{_MARK}{_host()}-"
    for folder in root.glob(f"{mine}*"):
        pid, since, *_ = folder.name.removeprefix(mine).split("-")
        if pid.isdecimal() and not _alive(int(pid), since):
            shutil.rmtree(folder, ignore_errors=True)


def _alive(pid: int, since: str) -> bool:
    try:
        return _since(psutil.Process(pid)) == since
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:  # another user's: not ours to clear
        return True


def _since(process: psutil.Process) -> str:
    """Return when a process began: its number may be another's later."""
    return str(round(process.create_time()))


def _host() -> str:
    """Return this machine's name; a shared disk holds the folders of several."""
    return "".join(c if c.isalnum() else "_" for c in socket.gethostname())


def refuse_full_disk(folder: Path, need: int, what: str) -> None:
    """Raise DestinationUnusable unless the disk of a folder has so many bytes free."""
    free = shutil.disk_usage(folder).free
    if free < need:
        raise DestinationUnusable(
            f"{what} needs about {need / 1e6:.0f} MB for its files on the way, and the disk of "
            f"{os.fspath(folder)} has {free / 1e6:.0f} MB free: make room, or name another folder "
            "with --temp"
        )
