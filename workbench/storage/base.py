"""Storage: a folder on this machine or a prefix of a bucket, behind one small protocol.

A file in it has a name, with "/" between folders, and takes that name only when it is whole.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol, TypeVar

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from workbench.errors import StorageDown

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
