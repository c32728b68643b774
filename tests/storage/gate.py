"""A proxy in front of moto's S3 server that behaves like Cloudflare R2.

It refuses requests that R2 refuses, records every request, and injects faults that a test asks for.
It forwards all other requests to moto, and streams the responses back.
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
PIECE = 2**18  # bytes of a body held in memory at a time
SECONDS = 120.0
"""Timeout of a response from moto. Most take 3 ms; a busy machine takes longer."""

_MOTO_AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=moto/20000101/us-east-1/s3/aws4_request,"
    " SignedHeaders=host, Signature=0"
)
"""The header sent to moto, which does not know the region `auto` and checks no signature."""

_HOP_HEADERS = {"connection", "transfer-encoding", "host", "authorization", "expect"}
"""Headers of one connection, which the proxy does not forward."""


@dataclass(frozen=True)
class Request:
    """One request and its response."""

    at: float  # arrival, in seconds of time.monotonic()
    method: str
    path: str  # "/clips/a b.mp4", unquoted
    query: str  # still quoted
    range: str | None  # the header, "bytes=0-99"
    status: int | None = None  # None without a response
    received: int = 0  # bytes of the request body
    sent: int = 0  # bytes of the response body


@dataclass
class Fault:
    """Which requests fail, and how many of them. Subclasses define how."""

    method: str | None
    where: str
    skip: int
    count: int | None

    def takes(self, request: Request) -> bool:
        """Return whether the fault applies to a request, and count it if so."""
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
    """A local port with the faults to inject and the requests received so far."""

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
        """Close every connection and refuse new ones."""
        if self._server.thread:
            self._server.stop()
            self._server = _Server(self, self.port)  # reserves the port without listening

    def close(self) -> None:
        """Release the port."""
        self.shut()
        self._server.server_close()

    @property
    def requests(self) -> list[Request]:
        with self._lock:
            return list(self._requests)

    def forget(self) -> None:
        """Clear the list of requests. None may be in progress."""
        self._requests.clear()

    def fail(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def fault(self, request: Request, kinds: type[Fault] | tuple[type[Fault], ...]) -> Fault | None:
        """Return the first fault of these kinds that applies to the request."""
        with self._lock:
            fitting = (fault for fault in self._faults if isinstance(fault, kinds))
            return next((fault for fault in fitting if fault.takes(request)), None)

    def arrived(self, request: Request) -> int:
        """Record a request; return its index."""
        with self._lock:
            self._requests.append(request)
            return len(self._requests) - 1

    def update(self, index: int, **changes: Any) -> None:
        with self._lock:
            self._requests[index] = replace(self._requests[index], **changes)


class _Server(ThreadingHTTPServer):
    """A server that reserves its port at once and listens from `start` to `stop`."""

    daemon_threads = False  # `stop` joins them
    request_queue_size = 128

    def __init__(self, gate: Gate, port: int) -> None:
        super().__init__((HERE, port), _Handler, bind_and_activate=False)
        self.gate = gate
        self.thread: threading.Thread | None = None
        self.stopping = threading.Event()
        self._connections: set[Any] = set()
        TCPServer.server_bind(self)  # HTTPServer's version looks up the host name

    def start(self) -> None:
        self.server_activate()
        self.thread = threading.Thread(target=self.serve_forever, args=(0.01,))
        self.thread.start()

    def stop(self) -> None:
        assert self.thread
        self.stopping.set()
        self.shutdown()
        for connection in list(self._connections):
            with suppress(OSError):  # already closed
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
        if not isinstance(sys.exception(), OSError):  # the client disconnected
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """Handles one connection, request by request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, *_: object) -> None:
        """Print nothing; the gate records requests."""

    def handle_expect_100(self) -> bool:
        """Let `_body` send the 100 response when it needs the body."""
        return True

    def exchange(self) -> None:
        """Handle one request, from its headers to the end of the response."""
        gate, headers = self.server.gate, self.headers
        path, _, query = self.path.partition("?")
        request = Request(
            time.monotonic(), self.command, unquote(path), query, headers.get("Range")
        )
        self.index = gate.arrived(request)
        self.length = self.unread = int(headers.get("Content-Length", 0))  # bytes
        self.waits = (
            headers.get("Expect", "").lower() == "100-continue"
        )  # the client holds its body back

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
                message = "A fault injected by the test."
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
        if not self.waits:  # the client reads the response after it has sent its body
            self._drop(self.length, hang_up=False)
        sent = 0 if self.command == "HEAD" else len(refused.body)
        self.server.gate.update(self.index, status=refused.status, sent=sent)
        self.send_response_only(refused.status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(refused.body)))
        if refused.retry_after is not None:
            self.send_header("Retry-After", str(refused.retry_after))
        if self.unread or "Transfer-Encoding" in self.headers:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(refused.body[:sent])
        if self.close_connection:  # a reset while the body arrives would lose the response
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
            with suppress(ClientError):  # unknown or completed upload
                check_parts(complete, gate.part_sizes(key, upload[0], bucket))
            body = iter([complete])
        with closing(HTTPConnection(HERE, gate.moto, timeout=SECONDS)) as moto:
            moto.putrequest(self.command, self.path, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in _HOP_HEADERS:
                    moto.putheader(name, value)
            moto.putheader("Authorization", _MOTO_AUTHORIZATION)
            moto.endheaders()
            for piece in body:
                moto.send(piece)
            with moto.getresponse() as response:
                if upload and response.status == 500:  # moto fails on an unknown upload
                    message = "The specified multipart upload does not exist."
                    raise Refused(404, "NoSuchUpload", message)
                self._pass_back(response, cut)

    def _pass_back(self, response: HTTPResponse, cut: Cut | None) -> None:
        if cut and cut.after is None:
            self.close_connection = True
            return
        assert response.length is not None, "moto's response has no length"
        self.server.gate.update(self.index, status=response.status)
        self.send_response_only(response.status, response.reason)
        for name, value in response.getheaders():
            if name.lower() not in _HOP_HEADERS:
                self.send_header(name, value)
        self.end_headers()
        end = response.length if cut is None or cut.after is None else cut.after
        sent = 0
        while piece := response.read(min(PIECE, end - sent)):
            if self.server.stopping.wait(self.pause):
                self.close_connection = True
                return
            sent += len(piece)
            self.server.gate.update(self.index, sent=sent)
            self.wfile.write(piece)
        self.close_connection |= cut is not None or response.length > 0  # moto ended early

    def _drop(self, most: int, hang_up: bool = True) -> None:
        """Read and discard up to `most` bytes of the request body."""
        for _ in self._body(most):
            pass
        self.close_connection |= hang_up

    def _signed_body(self) -> Iterator[bytes]:
        """Yield the request body; yield the last piece only if the SHA-256 is the signed one."""
        digest = hashlib.sha256()
        for piece in self._body(self.length):
            digest.update(piece)
            if not self.unread:
                check_body(digest.hexdigest(), self.headers)
            yield piece

    def _body(self, most: int) -> Iterator[bytes]:
        """Yield up to `most` bytes of the request body."""
        if self.waits:
            self.waits = False
            self.send_response_only(100)
            self.end_headers()
        left = min(most, self.unread)
        while left:
            piece = self.rfile.read(min(left, PIECE))
            if not piece:
                raise ConnectionResetError("the client disconnected")
            left -= len(piece)
            self.unread -= len(piece)
            self.server.gate.update(self.index, received=self.length - self.unread)
            yield piece
