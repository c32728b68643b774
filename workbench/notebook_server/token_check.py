"""Answer only requests that carry the server's token. Any user of a machine can reach its loopback.

The check stands in front of a whole Tornado application: pages, files, kernels and websockets.

- The browser opens an address with `?token=`. The answer sets a cookie and redirects to the same
  address without the token, so that it does not stay in the address bar.
- A program sends the header `Authorization: Bearer TOKEN`.
- The Host header must name this machine's loopback, so that no web page reaches the server under a
  name of its own (DNS rebinding).
- A request that another page makes is refused by its Origin and Sec-Fetch headers. The cookie alone
  would let it pass: browsers send cookies to every port of a host.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPMessageDelegate, HTTPServerRequest
from tornado.netutil import bind_sockets
from tornado.routing import Router
from tornado.web import Application, RequestHandler

from workbench.host_check import is_allowed_host

WRONG_HOST = "This server answers only requests for localhost or 127.0.0.1."
WRONG_ORIGIN = "This server does not answer requests of other pages."
NO_TOKEN = "This server requires its token: open the address that the command printed."
_SAFE = ("GET", "HEAD", "OPTIONS")
_EMBEDDED = ("iframe", "frame", "embed", "object")


@dataclass(frozen=True)
class Keys:
    """The secrets of one server: its token, and the value of the cookie that stands for it."""

    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    cookie: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)


@dataclass(frozen=True)
class Asked:
    """The parts of a request that the check reads."""

    method: str
    uri: str
    headers: Mapping[str, str]
    cookie: str = ""  # the value of this server's cookie


@dataclass(frozen=True)
class Answer:
    """Refuse a request with a reason, redirect it to an address, or, with neither, forward it."""

    refusal: str = ""
    redirect: str = ""


def answer_to(asked: Asked, keys: Keys) -> Answer:
    """Decide on a request."""
    if not is_allowed_host(asked.headers.get("Host", ""), ()):
        return Answer(refusal=WRONG_HOST)
    if _comes_from_another_page(asked):
        return Answer(refusal=WRONG_ORIGIN)
    query = parse_qsl(urlsplit(asked.uri).query, keep_blank_values=True)
    in_address = [value for name, value in query if name == "token"]
    header = re.match(r"(?:token|bearer)\s+(.+)", asked.headers.get("Authorization", ""), re.I)
    by_token = _same(in_address[-1] if in_address else "", keys.token)
    by_header = _same(header[1].strip() if header else "", keys.token)
    if not (by_token | by_header | _same(asked.cookie, keys.cookie)):
        return Answer(refusal=NO_TOKEN)
    if in_address and asked.method == "GET" and "Upgrade" not in asked.headers and not by_header:
        others = urlencode([pair for pair in query if pair[0] != "token"])
        path = "/" + urlsplit(asked.uri).path.lstrip("/")  # "//host" would name another host
        return Answer(redirect=f"{path}?{others}" if others else path)
    return Answer()


def _same(given: str, secret: str) -> bool:
    return compare_digest(given.encode(errors="surrogateescape"), secret.encode())


def _comes_from_another_page(asked: Asked) -> bool:
    """Tell whether a page of another origin made this request.

    Browsers send Origin with websockets and with everything that is not GET or HEAD, and Sec-Fetch
    headers with everything. Following a link is allowed, and so is opening the printed address.
    """
    headers = asked.headers
    origin = headers.get("Origin")
    if origin is not None:
        return origin.lower() != f"http://{headers.get('Host', '')}".lower()
    if asked.cookie and (asked.method not in _SAFE or "Upgrade" in headers):
        return True
    if headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin"):
        return False
    navigates = headers.get("Sec-Fetch-Mode") == "navigate" and asked.method == "GET"
    return not navigates or headers.get("Sec-Fetch-Dest") in _EMBEDDED


class TokenCheck(Router):
    """Forwards the requests that may pass to an application, and answers the others."""

    def __init__(self, application: Application, keys: Keys) -> None:
        self.settings = application.settings
        self.port = 0  # until it listens
        self._application, self._keys = application, keys

    def listen(self, port: int, address: str) -> HTTPServer:
        """Listen as Application.listen does. Port 0 takes a free one."""
        sockets = bind_sockets(port, address)
        self.port = sockets[0].getsockname()[1]
        server = HTTPServer(self)
        server.add_sockets(sockets)
        return server

    def find_handler(
        self, request: HTTPServerRequest, **options: Any
    ) -> HTTPMessageDelegate | None:
        """Return what will answer the request. Tornado calls this once its headers are read."""
        name = f"workbench-{self.port}"  # the port, because browsers share cookies between ports
        given = request.cookies.get(name)
        asked = Asked(
            str(request.method),
            str(request.uri),
            request.headers,
            given.value if given else "",
        )
        answer = answer_to(asked, self._keys)
        handler: tuple[type[RequestHandler], dict[str, str]] | None = None
        if answer.refusal:
            handler = (_Refusal, {"reason": answer.refusal})
        elif answer.redirect:
            cookie = {"name": name, "value": self._keys.cookie}
            handler = (_Redirect, {"target": answer.redirect, **cookie})
        if handler:
            return self._application.get_handler_delegate(request, *handler)
        # Jupyter has a check of its own, which this passes. It would accept neither our cookie nor
        # the request by which a closed page ends its kernel, which carries no XSRF token.
        request.headers["Authorization"] = f"token {self._keys.token}"
        return self._application.find_handler(request, **options)


class _Refusal(RequestHandler):
    def initialize(self, reason: str) -> None:
        self._text = reason

    def prepare(self) -> None:
        self.set_status(403)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(f"{self._text}\n")

    def check_xsrf_cookie(self) -> None:
        """Refuse a POST with the reason and not with a missing XSRF cookie."""


class _Redirect(RequestHandler):
    def initialize(self, target: str, name: str, value: str) -> None:
        self._target, self._name, self._value = target, name, value

    def prepare(self) -> None:
        self.set_cookie(self._name, self._value, httponly=True, samesite="Lax")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Cache-Control", "no-store")
        self.redirect(self._target)
