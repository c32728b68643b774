"""Run jobs on a Dask worker: the worker plugin, and the kernels and temporary folder it owns."""

import asyncio
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from distributed import Worker, WorkerPlugin, get_worker

from workbench import __version__
from workbench.batch.job import JobContext, run_job
from workbench.batch.kernel import Kernel
from workbench.batch.notebook_files import CONVERT, NOTEBOOKS
from workbench.batch.outcome import Outcome
from workbench.batch.plan import Job
from workbench.deliver.format import ENCODERS
from workbench.errors import BatchError, Cancelled, StorageRefused, WorkbenchError
from workbench.ffmpeg import THREADS_VARIABLE, Cancellation, program
from workbench.files import sha256_of
from workbench.signals import ignore_interrupt
from workbench.storage.base import Storage
from workbench.storage.locations import is_remote, open_storage
from workbench.temporary import system_folder, temporary_folder

_JOB_END_TIMEOUT = 30.0  # seconds for cancelled jobs to end before their folder is removed
_REPORT_INTERVAL = 1.0  # seconds between two reports of transferred bytes


@dataclass(frozen=True)
class BatchOptions:
    """Options that all jobs of one batch share, on every worker."""

    batch_id: str  # unique, since one scheduler can serve several batches at a time
    destination: str  # a local folder, or a URL such as s3://bucket/prefix
    profile: str | None = None  # of the AWS configuration; each worker reads its own copy
    temp: str | None = None  # the folder for temporary files, from --temp
    overwrite: bool = False  # whether to overwrite files that no batch delivered
    time_limit: float | None = None  # seconds for one job
    ffmpeg_threads: int | None = None  # for one ffmpeg; None lets a remote worker choose

    @property
    def temporary_root(self) -> Path:
        """Return the folder in which temporary folders are created.

        It is --temp, else a local destination, else the system's temporary folder.
        """
        if self.temp:
            return Path(self.temp)
        return system_folder() if is_remote(self.destination) else Path(self.destination)

    def temporary_folder(self) -> AbstractContextManager[Path]:
        """Return a context that creates a temporary folder. Only --temp must exist already."""
        return temporary_folder(self.temporary_root, create=self.temp is None)


