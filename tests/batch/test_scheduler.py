"""Workers of this machine, and jobs on a remote scheduler whose workers share no disk."""

import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from socket import gethostname
from types import SimpleNamespace
from typing import Any

import dask
import psutil
import pytest
from distributed import Client, LocalCluster

from tests.batch.running import (
    SECONDS,
    DaskWorkers,
    batch,
    command,
    dask_workers,
    encoding,
    family_of,
    gone,
    hidden,
    kill,
    started,
    waited_for,
)
from tests.storage.bucket import Bucket
from workbench.batch import scheduler as schedulers
from workbench.batch import worker as worker_module
from workbench.batch.batch import run_batch
from workbench.batch.outcome import Outcome
from workbench.batch.scheduler import WorkerPool, worker_pool
from workbench.batch.worker import BatchOptions
from workbench.errors import BatchError
from workbench.look.preset import load_preset, save_preset


@pytest.fixture
def cluster(bucket: Bucket, tmp_path: Path) -> Iterator[DaskWorkers]:
    """A scheduler and two workers that the test may kill."""
    with dask_workers(tmp_path, ("one", "two"), bucket.environment) as found:
        yield found


def test_jobs_run_on_remote_workers(
    cluster: DaskWorkers, bucket: Bucket, banded: Path, tmp_path: Path
) -> None:
    """Also with a preset file that only the client has, and after a worker is killed."""
    address, workers, folders = cluster.address, cluster.workers, cluster.folders
    for name in "abcd":
        bucket.put(f"in/{name}.mp4", banded)
    mine = save_preset(load_preset("smooth").renamed("mine"), tmp_path / "mine.toml")
    (here := tmp_path / "caller").mkdir()
    arguments = ("s3:///in", "--out", "s3:///out", "--scheduler", address, "--preset", mine)
    with started(command(*arguments, "--temp", here, "--json"), bucket.environment) as process:
        ffmpeg = waited_for(lambda: encoding(workers[0]))
        nanny, worker = workers[0], ffmpeg.parent().parent()
        family = family_of(nanny)
        for one in (nanny, worker):
            kill(one)
        assert gone(family)
        output, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, output
    found = list(map(json.loads, output.splitlines()))
    assert {one["state"] for one in found} == {"delivered"}
    assert {one["preset"] for one in found} == {"mine"}
    assert sum(key.endswith(".mov") for key in bucket.keys("out/")) == 4
    assert "out/summary.html" in bucket.keys("out/")
    assert bucket.multipart_uploads() == []
    assert list(here.iterdir()) == []
    assert [name for folder in folders for name in hidden(folder / "temp")] == []
    again = batch(*arguments, environment=bucket.environment)
    assert {one["state"] for one in again} == {"unchanged"}


def test_a_killed_client_leaves_nothing_on_the_workers(
    cluster: DaskWorkers, bucket: Bucket, banded: Path
) -> None:
    address, workers, folders = cluster.address, cluster.workers, cluster.folders
    for name in "abcdef":
        bucket.put(f"in/{name}.mp4", banded)
    arguments = ("s3:///in", "--out", "s3:///out", "--scheduler", address)
    with started(command(*arguments), bucket.environment) as process:
        waited_for(lambda: encoding(workers[0]))
        # Each nanny has a worker as its child, and the worker's children belong to the batch.
        batches = [
            one
            for nanny in workers
            for worker in nanny.children()
            for one in worker.children(recursive=True)
        ]
        kill(process)
        assert gone([process, *batches])
    waited_for(lambda: not [name for folder in folders for name in hidden(folder / "temp")])
    assert bucket.multipart_uploads() == []
    found = batch(*arguments, environment=bucket.environment)
    assert len(found) == 6


def test_a_worker_with_another_version_is_refused(
    scheduler: str, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, banded: Path, tmp_path: Path
) -> None:
    """And a worker without the client's AWS profile names its host in the error."""
    bucket.put("in/a.mp4", banded)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(bucket.profile(tmp_path / "config", "studio")))
    places = [f"s3://{bucket.name}/{folder}" for folder in ("in", "other")]
    outcomes: list[Outcome] = []
    terms: dict[str, Any] = {"scheduler": scheduler, "profile": "studio"}
    run_batch(places[:1], places[1], **terms, on_outcome=outcomes.append)
    (one,) = outcomes
    assert one.reason == f"on {gethostname()}: the AWS configuration has no profile studio"
    for name, value in bucket.environment.items():
        monkeypatch.setenv(name, value)
    here = replace(worker_module.program(), version="1.0")
    monkeypatch.setattr(worker_module, "program", lambda: here)
    with pytest.raises(BatchError, match=r"^worker tcp\S+ has ffmpeg .* instead of 1\.0: install"):
        run_batch(["s3:///in"], "s3:///out", scheduler=scheduler)
    python = SimpleNamespace(major=2, minor=7)
    monkeypatch.setattr(worker_module, "__version__", "0.0")
    monkeypatch.setattr(worker_module, "sys", SimpleNamespace(version_info=python))
    monkeypatch.setattr(worker_module, "metadata", SimpleNamespace(version="1.{}".format))
    with pytest.raises(BatchError, match=r"^the scheduler has workbench") as refused:
        run_batch(["s3:///in"], "s3:///out", scheduler=scheduler)
    for wanted in ("0.0", "2.7", "1.distributed", "1.cloudpickle"):
        assert f"instead of {wanted}" in str(refused.value)
    assert bucket.keys("out/") == []


@pytest.mark.skipif(os.name != "posix", reason="sends itself a signal")
def test_a_signal_waits_until_the_workers_are_set_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that was only half set up would keep its temporary folder."""
    register = Client.register_plugin
    registered = []

    def interrupted(client: Client, plugin: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        register(client, plugin)
        registered.append(plugin)

    monkeypatch.setattr(Client, "register_plugin", interrupted)
    options = BatchOptions(batch_id="b", destination=str(tmp_path / "out"), ffmpeg_threads=1)
    with pytest.raises(KeyboardInterrupt), worker_pool(options, 1, None):
        pytest.fail("the signal was lost")
    assert registered, "the signal interrupted the setup"
    assert hidden(tmp_path / "out") == []


@pytest.mark.parametrize("lost", ["killed worker", "closed nanny"])
def test_a_lost_worker_is_replaced_by_exactly_one(
    lost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dask restarts a killed worker itself, and that must not add up to three."""
    monkeypatch.setattr(schedulers, "_RESTART_TIMEOUT", 0.5)
    with (
        dask.config.set({"distributed.deploy.lost-worker-timeout": "100ms"}),
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        pool = WorkerPool(client, cluster, 2)
        client.wait_for_workers(2)
        nanny = cluster.workers[0]
        if lost == "killed worker":
            kill(psutil.Process(nanny.pid))
        else:
            cluster.sync(nanny.close)
        waited_for(lambda: pool.threads() < 2)

        def replaced() -> bool:
            pool.replace_lost_workers()
            return pool.threads() >= 2

        waited_for(replaced)
        settled = time.monotonic() + 3
        while time.monotonic() < settled:
            pool.replace_lost_workers()
            assert pool.threads() <= 2
            time.sleep(0.1)
        assert pool.threads() == 2
