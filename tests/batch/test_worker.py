"""Workers remove their temporary folder when they stop, and errors survive the way back."""

import asyncio
import os
import pickle
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.batch.running import SECONDS, command, family_of, gone, hidden, started, waited_for
from tests.clips import banded
from workbench.batch import worker as workers
from workbench.batch.job import JobContext
from workbench.batch.plan import Job, plan
from workbench.batch.worker import BatchOptions, JobRunner
from workbench.deliver.settings import Settings
from workbench.errors import Cancelled, DestinationUnusable, FfmpegFailed, OutOfMemory


@pytest.fixture
def job(tmp_path: Path) -> Job:
    (tmp_path / "a.mp4").write_bytes(b"not yet")
    (job,) = plan([str(tmp_path / "a.mp4")], Settings())
    return job


@pytest.mark.parametrize("slow", ["start", "stop"])
def test_a_worker_removes_its_folder_after_its_last_job(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slow: str
) -> None:
    """A job that is still starting or stopping must not recreate it, nor a job that comes late."""
    out = tmp_path / "out"
    found = workers.installed_versions()
    started = threading.Event()

    def starting() -> dict[str, str]:
        if slow == "start":
            started.set()
            time.sleep(0.3)
        return found

    def running(job: Job, context: JobContext) -> Any:  # noqa: ARG001 - as run_job is called
        started.set()
        context.cancellation.wait(30)
        if slow == "stop":
            time.sleep(0.3)
            context.folder.joinpath("late").mkdir(parents=True)
        raise Cancelled("stopped")

    monkeypatch.setattr(workers, "installed_versions", starting)
    monkeypatch.setattr(workers, "run_job", running)
    monkeypatch.setattr(workers.Kernel, "prepare", lambda _: None)  # a kernel takes seconds
    worker: Any = SimpleNamespace(state=SimpleNamespace(nthreads=1), log_event=lambda *_: None)
    runner = JobRunner(BatchOptions(batch_id="b", destination=str(out)), found)
    runner.setup(worker)
    assert len(hidden(out)) == 1
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(runner.run, job, worker)
        assert started.wait(30)
        asyncio.run(runner.teardown(worker))
    assert isinstance(done.exception(), Cancelled)
    assert hidden(out) == []
    with pytest.raises(Cancelled):
        runner.run(job, worker)
    assert hidden(out) == []


def test_a_batch_stopped_while_its_workers_start_leaves_no_folder(tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    banded(source / "0.mp4")
    for n in range(1, 6):
        os.link(source / "0.mp4", source / f"{n}.mp4")
    with started(command(source, "--out", out, "--workers", "2")) as process:
        waited_for(lambda: out.exists() and len(hidden(out)) >= 4)
        family = family_of(process)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=SECONDS)
        assert gone(family)
    assert output.splitlines()[-1] == "Error: stopped; run the same command again to resume"
    assert hidden(out) == []


def test_errors_survive_pickling(tmp_path: Path) -> None:
    """Dask pickles them, and a MemoryError does not survive that without help."""
    failed = FfmpegFailed(["ffmpeg"], tmp_path / "a.mp4", ["line"], "why")
    for error in (OutOfMemory("too little"), DestinationUnusable("full"), failed):
        found = pickle.loads(pickle.dumps(error))
        assert (type(found), str(found)) == (type(error), str(error))
