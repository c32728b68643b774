"""Runner: the jobs of a batch over a crew, one outcome for each, as they come."""

import os
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from queue import Empty, SimpleQueue

from distributed import Future, KilledWorker

from workbench.batch import crew
from workbench.batch.job import MANIFESTS, finished, manifest_name
from workbench.batch.outcome import Outcome, Standing
from workbench.batch.plan import Job, clashes
from workbench.batch.sources import MISSING
from workbench.errors import (
    BatchError,
    StorageDown,
    StorageError,
    StorageRefused,
    WorkbenchError,
)
from workbench.storage.base import Storage
from workbench.storage.locations import is_remote, open_storage

_AHEAD = 4
"""Jobs handed out for each thread of the crew: none waits for one, and a stop leaves few."""

_LOOK = 5.0  # seconds without an outcome between looks at the crew


def new_batch() -> str:
    return f"workbench-{uuid.uuid4().hex[:12]}"


def local_crew(workers: int | None) -> tuple[int, int]:
    """Return how many workers this machine gets, and threads for the ffmpeg of each."""
    cores = os.cpu_count() or 1
    count = workers or cores
    return count, -(-cores // count)


def run(
    jobs: Sequence[Job],
    terms: crew.Terms,
    standing: Standing,
    *,
    workers: int,
    scheduler: str | None = None,
    on_change: Callable[[Standing], None] = lambda _: None,
) -> Iterator[Outcome]:
    """Yield the outcome of each job, in no order; keep count of them in `standing`.

    Jobs that an earlier run finished are not run again. When the caller stops - Ctrl-C, or an
    iterator that is closed - running jobs are stopped, and their files on the way removed.

    Raises BatchError, StorageError before anything runs.
    """
    changed = threading.Lock()

    def count(outcome: Outcome) -> Outcome:
        with changed:
            standing.count(outcome)
            on_change(standing)
        return outcome

    def heard(event: tuple[object, dict[str, str | int]]) -> None:
        said = event[1]
        with changed:
            name, stage = str(said["job"]), str(said["stage"])
            if name in standing.running:  # a word may come after the outcome
                standing.running[name] = stage
            standing.fetched += int(said["bytes"]) if stage == "fetching" else 0
            standing.stored += int(said["bytes"]) if stage == "storing" else 0
            on_change(standing)

    destination = open_storage(terms.destination, terms.profile)
    refused = clashes(jobs)
    left: list[Job] = []
    for job, done in _earlier(jobs, destination):
        why = refused.get(job.name) or _unfit(job)
        if why:
            yield count(_failed(job, why, terms))
        elif done is not None:
            yield count(done)
        else:
            left.append(job)
    on_change(standing)
    if not left:
        return

    def look(threads: int, more: Sequence[Job]) -> None:
        with changed:
            standing.waiting = threads == 0
            standing.running.update({job.name: "" for job in more})
            on_change(standing)

    try:
        with crew.crew(terms, workers, scheduler) as hired:
            hired.client.subscribe_topic(terms.batch, heard)
            for outcome in _run(left, hired, terms, look):
                yield count(outcome)
    except (OSError, TimeoutError) as error:
        if isinstance(error, WorkbenchError) or not scheduler:
            raise
        raise BatchError(
            f"the Dask scheduler at {scheduler} does not answer any more; the same command goes on "
            "from here"
        ) from error


def _unfit(job: Job) -> str | None:
    """Return why a job cannot be done, as far as its name tells."""
    if job.identity == MISSING:
        return "there is no such clip"
    try:
        f"{job.place}{job.source}{job.name}".encode()
    except UnicodeEncodeError:
        return "its name is not UTF-8: rename it"
    return None


def _earlier(jobs: Sequence[Job], destination: Storage) -> Iterator[tuple[Job, Outcome | None]]:
    """Yield each job with its outcome if an earlier run finished it, looked up side by side.

    Each notes which manifest it found, so that it does not replace what is delivered later.
    """
    there = {stored.name: stored.identity for stored in destination.files(MANIFESTS)}

    def look(job: Job) -> tuple[Job, Outcome | None]:
        identity = there.get(manifest_name(job.name))
        if identity is None:
            return job, None
        job = replace(job, found=identity)
        try:
            manifest = finished(job, destination)
        except (StorageDown, StorageRefused):
            raise
        except StorageError:  # something that cannot be read is there: the job will say so
            return job, None
        if manifest is None:
            return job, None
        return job, manifest.outcome.model_copy(update={"state": "unchanged"})

    with ThreadPoolExecutor(16) as pool:
        yield from pool.map(look, jobs)


def _run(
    jobs: Iterable[Job],
    hired: crew.Crew,
    terms: crew.Terms,
    look: Callable[[int, Sequence[Job]], None],
) -> Iterator[Outcome]:
    """Keep the crew busy, with no more jobs handed out at a time than that takes.

    `look` is told how many can be done at a time, and which are handed out.
    """
    waiting = iter(jobs)
    handed: dict[str, tuple[Job, Future[Outcome]]] = {}
    done: SimpleQueue[Future[Outcome]] = SimpleQueue()

    def hand_out() -> None:
        threads = hired.threads()
        more = list(islice(waiting, max(0, _AHEAD * max(1, threads) - len(handed))))
        look(threads, more)
        for job in more:
            future = hired.client.submit(crew.work, terms.batch, job, pure=False)
            handed[str(future.key)] = (job, future)
            future.add_done_callback(done.put)

    hand_out()
    while handed:
        try:
            future = done.get(timeout=_LOOK)
        except Empty:
            hired.mend()
        else:
            job, _ = handed.pop(str(future.key))
            yield _outcome(future, job, terms)
        hand_out()  # more than before, to a crew that grew


def _outcome(future: Future[Outcome], job: Job, terms: crew.Terms) -> Outcome:
    if future.status in ("cancelled", "lost"):
        raise OSError("the scheduler forgot a job")
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, WorkbenchError):  # before the job could begin
        return _failed(job, str(error), terms)
    if isinstance(error, KilledWorker):
        return _failed(
            job,
            "its worker was killed each time that it was tried; too little memory is the usual "
            "cause, and fewer workers need less",
            terms,
        )
    return _failed(job, f"a fault of this program: {type(error).__name__}: {error}", terms)


def _failed(job: Job, reason: str, terms: crew.Terms) -> Outcome:
    named = job.source if is_remote(job.source) else None
    return Outcome(
        name=_plain(job.name),
        source=_plain(named or open_storage(job.place, terms.profile).url(job.source)),
        state="failed",
        reason=reason,
        overrides=job.settings.overrides,
        point=dict(job.point),
    )


def _plain(name: str) -> str:
    """Return a name in which what is not UTF-8 stands as an escape."""
    return name.encode(errors="backslashreplace").decode()
