"""The gate in front of a test's bucket, which clients take for the bucket itself.

It refuses what R2 refuses, notes every request, and fails in the ways of a network when told to.
The rest it passes on to moto and back, a piece at a time.
"""

import hashlib
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any
from urllib.parse import parse_qs, unquote

from botocore.exceptions import ClientError

from tests.storage.r2 import Refused, check_body, check_parts, check_request

HERE = "127.0.0.1"
PIECE = 2**18  # bytes of a body that are held at once
SECONDS = 120.0
"""How long moto may take over an answer: for a busy machine; most take 3 ms."""

_BELIEVED = (
    "AWS4-HMAC-SHA256 Credential=moto/20000101/us-east-1/s3/aws4_request,"
    " SignedHeaders=host, Signature=0"
)
"""What moto is shown: it reads the region, of which it knows no `auto`, and checks nothing."""

_OF_ONE_HOP = {"connection", "transfer-encoding", "host", "authorization", "expect"}
"""Headers that are between a client and the gate, or between the gate and moto."""


@dataclass(frozen=True)
class Request:
    """A request as a client made it and as it was answered."""

    at: float  # seconds, of time.monotonic(), when it arrived
    method: str
    path: str  # "/clips/a b.mp4", unquoted
    query: str  # as it was sent
    range: str | None  # the header, "bytes=0-99"
    status: int | None = None  # None before there is an answer, and when there never is one
    received: int = 0  # bytes of its body
    sent: int = 0  # bytes of the answer's body


@dataclass
class Fault:
    """Which requests go wrong, and how many; each kind says how."""

    method: str | None
    where: str
    skip: int
    count: int | None

    def takes(self, request: Request) -> bool:
        """Whether this request is one of them; it then counts as one."""
        here = self.where in f"{request.path}?{request.query}"
        if self.count == 0 or self.method not in (None, request.method) or not here:
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.count:
            self.count -= 1
        return True


@dataclass
class Delay(Fault):
    seconds: float


@dataclass
class Slow(Fault):
    pause: float  # seconds before each piece


@dataclass
class Answer(Fault):
    status: int
    code: str
    retry_after: int | None  # seconds


@dataclass
class Cut(Fault):
    after: int | None  # bytes


