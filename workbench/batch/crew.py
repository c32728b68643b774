"""Crew: the Dask workers that do jobs, on this machine or wherever a scheduler has some."""

import asyncio
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask
from distributed import (
    Client,
    LocalCluster,
    Scheduler,
    SchedulerPlugin,
    Worker,
    WorkerPlugin,
    get_worker,
)

from workbench import __version__
from workbench.batch.job import Hands, run_job
from workbench.batch.notebooks import Kernel
from workbench.batch.outcome import Outcome
from workbench.batch.plan import Job
from workbench.batch.shipped import CONVERT, NOTEBOOKS
from workbench.deliver.format import ENCODERS
from workbench.errors import BatchError, Cancelled, StorageRefused, WorkbenchError
from workbench.ffmpeg import THREADS_VARIABLE, Cancellation, program
from workbench.files import sha256_of
from workbench.signals import (
    delayed_signals,
    ignore_interrupt,
    ignored_signals,
    interrupt_blocked_in_children,
)
from workbench.storage.base import Storage
from workbench.storage.locations import is_remote, open_storage
from workbench.temporary import system_folder, temporary_folder

_RESTART = 20.0  # seconds in which Dask has started a killed worker again
_ENDING = 30.0  # seconds in which a job that is stopped ends
_TELL = 1.0  # seconds between two words about bytes


@dataclass(frozen=True)
class Terms:
    """What all jobs of one batch have in common, wherever they are done."""

    batch: str  # tells two batches on one scheduler apart
    destination: str
    profile: str | None = None  # of the AWS configuration, by which each worker finds credentials
    temp: str | None = None  # the folder for files on their way
    overwrite: bool = False
    seconds: float | None = None  # for one job
    threads: int | None = None  # of one ffmpeg; None for workers elsewhere: what their cores allow

    @property
    def root(self) -> Path:
        """Return where scratch folders go: beside what is delivered, if that is on a disk."""
        if self.temp:
            return Path(self.temp)
        return system_folder() if is_remote(self.destination) else Path(self.destination)

    def scratch(self) -> AbstractContextManager[Path]:
        """Give a scratch folder; the destination is made for it, a folder of --temp is not."""
        return temporary_folder(self.root, create=self.temp is None)


