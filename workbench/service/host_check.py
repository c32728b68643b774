"""Clients: by which names they may ask for the service, and how long one may hold a connection."""

import ipaddress
import math
from collections.abc import Collection
from contextlib import suppress
from urllib.parse import urlsplit

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

_REQUEST = 10  # seconds in which a request has to arrive whole
_LEAVE = 30  # seconds in which a client has to take the rest of an answer


def is_meant(host: str, names: Collection[str]) -> bool:
    """Whether a Host header means this machine: by its loopback address, or by one of the names.

    A web page can have its own name lead to 127.0.0.1, and would then be allowed to read what a
    service there answers to the browser. The browser still says the page's name.

    >>> is_meant("localhost:8000", ()), is_meant("[::1]", ()), is_meant("127.0.0.1:80", ())
    (True, True, True)
    >>> is_meant("evil.example", ()), is_meant("127.0.0.1.evil.example", ()), is_meant("", ())
    (False, False, False)
    >>> is_meant("Clips.example:443", ["clips.example"])
    True
    """
    if set(host) & set("@/?#\\"):
        return False
    with suppress(ValueError):  # what cannot be an address
        name = (urlsplit(f"//{host}").hostname or "").removesuffix(".")
        if name == "localhost" or name in names:
            return True
        return ipaddress.ip_address(name).is_loopback
    return False


class Connection(H11Protocol):
    """A client's connection, which it cannot hold by sending or by reading too slowly."""

    _stands: tuple[object, bool, bool] | None = None
    _since = 0.0

    def end_if_held(self, now: float) -> None:
        """Break the connection if the client has owed a request, or a farewell, for too long.

        To be called every second or so, with the seconds of a clock. Who reads nothing of an answer
        that is being sent is watch.py's concern.
        """
        leaving = self.transport.is_closing()
        sending = self.conn.their_state in (h11.IDLE, h11.SEND_BODY)
        stands = (self.cycle, leaving, sending)
        if stands != self._stands:
            self._stands, self._since = stands, now
        longest = _LEAVE if leaving else _REQUEST if sending else math.inf
        if now - self._since > longest:
            self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP; break the connection where another answer is on its way.

        That could not be sent any more, and would fill the log with traces.
        """
        busy = self.cycle is not None and not self.cycle.response_complete
        if busy or self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            if self.cycle is not None:
                self.cycle.disconnected = True
            self.transport.abort()
        else:
            super().send_400_response(msg)