class Gate:
    """A port of this machine, open or shut, with the faults to come and the requests that came."""

    def __init__(
        self, key: str, secret: str, moto: int, part_sizes: Callable[..., Mapping[int, int]]
    ) -> None:
        self.key = key
        self.secret = secret
        self.moto = moto  # its port
        self.part_sizes = part_sizes
        self._requests: list[Request] = []
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._server = _Server(self, 0)
        self.port: int = self._server.server_address[1]

    def open(self) -> None:
        if not self._server.thread:
            self._server.start()

    def shut(self) -> None:
        """Break every connection and refuse new ones."""
        if self._server.thread:
            self._server.stop()
            self._server = _Server(self, self.port)  # it holds the port, and does not listen

    def close(self) -> None:
        """Give the port away."""
        self.shut()
        self._server.server_close()

    @property
    def requests(self) -> list[Request]:
        with self._lock:
            return list(self._requests)

    def forget(self) -> None:
        """Know of no request; none may be under way."""
        self._requests.clear()

    def fail(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def fault(self, request: Request, kinds: type[Fault] | tuple[type[Fault], ...]) -> Fault | None:
        """Give the first fault of these kinds that takes the request."""
        with self._lock:
            fitting = (fault for fault in self._faults if isinstance(fault, kinds))
            return next((fault for fault in fitting if fault.takes(request)), None)

    def arrived(self, request: Request) -> int:
        """Note a request, and give the place of the note."""
        with self._lock:
            self._requests.append(request)
            return len(self._requests) - 1

    def note(self, place: int, **changes: Any) -> None:
        with self._lock:
            self._requests[place] = replace(self._requests[place], **changes)


class _Server(ThreadingHTTPServer):
    """A port that is held from the first and listens from `start` to `stop`."""

    daemon_threads = False  # `stop` waits for them
    request_queue_size = 128

    def __init__(self, gate: Gate, port: int) -> None:
        super().__init__((HERE, port), _Handler, bind_and_activate=False)
        self.gate = gate
        self.thread: threading.Thread | None = None
        self.stopping = threading.Event()
        self._connections: set[Any] = set()
        TCPServer.server_bind(self)  # HTTPServer's asks the network for this machine's name

    def start(self) -> None:
        self.server_activate()
        self.thread = threading.Thread(target=self.serve_forever, args=(0.01,))
        self.thread.start()

    def stop(self) -> None:
        assert self.thread
        self.stopping.set()
        self.shutdown()
        for connection in list(self._connections):
            with suppress(OSError):  # it may be ending by itself
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()
        self.thread.join()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):  # a client that hung up
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """The connection of one client, and each request on it in turn."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, *_: object) -> None:
        """Say nothing: the gate has its notes."""

    def handle_expect_100(self) -> bool:
        """Leave it to `_body` to ask for the body, when it is wanted."""
        return True

    def exchange(self) -> None:
        """Take one request from its first line to the end of its answer, or of the connection."""
        gate, headers = self.server.gate, self.headers
        path, _, query = self.path.partition("?")
        request = Request(
            time.monotonic(), self.command, unquote(path), query, headers.get("Range")
        )
        self.place = gate.arrived(request)
        self.length = self.unread = int(headers.get("Content-Length", 0))  # bytes
        self.waits = headers.get("Expect", "").lower() == "100-continue"  # with its body

        delay = gate.fault(request, Delay)
        if isinstance(delay, Delay) and self.server.stopping.wait(delay.seconds):
            self.close_connection = True
            return
        slow = gate.fault(request, Slow)
        self.pause = slow.pause if isinstance(slow, Slow) else 0.0  # seconds
        fault = gate.fault(request, (Answer, Cut))
        cut = fault if isinstance(fault, Cut) else None
        try:
            if isinstance(fault, Answer):
                message = "A fault that the test asked for."
                raise Refused(fault.status, fault.code, message, retry_after=fault.retry_after)
            check_request(self.command, self.path, headers, gate.key, gate.secret)
            if cut and cut.after is not None and self.length:
                self._drop(cut.after)
            else:
                self._pass_on(request, cut)
        except Refused as refused:
            self._refuse(refused)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = exchange  # noqa: N815

    def _refuse(self, refused: Refused) -> None:
        if not self.waits:  # the client is sending its body, and listens after that
            self._drop(self.length, hang_up=False)
        sent = 0 if self.command == "HEAD" else len(refused.body)
        self.server.gate.note(self.place, status=refused.status, sent=sent)
        self.send_response_only(refused.status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(refused.body)))
        if refused.retry_after is not None:
            self.send_header("Retry-After", str(refused.retry_after))
        if self.unread or "Transfer-Encoding" in self.headers:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(refused.body[:sent])
        if self.close_connection:  # else a body on its way would be reset, and the answer with it
            self.connection.shutdown(socket.SHUT_WR)
            while self.rfile.read(PIECE):
                pass

    def _pass_on(self, request: Request, cut: Cut | None) -> None:
        gate = self.server.gate
        body = self._signed_body()
        upload = parse_qs(request.query).get("uploadId")
        if upload and request.method == "POST":
            complete = b"".join(body)
            bucket, _, key = request.path.removeprefix("/").partition("/")
            with suppress(ClientError):  # there is no such upload, or it is complete already
                check_parts(complete, gate.part_sizes(key, upload[0], bucket))
            body = iter([complete])
        with closing(HTTPConnection(HERE, gate.moto, timeout=SECONDS)) as moto:
            moto.putrequest(self.command, self.path, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in _OF_ONE_HOP:
                    moto.putheader(name, value)
            moto.putheader("Authorization", _BELIEVED)
            moto.endheaders()
            for piece in body:
                moto.send(piece)
            with moto.getresponse() as response:
                if upload and response.status == 500:  # moto falls over an upload it has not
                    message = "The specified multipart upload does not exist."
                    raise Refused(404, "NoSuchUpload", message)
                self._pass_back(response, cut)

    def _pass_back(self, response: HTTPResponse, cut: Cut | None) -> None:
        if cut and cut.after is None:
            self.close_connection = True
            return
        assert response.length is not None, "moto's answer has no length"
        self.server.gate.note(self.place, status=response.status)
        self.send_response_only(response.status, response.reason)
        for name, value in response.getheaders():
            if name.lower() not in _OF_ONE_HOP:
                self.send_header(name, value)
        self.end_headers()
        end = response.length if cut is None or cut.after is None else cut.after
        sent = 0
        while piece := response.read(min(PIECE, end - sent)):
            if self.server.stopping.wait(self.pause):
                self.close_connection = True
                return
            sent += len(piece)
            self.server.gate.note(self.place, sent=sent)
            self.wfile.write(piece)
        self.close_connection |= cut is not None or response.length > 0  # moto broke off

    def _drop(self, most: int, hang_up: bool = True) -> None:
        """Read so many bytes of the request's body for nothing."""
        for _ in self._body(most):
            pass
        self.close_connection |= hang_up

    def _signed_body(self) -> Iterator[bytes]:
        """Read the request's body, and keep its last piece back until all is as it was signed."""
        digest = hashlib.sha256()
        for piece in self._body(self.length):
            digest.update(piece)
            if not self.unread:
                check_body(digest.hexdigest(), self.headers)
            yield piece

    def _body(self, most: int) -> Iterator[bytes]:
        """Read so many bytes of the request's body, or what there is."""
        if self.waits:
            self.waits = False
            self.send_response_only(100)
            self.end_headers()
        left = min(most, self.unread)
        while left:
            piece = self.rfile.read(min(left, PIECE))
            if not piece:
                raise ConnectionResetError("the client hung up")
            left -= len(piece)
            self.unread -= len(piece)
            self.server.gate.note(self.place, received=self.length - self.unread)
            yield piece
