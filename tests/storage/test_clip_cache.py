"""Clips of a bucket are fetched once, and the least recently used one makes room."""

import os
from pathlib import Path

import pytest

from tests.storage.bucket import Bucket
from workbench.errors import Cancelled, DestinationUnusable, ObjectMissing
from workbench.storage.base import Storage, Stored
from workbench.storage.clip_cache import ClipCache
from workbench.storage.locations import open_storage


@pytest.fixture
def opened(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> Storage:
    for name, value in bucket.environment.items():
        monkeypatch.setenv(name, value)
    for name in "abc":
        bucket.put(f"in/{name}.mp4", name.encode() * 100)
    return open_storage("s3:///in")


def stored(storage: Storage, name: str) -> Stored:
    found = storage.find(name)
    assert found
    return found


def fetched(bucket: Bucket) -> list[str]:
    """Return the names of the clips that were downloaded."""
    return [one.path[-5:] for one in bucket.requests if one.method == "GET" and one.sent]


def test_a_clip_is_fetched_once(opened: Storage, bucket: Bucket, tmp_path: Path) -> None:
    cache = ClipCache(tmp_path / "cache", 1000)
    moved: list[int] = []
    path = cache.fetch(opened, stored(opened, "a.mp4"), moved.append)
    assert (path.name, path.read_bytes(), sum(moved)) == ("a.mp4", b"a" * 100, 100)
    assert ClipCache(tmp_path / "cache", 1000).fetch(opened, stored(opened, "a.mp4")) == path
    assert fetched(bucket) == ["a.mp4"]


def test_a_changed_clip_is_fetched_again(opened: Storage, bucket: Bucket, tmp_path: Path) -> None:
    cache = ClipCache(tmp_path / "cache", 1000)
    former = cache.fetch(opened, stored(opened, "a.mp4"))
    bucket.put("in/a.mp4", b"new")
    path = cache.fetch(opened, stored(opened, "a.mp4"))
    assert path.read_bytes() == b"new"
    assert former.read_bytes() == b"a" * 100


@pytest.mark.parametrize(("limit", "kept"), [(300, {"a", "b", "c"}), (299, {"a", "c"})])
def test_the_least_recently_used_clip_makes_room(
    opened: Storage, tmp_path: Path, limit: int, kept: set[str]
) -> None:
    cache = ClipCache(tmp_path / "cache", limit)
    for seconds, name in enumerate("aba"):
        path = cache.fetch(opened, stored(opened, f"{name}.mp4"))
        os.utime(path.parent, (seconds, seconds))
    cache.fetch(opened, stored(opened, "c.mp4"))
    assert {path.stem for path in (tmp_path / "cache").rglob("*.mp4")} == kept


def test_a_download_that_stops_leaves_nothing(
    opened: Storage, bucket: Bucket, tmp_path: Path
) -> None:
    def stop(_: int) -> None:
        raise Cancelled("stopped")

    cache = ClipCache(tmp_path / "cache", 1000)
    with pytest.raises(Cancelled):
        cache.fetch(opened, stored(opened, "a.mp4"), stop)
    found = stored(opened, "b.mp4")
    bucket.delete("in/b.mp4")
    with pytest.raises(ObjectMissing, match=r"b\.mp4 does not exist"):
        cache.fetch(opened, found)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_folder_that_cannot_be_made(opened: Storage, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DestinationUnusable, match=r"not a (directory|folder)"):
        ClipCache(tmp_path / "file/cache", 1000).fetch(opened, stored(opened, "a.mp4"))
