"""The service with a bucket as its source: fetching, and faults of the bucket."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from urllib.parse import quote, urlsplit

import httpx
import psutil
import pytest

from tests.service.served import PROMPT, Served, serving, slowest_health, until
from tests.service.test_problems import problem
from tests.storage.bucket import Bucket
from workbench.deliver.encode import convert
from workbench.deliver.settings import Settings
from workbench.service import problems

ODD = "shots/a folder/nöel 日本 #1 50%25 +a&b?.mp4"
SKY = "/convert/prores/sky.mp4"
LARGE = 8 << 20  # bytes, in one part


def path_of(key: str) -> str:
    return f"/convert/prores/{quote(key)}"


def assert_nothing_private(bucket: Bucket, text: str) -> None:
    """Fail if a text contains the bucket's address or credentials, or internals of the service."""
    private = (bucket.key, bucket.secret, bucket.endpoint, urlsplit(bucket.endpoint).netloc)
    for word in (*private, "s3://", "vault", "Traceback", "AWS4-HMAC"):
        assert word not in text


@dataclass(frozen=True)
class Private(Served):
    """A service whose responses are all searched for private texts."""

    bucket: Bucket

    def ask(self, path: str, method: str = "GET", **headers: str) -> httpx.Response:
        answer = super().ask(path, method, **headers)
        assert_nothing_private(
            self.bucket, f"{answer.headers} {answer.content.decode(errors='replace')}"
        )
        return answer

    def log_line(self, instance: str) -> str:
        """Return the line of the log with a problem's id."""
        (line,) = [line for line in self.log.splitlines() if instance in line]
        return line


def over(bucket: Bucket, service: Served) -> Private:
    return Private(**vars(service), bucket=bucket)


@pytest.fixture(scope="module")
def shared(bucket_server: Bucket, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Private]:
    temp = tmp_path_factory.mktemp("served") / "temp"
    options = ("--encodes", "2", "--queue", "4", "--cache-size", "0")  # so that all fetch
    with serving("s3:///vault", temp, *options, **bucket_server.environment) as service:
        yield over(bucket_server, service)
        for secret in (bucket_server.key, bucket_server.secret, bucket_server.endpoint):
            assert secret not in service.log
        assert "Traceback" not in service.log


@pytest.fixture
def service(shared: Private, bucket: Bucket, untagged: Path) -> Iterator[Private]:
    """The service, and a bucket that holds sky.mp4 only."""
    bucket.put("vault/sky.mp4", untagged)
    yield shared
    bucket.clear()
    bucket.up()
    until(shared.idle)


