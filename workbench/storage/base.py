"""The storage protocol, which local folders and buckets implement.

File names in a storage use "/" between folders. A file appears under its name only when it is
complete.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol, TypeVar

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from workbench.errors import StorageDown

OnBytes = Callable[[int], None]
"""A callback that receives the number of bytes transferred since its last call.

Any exception that it raises stops the transfer.
"""

_T = TypeVar("_T")

_STEM_BYTES, _SUFFIX_BYTES = 180, 12  # file systems allow 255; names of delivered files add to it


@dataclass(frozen=True, slots=True)
class Stored:
    """A file in a storage."""

    name: str  # relative to the storage's root
    size: int  # bytes
    identity: str  # differs when the file differs: size and modification time, or the ETag


class Storage(Protocol):
    """A place that holds files. Every method raises StorageError."""

    def url(self, name: str) -> str:
        """Return a file's full path or URL, for messages and records."""

    def files(self, prefix: str = "") -> Iterator[Stored]:
        """Yield every file whose name starts with `prefix`, sorted by name."""

    def find(self, name: str) -> Stored | None:
        """Return a file by its name, or None if it does not exist."""

    def fetch(self, name: str, folder: Path, on_bytes: OnBytes | None = None) -> Path:
        """Return a local path to a file: its own, or that of a copy in `folder`.

        The SHA-256 of a copy is checked if the storage knows it.
        """

    def store(self, file: Path, name: str, sha256: str, on_bytes: OnBytes | None = None) -> Stored:
        """Write a local file to the storage under this name, atomically."""

    def sha256(self, name: str) -> str | None:
        """Return a file's SHA-256 in hex, or None if there is no file or no known checksum."""

    def read(self, name: str) -> bytes | None:
        """Return the contents of a small file, or None if it does not exist."""

    def abort_uploads(self, name: str) -> None:
        """Abort unfinished uploads of this file, which a killed process leaves behind.

        An upload that another process is running fails there, and that process retries it.
        """


def with_retries(act: Callable[[], _T], pause: Callable[[float], None] = time.sleep) -> _T:
    """Call `act`, and retry it twice after StorageDown, with exponential backoff.

    The storage's client has made its own quick retries by then. `pause` waits between attempts, in
    seconds, and may raise to stop.
    """
    retrying = Retrying(
        retry=retry_if_exception_type(StorageDown),
        stop=stop_after_attempt(3),
        wait=wait_random_exponential(multiplier=2, max=30),
        sleep=pause,
        reraise=True,
    )
    return retrying(act)


def safe_name(name: str) -> str:
    r"""Return a file name that is valid on every system, and as close to `name` as possible.

    >>> safe_name("a/b\n:c.mp4")
    'a_b__c.mp4'
    """
    kept = "".join(c if c.isprintable() and c not in '\\/:*?"<>|' else "_" for c in name)
    path = PurePosixPath(kept)
    suffix = path.suffix.encode()[:_SUFFIX_BYTES].decode(errors="ignore")
    stem = path.stem.encode()[:_STEM_BYTES].decode(errors="ignore").strip(" .")
    return f"{stem or '_'}{suffix}"
