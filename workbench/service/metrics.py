"""The metrics that the service gives to Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from workbench.service.work_queue import WorkQueue

_ENCODE_SECONDS = (1, 2, 5, 10, 20, 60, 120, 300, 600, 1800)  # upper bounds of the buckets


class Metrics:
    """The metrics at /metrics."""

    def __init__(self, encodes: WorkQueue) -> None:
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "workbench_requests", "Requests answered, by status.", ["status"], registry=registry
        )
        self.sent = Counter(
            "workbench_sent_bytes", "Bytes sent in response bodies.", registry=registry
        )
        self.seconds = Histogram(
            "workbench_encode_seconds",
            "Seconds that an encode and its check took.",
            buckets=_ENCODE_SECONDS,
            registry=registry,
        )
        running = Gauge("workbench_encodes_running", "Encodes in progress.", registry=registry)
        running.set_function(lambda: encodes.running)
        waiting = Gauge(
            "workbench_encodes_waiting", "Encodes that wait for a free worker.", registry=registry
        )
        waiting.set_function(lambda: encodes.waiting)
