"""A local folder as a storage."""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from workbench.errors import DestinationUnusable, StorageError
from workbench.files import atomic_file, file_stamp, sha256_of, write_errors_explained
from workbench.storage.base import OnBytes, Stored

_BLOCK = 1 << 20  # bytes copied at once


@dataclass(frozen=True)
class Folder:
    """A local folder, or a network folder that every worker sees. Files are read in place."""

    root: Path
    follow_links: bool = True  # whether links may lead to files outside the folder

    def url(self, name: str) -> str:
        return f"{self.root}{os.sep}{name}" if name else str(self.root)

    def files(self, prefix: str = "") -> Iterator[Stored]:
        if not self.root.is_dir():
            return
        for parent, folders, names in os.walk(self.root / prefix.rpartition("/")[0]):
            folders.sort()
            for file in sorted(names):
                path = Path(parent, file)
                name = path.relative_to(self.root).as_posix()
                if name.startswith(prefix) and (found := _stored(path, name)):
                    yield found

    def find(self, name: str) -> Stored | None:
        with suppress(StorageError):  # no file has an invalid name
            return _stored(self._path(name), name)
        return None

    def fetch(self, name: str, folder: Path, on_bytes: OnBytes | None = None) -> Path:
        return self._path(name)

    def store(self, file: Path, name: str, sha256: str, on_bytes: OnBytes | None = None) -> Stored:
        path = self._path(name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            why = str(error.strerror).lower()
            raise DestinationUnusable(f"cannot create the folder {path.parent}: {why}") from error
        with atomic_file(path, overwrite=True) as temporary, write_errors_explained(path):
            _link_or_copy(file, temporary, on_bytes)
        found = _stored(path, name)
        if found is None:
            raise StorageError(f"{path} disappeared right after it was written")
        return found

    def sha256(self, name: str) -> str | None:
        try:
            return sha256_of(self._path(name))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(f"cannot read {self.url(name)}: {error.strerror}") from error

    def read(self, name: str) -> bytes | None:
        try:
            return self._path(name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(f"cannot read {self.url(name)}: {error.strerror}") from error

    def abort_uploads(self, name: str) -> None:
        """Do nothing: an unfinished file is a temporary file, which its folder's users remove."""

    def _path(self, name: str) -> Path:
        """Return a file's path. Raises StorageError for a name that leads out of the folder."""
        parts = PurePosixPath(name).parts
        foreign = os.sep != "/" and any(c in name for c in "\\:")
        if not parts or name.startswith("/") or ".." in parts or "\0" in name or foreign:
            raise StorageError(f"{name!r} is not a file name inside {self.root}")
        path = self.root.joinpath(*parts)
        if not self.follow_links and not _real(path).is_relative_to(_real(self.root)):
            raise StorageError(f"{name!r} is a link that leads out of {self.root}")
        return path


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))  # Path.resolve raises for links that form a cycle


def _stored(path: Path, name: str) -> Stored | None:
    try:
        size, changed = file_stamp(path)
    except (OSError, ValueError):  # the file is gone, or the system allows no such name
        return None
    return Stored(name, size, f"{size}-{changed}") if path.is_file() else None


def _link_or_copy(file: Path, destination: Path, on_bytes: OnBytes | None) -> None:
    """Replace an empty file with a hard link to `file`, or with a copy if links do not work."""
    with suppress(OSError):
        destination.unlink()
        os.link(file, destination)
        return
    with file.open("rb") as source, destination.open("wb") as target:
        while block := source.read(_BLOCK):
            target.write(block)
            if on_bytes:
                on_bytes(len(block))
    shutil.copystat(file, destination)
