"""Workers that are stopped: they leave no folder, whatever they were doing."""

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
from distributed import Client

from tests.batch.running import command, family_of, gone, hidden, started, waited_for
from tests.clips import banded
from workbench.batch import crew
from workbench.batch.crew import Bench, Terms
from workbench.batch.job import Hands
from workbench.batch.plan import Job, plan
from workbench.deliver.settings import Settings
from workbench.errors import Cancelled, DestinationUnusable, FfmpegFailed, OutOfMemory
from workbench.temporary import temporary_folder


@pytest.fixture
def job(tmp_path: Path) -> Job:
    (tmp_path / "a.mp4").write_bytes(b"not yet")
    (job,) = plan([str(tmp_path / "a.mp4")], Settings())
    return job


@pytest.mark.parametrize("slow", ["to begin", "to stop"])
def test_a_worker_removes_its_folder_after_its_last_job(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slow: str
) -> None:
    """A job that was still beginning made the folder again; one that comes late makes nothing."""
    out = tmp_path / "out"
    found = crew.versions()
    began = threading.Event()

    def beginning() -> dict[str, str]:
        if slow == "to begin":
            began.set()
            time.sleep(0.3)
        return found

    def running(job: Job, hands: Hands) -> Any:  # noqa: ARG001 - as run_job is called
        began.set()
        hands.cancellation.wait(30)
        if slow == "to stop":
            time.sleep(0.3)
            hands.folder.joinpath("late").mkdir(parents=True)
        raise Cancelled("stopped")

    monkeypatch.setattr(crew, "versions", beginning)
    monkeypatch.setattr(crew, "run_job", running)
    monkeypatch.setattr(crew.Kernel, "prepare", lambda _: None)  # what is slow to start and to end
    worker: Any = SimpleNamespace(state=SimpleNamespace(nthreads=1), log_event=lambda *_: None)
    bench = Bench(Terms(batch="b", destination=str(out)), found)
    bench.setup(worker)
    assert len(hidden(out)) == 1
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(bench.do, job, worker)
        assert began.wait(30)
        asyncio.run(bench.teardown(worker))
    assert isinstance(done.exception(), Cancelled)
    assert hidden(out) == []
    with pytest.raises(Cancelled):
        bench.do(job, worker)
    assert hidden(out) == []


@pytest.mark.skipif(os.name != "posix", reason="sends itself a signal")
def test_a_signal_while_workers_are_told_of_the_batch_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that was half told made its folder, and nobody told it to remove that."""
    tell = Client.register_plugin

    def interrupted(client: Client, plugin: Any) -> None:
        telling = threading.Thread(target=tell, args=(client, plugin))
        telling.start()
        os.kill(os.getpid(), signal.SIGINT)
        telling.join()

    monkeypatch.setattr(Client, "register_plugin", interrupted)
    terms = Terms(batch="b", destination=str(tmp_path / "out"), threads=1)
    with pytest.raises(KeyboardInterrupt), crew.crew(terms, 1, None):
        pytest.fail("the signal was lost")
    assert hidden(tmp_path / "out") == []


def test_a_batch_that_is_stopped_as_its_workers_begin_leaves_no_folder(tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    banded(source / "0.mp4")
    for n in range(1, 6):
        os.link(source / "0.mp4", source / f"{n}.mp4")
    with started(command(source, "--out", out, "--workers", "2")) as process:
        waited_for(lambda: out.exists() and len(hidden(out)) >= 4)
        family = family_of(process)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=60)
        assert gone(family)
    assert output.splitlines()[-1] == "Error: stopped; the same command goes on from here"
    assert hidden(out) == []


def test_errors_come_back_from_workers(tmp_path: Path) -> None:
    """Dask pickles them in a way of its own, which a MemoryError does not survive unaided."""
    failed = FfmpegFailed(["ffmpeg"], tmp_path / "a.mp4", ["line"], "why")
    for error in (OutOfMemory("too little"), DestinationUnusable("full"), failed):
        found = pickle.loads(pickle.dumps(error))
        assert (type(found), str(found)) == (type(error), str(error))


def test_a_scratch_folder_is_made_where_it_may_be_and_removed(tmp_path: Path) -> None:
    with pytest.raises(DestinationUnusable, match="gone does not exist: create it"):
        temporary_folder(tmp_path / "gone").__enter__()
    with temporary_folder(tmp_path / "new/out", create=True) as folder:
        (folder / "a/b").mkdir(parents=True)
        assert folder.parent == tmp_path / "new/out"
    assert list((tmp_path / "new/out").iterdir()) == []