class Bench(WorkerPlugin):
    """What a worker keeps from job to job: its kernels and its scratch folder."""

    def __init__(self, terms: Terms, versions: dict[str, str]) -> None:
        self.name = terms.batch
        self._terms, self._versions = terms, versions

    def setup(self, worker: Worker) -> None:
        self._jobs = 0  # that run here
        if self._terms.threads is not None:
            # A worker of this machine would hear Ctrl-C as its owner does, who knows what to do;
            # where signals cannot be blocked from a process's start, this is early enough.
            ignore_interrupt()
        threads = self._terms.threads or -(-(os.cpu_count() or 1) // worker.state.nthreads)
        os.environ.setdefault(THREADS_VARIABLE, str(threads))  # unless a person has said so
        self._stack = ExitStack()
        self._folder = self._stack.enter_context(self._terms.scratch())
        self._cancellation = Cancellation()
        self._lock = threading.Condition()
        self._idle = [self._kernel()]
        self._idle[0].prepare()

    async def teardown(self, worker: Worker) -> None:  # noqa: ARG002 - Dask's signature
        self.stop()
        await asyncio.to_thread(self._clear)

    def _clear(self) -> None:
        """Remove the folder once no job works in it: one would make its own in it again."""
        with self._stack, self._lock:
            self._lock.wait_for(lambda: self._jobs == 0, timeout=_ENDING)
            for kernel in self._idle:
                kernel.close()
            self._idle.clear()

    def stop(self) -> None:
        """Stop every job that runs here, and those that come."""
        self._cancellation.request()

    def do(self, job: Job, worker: Worker) -> Outcome:
        """Do a job. What is wrong with the clip becomes part of the outcome. Raises Cancelled."""
        with self._lock:
            self._cancellation.raise_if_requested()
            self._jobs += 1
        try:
            return self._done(job, worker)
        finally:
            with self._lock:
                self._jobs -= 1
                self._lock.notify_all()

    def _done(self, job: Job, worker: Worker) -> Outcome:
        began = time.monotonic()
        told, gathered = 0.0, 0

        def tell(stage: str, count: int) -> None:
            nonlocal told, gathered
            gathered += count
            now = time.monotonic()
            if count == 0 or now - told > _TELL:
                said = {"job": job.name, "stage": stage, "bytes": gathered}
                worker.log_event(self.name, said)
                told, gathered = now, 0

        terms = self._terms
        destination, source = self._places(job)
        try:
            self._refuse_other_versions()
            with temporary_folder(self._folder) as folder, self._lent() as kernel:
                hands = Hands(
                    destination=destination,
                    source=source,
                    folder=folder,
                    kernel=kernel,
                    overwrite=terms.overwrite,
                    deadline=None if terms.seconds is None else began + terms.seconds,
                    cancellation=self._cancellation,
                    tell=tell,
                )
                return run_job(job, hands)
        except (WorkbenchError, OSError) as error:
            self._cancellation.raise_if_requested()  # nothing is wrong with the clip
            return Outcome(
                name=job.name,
                source=source.url(job.source),
                state="failed",
                reason=str(error),
                overrides=job.settings.overrides,
                point=dict(job.point),
                seconds=round(time.monotonic() - began, 3),
                worker=socket.gethostname(),
            )

    def _places(self, job: Job) -> tuple[Storage, Storage]:
        """Return where the job's files go and where its clip is. Raises StorageRefused."""
        try:
            return (
                open_storage(self._terms.destination, self._terms.profile),
                open_storage(job.place, self._terms.profile),
            )
        except StorageRefused as error:  # the caller has the profile, and this machine has not
            raise StorageRefused(f"on {socket.gethostname()}: {error}") from error

    def _kernel(self) -> Kernel:
        return Kernel(scratch=self._folder)

    @contextmanager
    def _lent(self) -> Iterator[Kernel]:
        with self._lock:
            kernel = self._idle.pop() if self._idle else self._kernel()
        try:
            yield kernel
        finally:
            with self._lock:
                self._idle.append(kernel)

    def _refuse_other_versions(self) -> None:
        found = versions()
        if found != self._versions:
            raise BatchError(told_apart(socket.gethostname(), found, self._versions))


def work(batch: str, job: Job) -> Outcome:
    """Do a job at the bench of the worker that this runs on. What Dask calls."""
    worker = get_worker()
    bench = worker.plugins.get(batch)
    if not isinstance(bench, Bench):
        raise Cancelled("the batch has ended")
    return bench.do(job, worker)


def stop(batch: str, dask_worker: Worker) -> None:
    """Stop a batch's jobs on one worker. Runs beside them, on the worker's event loop."""
    bench = dask_worker.plugins.get(batch)
    if isinstance(bench, Bench):
        bench.stop()


def versions() -> dict[str, str]:
    """Return what must be the same on every worker, or their files would differ."""
    found = program()
    notebook = NOTEBOOKS / CONVERT
    return {
        "workbench": __version__,
        "ffmpeg": found.version,
        "missing from ffmpeg": ", ".join(found.missing(encoders=ENCODERS)) or "nothing",
        CONVERT: sha256_of(notebook)[:12] if notebook.is_file() else "missing",
    }


def told_apart(worker: str, found: dict[str, str], wanted: dict[str, str]) -> str:
    """Say how a worker differs.

    >>> told_apart("a", {"ffmpeg": "7.1"}, {"ffmpeg": "9.0"})
    'worker a has ffmpeg 7.1, and not 9.0 as here: install the same on both'
    """
    differ = [
        f"{key} {found.get(key)}, and not {wanted[key]}"
        for key in wanted
        if found.get(key) != wanted[key]
    ]
    return f"worker {worker} has {'; '.join(differ)} as here: install the same on both"


@dataclass
class Crew:
    """The workers of one batch."""

    client: Client
    cluster: LocalCluster | None = None  # where the workers are ours
    count: int = 0  # of workers that there should be, where they are ours
    _missed: float | None = None  # since when there are fewer

    def threads(self) -> int:
        """Return how many jobs can be done at a time."""
        return sum(self.client.nthreads().values())

    def mend(self) -> None:
        """Start workers for those that were killed and that Dask did not start again."""
        missing = self.count - self.threads()
        if self.cluster is None or missing <= 0:
            self._missed = None
        elif self._missed is None:
            self._missed = time.monotonic()
        elif time.monotonic() - self._missed > _RESTART:
            self.cluster.scale(len(self.cluster.worker_spec) + missing)
            self._missed = None


@contextmanager
def crew(terms: Terms, workers: int, scheduler: str | None) -> Iterator[Crew]:
    """Give workers that have their benches; these are cleared away at the end.

    Without the address of a scheduler, they are so many processes of this machine. At an end that
    is none of its own, jobs that run are stopped first. Raises BatchError for a scheduler that does
    not answer, and for workers that have other versions or cannot be started.
    """
    stack = ExitStack()
    hired = None
    try:
        hired = _remote(stack, scheduler) if scheduler else _local(stack, terms, workers)
        bench = Bench(terms, versions())
        if scheduler:
            # First, so that the scheduler clears benches that are set up while this is stopped.
            hired.client.register_plugin(Farewell(terms.batch, hired.client.id))
            hired.client.register_plugin(bench)
        else:
            with (
                delayed_signals()
            ):  # a worker that is half set up would not be told to clear its folder
                hired.client.register_plugin(bench)
        yield hired
    except BaseException:
        with ignored_signals(), suppress(OSError, TimeoutError):
            if hired:
                hired.client.run(stop, terms.batch, on_error="ignore")
        raise
    finally:
        with ignored_signals(), stack, suppress(OSError, TimeoutError, ValueError, KeyError):
            if hired:  # a scheduler or a worker may not know the plugin yet
                hired.client.unregister_worker_plugin(terms.batch)


def _remote(stack: ExitStack, scheduler: str) -> Crew:
    try:
        client = stack.enter_context(Client(scheduler, timeout=10, set_as_default=False))
    except (OSError, TimeoutError, ValueError) as error:
        raise BatchError(
            f"no Dask scheduler answers at {scheduler} ({type(error).__name__})"
        ) from error
    with suppress(TimeoutError):  # some schedulers get workers when there is work
        client.wait_for_workers(1, timeout=10)
    _refuse_strangers(client)
    return Crew(client)


def _local(stack: ExitStack, terms: Terms, workers: int) -> Crew:
    folder = stack.enter_context(terms.scratch())
    stack.enter_context(dask.config.set(_QUIET))
    try:
        # Half a cluster can neither work nor be closed.
        with delayed_signals(), interrupt_blocked_in_children():
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                memory_limit=0,  # ffmpeg's and the kernel's memory is not seen by Dask
                dashboard_address="127.0.0.1:0",
                worker_dashboard_address="127.0.0.1:0",
                local_directory=str(folder),
                silence_logs=50,
            )
            stack.enter_context(cluster)
    except RuntimeError as error:
        raise BatchError(
            "workers cannot be started; a script that runs a batch does so under if __name__ == "
            '"__main__", since every worker reads it'
        ) from error
    client = stack.enter_context(Client(cluster, set_as_default=False))
    return Crew(client, cluster, workers)


