"""Update guard: tells user edits of a control from programmatic updates."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock


class UpdateGuard:
    """Tells user edits from programmatic updates.

    ipywidgets calls a control's handlers in the thread that sets its value. JupyterLab runs the
    handlers of a user edit in another thread. That thread waits until the programmatic update ends.
    """

    def __init__(self) -> None:
        self._lock = RLock()
        self._depth = 0

    @property
    def user_edit(self) -> bool:
        """Whether the change that this thread handles now is a user edit."""
        with self._lock:
            return self._depth == 0

    @contextmanager
    def updating(self) -> Iterator[None]:
        """Mark the changes of this block as programmatic updates."""
        with self._lock:
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
