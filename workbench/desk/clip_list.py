"""Clip list: the clips of a folder, a glob or a bucket, and the local path of each.

A clip's location is its local path or its URL, such as s3://bucket/shots/a.mp4.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Self

import platformdirs

from workbench.batch.sources import find_clips
from workbench.deliver.destination import is_clip
from workbench.errors import ObjectMissing
from workbench.storage.base import OnBytes, Storage, Stored
from workbench.storage.clip_cache import ClipCache
from workbench.storage.locations import is_remote, open_storage

_CACHE_SIZE = 20 * 10**9  # bytes of fetched clips
_WILDCARDS = "*?["


def is_search(place: str) -> bool:
    """Return whether a place is a URL or a glob, and not a path.

    >>> is_search("s3://shots/day 1"), is_search("shots/*.mp4"), is_search("shots")
    (True, True, False)
    """
    return is_remote(place) or any(c in place for c in _WILDCARDS)


def found_clips(place: str) -> dict[str, str]:
    """Search a bucket or a glob; return the location of each clip by its name there.

    Raises StorageError, BatchError.
    """
    found = find_clips(place, None, None)
    return {one.stored.name: f"{one.place.rstrip('/')}/{one.stored.name}" for one in found}


def folder_clips(folder: Path) -> dict[str, str]:
    """Return the path of each clip in a folder by its name, sorted. Raises OSError."""
    found = sorted(path for path in folder.iterdir() if is_clip(path.name) and path.is_file())
    return {path.name: str(path) for path in found}


def clip_name(location: str) -> str:
    """Return the file name of a clip."""
    return (PurePosixPath if is_remote(location) else Path)(location).name


def matching(clips: Mapping[str, str], words: str) -> dict[str, str]:
    """Return the clips whose names have all of these words, in any order and case.

    >>> matching({"Day 1/sky.mp4": "a", "day 2/sky.mp4": "b"}, "sky day")
    {'Day 1/sky.mp4': 'a', 'day 2/sky.mp4': 'b'}
    >>> matching({"Day 1/sky.mp4": "a", "day 2/sky.mp4": "b"}, "1 SKY")
    {'Day 1/sky.mp4': 'a'}
    """
    wanted = words.casefold().split()
    return {
        name: clip for name, clip in clips.items() if all(one in name.casefold() for one in wanted)
    }


@dataclass(frozen=True)
class RemoteClip:
    """A clip of a bucket."""

    storage: Storage
    stored: Stored

    @classmethod
    def at(cls, location: str) -> Self:
        """Find a clip by its URL. Raises ObjectMissing, StorageError."""
        place, _, name = location.rpartition("/")
        storage = open_storage(place)
        stored = storage.find(name)
        if stored is None:
            raise ObjectMissing(f"{location} does not exist")
        return cls(storage, stored)

    def fetch(self, on_bytes: OnBytes) -> Path:
        """Return the path of a copy in a bounded cache; download it if it is not there.

        Raises StorageError, DestinationUnusable, and what `on_bytes` raises.
        """
        folder = platformdirs.user_cache_path("workbench", appauthor=False) / "clips"
        return ClipCache(folder, _CACHE_SIZE).fetch(self.storage, self.stored, on_bytes)
