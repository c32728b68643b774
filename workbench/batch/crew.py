"""Crew: the Dask workers that do jobs, on this machine or wherever a scheduler has some."""

import hashlib
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask
from distributed import Client, LocalCluster, Worker, WorkerPlugin, get_worker

from workbench import __version__
from workbench.batch.job import Hands, run_job
from workbench.batch.notebooks import NOTEBOOKS, Kernel
from workbench.batch.plan import Job
from workbench.batch.scratch import default_root, scratch
from workbench.batch.storage import is_remote, open_storage
from workbench.deliver.outcome import Outcome
from workbench.errors import BatchError, WorkbenchError
from workbench.ffmpeg import THREADS_VARIABLE, Cancellation, program

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
        return default_root() if is_remote(self.destination) else Path(self.destination)


class Bench(WorkerPlugin):
    """What a worker keeps from job to job: its kernels and its scratch folder."""

    def __init__(self, terms: Terms, versions: dict[str, str]) -> None:
        self.name = terms.batch
        self._terms, self._versions = terms, versions

    def setup(self, worker: Worker) -> None:
        if self._terms.threads is not None:
            # A worker of this machine hears Ctrl-C as its owner does, who knows what to do.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        threads = self._terms.threads or -(-(os.cpu_count() or 1) // worker.state.nthreads)
        os.environ[THREADS_VARIABLE] = str(threads)
        self._stack = ExitStack()
        self._folder = self._stack.enter_context(scratch(self._terms.root))
        self._cancellation = Cancellation()
        self._lock = threading.Lock()
        self._idle = [self._kernel()]
        self._idle[0].prepare()

    def teardown(self, worker: Worker) -> None:  # noqa: ARG002 - Dask's signature
        self.stop()
        with self._stack, self._lock:
            for kernel in self._idle:
                kernel.close()
            self._idle.clear()

    def stop(self) -> None:
        """Stop every job that runs here, and those that come."""
        self._cancellation.request()

    def do(self, job: Job, worker: Worker) -> Outcome:
        """Do a job. What is wrong with the clip becomes part of the outcome."""
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
        try:
            self._refuse_other_versions()
            with scratch(self._folder) as folder, self._lent() as kernel:
                hands = Hands(
                    destination=open_storage(terms.destination, terms.profile),
                    source=open_storage(job.place, terms.profile),
                    folder=folder,
                    kernel=kernel,
                    overwrite=terms.overwrite,
                    deadline=None if terms.seconds is None else began + terms.seconds,
                    cancellation=self._cancellation,
                    tell=tell,
                )
                return run_job(job, hands)
        except WorkbenchError as error:
            self._cancellation.raise_if_requested()  # nothing is wrong with the clip
            return Outcome(
                name=job.name,
                source=open_storage(job.place, terms.profile).url(job.source),
                state="failed",
                reason=str(error),
                overrides=job.order.overrides,
                seconds=round(time.monotonic() - began, 3),
                worker=socket.gethostname(),
            )

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
    bench = worker.plugins[batch]
    assert isinstance(bench, Bench)
    return bench.do(job, worker)


def stop(batch: str, dask_worker: Worker) -> None:
    """Stop a batch's jobs on one worker. Runs beside them, on the worker's event loop."""
    bench = dask_worker.plugins.get(batch)
    if isinstance(bench, Bench):
        bench.stop()


def versions() -> dict[str, str]:
    """Return what must be the same on every worker, or their files would differ."""
    found = program()
    notebook = NOTEBOOKS / "convert.ipynb"
    return {
        "workbench": __version__,
        "ffmpeg": found.version,
        "missing from ffmpeg": ", ".join(found.missing()) or "nothing",
        "convert.ipynb": _digest(notebook) if notebook.is_file() else "missing",
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


@contextmanager
def crew(terms: Terms, workers: int | None, scheduler: str | None) -> Iterator[Client]:
    """Give a client of workers that have their benches; they are cleared away at the end.

    Without the address of a scheduler, the workers are processes of this machine, one for each
    core unless their number is given. Raises BatchError for a scheduler that does not answer, and
    for workers that have other versions.
    """
    with ExitStack() as stack:
        if scheduler:
            try:
                client = stack.enter_context(Client(scheduler, timeout=10, set_as_default=False))
            except (OSError, TimeoutError, ValueError) as error:
                raise BatchError(
                    f"no Dask scheduler answers at {scheduler} ({type(error).__name__})"
                ) from error
            with suppress(TimeoutError):  # some schedulers get workers when there is work
                client.wait_for_workers(1, timeout=10)
            _refuse_strangers(client)
        else:
            folder = stack.enter_context(scratch(terms.root))
            stack.enter_context(dask.config.set(_QUIET))
            cluster = stack.enter_context(
                LocalCluster(
                    n_workers=workers or os.cpu_count() or 1,
                    threads_per_worker=1,
                    memory_limit=0,  # ffmpeg's and the kernel's memory is not seen by Dask
                    dashboard_address="127.0.0.1:0",
                    worker_dashboard_address="127.0.0.1:0",
                    local_directory=str(folder),
                    silence_logs=50,
                )
            )
            client = stack.enter_context(Client(cluster, set_as_default=False))
        client.register_plugin(Bench(terms, versions()))
        try:
            yield client
        finally:
            client.unregister_worker_plugin(terms.batch)


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
    "distributed.comm.timeouts.connect": "30s",
}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
