"""Time limits on connections, so that slow clients cannot hold them open.

uvicorn has a keep-alive timeout. It has none for a request that arrives slowly, nor for a client
that does not read the end of a response. This module enforces both from outside of uvicorn: it
uses only asyncio's interface of protocols and transports, and ASGI.
"""

import asyncio
from typing import Any

import h11
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_SECONDS = 10
"""A connection without a request in progress must send a request's headers within this time."""
CLOSE_SECONDS = 30
"""Once the server closes a connection, its client must read the rest within this time."""

_Address = tuple[str, int] | None  # host and port, as ASGI has them
_Key = tuple[_Address, _Address]  # client and server


class ConnectionLimits:
    """ASGI middleware that tells which connections have a request in progress."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.connections: dict[_Key, LimitedConnection] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = _address(scope["client"]), _address(scope["server"])
        connection = self.connections.get(key)
        if connection is None:  # the client left before its request began
            await self._app(scope, receive, send)
            return

        async def send_unless_closed(message: Message) -> None:
            if not await connection.abandoned():
                await send(message)

        connection.requests += 1
        connection.answering = True
        try:
            await self._app(scope, receive, send_unless_closed)
        finally:
            connection.answering = False

    def protocol(self) -> type[asyncio.Protocol]:
        """Return a protocol class for uvicorn.Config's argument `http`."""

        class Connection(LimitedConnection):
            limits = self

        return Connection

    def enforce(self, now: float) -> None:
        """Abort connections whose clients take too long. Call this about once a second.

        `now` is the time in seconds of a monotonic clock.
        """
        for connection in list(self.connections.values()):
            connection.enforce(now)


class LimitedConnection(asyncio.Protocol):
    """Forward a connection's events to uvicorn's HTTP protocol, and abort it on a timeout."""

    limits: ConnectionLimits
    _transport: asyncio.Transport
    _key: _Key

    def __init__(self, **arguments: Any) -> None:
        self._http = H11Protocol(**arguments)
        self.requests = 0  # so far
        self.answering = False
        self._state: tuple[int, bool, bool] | None = None
        self._since = 0.0  # seconds: when this state was first seen

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        peer, own = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        self._transport, self._key = transport, (_address(peer), _address(own))
        self.limits.connections[self._key] = self
        self._http.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._http.data_received(data)
        except h11.LocalProtocolError:
            # Invalid HTTP arrived while a response was being sent: uvicorn cannot send another.
            self._transport.abort()

    def eof_received(self) -> None:
        self._http.eof_received()

    def pause_writing(self) -> None:
        self._http.pause_writing()

    def resume_writing(self) -> None:
        self._http.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self.limits.connections.pop(self._key, None)
        self._http.connection_lost(exc)

    async def abandoned(self) -> bool:
        """Tell whether uvicorn has closed the connection before its response is complete.

        uvicorn does so when invalid HTTP follows the request: it sends 400, and nothing else.
        """
        if not self._transport.is_closing():
            return False
        self._transport.abort()
        await asyncio.sleep(0)  # let connection_lost run, which tells uvicorn
        return True

    def enforce(self, now: float) -> None:
        """Abort the connection if it has waited for its client for too long."""
        closing = self._transport.is_closing()
        state = (self.requests, self.answering, closing)
        if state != self._state:
            self._state, self._since = state, now
        limit = CLOSE_SECONDS if closing else REQUEST_SECONDS
        if not self.answering and now - self._since > limit:
            self._transport.abort()


def _address(value: Any) -> _Address:
    return (str(value[0]), int(value[1])) if value else None
