"""The service as people run it: a process of its own, and what it leaves behind."""

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
from urllib.parse import urlsplit

import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families

_PATIENCE = 20.0  # seconds


@dataclass(frozen=True)
class Served:
    """A service that runs."""

    process: subprocess.Popen[bytes]
    url: str
    temp: Path  # the folder that it was given for temporary files
    log_file: Path
    headers: dict[str, str]  # sent with each request

    @property
    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8")

    def ask(self, path: str, method: str = "GET", **headers: str) -> httpx.Response:
        sent = {**self.headers, **{name.replace("_", "-"): headers[name] for name in headers}}
        return httpx.request(method, self.url + path, headers=sent, timeout=120)

    def begin(self, path: str) -> socket.socket:
        """Send a request and leave its answer unread; the socket takes little at a time."""
        address = urlsplit(self.url)
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(_PATIENCE)
        client.connect((address.hostname, address.port))
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
        return client

    def figure(self, name: str, **labels: str) -> float:
        text = self.ask("/metrics").text
        samples = [s for family in text_string_to_metric_families(text) for s in family.samples]
        return sum(s.value for s in samples if s.name == name and s.labels == labels)

    def at_work(self) -> tuple[float, float]:
        """Return how many conversions run and how many wait."""
        return self.figure("workbench_encodes_running"), self.figure("workbench_encodes_waiting")

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def files(self) -> list[Path]:
        """Return what requests have in the temporary folder."""
        return list(self.temp.glob("*/*"))

    def at_rest(self) -> bool:
        return self.at_work() == (0, 0) and not self.files() and not self.children()


@contextmanager
def serving(source: Path | str, temp: Path, *options: str, **env: str) -> Iterator[Served]:
    """Run `workbench serve` over a storage, at a port that is free."""
    temp.mkdir()
    log_file = temp.with_name(f"{temp.name}.log")
    argv = [sys.executable, "-m", "workbench", "serve", "--source", str(source), "--port", "0"]
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
        process.wait(_PATIENCE)


def environment(**changed: str) -> dict[str, str]:
    """Return the environment without what a person has set for services of their own."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("R2_", "AWS_"))}
    kept.pop("WORKBENCH_TOKEN", None)
    return {**kept, "PYTHONUTF8": "1", **changed}


def until(true: Callable[[], bool], seconds: float = _PATIENCE) -> None:
    """Wait until something is true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)
