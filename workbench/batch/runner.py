"""Run the jobs of a batch on its workers, and yield one outcome for each."""

import os
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from queue import Empty, SimpleQueue

from distributed import Future, KilledWorker

from workbench.batch.manifest import finished, manifest_name
from workbench.batch.outcome import Outcome, Standing
from workbench.batch.plan import Job, clashes
from workbench.batch.scheduler import WorkerPool, worker_pool
from workbench.batch.sources import MISSING
from workbench.batch.worker import BatchOptions, run_on_worker
from workbench.errors import (
    BatchError,
    StorageDown,
    StorageError,
    StorageRefused,
    WorkbenchError,
)
from workbench.storage.base import Storage
from workbench.storage.locations import is_remote, open_storage

_JOBS_PER_THREAD = 4
"""Jobs submitted for each thread: enough to keep it busy, and few to cancel at a stop."""

_POLL_INTERVAL = 5.0  # seconds without an outcome until the workers are checked
_LOOKUPS = 16  # manifests that are looked up at once


def new_batch_id() -> str:
    return f"workbench-{uuid.uuid4().hex[:12]}"


def local_workers(workers: int | None) -> tuple[int, int]:
    """Return the number of workers for this machine, and of threads for each one's ffmpeg.

    There is one worker for each core unless `workers` is given.
    """
    cores = os.cpu_count() or 1
    count = workers or cores
    return count, -(-cores // count)


def run_jobs(
    jobs: Sequence[Job],
    options: BatchOptions,
    standing: Standing,
    *,
    workers: int,
    scheduler: str | None = None,
    on_change: Callable[[Standing], None] = lambda _: None,
) -> Iterator[Outcome]:
    """Yield the outcome of each job as it finishes, and update `standing`.

    Jobs that an earlier run finished are not run again. When the caller stops early, by Ctrl-C or
    by closing the iterator, running jobs are cancelled and their temporary files removed.

    Raises BatchError and StorageError before any job runs, and BatchError later if the scheduler
    stops answering.
    """
    changed = threading.Lock()

    def count(outcome: Outcome) -> Outcome:
        with changed:
            standing.count(outcome)
            on_change(standing)
        return outcome

    def on_report(event: tuple[object, dict[str, str | int]]) -> None:
        report = event[1]
        with changed:
            name, stage = str(report["job"]), str(report["stage"])
            if name in standing.running:  # a report may arrive after the outcome
                standing.running[name] = stage
            standing.fetched += int(report["bytes"]) if stage == "fetching" else 0
            standing.stored += int(report["bytes"]) if stage == "storing" else 0
            on_change(standing)

    def on_submit(threads: int, submitted: Sequence[Job]) -> None:
        with changed:
            standing.waiting = threads == 0
            standing.running.update({job.name: "" for job in submitted})
            on_change(standing)

    destination = open_storage(options.destination, options.profile)
    conflicts = clashes(jobs)
    remaining: list[Job] = []
    for job, done in _with_earlier_outcomes(jobs, destination):
        reason = conflicts.get(job.name) or _invalid(job)
        if reason:
            yield count(_failed(job, reason, options))
        elif done is not None:
            yield count(done)
        else:
            remaining.append(job)
    on_change(standing)
    if not remaining:
        return
    try:
        with worker_pool(options, workers, scheduler) as pool:
            pool.client.subscribe_topic(options.batch_id, on_report)
            for outcome in _run_on_pool(remaining, pool, options, on_submit):
                yield count(outcome)
    except (OSError, TimeoutError) as error:
        if isinstance(error, WorkbenchError) or not scheduler:
            raise
        raise BatchError(
            f"the Dask scheduler at {scheduler} stopped answering: run the same command again to "
            "resume"
        ) from error


def _invalid(job: Job) -> str | None:
    """Return the reason why a job cannot run: a missing clip or an invalid name; else None."""
    if job.identity == MISSING:
        return "the clip does not exist"
    try:
        f"{job.place}{job.source}{job.name}".encode()
    except UnicodeEncodeError:
        return "its name is not UTF-8: rename it"
    return None


def _with_earlier_outcomes(
    jobs: Sequence[Job], destination: Storage
) -> Iterator[tuple[Job, Outcome | None]]:
    """Yield each job, with its outcome if an earlier run finished it.

    Each job records which manifest it found, so that it never overwrites a later delivery. Every
    manifest is looked up by its name: the listing of a bucket may lag behind.
    """

    def look_up(job: Job) -> tuple[Job, Outcome | None]:
        try:
            stored = destination.find(manifest_name(job.name))
            if stored is None:
                return job, None
            job = replace(job, found=stored.identity)
            manifest = finished(job, destination)
        except (StorageDown, StorageRefused):
            raise
        except StorageError:  # a file there cannot be read: running the job reports that
            return job, None
        if manifest is None:
            return job, None
        return job, manifest.outcome.model_copy(update={"state": "unchanged"})

    with ThreadPoolExecutor(_LOOKUPS) as threads:
        yield from threads.map(look_up, jobs)


def _run_on_pool(
    jobs: Iterable[Job],
    pool: WorkerPool,
    options: BatchOptions,
    on_submit: Callable[[int, Sequence[Job]], None],
) -> Iterator[Outcome]:
    """Submit jobs as workers become free, and yield their outcomes.

    `on_submit` receives the number of threads and the jobs that were just submitted.
    """
    waiting = iter(jobs)
    submitted: dict[str, tuple[Job, Future[Outcome]]] = {}
    done: SimpleQueue[Future[Outcome]] = SimpleQueue()

    def submit() -> None:
        threads = pool.threads()
        free = _JOBS_PER_THREAD * max(1, threads) - len(submitted)
        more = list(islice(waiting, max(0, free)))
        on_submit(threads, more)
        for job in more:
            future = pool.client.submit(run_on_worker, options.batch_id, job, pure=False)
            submitted[str(future.key)] = (job, future)
            future.add_done_callback(done.put)

    submit()
    while submitted:
        try:
            future = done.get(timeout=_POLL_INTERVAL)
        except Empty:
            pool.replace_lost_workers()
        else:
            job, _ = submitted.pop(str(future.key))
            yield _outcome(future, job, options)
        submit()  # a remote scheduler may have gained workers


def _outcome(future: Future[Outcome], job: Job, options: BatchOptions) -> Outcome:
    """Return the outcome of a job that finished or failed on its worker."""
    if future.status in ("cancelled", "lost"):
        raise OSError("the scheduler lost a job")
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, WorkbenchError):  # raised before the job started
        return _failed(job, str(error), options)
    if isinstance(error, KilledWorker):
        reason = (
            "the worker was killed on every attempt, usually because memory ran out: use fewer "
            "workers"
        )
        return _failed(job, reason, options)
    return _failed(job, f"internal error: {type(error).__name__}: {error}", options)


def _failed(job: Job, reason: str, options: BatchOptions) -> Outcome:
    url = job.source
    if not is_remote(url):
        url = open_storage(job.place, options.profile).url(job.source)
    return Outcome(
        name=_escaped(job.name),
        source=_escaped(url),
        state="failed",
        reason=reason,
        overrides=job.settings.overrides,
        point=dict(job.point),
    )


def _escaped(name: str) -> str:
    """Return a name with everything that is not UTF-8 written as escapes."""
    return name.encode(errors="backslashreplace").decode()
