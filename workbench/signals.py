"""Delay or ignore SIGINT and SIGTERM around critical sections."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def delayed_signals() -> Iterator[None]:
    """Let Ctrl-C and a termination wait until the block is done; then they count."""
    heard: list[int] = []
    before: dict[signal.Signals, Any] = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        for number in before:
            signal.signal(number, lambda number, _: heard.append(number))
        yield
    finally:
        for number, act in before.items():
            signal.signal(number, act)
        if heard:
            signal.raise_signal(heard[0])
