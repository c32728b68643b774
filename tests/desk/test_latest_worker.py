"""The newest request wins, and none is broken off half-way."""

from threading import Event

from workbench.desk.latest_worker import LatestWorker
from workbench.ffmpeg import Cancellation


def test_the_newest_wins_and_what_it_overtook_is_never_begun() -> None:
    begun, go, done = Event(), Event(), []

    def work(request: int, overtaken: Cancellation) -> None:
        begun.set()
        assert go.wait(5)
        done.append((request, overtaken.requested))

    latest = LatestWorker(work)
    latest.submit(0)
    assert begun.wait(5)
    for request in range(1, 200):
        latest.submit(request)
    go.set()
    assert latest.wait(5)
    assert done == [(0, True), (199, False)]


def test_one_that_fails_leaves_the_next_its_turn() -> None:
    done = []

    def work(request: int, _: Cancellation) -> None:
        done.append(1 / request)

    latest = LatestWorker(work)
    latest.submit(0)
    assert latest.wait(5)
    latest.submit(1)
    assert latest.wait(5)
    assert done == [1]


def test_cancel_reaches_what_runs_and_what_waits() -> None:
    begun, told = Event(), []

    def work(request: str, overtaken: Cancellation) -> None:
        begun.set()
        told.append((request, overtaken.wait(5)))

    latest = LatestWorker(work)
    latest.submit("runs")
    assert begun.wait(5)
    latest.submit("waits")
    latest.cancel()
    assert latest.wait(5)
    assert told == [("runs", True), ("waits", True)]
    assert latest.wait(0)
