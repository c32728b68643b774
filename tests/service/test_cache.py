"""A service with a cache: hits, byte ranges, shared conversions, restarts and faults."""

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.service.served import Served, serving, until
from tests.storage.bucket import Bucket

SKY = "/convert/prores/shots/sky.mp4"
LONG = "/convert/prores/long.mp4"
MEDIUM = "/convert/prores/medium.mp4"


@pytest.fixture
def service(storage: Path, tmp_path: Path) -> Iterator[Served]:
    with serving(storage, tmp_path / "temp", "--encodes", "1") as service:
        yield service
        until(service.idle)
        assert "Traceback" not in service.log


def cache_counts(service: Served) -> tuple[float, float, float]:
    """Return the hits, the misses, and the requests that shared a conversion."""
    names = ("cache_hits", "cache_misses", "conversions_shared")
    hits, misses, shared = (service.metric(f"workbench_{name}_total") for name in names)
    return hits, misses, shared


def test_a_second_request_is_answered_from_the_cache(service: Served) -> None:
    before = service.ask(SKY, "HEAD")
    assert "Content-Length" not in before.headers
    first, second = service.ask(SKY), service.ask(SKY)
    assert (first.status_code, second.status_code) == (200, 200)
    assert second.content == first.content
    assert second.headers["X-Workbench-Verdict"] == first.headers["X-Workbench-Verdict"]
    assert cache_counts(service) == (1, 1, 0)
    assert service.converted() == 1
    assert service.metric("workbench_cache_bytes") == len(first.content)
    head = service.ask(SKY, "HEAD")
    assert head.headers["Content-Length"] == str(len(first.content))
    assert head.headers["X-Workbench-Verdict"] == first.headers["X-Workbench-Verdict"]
    assert service.ask(f"{SKY}?preset=untouched").content != first.content
    assert service.converted() == 2


def test_an_interrupted_download_resumes_from_the_cache(service: Served) -> None:
    client = service.begin(MEDIUM)
    head = client.recv(1 << 12)
    assert head.startswith(b"HTTP/1.1 200")
    client.close()
    until(service.idle)
    tag = service.ask(MEDIUM, "HEAD").headers["ETag"]
    rest = service.ask(MEDIUM, Range="bytes=1000-", If_Range=tag)
    start = service.ask(MEDIUM, Range="bytes=0-999", If_Range=tag)
    assert (start.status_code, rest.status_code) == (206, 206)
    assert start.content + rest.content == service.ask(MEDIUM).content
    assert service.converted() == 1