class JobRunner(WorkerPlugin):
    """Runs the jobs of one batch on one worker, with kernels that are kept between jobs."""

    def __init__(self, options: BatchOptions, versions: dict[str, str]) -> None:
        self.name = options.batch_id
        self._options, self._client_versions = options, versions

    def setup(self, worker: Worker) -> None:
        """Create the temporary folder and start a kernel. Dask calls this on each worker."""
        self._running = 0
        if self._options.ffmpeg_threads is not None:
            # On this machine Ctrl-C is for the client alone, which stops its workers itself. Where
            # a parent cannot block SIGINT for its children, ignoring it here is early enough.
            ignore_interrupt()
        cores_each = -(-(os.cpu_count() or 1) // worker.state.nthreads)
        threads = self._options.ffmpeg_threads or cores_each
        os.environ.setdefault(THREADS_VARIABLE, str(threads))
        self._stack = ExitStack()
        self._folder = self._stack.enter_context(self._options.temporary_folder())
        self._cancellation = Cancellation()
        self._lock = threading.Condition()
        self._idle_kernels = [self._new_kernel()]
        self._idle_kernels[0].prepare()

    async def teardown(self, worker: Worker) -> None:  # noqa: ARG002 - Dask's signature
        """Cancel the jobs, then close the kernels and remove the temporary folder."""
        self.cancel()
        await asyncio.to_thread(self._clean_up)

    def _clean_up(self) -> None:
        """Wait for the jobs to end before cleaning up: a running job could recreate its folder."""
        with self._stack, self._lock:
            self._lock.wait_for(lambda: self._running == 0, timeout=_JOB_END_TIMEOUT)
            for kernel in self._idle_kernels:
                kernel.close()
            self._idle_kernels.clear()

    def cancel(self) -> None:
        """Cancel all running jobs, and every job that starts later."""
        self._cancellation.request()

    def run(self, job: Job, worker: Worker) -> Outcome:
        """Run a job. An error with the clip becomes a failed outcome. Raises Cancelled."""
        with self._lock:
            self._cancellation.raise_if_requested()
            self._running += 1
        try:
            return self._outcome(job, worker)
        finally:
            with self._lock:
                self._running -= 1
                self._lock.notify_all()

    def _outcome(self, job: Job, worker: Worker) -> Outcome:
        started = time.monotonic()
        limit = self._options.time_limit
        destination, source = self._storages(job)
        try:
            self._refuse_version_mismatch()
            with temporary_folder(self._folder) as folder, self._borrowed_kernel() as kernel:
                context = JobContext(
                    destination=destination,
                    source=source,
                    folder=folder,
                    kernel=kernel,
                    overwrite=self._options.overwrite,
                    deadline=None if limit is None else started + limit,
                    cancellation=self._cancellation,
                    report=_Reporter(worker, self.name, job.name),
                )
                return run_job(job, context)
        except (WorkbenchError, OSError) as error:
            self._cancellation.raise_if_requested()  # a cancelled job says nothing about its clip
            return Outcome(
                name=job.name,
                source=source.url(job.source),
                state="failed",
                reason=str(error),
                overrides=job.settings.overrides,
                point=dict(job.point),
                seconds=round(time.monotonic() - started, 3),
                worker=socket.gethostname(),
            )

    def _storages(self, job: Job) -> tuple[Storage, Storage]:
        """Return the storages of the destination and of the source. Raises StorageRefused."""
        try:
            return (
                open_storage(self._options.destination, self._options.profile),
                open_storage(job.place, self._options.profile),
            )
        except StorageRefused as error:  # such as a profile that only the client's machine has
            raise StorageRefused(f"on {socket.gethostname()}: {error}") from error

    def _new_kernel(self) -> Kernel:
        return Kernel(folder=self._folder)

    @contextmanager
    def _borrowed_kernel(self) -> Iterator[Kernel]:
        """Yield an idle kernel, or a new one, and keep it for later jobs."""
        with self._lock:
            kernel = self._idle_kernels.pop() if self._idle_kernels else self._new_kernel()
        try:
            yield kernel
        finally:
            with self._lock:
                self._idle_kernels.append(kernel)

    def _refuse_version_mismatch(self) -> None:
        found = installed_versions()
        if found != self._client_versions:
            where = f"worker {socket.gethostname()}"
            raise BatchError(version_mismatch(where, found, self._client_versions))


class _Reporter:
    """Sends a job's stage and its transferred bytes to the client, at most once a second."""

    def __init__(self, worker: Worker, topic: str, job: str) -> None:
        self._worker, self._topic, self._job = worker, topic, job
        self._sent, self._bytes = 0.0, 0

    def __call__(self, stage: str, count: int) -> None:
        """Add bytes to the report. A count of 0 starts a stage, which is sent at once."""
        self._bytes += count
        now = time.monotonic()
        if count == 0 or now - self._sent > _REPORT_INTERVAL:
            report = {"job": self._job, "stage": stage, "bytes": self._bytes}
            self._worker.log_event(self._topic, report)
            self._sent, self._bytes = now, 0


def run_on_worker(batch_id: str, job: Job) -> Outcome:
    """Run a job with the worker's plugin for its batch. Dask calls this on a worker."""
    worker = get_worker()
    runner = worker.plugins.get(batch_id)
    if not isinstance(runner, JobRunner):
        raise Cancelled("the batch has ended")
    return runner.run(job, worker)


def cancel_on_worker(batch_id: str, dask_worker: Worker) -> None:
    """Cancel a batch's jobs on one worker. Dask calls this on the worker's event loop."""
    runner = dask_worker.plugins.get(batch_id)
    if isinstance(runner, JobRunner):
        runner.cancel()


def package_versions() -> dict[str, str]:
    """Return the versions that a batch, its scheduler and its workers share.

    Python and cloudpickle decide how tasks are sent, distributed how they are scheduled. Dask
    itself has the version of distributed.
    """
    return {
        "workbench": __version__,
        "Python": f"{sys.version_info.major}.{sys.version_info.minor}",
        **{name: metadata.version(name) for name in ("distributed", "cloudpickle")},
    }


def installed_versions() -> dict[str, str]:
    """Return the versions that must be equal on all workers, so that they deliver equal files."""
    found = program()
    notebook = NOTEBOOKS / CONVERT
    return {
        **package_versions(),
        **{name: metadata.version(name) for name in ("av", "numpy")},  # decode and measure
        "ffmpeg": found.version,
        "missing from ffmpeg": ", ".join(found.missing(encoders=ENCODERS)) or "nothing",
        CONVERT: sha256_of(notebook)[:12] if notebook.is_file() else "missing",
    }


def version_mismatch(where: str, found: dict[str, str], wanted: dict[str, str]) -> str:
    """Describe how the versions of a worker or of the scheduler differ from the client's.

    >>> version_mismatch("worker a", {"ffmpeg": "7.1"}, {"ffmpeg": "9.0"})
    'worker a has ffmpeg 7.1 instead of 9.0: install the same versions on every machine'
    """
    differences = [
        f"{name} {found.get(name, 'unknown')} instead of {wanted[name]}"
        for name in wanted
        if found.get(name) != wanted[name]
    ]
    return f"{where} has {', '.join(differences)}: install the same versions on every machine"
