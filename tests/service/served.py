"""Run the service as users do, as a process, and inspect its metrics, log and files."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit

import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families

PROMPT = 3.0
"""Seconds within which /healthz responds on a busy machine, unless something blocks it."""

_TIMEOUT = 60.0  # seconds


@dataclass(frozen=True)
class Served:
    """A running service."""

    process: subprocess.Popen[bytes]
    url: str
    temp: Path  # the folder given as --temp
    log_file: Path
    headers: dict[str, str]  # sent with every request

    @property
    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8")

    def ask(self, path: str, method: str = "GET", **headers: str) -> httpx.Response:
        sent = {**self.headers, **{name.replace("_", "-"): headers[name] for name in headers}}
        return httpx.request(method, self.url + path, headers=sent, timeout=120)

    def begin(self, path: str) -> socket.socket:
        """Send a request without reading its response. The socket has a small receive buffer."""
        address = urlsplit(self.url)
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(_TIMEOUT)
        client.connect((address.hostname, address.port))
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
        return client

    def metric(self, name: str, **labels: str) -> float:
        """Return the value of a metric from /metrics, 0 if there is none."""
        text = self.ask("/metrics").text
        samples = [s for family in text_string_to_metric_families(text) for s in family.samples]
        return sum(s.value for s in samples if s.name == name and s.labels == labels)

    def encodes(self) -> tuple[float, float]:
        """Return the number of encodes running and waiting."""
        return self.metric("workbench_encodes_running"), self.metric("workbench_encodes_waiting")

    def converted(self) -> float:
        """Return the number of clips that were encoded."""
        return self.metric("workbench_encode_seconds_count")

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def files(self) -> list[Path]:
        """Return the temporary files and folders of requests."""
        return [path for path in self.temp.glob("*/*") if path.name != "cache"]

    def idle(self) -> bool:
        """Tell whether no encode runs or waits, and no temporary file or process is left."""
        return self.encodes() == (0, 0) and not self.files() and not self.children()


@contextmanager
def serving(source: Path | str, temp: Path, *options: str, **env: str) -> Iterator[Served]:
    """Run `workbench serve` for a storage, on a free port; without a token unless `env` has one."""
    temp.mkdir()
    log_file = temp.with_name(f"{temp.name}.log")
    argv = [sys.executable, "-m", "workbench", "serve", "--source", str(source), "--port", "0"]
    if "WORKBENCH_TOKEN" not in env:
        argv.append("--no-token")
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [*argv, "--temp", str(temp), *options], stderr=log, env=environment(**env), cwd=temp
        )
    try:
        until(lambda: b"serving at" in log_file.read_bytes() or process.poll() is not None)
        address = re.search(r"http://\S+:\d+", log_file.read_text())
        assert address, log_file.read_text()
        token = env.get("WORKBENCH_TOKEN")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        yield Served(process, address[0], temp, log_file, headers)
    finally:
        process.terminate()
        process.wait(_TIMEOUT)


def environment(**changed: str) -> dict[str, str]:
    """Return the environment without the developer's own credentials, and with these changes."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("R2_", "AWS_"))}
    kept.pop("WORKBENCH_TOKEN", None)
    return {**kept, "PYTHONUTF8": "1", **changed}


def until(condition: Callable[[], bool], seconds: float = _TIMEOUT) -> None:
    """Wait until the condition holds; fail after the timeout."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "timed out"
        time.sleep(0.05)


def slowest_health(service: Served, stop: Event) -> float:
    """Request /healthz until stopped; return the seconds of the slowest response."""
    slowest = 0.0
    while not stop.wait(0.05):
        began = time.perf_counter()
        assert service.ask("/healthz").json() == {"status": "ok"}
        slowest = max(slowest, time.perf_counter() - began)
    return slowest
