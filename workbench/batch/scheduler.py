"""Start Dask workers on this machine, or use those of an existing scheduler."""

import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import dask
from distributed import Client, LocalCluster, Scheduler, SchedulerPlugin
from distributed.utils import silence_logging_cmgr
from distributed.versions import VersionMismatchWarning

from workbench.batch.tls import temporary_security
from workbench.batch.worker import (
    BatchOptions,
    JobRunner,
    cancel_on_worker,
    installed_versions,
    package_versions,
    version_mismatch,
)
from workbench.errors import BatchError
from workbench.signals import delayed_signals, ignored_signals, interrupt_blocked_in_children

_RESTART_TIMEOUT = 20.0  # seconds; Dask's nanny restarts a killed worker well before that
_ANSWER_TIMEOUT = 10  # seconds for a remote scheduler to answer
_QUIET: dict[str, Any] = {
    "distributed.logging": {"distributed": "critical"},
    "distributed.worker.profile.enabled": False,
    # These logs are for debugging Dask, and would let memory grow with the number of jobs.
    "distributed.admin.low-level-log-length": 100,
    "distributed.admin.system-monitor.log-length": 100,
    "distributed.comm.timeouts.connect": "30s",
    # Dask's pages about tasks and workers are open to every user of the machine.
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}


@dataclass
class WorkerPool:
    """The workers of one batch."""

    client: Client
    cluster: LocalCluster | None = None  # None for workers of a remote scheduler
    count: int = 0  # of workers that a local cluster should have, with one thread each
    _incomplete_since: float | None = None

    def threads(self) -> int:
        """Return how many jobs can run at once."""
        return sum(self.client.nthreads().values())

    def replace_lost_workers(self) -> None:
        """Restart workers of a local cluster that have been missing for 20 seconds.

        Dask itself restarts a worker process that was killed, but not one whose nanny, which
        monitors the process, has closed. Call this repeatedly while jobs run.
        """
        if self.cluster is None or self.threads() >= self.count:
            self._incomplete_since = None
        elif self._incomplete_since is None:
            self._incomplete_since = time.monotonic()
        elif time.monotonic() - self._incomplete_since > _RESTART_TIMEOUT:
            self.cluster.scale(self.count)  # starts only what is missing
            self._incomplete_since = None


@contextmanager
def worker_pool(options: BatchOptions, workers: int, scheduler: str | None) -> Iterator[WorkerPool]:
    """Yield workers that are ready to run jobs; remove the batch from them afterwards.

    `scheduler` is the address of a Dask scheduler. Without it, `workers` processes start on this
    machine. If the block raises, running jobs are cancelled first. Raises BatchError if the
    scheduler does not answer, if workers have other versions, or if workers cannot start.
    """
    stack = ExitStack()
    pool = None
    try:
        pool = _connect(stack, scheduler) if scheduler else _start(stack, options, workers)
        runner = JobRunner(options, installed_versions())
        if scheduler:
            # The scheduler's plugin comes first: then it also cleans up workers that are set up
            # while this process is being stopped.
            pool.client.register_plugin(ClientGonePlugin(options.batch_id, pool.client.id))
            pool.client.register_plugin(runner)
        else:
            with delayed_signals():  # else a worker that is half set up would keep its folder
                pool.client.register_plugin(runner)
        yield pool
    except BaseException:
        with ignored_signals(), suppress(OSError, TimeoutError):
            if pool:
                pool.client.run(cancel_on_worker, options.batch_id, on_error="ignore")
        raise
    finally:
        # A scheduler or a worker that was just starting does not know the plugin: KeyError.
        with ignored_signals(), stack, suppress(OSError, TimeoutError, ValueError, KeyError):
            if pool:
                pool.client.unregister_worker_plugin(options.batch_id)


