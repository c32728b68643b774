"""Storage: a folder on this machine or a prefix of a bucket, behind one small protocol.

A file in it has a name, with "/" between folders, and takes that name only when it is whole.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol, TypeVar

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from workbench.errors import DestinationUnusable, StorageDown, StorageError, StorageRefused
from workbench.files import blamed_on, expanded, file_stamp, replacing, sha256_of

Follower = Callable[[int], None]
"""Told how many more bytes went through; what it raises ends the transfer."""

S3 = "s3://"

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Stored:
    """A file in a storage."""

    name: str  # below the storage's own place
    size: int  # bytes
    identity: str  # another one when the file is another: size and time, or the ETag


class Storage(Protocol):
    """Where files are. Methods raise StorageError."""

    def url(self, name: str) -> str:
        """Return a file's full name, for people."""

    def files(self, prefix: str = "") -> Iterator[Stored]:
        """Yield every file below whose name begins so, in the order of names."""

    def find(self, name: str) -> Stored | None:
        """Return a file by its name, None where there is none."""

    def fetch(self, name: str, folder: Path, follow: Follower | None = None) -> Path:
        """Return a file as a local one: itself, or a copy in `folder`, its SHA-256 checked."""

    def store(self, file: Path, name: str, sha256: str, follow: Follower | None = None) -> Stored:
        """Give a local file this name in the storage, whole or not at all."""

    def sha256(self, name: str) -> str | None:
        """Return the SHA-256 of a file, in hex, None where there is none or it is not known."""

    def read(self, name: str) -> bytes | None:
        """Return a small file's contents, None where there is none."""

    def clear(self, name: str) -> None:
        """Remove what a killed upload to this name left behind.

        Should one be under way elsewhere, it fails there and is tried again.
        """


def patiently(act: Callable[[], _T], pause: Callable[[float], None] = time.sleep) -> _T:
    """Try again what a storage could not do, on top of its client's own quick tries."""
    again = Retrying(
        retry=retry_if_exception_type(StorageDown),
        stop=stop_after_attempt(3),
        wait=wait_random_exponential(multiplier=2, max=30),
        sleep=pause,
        reraise=True,
    )
    return again(act)


def is_remote(place: str | Path) -> bool:
    return str(place).startswith(S3)


def refuse_address(place: str | Path) -> None:
    """Raise StorageRefused for an address of another kind, and do not repeat it.

    Such as https://, which may hold a password or be signed: it would be taken for a file's name.
    """
    scheme, colon, _ = str(place).partition("://")
    if colon and scheme.isalnum() and not is_remote(place):
        raise StorageRefused(
            f"{scheme}:// is nothing that clips can be in: take a folder or s3://bucket/prefix"
        )


def open_storage(place: str | Path, profile: str | None = None) -> Storage:
    """Open the storage at a local folder or s3://bucket/prefix.

    `profile` names a profile of the AWS configuration. Raises StorageRefused.
    """
    refuse_address(place)
    if is_remote(place):
        from workbench.batch.s3 import open_bucket

        return open_bucket(str(place), profile)
    return Folder(expanded(place).absolute())


def safe_name(name: str) -> str:
    r"""Return a file name that every system can have, as like to this one as it can be.

    >>> safe_name("a/b\n:c.mp4")
    'a_b__c.mp4'
    """
    kept = "".join(c if c.isprintable() and c not in '\\/:*?"<>|' else "_" for c in name)
    path = PurePosixPath(kept)
    suffix = path.suffix.encode()[:_SUFFIX].decode(errors="ignore")
    stem = path.stem.encode()[:_STEM].decode(errors="ignore").strip(" .")
    return f"{stem or '_'}{suffix}"


_STEM, _SUFFIX = (
    180,
    12,
)  # bytes; file systems take 255, and what is made of a clip adds to its name


@dataclass(frozen=True)
class Folder:
    """A folder of this machine, or one that all workers see. Nothing is copied out of it."""

    root: Path
    links: bool = True  # whether links in it may lead to files elsewhere

    def url(self, name: str) -> str:
        return f"{self.root}{os.sep}{name}" if name else str(self.root)

    def files(self, prefix: str = "") -> Iterator[Stored]:
        if not self.root.is_dir():
            return
        for where, folders, names in os.walk(self.root / prefix.rpartition("/")[0]):
            folders.sort()
            for file in sorted(names):
                path = Path(where, file)
                name = path.relative_to(self.root).as_posix()
                if name.startswith(prefix) and (found := _stored(path, name)):
                    yield found

    def find(self, name: str) -> Stored | None:
        with suppress(StorageError):  # what cannot be a name is nobody's
            return _stored(self._path(name), name)
        return None

    def fetch(
        self,
        name: str,
        folder: Path,
        follow: Follower | None = None,
    ) -> Path:
        return self._path(name)

    def store(
        self,
        file: Path,
        name: str,
        sha256: str,
        follow: Follower | None = None,
    ) -> Stored:
        path = self._path(name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DestinationUnusable(
                f"{path.parent} cannot be made: {str(error.strerror).lower()}"
            ) from error
        with replacing(path, overwrite=True) as temporary, blamed_on(path):
            _give(file, temporary, follow)
        found = _stored(path, name)
        if found is None:
            raise StorageError(f"{path} is gone, although it was just written")
        return found

    def sha256(self, name: str) -> str | None:
        try:
            return sha256_of(self._path(name))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(f"{self.url(name)} cannot be read: {error.strerror}") from error

    def read(self, name: str) -> bytes | None:
        try:
            return self._path(name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(f"{self.url(name)} cannot be read: {error.strerror}") from error

    def clear(self, name: str) -> None:
        """Nothing: what was being written lies in scratch folders."""

    def _path(self, name: str) -> Path:
        parts = PurePosixPath(name).parts
        odd = os.sep != "/" and any(c in name for c in "\\:")
        if not parts or name.startswith("/") or ".." in parts or "\0" in name or odd:
            raise StorageError(f"{name!r} is not the name of a file below {self.root}")
        path = self.root.joinpath(*parts)
        if not self.links and not _real(path).is_relative_to(_real(self.root)):
            raise StorageError(f"{name!r} leads out of {self.root}")
        return path


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))  # Path.resolve raises for links that go in circles


def _stored(path: Path, name: str) -> Stored | None:
    try:
        size, changed = file_stamp(path)
    except (OSError, ValueError):  # it went away, or cannot have been there
        return None
    return Stored(name, size, f"{size}-{changed}") if path.is_file() else None


def _give(file: Path, destination: Path, follow: Follower | None) -> None:
    """Let `destination`, an empty file, be this file as well: a second name, else a copy."""
    with suppress(OSError):
        destination.unlink()
        os.link(file, destination)
        return
    with file.open("rb") as source, destination.open("wb") as target:
        while block := source.read(_BLOCK):
            target.write(block)
            if follow:
                follow(len(block))
    shutil.copystat(file, destination)


_BLOCK = 1 << 20  # bytes copied at once
