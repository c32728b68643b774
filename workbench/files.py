"""Files that take their name only when they are whole: the old one stays until the new one is."""

import hashlib
import os
import tomllib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from workbench.errors import DestinationExists, DestinationUnusable, WorkbenchError


@contextmanager
def replacing(destination: Path, *, overwrite: bool) -> Iterator[Path]:
    """Give an empty file beside `destination`; it takes that name when the block ends well.

    Whatever happens, no other file is left. Raises DestinationExists, DestinationUnusable.
    """
    temporary = destination.parent / f".{uuid.uuid4().hex}.partial{destination.suffix}"
    refuse_existing(destination, overwrite)
    with blamed_on(destination):
        temporary.open("xb").close()
    try:
        yield temporary
        refuse_existing(destination, overwrite)
        with blamed_on(destination):
            _settle(temporary)
            temporary.replace(destination)
    finally:
        with suppress(OSError):  # what hinders it was said already
            temporary.unlink(missing_ok=True)


def _settle(path: Path) -> None:
    """Wait until a file's contents are on the disk: else a power cut could leave its name alone."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def expanded(path: str | Path) -> Path:
    """Return a path with ~ as the home folder; one of nobody's stays as it is."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - Path.expanduser raises for nobody's


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's contents, in hex. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
    with replacing(destination, overwrite=overwrite) as temporary, blamed_on(destination):
        # A file name need not be UTF-8: what is not is written as an escape.
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


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
        raise DestinationUnusable(f"{destination} cannot be written: {why}") from error
