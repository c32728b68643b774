"""UpdateGuard: telling what the desk sets in a control from what a person does there."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock


class UpdateGuard:
    """Knows whose hand sets a control.

    A control's handler is called in the thread that sets it, and a person's change comes in
    another, as JupyterLab runs handlers in several threads: that one waits until the desk is done.
    """

    def __init__(self) -> None:
        self._lock = RLock()
        self._depth = 0

    @property
    def by_user(self) -> bool:
        """Whether a change that is heard now, in this thread, is a person's."""
        with self._lock:
            return self._depth == 0

    @contextmanager
    def programmatic(self) -> Iterator[None]:
        """Give a block in which it is the desk that sets controls."""
        with self._lock:
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