def test_parallel_byte_ranges_share_one_conversion(service: Served) -> None:
    size = len(service.ask(f"{MEDIUM}?preset=untouched").content)
    step = size // 8
    ranges = [f"bytes={n * step}-{'' if n == 7 else (n + 1) * step - 1}" for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        parts = list(pool.map(lambda wanted: service.ask(MEDIUM, Range=wanted), ranges))
    assert [part.status_code for part in parts] == [206] * 8
    assert len({part.headers["ETag"] for part in parts}) == 1
    assert b"".join(part.content for part in parts) == service.ask(MEDIUM).content
    assert service.converted() == 2
    hits, misses, shared = cache_counts(service)
    assert misses == 2
    assert shared > 0
    assert hits + shared == 8


def test_a_shared_conversion_lasts_as_long_as_one_client_waits(service: Served) -> None:
    clients = [service.begin(LONG) for _ in range(3)]
    until(lambda: bool(service.children()) and cache_counts(service)[2] == 2)
    (encoder,) = service.children()
    clients[0].close()  # it started the conversion
    clients[1].close()
    until(lambda: service.log.count("long.mp4 499") == 2)
    assert encoder.is_running()
    clients[2].close()
    until(lambda: not encoder.is_running())
    until(service.idle)
    assert service.converted() == 0
    assert service.metric("workbench_cache_bytes") == 0


def test_a_changed_clip_is_not_answered_from_the_cache(
    service: Served, storage: Path, banded: Path
) -> None:
    clip = storage / "replaced.mp4"
    shutil.copy(storage / "shots" / "sky.mp4", clip)
    try:
        first = service.ask("/convert/prores/replaced.mp4")
        shutil.copy(banded, clip)
        second = service.ask("/convert/prores/replaced.mp4")
        assert (first.status_code, second.status_code) == (200, 200)
        assert second.content != first.content
        assert second.headers["ETag"] != first.headers["ETag"]
        assert service.converted() == 2
        clip.unlink()
        assert service.ask("/convert/prores/replaced.mp4").status_code == 404
    finally:
        clip.unlink(missing_ok=True)


def test_two_clips_of_the_same_size_and_time_are_told_apart(
    service: Served, storage: Path, untagged: Path
) -> None:
    """Copies can have equal modification times: the key of the cache has the clip's name."""
    names = ("twin-1.mp4", "twin-2.mp4")
    for name in names:
        shutil.copy(untagged, storage / name)
        os.utime(storage / name, ns=(10**18, 10**18))
    try:
        tags = {service.ask(f"/convert/prores/{name}", "HEAD").headers["ETag"] for name in names}
        assert len(tags) == 2
    finally:
        for name in names:
            (storage / name).unlink()


def test_a_kept_cache_serves_after_a_restart(storage: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    with serving(storage, tmp_path / "first", "--cache", str(kept)) as service:
        content = service.ask(SKY).content
    assert [path.suffix for path in kept.iterdir()] == [".mov"]
    assert kept.stat().st_mode & 0o777 == 0o700, "other users can read the clips"
    with serving(storage, tmp_path / "second", "--cache", str(kept)) as service:
        assert service.metric("workbench_cache_bytes") == len(content)
        assert service.ask(SKY).content == content
        assert service.converted() == 0


def test_a_temporary_cache_is_deleted_at_the_end(storage: Path, tmp_path: Path) -> None:
    with serving(storage, tmp_path / "temp") as service:
        service.ask(SKY)
        (folder,) = service.temp.glob("*/cache")
        assert len(list(folder.iterdir())) == 1
    assert not list((tmp_path / "temp").iterdir())


def test_the_cache_can_be_turned_off(storage: Path, tmp_path: Path) -> None:
    with serving(storage, tmp_path / "temp", "--cache-size", "0") as service:
        assert service.ask(SKY).content == service.ask(SKY).content
        assert service.converted() == 2
        assert not list(service.temp.glob("*/cache"))
        assert cache_counts(service) == (0, 0, 0)


def test_a_file_larger_than_the_cache_is_sent_and_not_kept(storage: Path, tmp_path: Path) -> None:
    with serving(storage, tmp_path / "temp", "--cache-size", "0.00001") as service:
        assert service.ask(SKY).content == service.ask(SKY).content
        assert service.converted() == 2
        assert service.metric("workbench_cache_bytes") == 0


def test_a_cache_that_cannot_be_written_does_not_stop_the_service(
    storage: Path, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.touch()
    with serving(storage, tmp_path / "first", "--cache", str(file)) as service:
        assert "running without a cache: " in service.log
        assert service.ask(SKY).status_code == 200
    kept = tmp_path / "kept"
    with serving(storage, tmp_path / "second", "--cache", str(kept)) as service:
        content = service.ask(SKY).content
        shutil.rmtree(kept)
        assert service.ask(SKY).content == content
        assert "cannot write to the cache: " in service.log
        assert service.converted() == 2
        until(service.idle)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_a_killed_service_leaves_no_partial_entry(storage: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    with serving(storage, tmp_path / "first", "--cache", str(kept)) as killed:
        killed.ask(SKY)
        client = killed.begin(LONG)
        until(lambda: bool(killed.children()))
        children = killed.children()
        killed.process.send_signal(signal.SIGKILL)
        killed.process.wait()
        client.close()
        for child in children:
            if child.is_running():
                child.kill()
    entries = [path.name for path in kept.glob("*.mov")]
    assert len(entries) == 1
    with serving(storage, tmp_path / "second", "--cache", str(kept)) as service:
        names = [path.name for path in kept.iterdir()]
        assert len(names) == 2  # the entry, and the folder of this process
        assert service.ask(SKY).status_code == 200
        assert service.converted() == 0
    assert [path.name for path in kept.iterdir()] == entries


def test_a_stalled_fetch_does_not_keep_others_from_being_encoded(
    bucket: Bucket, untagged: Path, tmp_path: Path
) -> None:
    bucket.put("stalls.mp4", untagged)
    bucket.put("sky.mp4", untagged)
    options = ("--encodes", "1", "--queue", "0")
    with serving("s3:///", tmp_path / "temp", *options, **bucket.environment) as service:
        bucket.delay(600, method="GET", where="stalls.mp4", count=None)
        stalled = service.begin("/convert/prores/stalls.mp4")
        until(lambda: service.metric("workbench_fetches_running") == 1)
        assert service.encodes() == (0, 0)
        assert service.ask("/convert/prores/sky.mp4").status_code == 200
        assert service.metric("workbench_fetches_running") == 1
        stalled.close()
        bucket.clear()
        bucket.down()  # this ends the delay
        bucket.up()
        until(service.idle)
