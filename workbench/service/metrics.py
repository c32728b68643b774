"""Watch: what the service tells whoever keeps it - a log, one line a request, and figures."""

import asyncio
import logging
import time
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from workbench.errors import one_line
from workbench.service.work_queue import Line

log = logging.getLogger(__name__.rpartition(".")[0])

_STALLED = 60  # seconds in which a client takes nothing of its answer: its file must go
_BUCKETS = (1, 2, 5, 10, 20, 60, 120, 300, 600, 1800)  # seconds


class Figures:
    """What /metrics shows."""

    def __init__(self, encodes: Line) -> None:
        self.registry = known = CollectorRegistry()
        self.requests = Counter(
            "workbench_requests", "Requests answered, by status.", ["status"], registry=known
        )
        self.sent = Counter("workbench_sent_bytes", "Bytes of answers sent.", registry=known)
        self.seconds = Histogram(
            *("workbench_encode_seconds", "Seconds that an encode and its check took."),
            buckets=_BUCKETS,
            registry=known,
        )
        running = Gauge("workbench_encodes_running", "Conversions that run.", registry=known)
        running.set_function(lambda: encodes.running)
        waiting = Gauge("workbench_encodes_waiting", "Those that wait for it.", registry=known)
        waiting.set_function(lambda: encodes.waiting)


@dataclass
class _Answer:
    status: int = 0  # 0 until it begins
    size: int = 0  # bytes of its body so far
    complete: bool = False


class Watched:
    """An ASGI application with a log and figures, which no client can hold by not reading."""

    def __init__(self, app: ASGIApp, figures: Figures) -> None:
        self._app, self._figures = app, figures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer, began = _Answer(), time.perf_counter()
        now = asyncio.get_running_loop().time

        async def follow(message: Message) -> None:
            answer.status = message.get("status", answer.status)
            limit.reschedule(now() + _STALLED)
            await send(message)
            limit.reschedule(None)
            answer.size += len(message.get("body", b""))
            answer.complete = message["type"].endswith("body") and not message.get("more_body")

        try:
            async with asyncio.timeout(None) as limit:
                await self._app(scope, receive, follow)
        except asyncio.CancelledError:
            pass  # the service ends, and so does this task
        except Exception:
            if not answer.status:  # what comes later has been logged, or is a client that stalls
                log.exception("a request failed")
        finally:
            seconds = time.perf_counter() - began
            log.info("%s", line(scope, answer.status, seconds, answer.complete))
            self._figures.requests.labels(answer.status).inc()
            self._figures.sent.inc(answer.size)


def line(scope: Scope, status: int, seconds: float, complete: bool) -> str:
    """Return the access log's line. The path stays as it was sent, escaped, without its query.

    >>> line({"method": "GET", "raw_path": b"/convert/prores/a%0A.mp4"}, 404, 0.0123, True)
    'GET /convert/prores/a%0A.mp4 404 0.012 s'
    """
    path = scope["raw_path"].decode("ascii", "backslashreplace")
    return f"{scope['method']} {path} {status} {seconds:.3f} s{'' if complete else ', cut short'}"


class OneLine(logging.Formatter):
    """Keeps a record's message on one line, whatever a key holds."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        record.message = one_line(record.message)
        return super().formatMessage(record)
