"""Temporary files and folders, named after the process that owns them.

The owner removes them. If it was killed, the next process that works in the same folder sees from
the name that the owner is dead, and removes them.
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

_PREFIX = ".workbench-"
_RETRY_PAUSES = (0.05, 0.2, 0.5, 0.0)  # seconds after each attempt to remove a folder
_NO_SPACE = 4096  # bytes free, below which a disk counts as full
_LITTLE_SPACE = 1 << 20  # bytes free, below which an error is blamed on the full disk


def temporary_name() -> str:
    """Return a new hidden name for a file or folder that this process will remove.

    It has the form .workbench-HOST-PID-STARTED-RANDOM, from which `remove_leftovers` finds the
    owner.
    """
    owner = psutil.Process()
    return f"{_PREFIX}{_host()}-{owner.pid}-{_start_time(owner)}-{uuid.uuid4().hex[:8]}"


def is_temporary(path: Path) -> bool:
    """Return whether a path is a temporary file of this package, or lies in a temporary folder."""
    return any(part.startswith(_PREFIX) for part in path.parts)


def remove_leftovers(folder: Path) -> None:
    """Remove temporary files and folders whose owner, a process of this machine, is dead."""
    prefix = f"{_PREFIX}{_host()}-"
    for path in folder.glob(f"{prefix}*"):
        pid, started, *_ = path.name.removeprefix(prefix).split("-")
        if not pid.isdecimal() or _is_running(int(pid), started):
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()


def _is_running(pid: int, started: str) -> bool:
    try:
        return _start_time(psutil.Process(pid)) == started
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:  # another user's process, so its files are not ours to remove
        return True


def _start_time(process: psutil.Process) -> str:
    """Return when a process started, in 1/100 s since boot.

    It tells two processes with the same PID apart. The wall clock is not used: a user can set it.
    """
    return str(round(100 * (process.create_time() - psutil.boot_time())))


def _host() -> str:
    """Return this machine's name: several machines may use one folder on a shared disk."""
    return "".join(c if c.isalnum() else "_" for c in socket.gethostname())


def system_folder() -> Path:
    """Return the system's folder for temporary files, which TMPDIR can change."""
    return Path(tempfile.gettempdir())


@contextmanager
def temporary_folder(root: Path, *, create: bool = False) -> Iterator[Path]:
    """Yield a new folder in `root` that only this user can read, and remove it afterwards.

    Leftovers of dead processes in `root` are removed first. `create` creates `root` if it does not
    exist. Raises DestinationUnusable.
    """
    require_folder(root, may_be_missing=create)
    if create:
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            why = str(error.strerror).lower()
            raise DestinationUnusable(f"cannot create the folder {root}: {why}") from error
    remove_leftovers(root)
    folder = root / temporary_name()
    try:  # Ctrl-C may come right after the folder was created
        _create(folder)
        yield folder
    finally:
        with delayed_signals():
            _remove(folder)


@contextmanager
def tool_folder() -> Iterator[Path]:
    """Yield a temporary folder for files that an external tool writes, such as a filter's log.

    A tool does not always report that its file was cut short. So a full disk raises
    DestinationUnusable, whether or not the block failed.
    """
    root = system_folder()
    full = DestinationUnusable(
        f"the disk of {root} is full: free some space, or set TMPDIR to a folder on another disk"
    )
    with temporary_folder(root) as folder:
        try:
            yield folder
        except Cancelled:
            raise
        except Exception as error:
            if shutil.disk_usage(root).free >= _LITTLE_SPACE:
                raise
            raise full from error
        if shutil.disk_usage(root).free < _NO_SPACE:
            raise full


def _create(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700)
    except OSError as error:
        why = str(error.strerror).lower()
        raise DestinationUnusable(
            f"cannot create temporary files in {folder.parent}: {why}"
        ) from error


def _remove(folder: Path) -> None:
    """Remove a folder and its contents. Retry while a process that is ending still writes there."""
    for pause in _RETRY_PAUSES:
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.lexists(folder):
            return
        time.sleep(pause)


def require_folder(folder: Path, *, may_be_missing: bool = False) -> None:
    """Raise DestinationUnusable unless the path is a folder, or missing and allowed to be."""
    if folder.is_dir():
        return
    if os.path.lexists(folder):
        raise DestinationUnusable(f"{folder} is a file: choose a folder")
    if not may_be_missing:
        raise DestinationUnusable(f"{folder} does not exist: create it, or choose another folder")


def require_free_space(folder: Path, size: int, source: str) -> None:
    """Raise DestinationUnusable unless a disk has `size` bytes free to convert `source`."""
    free = shutil.disk_usage(folder).free
    if free < size:
        raise DestinationUnusable(
            f"{source} needs about {size / 1e6:.0f} MB for temporary files, and the disk of "
            f"{os.fspath(folder)} has {free / 1e6:.0f} MB free: free some space, or choose another "
            "folder with --temp"
        )
