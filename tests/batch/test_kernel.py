"""Kernels that run several notebooks: runs are separate, and kernels end when they should."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import zmq

from workbench.batch.kernel import Kernel
from workbench.errors import Cancelled, NotebookFailed, ParameterError
from workbench.ffmpeg import Cancellation

Make = Callable[..., Path]


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    with Kernel() as kernel:
        yield kernel


@pytest.fixture
def notebook(tmp_path: Path) -> Make:
    """Return a function that writes a notebook of cells, the first with its parameters."""

    def make(*cells: str) -> Path:
        def cell(source: str, tags: list[str]) -> dict[str, Any]:
            common = {"cell_type": "code", "execution_count": None, "outputs": []}
            return {**common, "source": source, "metadata": {"tags": tags}}

        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.ipynb"
        kernelspec = {"name": "python3", "display_name": "", "language": "python"}
        first, *others = cells
        book = {
            "cells": [cell(first, ["parameters"]), *(cell(text, []) for text in others)],
            "metadata": {"kernelspec": kernelspec},
            "nbformat": 4,
            "nbformat_minor": 4,
        }
        path.write_text(json.dumps(book))
        return path

    return make


def text(executed: Path) -> str:
    cells = json.loads(executed.read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return "".join("".join(output.get("text", "")) for output in outputs)


def done(executed: Path) -> Path:
    executed.parent.mkdir(exist_ok=True)
    return executed


def test_runs_in_one_kernel_are_separate(kernel: Kernel, notebook: Make, tmp_path: Path) -> None:
    """Each has a new namespace, history and folder, in one process with its imported modules."""
    book = notebook(
        "mark = 1",
        "import os, sys\n"
        "print(os.getpid(), os.path.basename(os.getcwd()), 'kept' in dir(), len(In), mark)\n"
        "kept = 1",
    )
    for name in ("one", "two"):
        kernel.run(book, done(tmp_path / name / "x.ipynb"), {"mark": name})
    first, second = (text(tmp_path / name / "x.ipynb").split() for name in ("one", "two"))
    assert first[0] == second[0]
    assert (first[1:3], second[1:3]) == (["one", "False"], ["two", "False"])
    assert first[3] == second[3]
    assert (first[4], second[4]) == ("one", "two")


def test_a_kernel_is_replaced_after_an_error(
    kernel: Kernel, notebook: Make, tmp_path: Path
) -> None:
    book = notebook("fail = 0", "import os\nprint(os.getpid())\n1 / (1 - fail)")
    kernel.run(book, done(tmp_path / "a/x.ipynb"), {})
    with pytest.raises(NotebookFailed, match="division by zero"):
        kernel.run(book, done(tmp_path / "b/x.ipynb"), {"fail": 1})
    kernel.run(book, done(tmp_path / "c/x.ipynb"), {})
    a, b, c = (text(tmp_path / name / "x.ipynb") for name in "abc")
    assert a == b
    assert b != c


def test_a_crash_of_the_kernel_fails_one_run(
    kernel: Kernel, notebook: Make, tmp_path: Path
) -> None:
    with pytest.raises(NotebookFailed, match="the kernel died"):
        kernel.run(notebook("", "import os\nos._exit(3)"), done(tmp_path / "a/x.ipynb"), {})
    kernel.run(notebook("", "print('well')"), done(tmp_path / "b/x.ipynb"), {})
    assert text(tmp_path / "b/x.ipynb") == "well\n"


def test_an_unknown_parameter_raises(kernel: Kernel, notebook: Make, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"has no parameter b \(it has a\)"):
        kernel.run(notebook("a = 1"), tmp_path / "x.ipynb", {"b": 2})


def test_a_run_times_out(kernel: Kernel, notebook: Make, tmp_path: Path) -> None:
    """It is interrupted, so that it can clean up, and its output is saved."""
    tidy = "import time\ntry:\n    time.sleep(60)\nfinally:\n    print('tidied')"
    with pytest.raises(NotebookFailed, match="timed out: raise --time-limit"):
        kernel.run(notebook("", tidy), done(tmp_path / "a/x.ipynb"), {}, timeout=1)
    assert text(tmp_path / "a/x.ipynb") == "tidied\n"


def test_a_cancelled_run_stops(kernel: Kernel, notebook: Make, tmp_path: Path) -> None:
    cancellation = Cancellation()
    threading.Timer(1, cancellation.request).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        kernel.run(
            notebook("", "import time\ntime.sleep(600)"),
            done(tmp_path / "a/x.ipynb"),
            {},
            cancellation=cancellation,
        )
    assert time.monotonic() - began < 120


def test_notebooks_get_no_secrets(
    notebook: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("R2_SECRET_ACCESS_KEY", "hidden")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    monkeypatch.setenv("WORKBENCH_TOKEN", "hidden")
    with Kernel() as kernel:
        kernel.run(
            notebook("", "import os\nprint(dict(os.environ))"), done(tmp_path / "a/x.ipynb"), {}
        )
    assert "PATH" in text(tmp_path / "a/x.ipynb")
    assert "hidden" not in text(tmp_path / "a/x.ipynb")


def test_a_kernel_ends_when_its_owner_is_killed(notebook: Make, tmp_path: Path) -> None:
    """It ends itself and its child processes, and removes its temporary folder."""
    scratch = done(tmp_path / "scratch/x.ipynb").parent
    book = notebook(
        "",
        "import subprocess, sys\n"
        "subprocess.run([sys.executable, '-c', 'import time; time.sleep(999)'])",
    )
    code = (
        "from pathlib import Path\nfrom workbench.batch.kernel import Kernel\n"
        f"Kernel(Path({str(scratch)!r})).run("
        f"Path({str(book)!r}), Path({str(scratch / 'x.ipynb')!r}), {{}})"
    )
    owner = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        family = psutil.Process(owner.pid).children(recursive=True)
        if any("time.sleep(999)" in " ".join(one.cmdline()) for one in family):
            break
        time.sleep(0.1)
    else:
        pytest.fail("the notebook did not begin")
    os.kill(owner.pid, signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
    owner.wait()
    gone, alive = psutil.wait_procs(family, timeout=120)
    assert not alive
    assert gone
    assert not scratch.exists()


def test_another_user_cannot_read_the_output(
    kernel: Kernel, notebook: Make, tmp_path: Path
) -> None:
    """The ports of a kernel are open to every user of the machine, and its output is broadcast."""
    kernel.run(notebook("", "1"), done(tmp_path / "out" / "done.ipynb"), {})
    assert kernel._manager is not None
    with zmq.Context() as context, context.socket(zmq.SUB) as listener:
        listener.linger = 0
        listener.subscribe(b"")
        listener.connect(f"tcp://127.0.0.1:{kernel._manager.iopub_port}")
        for _ in range(3):  # a subscription takes a moment, so the first output may be missed
            kernel.run(notebook("", "print('private')"), done(tmp_path / "out" / "done.ipynb"), {})
            assert not listener.poll(300)
