"""A bounded cache of clips that were fetched from a bucket."""

import hashlib
import os
import shutil
from contextlib import suppress
from pathlib import Path, PurePosixPath

from workbench.files import write_errors_explained
from workbench.storage.base import OnBytes, Storage, Stored, safe_name, with_retries
from workbench.temporary import require_free_space, temporary_folder


class ClipCache:
    """Keeps fetched clips up to a total size, and deletes the least recently used first.

    Each clip is in a folder of its own, so that it keeps its name. The folder's name stands for the
    clip's URL and identity: a clip that changed in the bucket is fetched again. Several processes
    may share a cache.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        """Use this folder, for at most `limit` bytes of clips."""
        self._folder, self._limit = folder, limit

    def fetch(self, storage: Storage, stored: Stored, on_bytes: OnBytes | None = None) -> Path:
        """Return the local path of a clip; fetch it if it is not in the cache.

        A clip larger than the limit is fetched too, and is then the only one. Raises StorageError,
        DestinationUnusable.
        """
        identity = f"{storage.url(stored.name)}\n{stored.identity}"
        entry = self._folder / hashlib.sha256(identity.encode()).hexdigest()[:32]
        path = entry / safe_name(PurePosixPath(stored.name).name)
        if path.is_file():
            with suppress(OSError):
                os.utime(entry)
            return path
        with temporary_folder(self._folder, create=True) as folder:
            self._make_room(stored.size)
            require_free_space(self._folder, stored.size, stored.name)
            fetched = with_retries(lambda: storage.fetch(stored.name, folder, on_bytes))
            with write_errors_explained(entry):
                (folder / "entry").mkdir()
                fetched.rename(folder / "entry" / path.name)
            with suppress(OSError):  # another process has fetched the same clip meanwhile
                (folder / "entry").rename(entry)
        return path

    def _make_room(self, size: int) -> None:
        """Delete clips, the least recently used first, until `size` more bytes fit."""
        entries = [entry for entry in self._folder.iterdir() if not entry.name.startswith(".")]
        sizes = {entry: sum(file.stat().st_size for file in entry.iterdir()) for entry in entries}
        total = sum(sizes.values())
        for entry in sorted(entries, key=lambda entry: entry.stat().st_mtime_ns):
            if total + size <= self._limit:
                return
            shutil.rmtree(entry, ignore_errors=True)
            total -= sizes[entry]
