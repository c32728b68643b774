"""Worker: work done beside the notebook's kernel, where the newest request wins."""

import logging
from collections.abc import Callable
from threading import Condition, Thread
from typing import Generic, TypeVar

from workbench.ffmpeg import Cancellation

Request = TypeVar("Request")


class LatestWorker(Generic[Request]):
    """Do the newest of what is asked, one at a time, in a thread.

    A request that was overtaken before it was begun is never done. One that is being done is not
    broken off, or a slider that moves all the time would show nothing: `work` gets a Cancellation
    that is requested when a newer request waits, for the parts that are not worth finishing then.
    """

    def __init__(self, work: Callable[[Request, Cancellation], None]) -> None:
        self._work = work
        self._changed = Condition()
        self._next: list[tuple[Request, Cancellation]] = []  # the newest, or nothing
        self._overtaken: Cancellation | None = None  # of what is being done
        self._thread: Thread | None = None

    def ask(self, request: Request) -> None:
        """Ask for this; whatever waited before is dropped."""
        with self._changed:
            self._next = [(request, Cancellation())]
            if self._overtaken:
                self._overtaken.request()
            if self._thread is None:
                self._thread = Thread(target=self._run, daemon=True)
                self._thread.start()

    def cancel(self) -> None:
        """Cancel what is being done and what waits, which is still begun, so that it can say so."""
        with self._changed:
            for _, cancellation in self._next:
                cancellation.request()
            if self._overtaken:
                self._overtaken.request()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing is left to do; return whether that came within so many seconds."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not self._next and self._overtaken is None, timeout
            )

    def _run(self) -> None:
        """Work until nothing waits; the thread then ends, and the next request starts another."""
        while True:
            with self._changed:
                if not self._next:
                    self._thread = None
                    self._changed.notify_all()
                    return
                request, self._overtaken = self._next.pop()
            try:
                self._work(request, self._overtaken)
            except Exception:  # the next request is to find somebody there
                logging.getLogger(__name__).exception("work in the background failed")
            with self._changed:
                self._overtaken = None
                self._changed.notify_all()
