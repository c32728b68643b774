"""The metrics that the service gives to Prometheus."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from workbench.service.cache import FileCache
from workbench.service.work_queue import WorkQueue

_ENCODE_SECONDS = (1, 2, 5, 10, 20, 60, 120, 300, 600, 1800)  # upper bounds of the buckets


class Metrics:
    """The metrics at /metrics."""

    def __init__(self, fetches: WorkQueue, encodes: WorkQueue, cache: FileCache | None) -> None:
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "workbench_requests", "Requests answered, by status.", ["status"], registry=registry
        )
        self.sent = self._counter("sent_bytes", "Bytes sent in response bodies.")
        self.seconds = Histogram(
            "workbench_encode_seconds",
            "Seconds that an encode and its check took.",
            buckets=_ENCODE_SECONDS,
            registry=registry,
        )
        self.cache_hits = self._counter("cache_hits", "Requests for a file that existed already.")
        self.cache_misses = self._counter("cache_misses", "Requests that started a conversion.")
        self.shared = self._counter(
            "conversions_shared", "Requests that waited for a conversion of another request."
        )
        self._gauge("cache_bytes", "Size of the cache.", lambda: cache.size if cache else 0)
        self._gauge("fetches_running", "Fetches from the storage.", lambda: fetches.running)
        self._gauge("fetches_waiting", "Fetches that wait for a thread.", lambda: fetches.waiting)
        self._gauge("encodes_running", "Encodes in progress.", lambda: encodes.running)
        self._gauge("encodes_waiting", "Encodes that wait for a thread.", lambda: encodes.waiting)

    def _counter(self, name: str, text: str) -> Counter:
        return Counter(f"workbench_{name}", text, registry=self.registry)

    def _gauge(self, name: str, text: str, value: Callable[[], float]) -> None:
        Gauge(f"workbench_{name}", text, registry=self.registry).set_function(value)
