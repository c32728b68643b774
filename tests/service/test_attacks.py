"""Hostile clients: malformed requests, slow requests, and too many at once.

HTTP libraries refuse to send malformed requests, so these tests write bytes to sockets. In all of
them /healthz answers within a second, and no open file, folder or process is left.
"""

import asyncio
import inspect
import re
import selectors
import shutil
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit

import psutil
import pytest
import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.responses import Response
from uvicorn.server import ServerState

from tests.service.served import PROMPT, Served, serving, slowest_health, until
from workbench.service import app, problems
from workbench.service.connection_limits import ConnectionLimits
from workbench.service.conversion import _is_valid_key
from workbench.storage.folder import Folder

SKY = b"/convert/prores/shots/sky.mp4"
LAST = b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def place(untagged: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A storage folder with a clip outside of it, and links inside that lead there."""
    above = tmp_path_factory.mktemp("above")
    folder = above / "storage"
    (folder / "shots").mkdir(parents=True)
    shutil.copy(untagged, folder / "shots" / "sky.mp4")
    shutil.copy(untagged, above / "secret.mp4")
    (above / "secrets").mkdir()
    shutil.copy(untagged, above / "secrets" / "secret.mp4")
    (folder / "many").mkdir()
    for number in range(200):
        shutil.copy(untagged, folder / "many" / f"{number}.mp4")
    (folder / "within.mp4").symlink_to("shots/sky.mp4")
    (folder / "out.mp4").symlink_to(above / "secret.mp4")
    (folder / "relative.mp4").symlink_to("../secret.mp4")
    (folder / "secrets").symlink_to(above / "secrets")
    (folder / "circle.mp4").symlink_to("circle.mp4")
    return folder


@pytest.fixture(scope="module")
def service(place: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    temp = tmp_path_factory.mktemp("attacked") / "temp"
    with serving(place, temp, "--encodes", "1", "--queue", "2") as service:
        yield service
        assert service.idle()
        assert "Traceback" not in service.log


def connected(service: Served) -> socket.socket:
    address = urlsplit(service.url)
    return socket.create_connection((address.hostname, address.port), timeout=60)


def sent(service: Served, request: bytes) -> bytes:
    """Send bytes; return all that the server sends until it closes or pauses for a second."""
    found = b""
    with connected(service) as client, suppress(ConnectionError, TimeoutError):
        client.sendall(request)
        client.settimeout(1)
        while piece := client.recv(1 << 16):
            found += piece
    return found


def asked(service: Served, target: bytes, method: bytes = b"GET") -> bytes:
    return sent(service, method + b" " + target + LAST)


def status(answer: bytes) -> int:
    found = re.match(rb"HTTP/1\.1 (\d{3}) ", answer)
    return int(found[1]) if found else 0


OUTSIDE_KEYS = [
    *(b"../secret.mp4", b"%2e%2e/secret.mp4", b"%2e%2e%2fsecret.mp4", b"%252e%252e/secret.mp4"),
    *(b"shots/../../secret.mp4", b"shots/..%2f..%2fsecret.mp4", b"..%5csecret.mp4", b"..\\x"),
    *(b"shots/../shots/sky.mp4", b"./shots/sky.mp4", b"%c0%ae%c0%ae/secret.mp4"),
    *(b"/etc/passwd", b"%2fetc%2fpasswd", b"//etc/passwd", b"file:///etc/passwd"),
    *(b"s3://other/a.mp4", b"C:%5Cboot.ini", b"~root/a.mp4", b"$HOME/a.mp4", b"%7b0%7d"),
    *(b"shots/sky.mp4%00", b"shots/sky.mp4%00.mp4", b"shots/sky.mp4%0a", b"shots/sky.mp4/"),
    *(b"%ff%fe.mp4", b"%ed%a0%80.mp4", b"%f0%9f%8e%ac.mp4", b"a" * 5000, b"a/" * 2000 + b"a"),
    *(b"out.mp4", b"relative.mp4", b"secrets/secret.mp4", b"secrets", b"circle.mp4"),
]


def test_no_key_leads_out_of_the_storage(service: Served, place: Path) -> None:
    """Only files in the folder can be reached, and links that stay in it."""
    for key in OUTSIDE_KEYS:
        for method in (b"GET", b"HEAD"):
            assert status(asked(service, b"/convert/prores/" + key, method)) == 404, key
    assert status(asked(service, b"/convert/prores/within.mp4", b"HEAD")) == 200
    absolute = place.parent / "secret.mp4"
    assert status(asked(service, b"/convert/prores/" + bytes(absolute))) == 404
    assert not service.files()


def test_no_preset_opens_a_file(service: Served, place: Path) -> None:
    look = place.parent / "look.toml"
    look.write_text('name = "look"\n')
    names = [
        bytes(look),
        b"..%2flook",
        b"%2e%2e/look.toml",
        b"look%00",
        b"~/look.toml",
        b"classic/",
    ]
    for name in [*names, b"classic%0a", b"CLASSIC", b"%ff", b"../presets/classic", b"*", b"smoo*"]:
        assert status(asked(service, SKY + b"?preset=" + name)) == 400, name


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["..", ".", "a", "é", "secrets", "", "\\", "\0", " ", "~"])))
def test_lookups_stay_in_the_storage(parts: list[str]) -> None:
    """The service never passes a key with a dot segment to a bucket or a folder."""
    key = "/".join(parts)
    if _is_valid_key(key):
        assert not {".", "..", "\0"} & {*parts}
        assert not key.endswith("/")
        assert Folder(Path("/nowhere"), follow_links=False).find(key) is None


GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
MALFORMED = {
    "a long request line": (b"GET /" + b"a" * (1 << 20) + b" HTTP/1.1\r\n\r\n", {400}),
    "a large header": (GET + b"X: " + b"a" * (1 << 20) + b"\r\n\r\n", {400}),
    "many headers": (GET + b"".join(b"X-%d: a\r\n" % n for n in range(99999)) + b"\r\n", {400}),
    "a header without an end": (GET + b"X: " + b"a" * 100_000, {400}),
    "a header folded": (GET + b"X: a\r\n b\r\n\r\n", {200}),
    "a header with NUL": (GET + b"X: a\0b\r\n\r\n", {400}),
    "a header without a name": (GET + b": a\r\n\r\n", {400}),
    "a body on GET": (GET + b"Content-Length: 5\r\n\r\nhello", {200}),
    "a negative length": (GET + b"Content-Length: -5\r\n\r\n", {400}),
    "two lengths": (GET + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", {400}),
    "a length of 50 digits": (GET + b"Content-Length: " + b"9" * 50 + b"\r\n\r\n", {200, 400}),
    "malformed chunks": (GET + CHUNKED + b"zz\r\nhello\r\n0\r\n\r\n", {400}),
    "a chunk without an end": (GET + CHUNKED + b"f" * 100_000, {400}),
    "chunks and a length": (GET + b"Content-Length: 3\r\n" + CHUNKED + b"0\r\n\r\n", {200, 400}),
    "another coding": (GET + b"Transfer-Encoding: gzip\r\n\r\n", {400, 501}),
    "HTTP/1.0": (b"GET /healthz HTTP/1.0\r\n\r\n", {200}),
    "no host": (b"GET /healthz HTTP/1.1\r\n\r\n", {400}),
    "two hosts": (GET + b"Host: b\r\n\r\n", {400}),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 404}),
    "TLS": (bytes.fromhex("16030100a5010000a10303") + bytes(200), {400}),
    "empty lines": (b"\r\n" * 1000, {0, 400}),
    "another protocol": (GET + b"Upgrade: websocket\r\nConnection: upgrade\r\n\r\n", {200}),
    "a proxy's request": (GET.replace(b"/healthz", b"http://evil.example/") + b"\r\n", {404}),
    "an asterisk": (GET.replace(b"GET /healthz", b"OPTIONS *") + b"\r\n", {404, 405}),
    "a tunnel": (GET.replace(b"GET /healthz", b"CONNECT a.example:25") + b"\r\n", {404, 405}),
    "an unknown method": (GET.replace(b"GET", b"B%$*") + b"\r\n", {400, 404, 405}),
    "bytes in the path": (GET.replace(b"healthz", b"\xff\xfe") + b"\r\n", {400}),
}


def test_malformed_requests_are_refused_or_answered(service: Served) -> None:
    for what, (request, fine) in MALFORMED.items():
        assert status(sent(service, request)) in fine, what
    pipelined = GET.replace(b"Connection: close\r\n", b"") + b"\r\n"
    assert sent(service, pipelined * 50).count(b'{"status":"ok"}') == 50
    smuggled = GET + b"Content-Length: 47\r\n\r\nGET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert b"workbench_" not in sent(service, smuggled)
    assert service.ask("/healthz").status_code == 200


def test_slow_clients_and_two_hundred_requests_at_once(service: Served) -> None:
    """Slow connections are closed after ten seconds, and most requests are refused with 503."""
    until(service.idle)
    process = psutil.Process(service.process.pid)
    before = process.num_fds() if hasattr(process, "num_fds") else 0
    stop = Event()
    with ThreadPoolExecutor() as pool, ExitStack() as stack:  # left first, even when the test fails
        health = pool.submit(slowest_health, service, stop)
        stack.callback(stop.set)
        began = time.monotonic()
        slow = [stack.enter_context(connected(service)) for _ in range(40)]
        for n, client in enumerate(slow):
            # Silent; within a header; within the request line; within a body.
            client.sendall([b"", GET, GET[:9], GET + b"Content-Length: 99\r\n\r\n"][n % 4])
        answers = _two_hundred(service)
        assert set(answers) == {200, 503}
        assert 3 <= answers[200] < 100
        assert _drip(slow) - began > 9
        stop.set()
        assert health.result() < PROMPT
    until(service.idle)
    if before:
        until(lambda: process.num_fds() <= before + 1)
    assert service.ask(SKY.decode()).status_code == 200


def _two_hundred(service: Served) -> Counter[int]:
    """Send 200 requests at once; return how many responses have each status."""
    answers: Counter[int] = Counter()
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        for number in range(200):
            client = stack.enter_context(connected(service))
            path = f"/convert/prores/many/{number}.mp4"
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            selector.register(client, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(120)
            assert ready, "a request has no response"
            for key, _ in ready:
                assert isinstance(key.fileobj, socket.socket)
                answer = key.fileobj.recv(1 << 16)
                answers[status(answer)] += 1
                assert status(answer) != 503 or b"\r\nretry-after: 30\r\n" in answer.lower()
                selector.unregister(key.fileobj)
    return answers


def _drip(slow: list[socket.socket]) -> float:
    """Send a byte every half second on each connection; return when the last was closed."""
    deadline = time.monotonic() + 60
    while slow and time.monotonic() < deadline:
        for client in list(slow):
            client.settimeout(0.001)
            try:
                client.sendall(b"a")
                with suppress(TimeoutError):
                    if not client.recv(1 << 16):
                        slow.remove(client)
            except ConnectionError:
                slow.remove(client)
        time.sleep(0.5)
    assert not slow, "some connections are still open"
    return time.monotonic()


class _Transport(asyncio.Transport):
    """A transport without a network."""

    closing = aborted = False

    def is_closing(self) -> bool:
        return self.closing

    def abort(self) -> None:
        self.aborted = True


def test_a_client_that_does_not_read_the_end_of_a_response_is_dropped() -> None:
    limits = ConnectionLimits(Response())
    config = uvicorn.Config(limits, http=limits.protocol(), ws="none", log_config=None)
    config.load()
    loop = asyncio.new_event_loop()
    loop.close()
    arguments = {"server_state": ServerState(), "app_state": {}, "_loop": loop}
    connection = config.http_protocol_class(config=config, **arguments)  # type: ignore[call-arg]
    transport = _Transport()
    connection.connection_made(transport)
    limits.enforce(0)
    limits.enforce(9)
    transport.closing = True  # the server has closed it, and the client does not read the rest
    limits.enforce(10)
    limits.enforce(39)
    assert not transport.aborted
    limits.enforce(41)
    assert transport.aborted
    connection.connection_lost(ConnectionAbortedError())
    assert not limits.connections


TOKEN = "sésame-日本"
WRONG = [
    *(b"", b"Bearer", b"Bearer ", b"Bearer s", b"Bearer \xe9", b"bearer  x", b"Basic c2VzYW1l"),
    *(TOKEN.encode(), b"Bearer " + TOKEN.encode()[:-1], b"Bearer " + TOKEN.encode() + b"a"),
    *(b"Bearer " + "sésame".encode("latin-1"), b"Bearer " + TOKEN.encode().upper()),
    *(b"Bearer " + b"a" * 10000, b"Token " + TOKEN.encode(), b"Bearer \xff\xfe\xfd"),
]


def test_all_wrong_tokens_get_the_same_response(place: Path, tmp_path: Path) -> None:
    """The right token is accepted although it is not ASCII: both are compared as UTF-8 bytes."""
    with serving(place, tmp_path / "temp", WORKBENCH_TOKEN=TOKEN) as service:

        def given(token: bytes) -> bytes:
            head = b"HEAD " + SKY + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            return sent(service, head + b"Authorization: " + token + b"\r\n\r\n")

        assert status(given(b"Bearer " + TOKEN.encode())) == 200
        answers = {re.sub(rb"date: [^\r]*", b"", given(token)) for token in WRONG}
        assert len(answers) == 1
        assert status(answers.pop()) == 401
        assert "sésame" not in service.log
        assert "Traceback" not in service.log


def test_tokens_are_compared_in_constant_time() -> None:
    source = inspect.getsource(app._authorize)
    assert "compare_digest(given.encode" in source
    assert "==" not in source
    assert "!=" not in source


def test_on_loopback_the_host_is_checked(service: Served, place: Path, tmp_path: Path) -> None:
    """Otherwise a web page could reach the service by DNS rebinding."""
    for host in ("evil.example", "evil.example:8000", "localhost.evil.example", "localhost@evil"):
        for path in (SKY.decode(), "/metrics"):
            answer = service.ask(path, Host=host)
            assert (answer.status_code, answer.json()["type"]) == (421, problems.MISDIRECTED.type)
        assert service.ask("/healthz", Host=host).status_code == 200
    for host in ("localhost", "LOCALHOST:80", "[::1]:8000", "127.8.9.1"):
        assert service.ask(SKY.decode(), "HEAD", Host=host).status_code == 200
    with serving(
        place, tmp_path / "temp", "--allow-host", "Clips.example", WORKBENCH_TOKEN="x"
    ) as proxied:
        for host, code in (("clips.example", 200), ("other.example", 421), ("localhost", 200)):
            assert proxied.ask(SKY.decode(), "HEAD", Host=host).status_code == code


def test_a_request_of_another_page_is_refused(service: Served) -> None:
    """A browser names the page that makes a request, and sends it even if no answer can be read."""
    port = urlsplit(service.url).netloc
    for origin in ("http://evil.example", "null", "http://127.0.0.1:1", ""):
        answer = service.ask(SKY.decode(), Origin=origin)
        assert (answer.status_code, answer.json()["type"]) == (403, problems.FOREIGN_PAGE.type)
    assert service.ask(SKY.decode(), "HEAD", Origin=f"http://{port}").status_code == 200


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_the_next_start_deletes_the_files_of_a_killed_service(
    storage: Path, tmp_path: Path
) -> None:
    with serving(storage, tmp_path / "temp") as killed:
        client = killed.begin("/convert/prores/long.mp4")
        until(lambda: bool(killed.children()))
        children = killed.children()
        killed.process.send_signal(signal.SIGKILL)
        killed.process.wait()
        client.close()
        (left,) = killed.temp.iterdir()
        assert left.stat().st_mode & 0o777 == 0o700, "other users can read the clips"
        for child in children:  # this test is about files
            with suppress(psutil.NoSuchProcess):
                child.kill()
        with serving(storage, tmp_path / "next", "--temp", str(killed.temp)):
            assert left not in list(killed.temp.iterdir())
            assert len(list(killed.temp.iterdir())) == 1
