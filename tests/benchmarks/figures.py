"""Measured figures with their goals, and the memory and time of whole processes."""

import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil


@dataclass(frozen=True)
class Figure:
    """One measured figure and its goal."""

    what: str
    median: float
    low: float
    high: float
    goal: float | None  # at most
    unit: str

    @property
    def met(self) -> str:
        return "" if self.goal is None else "met" if self.median <= self.goal else "missed"


def figure(what: str, values: Sequence[float], goal: float | None, unit: str) -> Figure:
    return Figure(what, median(values), min(values), max(values), goal, unit)


def seconds(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def process(*argv: str | Path) -> Callable[[], object]:
    return lambda: subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)


@dataclass(frozen=True)
class Run:
    """The time and memory of one process, from start to end."""

    seconds: float
    memory: float  # MB, peak of the process itself
    programs: float  # MB, peak of its child processes together


def watched(*argv: str | Path) -> Run:
    """Run a command that must succeed, and sample its memory five times a second."""
    began = time.perf_counter()
    process = psutil.Popen(list(map(str, argv)), stdout=subprocess.DEVNULL)
    own, others = [0.0], [0.0]

    def watch() -> None:
        while process.is_running():
            try:
                own.append(process.memory_info().rss / 1e6)
                others.append(sum(one.memory_info().rss for one in process.children()) / 1e6)
            except psutil.Error:
                pass  # one of them ended in between
            time.sleep(0.2)

    watching = threading.Thread(target=watch)
    watching.start()
    code = process.wait()
    took = time.perf_counter() - began
    watching.join()
    assert code == 0, argv
    return Run(took, max(own), max(others))
