"""Status line: shows the background work that is running, or the result of the last."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import RLock


class StatusLine:
    """Collects the desk's status messages into one line. Thread-safe."""

    def __init__(self, show: Callable[[str], None]) -> None:
        """Create a status line that passes its text to `show`."""
        self._show = show
        self._running: dict[object, str] = {}
        self._outcome = ""
        self._lock = RLock()

    @contextmanager
    def running(self, text: str) -> Iterator[Callable[[str], None]]:
        """Show a message while the block runs, beside those of other running work.

        Yields a function that changes the message.
        """
        work = object()

        def change(text: str) -> None:
            with self._lock:
                self._running[work] = text
                self._update()

        with self._lock:
            self._outcome = ""
            change(text)
        try:
            yield change
        finally:
            with self._lock:
                del self._running[work]
                self._update()

    def report(self, outcome: str) -> None:
        """Show an outcome until other work starts."""
        with self._lock:
            self._outcome = outcome
            self._update()

    def _update(self) -> None:
        self._show(" · ".join(self._running.values()) or self._outcome)
