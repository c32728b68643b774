"""What is made for a while, under a name that says whose it is.

It is removed by whoever made it; and when that one was killed, by the next who works there.
"""

import os
import shutil
import socket
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from workbench.errors import Cancelled, DestinationUnusable
from workbench.signals import delayed_signals

_MARK = ".workbench-"


def own_name() -> str:
    """Return a hidden name for what this process removes when it is done with it.

    It is another each time, and says whose it is: see `clear_dead`.
    """
    owner = psutil.Process()
    return f"{_MARK}{_host()}-{owner.pid}-{_since(owner)}-{uuid.uuid4().hex[:8]}"


def is_own(path: Path) -> bool:
    """Whether a file is a temporary one of this package, or in a temporary folder of it."""
    return any(part.startswith(_MARK) for part in path.parts)


def clear_dead(folder: Path) -> None:
    """Remove what has such a name, and whose owner, a process of this machine, is gone."""
    mine = f"{_MARK}{_host()}-"
    for path in folder.glob(f"{mine}*"):
        pid, since, *_ = path.name.removeprefix(mine).split("-")
        if pid.isdecimal() and not _alive(int(pid), since):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                with suppress(OSError):
                    path.unlink()


def _alive(pid: int, since: str) -> bool:
    try:
        return _since(psutil.Process(pid)) == since
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:  # another user's: not ours to clear
        return True


def _since(process: psutil.Process) -> str:
    """Return when a process began: its number may be another's later.

    That is counted from the system's start, and not by a clock that somebody may set.
    """
    return str(round(100 * (process.create_time() - psutil.boot_time())))


def _host() -> str:
    """Return this machine's name; a shared disk holds the folders of several."""
    return "".join(c if c.isalnum() else "_" for c in socket.gethostname())


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Give a folder for what a tool writes and is read at once, in the system's temporary one.

    A tool does not always say that its file was cut short. So a disk that is full is said here.
    Raises DestinationUnusable.
    """
    root = Path(tempfile.gettempdir())
    clear_dead(root)
    folder = root / own_name()
    full = DestinationUnusable(
        f"the disk of {root} is full: make room for temporary files, or let TMPDIR name another "
        "folder"
    )
    try:
        make_folder(folder)
        yield folder
        if shutil.disk_usage(folder).free < _FULL:
            raise full
    except Exception as error:
        if isinstance(error, Cancelled) or not folder.is_dir():
            raise
        if shutil.disk_usage(folder).free >= _CRAMPED:
            raise
        raise full from error
    finally:
        remove_folder(folder)


def make_folder(folder: Path) -> None:
    """Make a temporary folder for this user alone. Raises DestinationUnusable.

    Call it within the `try` that removes the folder: Ctrl-C may come right after it was made.
    """
    try:
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise DestinationUnusable(
            f"{folder.parent} cannot hold temporary files: {str(error.strerror).lower()}"
        ) from error


def remove_folder(folder: Path) -> None:
    """Remove a temporary folder and all in it; try again when a process that ends still writes."""
    for pause in _PAUSES:
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.lexists(folder):
            return
        time.sleep(pause)


_PAUSES = (0.05, 0.2, 0.5, 0.0)  # seconds after each try
_FULL, _CRAMPED = 4096, 1 << 20  # bytes free: nothing fits any more, and not much


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
        with delayed_signals():
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
