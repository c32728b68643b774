"""Placing: telling what the desk sets in a control from what a person does there."""

from threading import RLock
from types import TracebackType


class Placing:
    """A block in which the desk sets controls: `with placing: ...`.

    A control's handler is called in the thread that sets it, and a person's change comes in
    another, as JupyterLab runs handlers in several threads: that one waits until the desk is done.
    """

    def __init__(self) -> None:
        self._lock = RLock()
        self._depth = 0

    @property
    def by_hand(self) -> bool:
        """Whether a change that is heard now, in this thread, is a person's."""
        with self._lock:
            return self._depth == 0

    def __enter__(self) -> None:
        self._lock.acquire()
        self._depth += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._depth -= 1
        self._lock.release()