def _connect(stack: ExitStack, scheduler: str) -> WorkerPool:
    """Return the workers of an existing scheduler."""
    stack.enter_context(silence_logging_cmgr("critical"))  # the batch itself reports lost workers
    stack.enter_context(warnings.catch_warnings())
    warnings.simplefilter("ignore", VersionMismatchWarning)  # the versions are compared below
    try:
        client = Client(scheduler, timeout=_ANSWER_TIMEOUT, set_as_default=False)
        stack.enter_context(client)
    except (OSError, TimeoutError, ValueError) as error:
        raise BatchError(
            f"no Dask scheduler answers at {scheduler} ({type(error).__name__}): check the address"
        ) from error
    with suppress(TimeoutError):  # some schedulers start workers only when there are jobs
        client.wait_for_workers(1, timeout=_ANSWER_TIMEOUT)
    _refuse_version_mismatch(client)
    return WorkerPool(client)


def _start(stack: ExitStack, options: BatchOptions, workers: int) -> WorkerPool:
    """Start workers on this machine, each a process with one thread.

    Every user of the machine can reach their ports, and a worker runs what it is sent. So they
    speak TLS, and accept only the certificate that is made here and never leaves these processes.
    """
    folder = stack.enter_context(options.temporary_folder())
    stack.enter_context(dask.config.set(_QUIET))
    try:
        # A cluster that is interrupted while it starts cannot be closed.
        with delayed_signals(), interrupt_blocked_in_children():
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                memory_limit=0,  # Dask does not see the memory of ffmpeg and of the kernels
                security=temporary_security(),
                dashboard_address="127.0.0.1:0",
                worker_dashboard_address="127.0.0.1:0",
                scheduler_kwargs={"dashboard": False},
                local_directory=str(folder),
                silence_logs=50,
            )
            stack.enter_context(cluster)
    except RuntimeError as error:
        raise BatchError(
            "workers cannot start: in a script, call run_batch under if __name__ == "
            '"__main__", because every worker imports the script'
        ) from error
    client = stack.enter_context(Client(cluster, set_as_default=False))
    return WorkerPool(client, cluster, workers)


class ClientGonePlugin(SchedulerPlugin):
    """Removes a batch from a remote scheduler's workers when its client disconnects."""

    def __init__(self, batch_id: str, client: str) -> None:
        self.name = f"{batch_id}-client-gone"
        self._batch_id, self._client = batch_id, client

    def remove_client(self, scheduler: Scheduler, client: str) -> None:
        """Start the cleanup. The scheduler calls this when a client disconnects."""
        if client == self._client:
            scheduler.loop.add_callback(self._remove_batch, scheduler)

    async def _remove_batch(self, scheduler: Scheduler) -> None:
        if self._batch_id in scheduler.worker_plugins:  # a client that was killed left it there
            await scheduler.unregister_worker_plugin(comm=None, name=self._batch_id)
        await scheduler.unregister_scheduler_plugin(name=self.name)


def _refuse_version_mismatch(client: Client) -> None:
    """Raise BatchError unless the scheduler and all workers have this machine's versions.

    The scheduler is asked first, since with another Python or Dask its workers cannot be reached.
    """
    _refuse_other("the scheduler", package_versions(), _scheduler_versions(client))
    wanted = installed_versions()
    for worker, found in client.run(installed_versions, on_error="return").items():
        _refuse_other(f"worker {worker}", wanted, found)


def _scheduler_versions(client: Client) -> dict[str, str] | BaseException:
    try:
        found: dict[str, str] = client.run_on_scheduler(package_versions)
    except Exception as error:  # such as ModuleNotFoundError, as on the scheduler
        return error
    return found


def _refuse_other(
    where: str, wanted: dict[str, str], found: dict[str, str] | BaseException
) -> None:
    if isinstance(found, BaseException):
        raise BatchError(
            f"{where} cannot run jobs ({type(found).__name__}: {found}): install the workbench "
            "there"
        )
    if found != wanted:
        raise BatchError(version_mismatch(where, found, wanted))
