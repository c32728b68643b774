"""Latest worker: a background thread in which the newest request wins."""

import logging
from collections.abc import Callable
from threading import Condition, Thread
from typing import Generic, TypeVar

from workbench.ffmpeg import Cancellation

Request = TypeVar("Request")


class LatestWorker(Generic[Request]):
    """Work on the newest request, one at a time, in a background thread.

    A newer request replaces one that has not started. It does not stop one that is running:
    otherwise a slider in constant motion would show nothing. The worker requests the running
    work's Cancellation instead, so that the work can skip its slow parts.
    """

    def __init__(self, work: Callable[[Request, Cancellation], None]) -> None:
        self._work = work
        self._changed = Condition()
        self._next: list[tuple[Request, Cancellation]] = []  # the newest request, or nothing
        self._running: Cancellation | None = None
        self._thread: Thread | None = None

    def submit(self, request: Request) -> None:
        """Queue a request. It replaces a waiting one."""
        with self._changed:
            self._next = [(request, Cancellation())]
            if self._running:
                self._running.request()
            if self._thread is None:
                self._thread = Thread(target=self._run, daemon=True)
                self._thread.start()

    def cancel(self) -> None:
        """Cancel the running and the waiting request.

        The waiting request still starts, so that its work can report the cancellation.
        """
        with self._changed:
            for _, cancellation in self._next:
                cancellation.request()
            if self._running:
                self._running.request()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the worker is idle. Return False if that takes over `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._next and self._running is None, timeout)

    def _run(self) -> None:
        """Work until no request waits. The next request then starts another thread."""
        while True:
            with self._changed:
                if not self._next:
                    self._thread = None
                    self._changed.notify_all()
                    return
                request, self._running = self._next.pop()
            try:
                self._work(request, self._running)
            except Exception:  # the thread must stay alive for the next request
                logging.getLogger(__name__).exception("work in the background failed")
            with self._changed:
                self._running = None
                self._changed.notify_all()
