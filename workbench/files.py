"""Write files atomically, hash them, and read files that users wrote."""

import hashlib
import os
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from workbench.argument_checks import shown
from workbench.errors import (
    DestinationExists,
    DestinationUnusable,
    ParameterError,
    WorkbenchError,
)
from workbench.signals import delayed_signals
from workbench.temporary import temporary_name

if sys.platform != "win32":
    import fcntl


@contextmanager
def atomic_file(destination: Path, *, overwrite: bool) -> Iterator[Path]:
    """Yield an empty temporary file beside `destination`, and rename it when the block ends.

    If the block raises, the temporary file is removed, and an existing `destination` is kept.
    Raises DestinationExists, DestinationUnusable.
    """
    with atomic_files(destination, (), overwrite=overwrite) as (temporary,):
        yield temporary


@contextmanager
def atomic_files(
    destination: Path, beside: Sequence[Path], *, overwrite: bool
) -> Iterator[list[Path]]:
    """Yield an empty temporary file as `atomic_file` does, and names for its sidecar files.

    Sidecars that the block writes are renamed to the names `beside`, together with the file. Stale
    sidecars are deleted. A process that is killed between two renames leaves the file without
    sidecars, but never with sidecars of another file.
    """
    finals = [destination, *beside]
    temporaries = [path.with_name(f"{temporary_name()}.partial{path.suffix}") for path in finals]
    try:
        refuse_existing(destination, overwrite)
        with write_errors_explained(destination):
            temporaries[0].open("xb").close()
        yield temporaries
        pairs = zip(temporaries, finals, strict=True)
        written = [pair for pair in pairs if pair[1] == destination or pair[0].exists()]
        for temporary, final in written:
            with write_errors_explained(final):
                flush_to_disk(temporary)
        with delayed_signals(), _locked(destination.parent):
            refuse_existing(destination, overwrite)
            for final in beside:
                with suppress(OSError):
                    final.unlink()
            for temporary, final in written:
                with write_errors_explained(final):
                    temporary.replace(final)
    finally:
        with delayed_signals():
            for temporary in temporaries:
                with suppress(OSError):  # the error that caused this was raised already
                    temporary.unlink(missing_ok=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other processes of this package on this machine from renaming files in a folder."""
    if sys.platform == "win32":
        yield
        return
    opened = None
    try:
        with suppress(OSError):  # some network file systems have no locks
            opened = os.open(folder, os.O_RDONLY)
            fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        if opened is not None:
            os.close(opened)


def flush_to_disk(path: Path) -> None:
    """Wait until a file's contents are on the disk. A power cut could otherwise leave it empty.

    Raises OSError.
    """
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def expanded(path: str | Path, name: str = "a path") -> Path:
    """Return a path with ~ expanded to the home folder. An unknown user's ~name is left unchanged.

    `name` is the parameter's name in the message. Raises ParameterError for a value that is not a
    path, and for empty text, which would mean the current folder.
    """
    text = os.fspath(path) if isinstance(path, str | os.PathLike) else None
    if not isinstance(text, str):
        raise ParameterError(f"{name} is {shown(path)}: give a path, as text or a pathlib.Path")
    if not text.strip():
        raise ParameterError(f"{name} is empty: fill it in")
    if "\0" in text:
        raise ParameterError(f"{name} is {shown(text)}: remove the null character")
    return Path(os.path.expanduser(text))  # noqa: PTH111 - Path.expanduser raises for unknown users


def file_stamp(path: Path) -> tuple[int, int]:
    """Return a file's size in bytes and its modification time in ns. Both reveal a change.

    Raises OSError.
    """
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def sha256_of(path: Path, between: Callable[[], None] = lambda: None) -> str:
    """Return the SHA-256 of a file's contents, in hex.

    `between` is called after each mebibyte, and may raise to stop. Raises OSError.
    """
    found, part = hashlib.sha256(), memoryview(bytearray(1 << 20))
    with path.open("rb", buffering=0) as file:
        while size := file.readinto(part):
            found.update(part[:size])
            between()
    return found.hexdigest()


def read_toml(path: Path, error_type: type[WorkbenchError]) -> dict[str, Any]:
    """Read a TOML file that a user wrote. Raises `error_type` if that fails."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise error_type(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise error_type(f"{path.name} is not a TOML file: {error}") from error


def write_text(destination: Path, text: str, *, overwrite: bool) -> None:
    """Write a small text file atomically. Raises the errors of `atomic_file`."""
    with atomic_file(destination, overwrite=overwrite) as temporary:
        put_text(temporary, text, reported_as=destination)


def put_text(path: Path, text: str, *, reported_as: Path) -> None:
    """Write text to a temporary file. DestinationUnusable names the file `reported_as`."""
    with write_errors_explained(reported_as):
        # Text may hold file names that are not UTF-8: those bytes are written as escapes.
        path.write_text(text, encoding="utf-8", errors="backslashreplace")


def refuse_existing(destination: Path, overwrite: bool) -> None:
    """Raise DestinationExists for an existing file, DestinationUnusable for a folder."""
    with write_errors_explained(destination):
        if destination.is_dir():
            raise DestinationUnusable(f"{destination} is a folder: give a file name")
        if destination.exists() and not overwrite:
            raise DestinationExists(f"{destination} already exists")


@contextmanager
def write_errors_explained(destination: Path) -> Iterator[None]:
    """Raise OSError in the block as DestinationUnusable, with the file and the reason."""
    try:
        yield
    except (DestinationExists, DestinationUnusable):
        raise
    except OSError as error:
        why = str(error.strerror).lower()
        if not os.path.lexists(destination.parent):
            why = f"its folder {destination.parent} does not exist"
        elif destination.parent.is_file():
            why = f"{destination.parent} is a file, not a folder"
        raise DestinationUnusable(f"{destination} cannot be written: {why}") from error
