"""Status line: shows the background work that is running, or the result of the last."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import RLock


class StatusLine:
    """Collects the desk's status messages into one line. Thread-safe."""

    def __init__(self, show: Callable[[str], None]) -> None:
        """Create a status line that passes its text to `show`."""
        self._show = show
        self._running: list[str] = []
        self._outcome = ""
        self._lock = RLock()

    @contextmanager
    def running(self, text: str) -> Iterator[None]:
        """Show a message while the block runs, beside those of other running work."""
        with self._lock:
            self._outcome = ""
            self._running.append(text)
            self._update()
        try:
            yield
        finally:
            with self._lock:
                self._running.remove(text)
                self._update()

    def report(self, outcome: str) -> None:
        """Show an outcome until other work starts."""
        with self._lock:
            self._outcome = outcome
            self._update()

    def _update(self) -> None:
        self._show(" · ".join(self._running) or self._outcome)
