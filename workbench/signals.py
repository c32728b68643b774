"""Delay, block, ignore or translate SIGINT (Ctrl-C) and SIGTERM.

Only this module changes signal handlers, besides the first lines of `__main__.py`. Python runs
handlers in the main thread alone, so `delayed_signals` and `ignored_signals` do nothing in other
threads.
"""

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_Handler = Callable[[int, FrameType | None], Any] | int

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_CLEANUP_TIME = 10.0  # seconds in which a repeated signal does not interrupt the cleanup


@contextmanager
def delayed_signals() -> Iterator[None]:
    """Delay SIGINT and SIGTERM until the block ends, then deliver the first of them."""
    received: list[int] = []
    try:
        with _handled_by(lambda number, _: received.append(number)):
            yield
    finally:
        if received:
            signal.raise_signal(received[0])


@contextmanager
def ignored_signals() -> Iterator[None]:
    """Ignore SIGINT and SIGTERM during the block: interrupted cleanup would leave files behind."""
    with _handled_by(signal.SIG_IGN):
        yield


@contextmanager
def _handled_by(handler: _Handler) -> Iterator[None]:
    """Install a handler for both signals, and restore the previous handlers afterwards."""
    previous: dict[signal.Signals, Any] = {}
    if threading.current_thread() is threading.main_thread():
        previous = {number: signal.getsignal(number) for number in _STOP_SIGNALS}
    try:
        for number in previous:
            signal.signal(number, handler)
        yield
    finally:
        for number, action in previous.items():
            signal.signal(number, action)


@contextmanager
def interrupt_blocked_in_children() -> Iterator[None]:
    """Start child processes with SIGINT blocked, so that Ctrl-C reaches their parent alone.

    Children inherit the signal mask of the thread that starts them, and pass it on to processes
    that replace them. Windows has no signal mask: there the block changes nothing.
    """
    if sys.platform == "win32":
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # it unblocks SIGINT in this thread when it starts
    previous = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, previous)


def unblock_interrupt() -> None:
    """Let this process receive SIGINT although its parent blocks it."""
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def ignore_interrupt() -> None:
    """Ignore SIGINT in this process from now on."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def ignore_stop_signals() -> None:
    """Ignore SIGINT and SIGTERM from now on: the process is about to exit."""
    for number in _STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def interrupt_on_stop_signals() -> None:
    """Raise KeyboardInterrupt on SIGTERM as on SIGINT.

    Repeated signals are ignored for 10 seconds after the first, so that the cleanup can finish.
    SIGINT stays ignored where it is ignored already, as for a background job of a shell.
    """
    last = float("-inf")

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal last
        if time.monotonic() - last > _CLEANUP_TIME:
            last = time.monotonic()
            signal.default_int_handler(number, frame)

    signal.signal(signal.SIGTERM, interrupt)
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, interrupt)


def caused_by_interrupt(error: BaseException | None) -> bool:
    """Return whether an error is a KeyboardInterrupt, or was raised while one was handled.

    >>> caused_by_interrupt(KeyboardInterrupt()), caused_by_interrupt(ValueError())
    (True, False)
    """
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__context__
    return False
