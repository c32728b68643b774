"""A bounded cache of converted files on disk.

An entry is one file, KEY.VERDICT.mov, so that it appears and disappears atomically. Its
modification time is when it was last used. There is no index: several processes may share a
folder, and a user may delete files from it at any time.
"""

import logging
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from workbench.deliver.qc import LEVELS, Level
from workbench.errors import DestinationUnusable
from workbench.files import flush_to_disk
from workbench.service.conversion import ConvertedFile
from workbench.temporary import temporary_folder, temporary_name

log = logging.getLogger(__package__)

_ENTRY = re.compile(rf"[0-9a-f]{{32,}}\.({'|'.join(LEVELS)})\.mov")


@dataclass(frozen=True)
class _Entry:
    path: Path
    size: int  # bytes
    used: int  # ns


class FileCache:
    """Keeps converted files up to a total size, and evicts the least recently used first.

    On POSIX systems an evicted file stays readable for requests that are sending it. On Windows a
    file that is being sent cannot be deleted: it stays in the cache until a later eviction.
    """

    def __init__(self, folder: Path, links: Path, limit: int) -> None:
        """Use `folder` for the entries, and `links`, on the same disk, for files being sent.

        `limit` is the total size of the entries in bytes.
        """
        self._folder, self._links, self._limit = folder, links, limit
        self._lock = Lock()
        self.size = 0  # bytes, when an entry was last stored
        with self._lock:
            self._make_room(0)

    def find(self, key: str) -> ConvertedFile | None:
        """Return the entry with this key, or None. It may be evicted at any time."""
        for verdict in LEVELS:
            path = self._path(key, verdict)
            if os.path.isfile(path):  # noqa: PTH113 - Path.is_file may raise PermissionError
                return ConvertedFile(path, verdict)
        return None

    @contextmanager
    def opened(self, key: str) -> Iterator[ConvertedFile | None]:
        """Yield the entry with this key, or None, and mark it as used.

        The file exists until the block ends, even if the entry is evicted: it is a hard link. On
        a file system without hard links it is the entry itself.
        """
        entry = self.find(key)
        if entry is None:
            yield None
            return
        link = self._links / f"{uuid.uuid4().hex}.mov"
        try:
            os.link(entry.path, link)
        except FileNotFoundError:  # the entry was evicted just now, or the folder was deleted
            yield None
            return
        except OSError:
            link = entry.path
        with suppress(OSError):
            os.utime(entry.path)
        try:
            yield ConvertedFile(link, entry.verdict)
        finally:
            if link != entry.path:
                with suppress(OSError):
                    link.unlink()

    def put(self, key: str, converted: ConvertedFile) -> bool:
        """Store a file, unless it does not fit or the folder cannot be written.

        Entries are evicted to make room for it. Returns whether the cache has the file now.
        """
        final = self._path(key, converted.verdict)
        if self.find(key):
            return True
        try:
            with self._lock:
                size = converted.path.stat().st_size
                if not self._make_room(size):
                    return False
                with suppress(FileExistsError):
                    self._store(converted.path, final)
                    self.size += size
        except OSError as error:
            log.warning("cannot write to the cache: %s", error)
            return False
        return True

    def _store(self, file: Path, final: Path) -> None:
        try:
            os.link(file, final)
        except FileExistsError:
            raise
        except OSError:  # another disk, or a file system without hard links
            temporary = final.with_name(temporary_name())
            try:
                shutil.copyfile(file, temporary)
                flush_to_disk(temporary)
                temporary.replace(final)
            finally:
                with suppress(OSError):
                    temporary.unlink(missing_ok=True)

    def _make_room(self, size: int) -> bool:
        """Evict entries until `size` more bytes fit. Return whether they fit.

        Nothing is evicted for a size that cannot fit. Raises OSError.
        """
        entries = sorted(self._entries(), key=lambda entry: entry.used)
        self.size = sum(entry.size for entry in entries)
        # Leave half of the disk to conversions, which may share it.
        limit = min(self._limit, (shutil.disk_usage(self._folder).free + self.size) // 2)
        if size > limit:
            return False
        for entry in entries:
            if self.size + size <= limit:
                break
            with suppress(PermissionError):  # it is being sent, on Windows
                entry.path.unlink(missing_ok=True)
                self.size -= entry.size
        return self.size + size <= limit

    def _entries(self) -> Iterator[_Entry]:
        with os.scandir(self._folder) as found:
            for file in found:
                if _ENTRY.fullmatch(file.name):
                    with suppress(FileNotFoundError):  # another process evicted it
                        stat = file.stat()
                        yield _Entry(Path(file.path), stat.st_size, stat.st_mtime_ns)

    def _path(self, key: str, verdict: Level) -> Path:
        return self._folder / f"{key}.{verdict}.mov"


@contextmanager
def open_cache(folder: Path | None, temporary: Path, limit: int) -> Iterator[FileCache | None]:
    """Open a cache in `folder`, or one in `temporary` that lasts as long as this process.

    Yields None where `limit` is 0 bytes. If the folder cannot be written, logs a warning and
    yields None: the service works without a cache.
    """
    with ExitStack() as stack:
        cache = None
        try:
            if limit and folder is None:
                entries = temporary / "cache"
                entries.mkdir(mode=0o700)
                cache = FileCache(entries, temporary, limit)
            elif limit and folder:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                links = stack.enter_context(temporary_folder(folder))
                cache = FileCache(folder, links, limit)
        except (OSError, DestinationUnusable) as error:
            log.warning("running without a cache: %s", error)
        yield cache
