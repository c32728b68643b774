"""Run batches: as processes that tests watch, stop and kill, or on the workers of a scheduler."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from click.testing import CliRunner

from workbench.cli import main

SECONDS = 180.0
"""Timeout of every wait. Most take a few seconds; a busy machine takes longer."""


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "workbench", "batch", *map(str, arguments)]


def batch(
    *arguments: str | Path, expect: int = 0, environment: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """Run a batch as a process; return its outcomes as --json prints them, sorted by name."""
    done = subprocess.run(
        [*command(*arguments), "--json"],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env={**os.environ, **(environment or {})},
        check=False,
    )
    assert done.returncode == expect, (done.returncode, done.stdout, done.stderr)
    assert done.stderr == ""
    return sorted(map(json.loads, done.stdout.splitlines()), key=lambda one: str(one["name"]))


def batch_on(scheduler: str, *arguments: str | Path, expect: int = 0) -> list[dict[str, Any]]:
    """Run the batch command in this process, on the workers of a Dask scheduler.

    Returns its outcomes as --json prints them, sorted by name. Starting local workers takes longer
    than converting a short clip, so tests that are not about workers share a scheduler.
    """
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        done = CliRunner().invoke(
            main, ["batch", *map(str, arguments), "--scheduler", scheduler, "--json"]
        )
    finally:
        for number, handler in handlers.items():  # the command sets its own
            signal.signal(number, handler)
    assert done.exit_code == expect, (done.exit_code, done.output, done.exception)
    assert done.stderr == ""
    return sorted(map(json.loads, done.stdout.splitlines()), key=lambda one: str(one["name"]))


@dataclass(frozen=True)
class DaskWorkers:
    """A Dask scheduler and its workers, each a process of its own."""

    address: str  # of the scheduler
    workers: Sequence[psutil.Popen]  # the nanny processes, each the parent of one worker
    folders: Sequence[Path]  # the home folder of each worker; its temporary files are in temp/


@contextmanager
def dask_workers(
    folder: Path, names: Sequence[str], environment: Mapping[str, str]
) -> Iterator[DaskWorkers]:
    """Start a scheduler and workers, each with a home and a temporary folder below `folder`."""
    dask = [sys.executable, "-m", "dask"]
    here = ["--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0"]
    said = folder / "scheduler.json"
    with ExitStack() as stack:
        serve = ["scheduler", *here, "--port", "0", "--no-dashboard", "--scheduler-file", str(said)]
        stack.enter_context(started([*dask, *serve], log=folder / "scheduler.log"))
        waited_for(lambda: said.exists() and said.read_text())
        address = json.loads(said.read_text())["address"]
        workers, folders = [], []
        for name in names:
            home = folder / name
            (home / "temp").mkdir(parents=True)
            own = {"HOME": str(home), "TMPDIR": str(home / "temp"), **environment}
            own["DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED"] = "False"  # see docs/batch.md
            options = ["--nthreads", "1", "--local-directory", str(home), "--name", name]
            argv = [*dask, "worker", address, *here, *options]
            workers.append(stack.enter_context(started(argv, own, home / "worker.log")))
            folders.append(home)
        yield DaskWorkers(address, workers, folders)


@contextmanager
def started(
    argv: list[str], environment: Mapping[str, str] | None = None, log: Path | None = None
) -> Iterator[psutil.Popen]:
    """Start a process, and kill it and its descendants at the end.

    Its output goes to the file `log`, or into a pipe that the test reads.
    """
    with ExitStack() as stack:
        output = stack.enter_context(log.open("wb")) if log else subprocess.PIPE
        process = psutil.Popen(
            argv,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    try:
        yield process
    finally:
        family = [process, *family_of(process)]
        for one in family:
            if one.is_running():
                one.kill()
        if process.stdout:
            process.stdout.close()
        psutil.wait_procs(family, timeout=SECONDS)


def family_of(process: psutil.Process) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def encoding(process: psutil.Process) -> psutil.Process | None:
    """Return the encoding ffmpeg among the descendants of a process, if there is one."""
    for one in family_of(process):
        try:
            if "prores_ks" in one.cmdline():
                return one
        except psutil.Error:
            continue
    return None


def waited_for(look: Callable[[], Any]) -> Any:
    """Call `look` until it returns a true value; return that."""
    deadline = time.monotonic() + SECONDS
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)
    return found


def kill(process: psutil.Process) -> None:
    """Kill a process without a chance to clean up, as the out-of-memory killer does."""
    process.send_signal(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)


def gone(family: list[psutil.Process]) -> bool:
    """Wait for processes to end by themselves; return whether all did."""
    return not psutil.wait_procs(family, timeout=SECONDS)[1]


def hidden(folder: Path) -> list[str]:
    """Return the hidden files that no batch may leave in a folder."""
    return [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.name.startswith(".") and path.name != ".batch"
    ]


def whole(folder: Path, name: str) -> bool:
    """Return whether the checksums of a set of files are those of its manifest and record."""
    manifest = json.loads(folder.joinpath(".batch", f"{name}.json").read_text(encoding="utf-8"))
    record = json.loads(folder.joinpath(f"{name}.qc.json").read_text(encoding="utf-8"))
    hashes = {
        suffix: hashlib.sha256(folder.joinpath(name + suffix).read_bytes()).hexdigest()
        for suffix in manifest["files"]
    }
    same: bool = hashes == manifest["files"]
    return same and record["destination"]["sha256"] == hashes[".mov"]
