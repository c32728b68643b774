"""Files that take their name only when they are whole: the old one stays until the new one is."""

import hashlib
import os
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from workbench.arguments import shown
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
def replacing(destination: Path, *, overwrite: bool) -> Iterator[Path]:
    """Give an empty file beside `destination`; it takes that name when the block ends well.

    Whatever happens, no other file is left. Raises DestinationExists, DestinationUnusable.
    """
    with replacing_set(destination, (), overwrite=overwrite) as (temporary,):
        yield temporary


@contextmanager
def replacing_set(
    destination: Path, beside: Sequence[Path], *, overwrite: bool
) -> Iterator[list[Path]]:
    """Give an empty file as `replacing` does, and names for those that belong to it.

    What the block writes under these takes the names `beside` together with the file; of what it
    does not write, the former one goes, because it speaks of another file. Whoever is killed on
    the way leaves a file without them, and never with those of another.
    """
    finals = [destination, *beside]
    temporaries = [path.with_name(f"{temporary_name()}.partial{path.suffix}") for path in finals]
    try:
        refuse_existing(destination, overwrite)
        with blamed_on(destination):
            temporaries[0].open("xb").close()
        yield temporaries
        pairs = zip(temporaries, finals, strict=True)
        written = [pair for pair in pairs if pair[1] == destination or pair[0].exists()]
        for temporary, final in written:
            with blamed_on(final):
                settle(temporary)
        with delayed_signals(), _alone_in(destination.parent):
            refuse_existing(destination, overwrite)
            for final in beside:
                with suppress(OSError):
                    final.unlink()
            for temporary, final in written:
                with blamed_on(final):
                    temporary.replace(final)
    finally:
        with delayed_signals():
            for temporary in temporaries:
                with suppress(OSError):  # what hinders it was said already
                    temporary.unlink(missing_ok=True)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep others of this package, on this machine, from giving names in a folder meanwhile."""
    if sys.platform == "win32":
        yield
        return
    opened = None
    try:
        with suppress(OSError):  # some network disks know no locks
            opened = os.open(folder, os.O_RDONLY)
            fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        if opened is not None:
            os.close(opened)


def settle(path: Path) -> None:
    """Wait until a file's contents are on the disk: else a power cut could leave its name alone.

    Raises OSError.
    """
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def expanded(path: str | Path, name: str = "a path") -> Path:
    """Return a path with ~ as the home folder; one of nobody's stays as it is.

    Raises ParameterError for what is no path, and for an empty text, which would be the current
    folder. `name` is what the message calls it.
    """
    text = os.fspath(path) if isinstance(path, str | os.PathLike) else None
    if not isinstance(text, str):
        raise ParameterError(f"{name} is {shown(path)}: give a path, as text or a pathlib.Path")
    if not text.strip():
        raise ParameterError(f"{name} is empty: fill it in")
    if "\0" in text:
        raise ParameterError(f"{name} is {shown(text)}: a path has no null character in it")
    return Path(os.path.expanduser(text))  # noqa: PTH111 - Path.expanduser raises for nobody's


def file_stamp(path: Path) -> tuple[int, int]:
    """Return a file's size in bytes and its time of change in ns: they tell if it was changed.

    Raises OSError.
    """
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def sha256_of(path: Path, between: Callable[[], None] = lambda: None) -> str:
    """Return the SHA-256 of a file's contents, in hex.

    `between` is called after each mebibyte, so that it can raise to stop. Raises OSError.
    """
    found, part = hashlib.sha256(), memoryview(bytearray(1 << 20))
    with path.open("rb", buffering=0) as file:
        while size := file.readinto(part):
            found.update(part[:size])
            between()
    return found.hexdigest()


def read_toml(path: Path, blame: type[WorkbenchError]) -> dict[str, Any]:
    """Read a TOML file that a person wrote; raises `blame`, in one sentence."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise blame(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise blame(f"{path.name} is not a TOML file: {error}") from error


def write_text(destination: Path, text: str, *, overwrite: bool) -> None:
    """Write a small text file, whole or not at all. Raises as `replacing` does."""
    with replacing(destination, overwrite=overwrite) as temporary:
        put_text(temporary, text, blame=destination)


def put_text(path: Path, text: str, *, blame: Path) -> None:
    """Write text to a file that will have the name `blame`. Raises DestinationUnusable."""
    with blamed_on(blame):
        # A file name need not be UTF-8: what is not is written as an escape.
        path.write_text(text, encoding="utf-8", errors="backslashreplace")


def refuse_existing(destination: Path, overwrite: bool) -> None:
    """Raise DestinationExists, or DestinationUnusable for a folder or a name that cannot be."""
    with blamed_on(destination):
        if destination.is_dir():
            raise DestinationUnusable(f"{destination} is a folder: give a file name")
        if destination.exists() and not overwrite:
            raise DestinationExists(f"{destination} exists already and is not to be overwritten")


@contextmanager
def blamed_on(destination: Path) -> Iterator[None]:
    """Say of which file it is that something could not be written."""
    try:
        yield
    except (DestinationExists, DestinationUnusable):
        raise
    except OSError as error:
        why = str(error.strerror).lower()
        if not os.path.lexists(destination.parent):
            why = f"its folder {destination.parent} does not exist"
        elif destination.parent.is_file():
            why = f"{destination.parent} is a file and not a folder"
        raise DestinationUnusable(f"{destination} cannot be written: {why}") from error
