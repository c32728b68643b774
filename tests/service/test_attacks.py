"""What somebody may try who means harm: odd requests by the byte, slow ones, too many at once.

Clients mend what they send, so the bytes are written by hand. Whatever comes, the health is told
within a second, and afterwards nothing is left: no open file, no folder, no process.
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

from tests.service.served import Served, serving, until
from tests.service.test_work_queue import slowest_health
from workbench.service import app, clients, problems
from workbench.service.conversion import _possible
from workbench.storage.folder import Folder

SKY = b"/convert/prores/shots/sky.mp4"
LAST = b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def place(untagged: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A storage in a folder that has a clip beside it, and links in it that lead there."""
    above = tmp_path_factory.mktemp("above")
    folder = above / "storage"
    (folder / "shots").mkdir(parents=True)
    shutil.copy(untagged, folder / "shots" / "sky.mp4")
    shutil.copy(untagged, above / "secret.mp4")
    (above / "secrets").mkdir()
    shutil.copy(untagged, above / "secrets" / "secret.mp4")
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
        assert service.at_rest()
        assert "Traceback" not in service.log


def connected(service: Served) -> socket.socket:
    address = urlsplit(service.url)
    return socket.create_connection((address.hostname, address.port), timeout=20)


def sent(service: Served, request: bytes) -> bytes:
    """Return all that comes back before the connection ends, or pauses."""
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


OUTWARD = [
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
    """The folder's own names are all that there is, and a link in it that stays within."""
    for key in OUTWARD:
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
def test_what_is_asked_of_a_storage_stays_within(parts: list[str]) -> None:
    """Of a bucket as of a folder: a key with dots for a part is asked of neither."""
    key = "/".join(parts)
    if _possible(key):
        assert not {".", "..", "\0"} & {*parts}
        assert not key.endswith("/")
        assert Folder(Path("/nowhere"), follow_links=False).find(key) is None


GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
ODD = {
    "a long request line": (b"GET /" + b"a" * (1 << 20) + b" HTTP/1.1\r\n\r\n", {400}),
    "a large header": (GET + b"X: " + b"a" * (1 << 20) + b"\r\n\r\n", {400}),
    "many headers": (GET + b"".join(b"X-%d: a\r\n" % n for n in range(99999)) + b"\r\n", {400}),
    "a header without an end": (GET + b"X: " + b"a" * 100_000, {400}),
    "a header folded": (GET + b"X: a\r\n b\r\n\r\n", {200}),
    "a header with NUL": (GET + b"X: a\0b\r\n\r\n", {400}),
    "a header without a name": (GET + b": a\r\n\r\n", {400}),
    "a body on GET": (GET + b"Content-Length: 5\r\n\r\nhello", {200}),
    "a body of less than nothing": (GET + b"Content-Length: -5\r\n\r\n", {400}),
    "two lengths": (GET + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", {400}),
    "a length beyond all": (GET + b"Content-Length: " + b"9" * 50 + b"\r\n\r\n", {200, 400}),
    "chunks that are none": (GET + CHUNKED + b"zz\r\nhello\r\n0\r\n\r\n", {0}),
    "a chunk without an end": (GET + CHUNKED + b"f" * 100_000, {0}),
    "chunks and a length": (GET + b"Content-Length: 3\r\n" + CHUNKED + b"0\r\n\r\n", {200, 400}),
    "another coding": (GET + b"Transfer-Encoding: gzip\r\n\r\n", {400, 501}),
    "HTTP/1.0": (b"GET /healthz HTTP/1.0\r\n\r\n", {200}),
    "no host": (b"GET /healthz HTTP/1.1\r\n\r\n", {400}),
    "two hosts": (GET + b"Host: b\r\n\r\n", {400}),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 404}),
    "TLS": (bytes.fromhex("16030100a5010000a10303") + bytes(200), {400}),
    "nothing but lines": (b"\r\n" * 1000, {0, 400}),
    "another protocol": (GET + b"Upgrade: websocket\r\nConnection: upgrade\r\n\r\n", {200}),
    "a proxy's request": (GET.replace(b"/healthz", b"http://evil.example/") + b"\r\n", {404}),
    "all": (GET.replace(b"GET /healthz", b"OPTIONS *") + b"\r\n", {404, 405}),
    "a tunnel": (GET.replace(b"GET /healthz", b"CONNECT a.example:25") + b"\r\n", {404, 405}),
    "a word of one's own": (GET.replace(b"GET", b"B%$*") + b"\r\n", {400, 404, 405}),
    "bytes in the path": (GET.replace(b"healthz", b"\xff\xfe") + b"\r\n", {400}),
}


def test_odd_requests_are_refused_or_answered(service: Served) -> None:
    for what, (request, fine) in ODD.items():
        assert status(sent(service, request)) in fine, what
    pipelined = GET.replace(b"Connection: close\r\n", b"") + b"\r\n"
    assert sent(service, pipelined * 50).count(b'{"status":"ok"}') == 50
    smuggled = GET + b"Content-Length: 47\r\n\r\nGET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert b"workbench_" not in sent(service, smuggled)
    assert service.ask("/healthz").status_code == 200


