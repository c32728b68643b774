"""The cache of converted files by itself: eviction, size limit, copies, faults of the disk."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from workbench.service import cache as cache_module
from workbench.service import conversion
from workbench.service.cache import FileCache, open_cache
from workbench.service.conversion import ConvertedFile
from workbench.storage.folder import Folder

KEYS = [f"{number:032x}" for number in range(9)]


@pytest.fixture
def cache(tmp_path: Path) -> FileCache:
    return make_cache(tmp_path, limit=100)


def make_cache(folder: Path, limit: int) -> FileCache:
    for name in ("entries", "links"):
        (folder / name).mkdir(exist_ok=True)
    return FileCache(folder / "entries", folder / "links", limit)


def put(cache: FileCache, folder: Path, key: str, size: int, used: int) -> bool:
    """Store a file of `size` bytes, last used at the time `used` in seconds."""
    file = folder / f"{key}.made"
    file.write_bytes(key[-1].encode() * size)
    os.utime(file, (used, used))
    return cache.put(key, ConvertedFile(file, "warn"))


def cached_keys(folder: Path) -> set[str]:
    return {path.name.split(".")[0] for path in (folder / "entries").iterdir()}


def test_the_least_recently_used_entry_is_evicted_first(cache: FileCache, tmp_path: Path) -> None:
    for number in range(3):
        assert put(cache, tmp_path, KEYS[number], 30, used=100 + number)
    with cache.opened(KEYS[0]) as found:
        assert found
        assert (found.path.read_bytes(), found.verdict) == (b"0" * 30, "warn")
    assert put(cache, tmp_path, KEYS[3], 30, used=200)
    assert cached_keys(tmp_path) == {KEYS[0], KEYS[2], KEYS[3]}
    assert cache.size == 90
    assert not list((tmp_path / "links").iterdir())


def test_a_file_that_cannot_fit_evicts_nothing(cache: FileCache, tmp_path: Path) -> None:
    assert put(cache, tmp_path, KEYS[0], 90, used=100)
    assert not put(cache, tmp_path, KEYS[1], 101, used=101)
    assert cached_keys(tmp_path) == {KEYS[0]}


def test_the_size_stays_within_the_limit(cache: FileCache, tmp_path: Path) -> None:
    for number, size in enumerate((50, 49, 1, 99, 100, 20, 80, 81, 7)):
        assert put(cache, tmp_path, KEYS[number], size, used=100 + number)
        sizes = [path.stat().st_size for path in (tmp_path / "entries").iterdir()]
        assert sum(sizes) == cache.size <= 100


def test_a_lower_limit_evicts_at_the_start(cache: FileCache, tmp_path: Path) -> None:
    for number in range(3):
        put(cache, tmp_path, KEYS[number], 30, used=100 + number)
    assert make_cache(tmp_path, limit=40).size == 30
    assert cached_keys(tmp_path) == {KEYS[2]}


def test_half_of_the_disk_stays_free(
    cache: FileCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With 60 of 100 bytes in entries and 20 free, they may use 40."""
    for number in range(3):
        put(cache, tmp_path, KEYS[number], 20, used=100 + number)
    monkeypatch.setattr(cache_module.shutil, "disk_usage", lambda _: SimpleNamespace(free=20))
    assert put(cache, tmp_path, KEYS[3], 20, used=200)
    assert cached_keys(tmp_path) == {KEYS[2], KEYS[3]}


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be deleted there")
def test_an_evicted_file_can_still_be_read(cache: FileCache, tmp_path: Path) -> None:
    put(cache, tmp_path, KEYS[0], 60, used=100)
    with cache.opened(KEYS[0]) as found:
        assert put(cache, tmp_path, KEYS[1], 60, used=101)
        assert cached_keys(tmp_path) == {KEYS[1]}
        assert found
        assert found.path.read_bytes() == b"0" * 60


def test_other_files_in_the_folder_are_left_alone(cache: FileCache, tmp_path: Path) -> None:
    others = ["holiday.mov", f"{KEYS[5]}.mov", f"{KEYS[5]}.warn.mov.txt", "x" * 32 + ".warn.mov"]
    for name in others:
        (tmp_path / "entries" / name).write_bytes(bytes(500))
    for number in range(4):
        assert put(cache, tmp_path, KEYS[number], 90, used=100 + number)
    assert {*others} < {path.name for path in (tmp_path / "entries").iterdir()}
    assert cache.size == 90


def test_without_hard_links_files_are_copied(
    cache: FileCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_link(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(cache_module.os, "link", no_link)
    assert put(cache, tmp_path, KEYS[0], 30, used=100)
    with cache.opened(KEYS[0]) as found:
        assert found
        assert found.path.parent == tmp_path / "entries"
        assert found.path.read_bytes() == b"0" * 30
    assert cached_keys(tmp_path) == {KEYS[0]}


@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_a_disk_that_fails_leaves_no_partial_entry(
    cache: FileCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: int
) -> None:
    def no_link(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    def cut_short(source: Path, destination: Path) -> None:
        destination.write_bytes(source.read_bytes()[:10])
        raise OSError(fault, os.strerror(fault))

    monkeypatch.setattr(cache_module.os, "link", no_link)
    monkeypatch.setattr(cache_module.shutil, "copyfile", cut_short)
    assert not put(cache, tmp_path, KEYS[0], 30, used=100)
    assert not list((tmp_path / "entries").iterdir())
    with cache.opened(KEYS[0]) as found:
        assert found is None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_a_process_killed_while_copying_leaves_no_partial_entry(tmp_path: Path) -> None:
    code = f"""
import os, pathlib, signal
from workbench.service import cache, conversion
folder = pathlib.Path({str(tmp_path)!r})
def link(*_):
    raise OSError
def copy(source, destination):
    destination.write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
(folder / "made").write_bytes(bytes(60))
with cache.open_cache(folder / "kept", folder, 100) as opened:
    cache.os.link, cache.shutil.copyfile = link, copy
    opened.put({KEYS[0]!r}, conversion.ConvertedFile(folder / "made", "pass"))
"""
    done = subprocess.run([sys.executable, "-c", code], timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    kept = tmp_path / "kept"
    assert not list(kept.glob("[!.]*"))
    assert len(list(kept.iterdir())) == 2  # the copy and the folder for links
    with open_cache(kept, tmp_path, 100) as cache:
        assert cache
        assert cache.size == 0
        assert len(list(kept.iterdir())) == 1  # its own folder for links
    assert not list(kept.iterdir())


def test_no_entry_is_stored_twice(cache: FileCache, tmp_path: Path) -> None:
    assert put(cache, tmp_path, KEYS[0], 30, used=100)
    assert put(cache, tmp_path, KEYS[0], 30, used=101)
    assert cache.size == 30


def test_other_code_gives_other_keys(storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kept cache must not answer with files that older code made."""
    keys = set()
    for digest in ("older", "newer"):
        monkeypatch.setattr(conversion, "code_digest", lambda digest=digest: digest)
        keys.add(conversion.find_requested(Folder(storage), "shots/sky.mp4", "classic").key)
    assert len(keys) == 2


def test_the_code_digest_covers_code_presets_and_policies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "look" / "presets").mkdir(parents=True)
    monkeypatch.setattr(conversion.workbench, "__file__", str(tmp_path / "__init__.py"))
    digests = set()
    for name in ("__init__.py", "look/smooth.py", "look/presets/classic.toml"):
        for content in ("1", "2"):
            (tmp_path / name).write_text(content)
            digests.add(conversion.code_digest.__wrapped__())
    assert len(digests) == 6
