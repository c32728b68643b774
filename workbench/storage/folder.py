"""A local folder as a storage."""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from workbench.errors import DestinationUnusable, StorageError
from workbench.files import blamed_on, file_stamp, replacing, sha256_of
from workbench.storage.base import Follower, Stored


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