def test_who_is_slow_and_two_hundred_at_once(service: Served) -> None:
    """What the first hold is taken from them in ten seconds; of the others, few wait in line."""
    until(service.at_rest)
    process = psutil.Process(service.process.pid)
    before = process.num_fds() if hasattr(process, "num_fds") else 0
    stop = Event()
    with ThreadPoolExecutor() as pool, ExitStack() as stack:  # which ends first, also in failure
        health = pool.submit(slowest_health, service, stop)
        stack.callback(stop.set)
        began = time.monotonic()
        slow = [stack.enter_context(connected(service)) for _ in range(40)]
        for n, client in enumerate(slow):
            # Silent; in the midst of a header; in the midst of a body that is nobody's business.
            client.sendall([b"", GET, GET[:9], GET + b"Content-Length: 99\r\n\r\n"][n % 4])
        answers = _two_hundred(service)
        assert set(answers) == {200, 503}
        assert 3 <= answers[200] <= 20
        ended = _dripped(slow, began)
        assert 9 < ended - began < 20
        stop.set()
        assert health.result() < 2, "one second where nothing else keeps the machine busy"
    until(service.at_rest)
    if before:
        until(lambda: process.num_fds() <= before + 1)
    assert status(asked(service, SKY)) == 200


def _two_hundred(service: Served) -> Counter[int]:
    """Ask for one clip in so many connections; return how many answers have which status."""
    answers: Counter[int] = Counter()
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        for _ in range(200):
            client = stack.enter_context(connected(service))
            client.sendall(b"GET " + SKY + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
            selector.register(client, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(30)
            assert ready, "somebody has no answer"
            for key, _ in ready:
                assert isinstance(key.fileobj, socket.socket)
                answer = key.fileobj.recv(1 << 16)
                answers[status(answer)] += 1
                assert status(answer) != 503 or b"\r\nretry-after: 30\r\n" in answer.lower()
                selector.unregister(key.fileobj)
    return answers


def _dripped(slow: list[socket.socket], began: float) -> float:
    """Send a byte a second in each connection; return when the last was broken."""
    while slow and time.monotonic() < began + 20:
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
    assert not slow, "some are connected yet"
    return time.monotonic()


class _Wire:
    """A transport without a network."""

    closing = aborted = False

    def is_closing(self) -> bool:
        return self.closing

    def abort(self) -> None:
        self.aborted = True


def test_who_does_not_take_the_rest_of_an_answer_is_left() -> None:
    config = uvicorn.Config(Response(), http=clients.Connection, ws="none", log_config=None)
    loop = asyncio.new_event_loop()
    loop.close()
    connection = clients.Connection(config, ServerState(), {}, _loop=loop)
    connection.transport = wire = _Wire()  # type: ignore[assignment]
    connection.end_if_held(0)
    connection.end_if_held(9)
    wire.closing = True  # uvicorn has had enough, and the rest of the answer is not taken
    connection.end_if_held(10)
    connection.end_if_held(39)
    assert not wire.aborted
    connection.end_if_held(41)
    assert wire.aborted


TOKEN = "sésame-日本"
WRONG = [
    *(b"", b"Bearer", b"Bearer ", b"Bearer s", b"Bearer \xe9", b"bearer  x", b"Basic c2VzYW1l"),
    *(TOKEN.encode(), b"Bearer " + TOKEN.encode()[:-1], b"Bearer " + TOKEN.encode() + b"a"),
    *(b"Bearer " + "sésame".encode("latin-1"), b"Bearer " + TOKEN.encode().upper()),
    *(b"Bearer " + b"a" * 10000, b"Token " + TOKEN.encode(), b"Bearer \xff\xfe\xfd"),
]


def test_every_wrong_token_is_refused_alike(place: Path, tmp_path: Path) -> None:
    """And one that is not ASCII is known, as the bytes that it is in UTF-8."""
    with serving(place, tmp_path / "temp", WORKBENCH_TOKEN=TOKEN) as service:

        def given(token: bytes) -> bytes:
            head = b"HEAD " + SKY + b" HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n"
            return sent(service, head + b"Authorization: " + token + b"\r\n\r\n")

        assert status(given(b"Bearer " + TOKEN.encode())) == 200
        answers = {re.sub(rb"date: [^\r]*", b"", given(token)) for token in WRONG}
        assert len(answers) == 1
        assert status(answers.pop()) == 401
        assert "sésame" not in service.log
        assert "Traceback" not in service.log


def test_tokens_are_compared_in_constant_time() -> None:
    source = inspect.getsource(app._admitted)
    assert "compare_digest(given.encode" in source
    assert "==" not in source
    assert "!=" not in source


def test_a_service_without_a_token_answers_to_its_own_names(
    service: Served, place: Path, tmp_path: Path
) -> None:
    """Else any web page could have its name lead here, and read what its reader's browser gets."""
    for host in ("evil.example", "evil.example:8000", "localhost.evil.example", "localhost@evil"):
        for path in (SKY.decode(), "/metrics"):
            answer = service.ask(path, Host=host)
            assert (answer.status_code, answer.json()["type"]) == (421, problems.MISDIRECTED.type)
        assert service.ask("/healthz", Host=host).status_code == 200
    for host in ("localhost", "LOCALHOST:80", "[::1]:8000", "127.8.9.1"):
        assert service.ask(SKY.decode(), "HEAD", Host=host).status_code == 200
    with serving(place, tmp_path / "temp", "--allow-host", "Clips.example") as proxied:
        for host, code in (("clips.example", 200), ("other.example", 421), ("localhost", 200)):
            assert proxied.ask(SKY.decode(), "HEAD", Host=host).status_code == code


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal to be sent there")
def test_what_a_killed_service_left_goes_when_the_next_begins(
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
        assert left.stat().st_mode & 0o777 == 0o700, "clips are not for everybody's eyes"
        for child in children:  # what becomes of it is not the matter here
            with suppress(psutil.NoSuchProcess):
                child.kill()
        with serving(storage, tmp_path / "next", "--temp", str(killed.temp)):
            assert left not in list(killed.temp.iterdir())
            assert len(list(killed.temp.iterdir())) == 1
