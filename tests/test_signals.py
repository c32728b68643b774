"""Signals are delayed, ignored or translated, and the handlers are restored afterwards."""

import os
import re
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import workbench
from workbench.signals import delayed_signals, ignored_signals, interrupt_on_stop_signals

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends itself signals")


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Restore the handlers that a test changes."""
    before = [(number, signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM)]
    yield
    for number, handler in before:
        signal.signal(number, handler)


def test_a_delayed_signal_comes_after_the_block() -> None:
    done = []

    def work() -> None:
        with delayed_signals():
            os.kill(os.getpid(), signal.SIGINT)
            done.append("block")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["block"]
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler


def test_an_ignored_signal_is_lost() -> None:
    with ignored_signals():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler


def test_other_threads_leave_the_handlers_alone() -> None:
    seen = []

    def look() -> None:
        with delayed_signals(), ignored_signals():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]


def test_a_termination_interrupts_and_a_repeated_one_does_not() -> None:
    interrupt_on_stop_signals()
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGINT)


def test_an_ignored_interrupt_stays_ignored() -> None:
    """A shell starts background jobs with SIGINT ignored."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    interrupt_on_stop_signals()
    os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGTERM)


def test_only_one_module_changes_signal_handlers() -> None:
    package = Path(workbench.__file__).parent
    allowed = ("signals.py", "__main__.py")  # the latter acts before it imports the package
    others = [path for path in package.rglob("*.py") if path.name not in allowed]
    found = [
        path for path in others if re.search(r"^\s*import signal\b", path.read_text("utf-8"), re.M)
    ]
    assert found == []
