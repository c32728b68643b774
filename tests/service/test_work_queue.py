"""Many requests at once, clients that disconnect, and signals: nothing is left behind."""

import signal
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import psutil
import pytest

from tests.service.served import PROMPT, Served, serving, slowest_health, until
from workbench.service.problems import BUSY, STOPPING

SKY = "/convert/prores/shots/sky.mp4"
MEDIUM = "/convert/prores/medium.mp4"
LONG = "/convert/prores/long.mp4"


def test_many_requests_some_of_which_disconnect(storage: Path, tmp_path: Path) -> None:
    options = ("--encodes", "2", "--queue", "3")
    with serving(storage, tmp_path / "temp", *options) as service, ThreadPoolExecutor() as pool:
        stop = Event()
        health = pool.submit(slowest_health, service, stop)
        try:
            _send_and_disconnect(service, pool)
        finally:
            stop.set()
        assert health.result() < PROMPT
        assert service.metric("workbench_requests_total", status="499") == 3
        assert service.metric("workbench_requests_total", status="503") == 1
        assert service.log.count(" 499 ") == 3


def _send_and_disconnect(service: Served, pool: ThreadPoolExecutor) -> None:
    whole = service.ask(SKY)
    assert whole.status_code == 200
    running = [service.begin(LONG), service.begin(f"{LONG}?preset=untouched")]
    until(lambda: len(service.children()) >= 2)
    waiting = service.begin(MEDIUM)
    until(lambda: service.encodes() == (2, 1))
    names = ("smooth", "untouched")
    staying = [pool.submit(service.ask, f"{SKY}?preset={name}") for name in names]
    until(lambda: service.encodes() == (2, 3))

    assert service.ask(SKY).content == whole.content  # from the cache, without waiting
    busy = service.ask(f"{SKY}?preset=smooth-fine")
    assert (busy.status_code, busy.json()["type"]) == (503, BUSY.type)
    assert int(busy.headers["Retry-After"]) > 0
    assert service.ask(SKY, If_None_Match=whole.headers["ETag"]).status_code == 304

    waiting.close()
    until(lambda: service.encodes() == (2, 2))
    until(lambda: len(service.files()) == 4)

    encoders = service.children()
    for client in running:
        client.close()
    until(lambda: not any(encoder.is_running() for encoder in encoders), 5)
    for stays in staying:
        assert stays.result().status_code == 200
    until(service.idle)


def test_a_client_that_disconnects_during_its_download(served: Served) -> None:
    client = served.begin(MEDIUM)
    assert client.recv(12) == b"HTTP/1.1 200"
    (folder,) = served.files()
    assert [path.name for path in folder.iterdir()] == ["converted.mov"]
    client.close()
    until(served.idle)
    until(lambda: "cut short" in served.log)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
@pytest.mark.parametrize("signal_", [signal.SIGTERM, signal.SIGINT], ids=lambda s: s.name)
def test_a_signal_during_an_encode_leaves_nothing_behind(
    storage: Path, tmp_path: Path, signal_: signal.Signals
) -> None:
    with (
        serving(storage, tmp_path / "temp", "--encodes", "1") as service,
        ThreadPoolExecutor() as pool,
    ):
        asked = [
            pool.submit(service.ask, f"{LONG}?preset={name}") for name in ("smooth", "classic")
        ]
        until(lambda: service.encodes() == (1, 1) and bool(service.children()))
        children = service.children()
        service.process.send_signal(signal_)
        assert service.process.wait(60) == 0
        assert not list(service.temp.iterdir())
        assert not any(psutil.pid_exists(child.pid) for child in children)
        for answer in asked:
            assert answer.result().json()["type"] == STOPPING.type
        assert "Traceback" not in service.log


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_a_storage_that_hangs_does_not_delay_the_shutdown(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        env = {
            "R2_ENDPOINT_URL": f"http://127.0.0.1:{silent.getsockname()[1]}",
            **{"R2_ACCESS_KEY_ID": "key", "R2_SECRET_ACCESS_KEY": "secret", "R2_BUCKET": "clips"},
        }
        with serving("s3:///", tmp_path / "temp", **env) as service, ThreadPoolExecutor() as pool:
            asked = pool.submit(service.ask, SKY)
            with silent.accept()[0]:
                assert service.ask("/healthz").status_code == 200
                service.process.terminate()
                assert service.process.wait(30) == 0
            assert not list(service.temp.iterdir())
            assert asked.result().json()["type"] == STOPPING.type
