"""The access log: one line for each request, and a timeout for clients that stop reading."""

import asyncio
import logging
import time
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from workbench.errors import one_line
from workbench.service.metrics import Metrics

log = logging.getLogger(__package__)

_STALL_SECONDS = 60
"""A client must read the next piece of its response within this time."""


@dataclass
class _Response:
    status: int = 0  # 0 until the response begins
    size: int = 0  # bytes of the body sent so far
    complete: bool = False


class AccessLog:
    """ASGI middleware that logs and counts each request, and drops clients that stop reading."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response, began = _Response(), time.perf_counter()
        now = asyncio.get_running_loop().time

        async def send_and_count(message: Message) -> None:
            response.status = message.get("status", response.status)
            timeout.reschedule(now() + _STALL_SECONDS)
            await send(message)
            timeout.reschedule(None)
            response.size += len(message.get("body", b""))
            response.complete = message["type"].endswith("body") and not message.get("more_body")

        try:
            async with asyncio.timeout(None) as timeout:
                await self._app(scope, receive, send_and_count)
        except asyncio.CancelledError:
            pass  # the service is shutting down
        except Exception:
            # Once the response has begun, the error is logged already, or the client stalled.
            if not response.status:
                log.exception("a request failed")
        finally:
            seconds = time.perf_counter() - began
            log.info("%s", access_line(scope, response.status, seconds, response.complete))
            self._metrics.requests.labels(response.status).inc()
            self._metrics.sent.inc(response.size)


def access_line(scope: Scope, status: int, seconds: float, complete: bool) -> str:
    """Return a request's line of the log. The path is as sent, escaped, without the query.

    >>> scope = {"method": "GET", "raw_path": b"/convert/prores/a%0A.mp4"}
    >>> access_line(scope, 404, 0.0123, True)
    'GET /convert/prores/a%0A.mp4 404 0.012 s'
    """
    path = scope["raw_path"].decode("ascii", "backslashreplace")
    return f"{scope['method']} {path} {status} {seconds:.3f} s{'' if complete else ', cut short'}"


class OneLineFormatter(logging.Formatter):
    """Escape control characters, so that a key with a line feed cannot forge a line of the log."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        record.message = one_line(record.message)
        return super().formatMessage(record)