@pytest.fixture(scope="module")
def movie(untagged: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    destination = tmp_path_factory.mktemp("delivered") / "sky.mov"
    return convert(untagged, destination, Settings(preset="classic")).destination.read_bytes()


def test_any_key_gives_the_file_that_convert_makes(
    service: Private, bucket: Bucket, untagged: Path, movie: bytes
) -> None:
    bucket.put(
        f"vault/{ODD}", untagged, {"sha256": hashlib.sha256(untagged.read_bytes()).hexdigest()}
    )
    bucket.put("vault/A.mp4", b"")
    answer = service.ask(path_of(ODD))
    assert answer.status_code == 200
    assert answer.content == movie
    assert quote(ODD.replace("/", "_"), safe="") in answer.headers["Content-Disposition"]
    missing = problem(service.ask(path_of("%41.mp4")), problems.MISSING)  # and not A.mp4
    assert missing.detail == "the storage has no clip with the key %41.mp4"


def test_another_object_has_another_etag(service: Private, bucket: Bucket, untagged: Path) -> None:
    tag = service.ask(SKY, "HEAD").headers["ETag"]
    assert service.ask(SKY, If_None_Match=tag).status_code == 304
    bucket.put("vault/sky.mp4", untagged.read_bytes() + b"\0")
    other = service.ask(SKY, "HEAD", If_None_Match=tag)
    assert other.status_code == 200
    assert other.headers["ETag"] != tag
    bucket.put("vault/sky.mp4", untagged)
    assert service.ask(SKY, "HEAD").headers["ETag"] == tag
    assert {request.method for request in bucket.requests} == {"HEAD"}  # nothing was fetched


def test_an_object_that_changes_during_the_fetch(
    service: Private, bucket: Bucket, untagged: Path
) -> None:
    bucket.delay(1, method="GET")
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(service.ask, SKY)
        until(lambda: any(request.method == "GET" for request in bucket.requests))
        bucket.put("vault/sky.mp4", untagged.read_bytes()[:-1] + b"\0")
        found = problem(asked.result(), problems.STORAGE)
    assert found.detail.startswith("sky.mp4 changed while")


def test_a_storage_that_goes_down_and_comes_up(
    service: Private, bucket: Bucket, movie: bytes
) -> None:
    bucket.down()
    stop = Event()
    with ThreadPoolExecutor() as pool:
        health = pool.submit(slowest_health, service, stop)
        try:
            answers = list(pool.map(service.ask, [SKY] * 4))
        finally:
            stop.set()
        assert health.result() < PROMPT
    for answer in answers:
        found = problem(answer, problems.STORAGE)
        assert found.detail.startswith("sky.mp4: the storage does not answer (")
        assert "s3://clips/vault/sky.mp4: the storage does not" in service.log_line(found.instance)
    bucket.up()
    assert service.ask(SKY).content == movie


def test_health_does_not_wait_for_a_storage_that_hangs(service: Private, bucket: Bucket) -> None:
    bucket.delay(600, count=None)
    with ThreadPoolExecutor(12) as pool:
        asked = [pool.submit(service.ask, SKY, "HEAD") for _ in range(12)]  # 8 lookups run at once
        try:
            until(lambda: len(bucket.requests) >= 8)
            for _ in range(10):
                assert service.ask("/healthz").json() == {"status": "ok"}
        finally:
            bucket.clear()
            bucket.down()  # this ends the delays
            bucket.up()
        assert [answer.result().status_code for answer in asked] == [200] * 12


def test_a_storage_that_fails_for_a_while(service: Private, bucket: Bucket, movie: bytes) -> None:
    bucket.answer(503, method="HEAD", count=3)
    bucket.answer(503, method="GET", count=2)
    bucket.cut(1000, method="GET")
    assert service.ask(SKY).content == movie
    assert [request.status for request in bucket.requests].count(503) == 5

    bucket.answer(500, count=None)
    found = problem(service.ask(SKY), problems.STORAGE)
    assert found.detail == "sky.mp4: the storage failed after several retries (status 500)"


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_a_storage_that_refuses(service: Private, bucket: Bucket, method: str) -> None:
    bucket.answer(403, method=method, count=None)
    found = problem(service.ask(SKY), problems.STORAGE)
    assert found.detail == problems.STORAGE.meaning
    line = service.log_line(found.instance)
    assert line.endswith("sky.mp4: the storage rejected the credentials, or they do not allow this")
    assert bucket.key not in line
    assert bucket.secret not in line


def test_an_object_that_arrives_damaged(service: Private, bucket: Bucket, untagged: Path) -> None:
    bucket.put("vault/sky.mp4", untagged, {"sha256": "0" * 64})
    found = problem(service.ask(SKY), problems.STORAGE)
    assert found.detail.startswith("sky.mp4 is damaged: its SHA-256 differs from the one")


def test_a_bucket_that_does_not_exist(bucket: Bucket, tmp_path: Path) -> None:
    environment = {**bucket.environment, "R2_BUCKET": "none"}
    with serving("s3:///vault", tmp_path / "temp", **environment) as started:
        service = over(bucket, started)
        for path in (SKY, path_of(ODD)):
            found = problem(service.ask(path), problems.STORAGE)
            assert found.detail == problems.STORAGE.meaning
            assert service.log_line(found.instance).endswith("the bucket none does not exist")
        bucket.make("none")
        problem(service.ask(SKY), problems.MISSING)


def test_a_client_that_disconnects_during_the_fetch(
    service: Private, bucket: Bucket, untagged: Path
) -> None:
    bucket.put("vault/large.mp4", untagged.read_bytes().ljust(LARGE, b"\0"))
    bucket.slow(0.25, method="GET", count=None)  # 8 s
    client = service.begin(path_of("large.mp4"))
    until(lambda: any(request.sent for request in bucket.requests))
    until(lambda: service.metric("workbench_fetches_running") == 1)
    assert any(path.stat().st_size for path in service.temp.rglob("large*"))
    client.close()
    until(service.idle, 3)
    until(lambda: "large.mp4 499" in service.log)
    (fetched,) = [request for request in bucket.requests if request.method == "GET"]
    assert fetched.sent < LARGE


def test_many_requests_for_one_key_fetch_it_once(
    service: Private, bucket: Bucket, movie: bytes
) -> None:
    bucket.delay(2, method="GET", count=2)  # meanwhile all requests arrive
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(service.ask, [SKY] * 20))
    assert [answer.content == movie for answer in answers] == [True] * 20
    assert [request.method for request in bucket.requests].count("GET") == 1


def test_a_full_queue_refuses_more_keys(
    service: Private, bucket: Bucket, untagged: Path, movie: bytes
) -> None:
    """Eight fetches run, four requests wait, and the next is refused."""
    for number in range(12):
        bucket.put(f"vault/{number}.mp4", untagged)
    bucket.delay(600, method="GET", count=None)
    clients = [service.begin(path_of(f"{number}.mp4")) for number in range(12)]
    until(lambda: service.metric("workbench_fetches_running") == 8)
    until(lambda: service.metric("workbench_fetches_waiting") == 4)
    answer = service.ask(SKY)
    problem(answer, problems.BUSY)
    assert int(answer.headers["Retry-After"]) > 0
    for client in clients:
        client.close()
    bucket.clear()
    bucket.down()  # this ends the delays
    bucket.up()
    until(service.idle)
    assert service.ask(SKY).content == movie


def test_no_credential_appears_in_responses_logs_or_command_lines(
    service: Private, bucket: Bucket
) -> None:
    for path in ("/metrics", "/openapi.json", "/docs", "/healthz", "/none"):
        assert service.ask(path).text
    lines = {*psutil.Process(service.process.pid).cmdline()}
    programs = set()
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(service.ask, SKY)
        while not asked.done():
            for child in service.children():
                try:
                    programs.add(child.name())
                    lines |= {*child.cmdline()}
                except psutil.NoSuchProcess:
                    continue
    assert asked.result().status_code == 200
    assert any("ffmpeg" in name for name in programs)
    assert_nothing_private(bucket, service.log.replace("s3://clips/vault/", ""))
    assert_nothing_private(bucket, "\n".join(lines - {"s3:///vault"}))
