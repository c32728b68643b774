"""Other users of this machine reach the ports of a batch's workers, and nothing behind them."""

import json
import os
import pickle
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from distributed.security import Security

from workbench.batch.scheduler import WorkerPool, worker_pool
from workbench.batch.worker import BatchOptions

INTRUDER = """
import asyncio, json, os, pickle, sys, warnings
from distributed.comm import connect
from distributed.security import Security

ports, trusted = pickle.load(sys.stdin.buffer)
ways = {
    "tcp": ("tcp", Security()),
    "tls without a certificate": ("tls", Security(tls_ca_file=trusted.tls_ca_file)),
    "tls with another certificate": ("tls", Security.temporary()),
    "tls with the certificate": ("tls", trusted),
}
if os.name == "posix" and os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)

async def answer(protocol, security, port):
    arguments = security.get_connection_args("client")
    comm = await connect(f"{protocol}://127.0.0.1:{port}", timeout=5, **arguments)
    await comm.write({"op": "identity", "reply": True}, serializers=["msgpack"])
    found = await comm.read()
    comm.abort()
    return found["type"]

async def main():
    found = {}
    for way, (protocol, security) in ways.items():
        results = await asyncio.gather(
            *(asyncio.wait_for(answer(protocol, security, port), 6) for port in ports),
            return_exceptions=True,
        )
        found[way] = sorted(result for result in results if isinstance(result, str))
    print(json.dumps(found), flush=True)
    os._exit(0)  # connections that are still being tried would delay the end

asyncio.run(main())
"""
"""Asks every port for its identity, as Dask's clients do first. Runs as another user if it can."""


@pytest.fixture(scope="module")
def opened(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[WorkerPool, list[int]]]:
    """The workers of a batch, and every port that they and their scheduler listen on."""
    destination = str(tmp_path_factory.mktemp("out"))
    options = BatchOptions(batch_id="b", destination=destination, ffmpeg_threads=1)
    before = listening()
    with worker_pool(options, 1, None) as pool:
        new = listening() - before
        assert {address for address, _ in new} == {"127.0.0.1"}
        yield pool, sorted(port for _, port in new)


@pytest.fixture
def pool(opened: tuple[WorkerPool, list[int]]) -> WorkerPool:
    return opened[0]


@pytest.fixture
def ports(opened: tuple[WorkerPool, list[int]]) -> list[int]:
    return opened[1]


def listening() -> set[tuple[str, int]]:
    """Return the addresses on which Dask listens in this process and its descendants.

    A kernel's ports are encrypted in their own way.
    """
    me = psutil.Process()
    family = [me, *me.children(recursive=True)]
    dask = [one for one in family if "workbench.batch.kernel_watchdog" not in one.cmdline()]
    found = [one for process in dask for one in process.net_connections("tcp")]
    return {(one.laddr.ip, one.laddr.port) for one in found if one.status == psutil.CONN_LISTEN}


def test_only_the_batchs_own_certificate_opens_a_port(pool: WorkerPool, ports: list[int]) -> None:
    assert pool.cluster is not None
    assert isinstance(pool.client.security, Security)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", INTRUDER],
        input=pickle.dumps((ports, pool.client.security)),
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    found = json.loads(done.stdout)
    assert found.pop("tls with the certificate") == ["Nanny", "Scheduler", "Worker"]
    assert found == {
        "tcp": [],
        "tls without a certificate": [],
        "tls with another certificate": [],
    }


def test_no_port_shows_dasks_pages(ports: list[int]) -> None:
    paths = ("", "status", "health", "info/main/workers.html", "json/counts.json", "metrics")
    for port in ports:
        for path in paths:
            with pytest.raises((urllib.error.URLError, OSError)):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=10)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc")
def test_the_key_is_in_no_argument_and_no_environment(pool: WorkerPool) -> None:
    me = psutil.Process()
    (line, *_) = [one for one in pool.client.security.tls_client_key.splitlines() if "-" not in one]
    for process in me.children(recursive=True):
        assert line not in " ".join(process.cmdline())
        assert line not in " ".join(process.environ().values())
    assert line not in " ".join(os.environ.values())
