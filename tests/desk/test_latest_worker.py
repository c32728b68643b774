"""Latest worker: the newest request wins, and running work is not stopped."""

from threading import Event

from workbench.desk.latest_worker import LatestWorker
from workbench.ffmpeg import Cancellation


def test_the_newest_request_replaces_those_that_have_not_started() -> None:
    started, go, done = Event(), Event(), []

    def work(request: int, superseded: Cancellation) -> None:
        started.set()
        assert go.wait(60)
        done.append((request, superseded.requested))

    worker = LatestWorker(work)
    worker.submit(0)
    assert started.wait(60)
    for request in range(1, 200):
        worker.submit(request)
    go.set()
    assert worker.wait(60)
    assert done == [(0, True), (199, False)]


def test_the_worker_continues_after_a_request_that_fails() -> None:
    done = []

    def work(request: int, _: Cancellation) -> None:
        done.append(1 / request)

    worker = LatestWorker(work)
    worker.submit(0)
    assert worker.wait(60)
    worker.submit(1)
    assert worker.wait(60)
    assert done == [1]


def test_cancel_reaches_the_running_and_the_waiting_request() -> None:
    started, told = Event(), []

    def work(request: str, superseded: Cancellation) -> None:
        started.set()
        told.append((request, superseded.wait(60)))

    worker = LatestWorker(work)
    worker.submit("runs")
    assert started.wait(60)
    worker.submit("waits")
    worker.cancel()
    assert worker.wait(60)
    assert told == [("runs", True), ("waits", True)]
    assert worker.wait(0)
