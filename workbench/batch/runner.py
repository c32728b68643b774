"""Runner: the jobs of a batch over a crew, one outcome for each, as they come."""

import os
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice

from distributed import Client, Future, KilledWorker, as_completed

from workbench.batch import crew
from workbench.batch.job import MANIFESTS, finished
from workbench.batch.plan import Job, clashes
from workbench.batch.sources import MISSING
from workbench.batch.storage import Storage, open_storage
from workbench.deliver.outcome import Outcome, Standing
from workbench.errors import StorageError

_AHEAD = 4
"""Jobs handed out for each thread of the crew: none waits for one, and a stop leaves few."""


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
    workers: int | None = None,
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
            standing.running[name] = stage
            standing.fetched += int(said["bytes"]) if stage == "fetching" else 0
            standing.stored += int(said["bytes"]) if stage == "storing" else 0
            on_change(standing)

    destination = open_storage(terms.destination, terms.profile)
    clashing = clashes(jobs)
    left: list[Job] = []
    for job, done in _earlier(jobs, destination):
        if job.name in clashing:
            yield count(_failed(job, clashing[job.name], terms))
        elif job.identity == MISSING:
            yield count(_failed(job, "it does not exist", terms))
        elif done is not None:
            yield count(done)
        else:
            left.append(job)
    on_change(standing)
    if not left:
        return
    with crew.crew(terms, workers, scheduler) as client:
        client.subscribe_topic(terms.batch, heard)
        try:
            for outcome in _run(left, client, terms):
                yield count(outcome)
        except BaseException:
            _stop(client, terms.batch)
            raise
        finally:
            client.unsubscribe_topic(terms.batch)


def _earlier(jobs: Sequence[Job], destination: Storage) -> Iterator[tuple[Job, Outcome | None]]:
    """Yield each job with its outcome if an earlier run finished it, looked up side by side."""
    there = {stored.name for stored in destination.files(MANIFESTS)}

    def look(job: Job) -> tuple[Job, Outcome | None]:
        if f"{MANIFESTS}{job.name}.json" not in there:
            return job, None
        manifest = finished(job, destination)
        if manifest is None:
            return job, None
        return job, manifest.outcome.model_copy(update={"state": "unchanged"})

    with ThreadPoolExecutor(16) as pool:
        yield from pool.map(look, jobs)


def _run(jobs: Iterable[Job], client: Client, terms: crew.Terms) -> Iterator[Outcome]:
    """Keep the crew busy, with no more jobs handed out at a time than that takes."""
    waiting = iter(jobs)
    names: dict[str, Job] = {}

    def hand_out(count: int) -> list[Future[Outcome]]:
        futures = []
        for job in islice(waiting, count):
            future = client.submit(crew.work, terms.batch, job, pure=False)
            names[str(future.key)] = job
            futures.append(future)
        return futures

    running = as_completed(hand_out(_AHEAD * max(1, _threads(client))), loop=client.loop)
    for future in running:
        job = names.pop(str(future.key))
        yield _outcome(future, job, terms)
        future.release()
        # A crew that grew in the meantime gets more.
        for more in hand_out(1 + max(0, _AHEAD * _threads(client) - len(names) - 1)):
            running.add(more)


def _threads(client: Client) -> int:
    return sum(client.nthreads().values())


def _outcome(future: Future[Outcome], job: Job, terms: crew.Terms) -> Outcome:
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, KilledWorker):
        return _failed(
            job,
            "its worker was killed each time that it was tried; too little memory is the usual "
            "cause, and fewer workers need less",
            terms,
        )
    return _failed(job, f"a fault of this program: {type(error).__name__}: {error}", terms)


def _failed(job: Job, reason: str, terms: crew.Terms) -> Outcome:
    return Outcome(
        name=job.name,
        source=open_storage(job.place, terms.profile).url(job.source),
        state="failed",
        reason=reason,
        overrides=job.order.overrides,
    )


def _stop(client: Client, batch: str) -> None:
    """Have every worker stop what it does for this batch, and wait until it has."""
    with suppress(OSError, TimeoutError, StorageError):
        client.run(crew.stop, batch, on_error="ignore")
