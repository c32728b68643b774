"""Batches as people run them: whole processes, watched, stopped and killed from outside."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

SECONDS = 180.0
"""How long to wait for anything: for a busy machine; all takes a few seconds."""


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "workbench", "batch", *map(str, arguments)]


def batch(
    *arguments: str | Path, expect: int = 0, environment: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """Run a batch to its end; return its outcomes, as --json tells them, in order of names."""
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


@contextmanager
def started(
    argv: list[str], environment: Mapping[str, str] | None = None
) -> Iterator[psutil.Popen]:
    """Start a process; whatever happens, end it and its family."""
    process = psutil.Popen(
        argv,
        stdout=subprocess.PIPE,
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
        process.stdout.close()
        psutil.wait_procs(family, timeout=10)


def family_of(process: psutil.Process) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def encoding(process: psutil.Process) -> psutil.Process | None:
    """Return the ffmpeg below a process that encodes."""
    for one in family_of(process):
        try:
            if "prores_ks" in one.cmdline():
                return one
        except psutil.Error:
            continue
    return None


def waited_for(look: Callable[[], Any]) -> Any:
    """Return what is found, once it is."""
    deadline = time.monotonic() + SECONDS
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)
    return found


def kill(process: psutil.Process) -> None:
    """End a process as a power cut or the system's out-of-memory killer does."""
    process.send_signal(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)


def gone(family: list[psutil.Process]) -> bool:
    """Whether all of these end by themselves, in the time that they take to notice."""
    return not psutil.wait_procs(family, timeout=30)[1]


def hidden(folder: Path) -> list[str]:
    """Return what no batch should leave behind in a folder."""
    return [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.name.startswith(".") and path.name != ".batch"
    ]


def whole(folder: Path, name: str) -> bool:
    """Whether a delivered set is one set: each file is what the manifest says."""
    manifest = json.loads(folder.joinpath(".batch", f"{name}.json").read_text(encoding="utf-8"))
    record = json.loads(folder.joinpath(f"{name}.qc.json").read_text(encoding="utf-8"))
    hashes = {
        suffix: hashlib.sha256(folder.joinpath(name + suffix).read_bytes()).hexdigest()
        for suffix in manifest["files"]
    }
    same: bool = hashes == manifest["files"]
    return same and record["destination"]["sha256"] == hashes[".mov"]