class Farewell(SchedulerPlugin):
    """At the scheduler: when the caller of a batch is gone, its benches go as well."""

    def __init__(self, batch: str, client: str) -> None:
        self.name = f"{batch}-farewell"
        self._batch, self._client = batch, client

    def remove_client(self, scheduler: Scheduler, client: str) -> None:
        if client == self._client:
            scheduler.loop.add_callback(self._clear, scheduler)

    async def _clear(self, scheduler: Scheduler) -> None:
        if self._batch in scheduler.worker_plugins:  # it did not take them along itself
            await scheduler.unregister_worker_plugin(comm=None, name=self._batch)
        await scheduler.unregister_scheduler_plugin(name=self.name)


def _refuse_strangers(client: Client) -> None:
    wanted = versions()
    for worker, found in client.run(versions, on_error="return").items():
        if isinstance(found, BaseException):
            raise BatchError(f"worker {worker} cannot do this ({type(found).__name__}: {found})")
        if found != wanted:
            raise BatchError(told_apart(worker, found, wanted))


_QUIET: dict[str, Any] = {
    "distributed.logging": {"distributed": "critical"},
    "distributed.worker.profile.enabled": False,
    # What is kept for people who look into Dask would grow the caller's memory with the jobs.
    "distributed.admin.low-level-log-length": 100,
    "distributed.admin.system-monitor.log-length": 100,
    "distributed.comm.timeouts.connect": "30s",
}
