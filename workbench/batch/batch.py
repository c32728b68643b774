"""Batch: many clips from wherever they are to wherever they go, and a summary of them all."""

from collections.abc import Callable, Iterable
from pathlib import Path

from workbench.batch import runner
from workbench.batch.crew import Terms
from workbench.batch.notebooks import Kernel
from workbench.batch.plan import Sweep, plan
from workbench.batch.scratch import scratch
from workbench.batch.settings import Settings
from workbench.batch.shipped import CONVERT, notebook
from workbench.batch.storage import is_remote, open_storage, refuse_address
from workbench.batch.summary import LINES, NOTEBOOK, refuse_foreign_summary, write_summary
from workbench.deliver.outcome import Outcome, Standing
from workbench.files import expanded


def run_batch(
    sources: Iterable[str],
    out: str | Path,
    settings: Settings | None = None,
    *,
    sweep: Sweep = (),
    workers: int | None = None,
    scheduler: str | None = None,
    profile: str | None = None,
    temp: str | None = None,
    time_limit: float | None = None,
    overwrite: bool = False,
    on_change: Callable[[Standing], None] = lambda _: None,
    on_outcome: Callable[[Outcome], None] = lambda _: None,
) -> Standing:
    """Convert every clip that the sources name; return how the batch stands in the end.

    `sources` are files, folders, globs, s3://bucket/prefix, or .csv and .toml lists; `out` is a
    folder or s3://bucket/prefix. `sweep` tries a grid of parameters on one clip, such as
    (("deband.radius", (8, 16)),). Work is done by `workers` processes of this machine, one for each
    core unless given, or by those of the Dask `scheduler` at an address. `profile` names one of the
    AWS configuration, `temp` the folder for files on their way. A job takes at most `time_limit`
    seconds. `overwrite` replaces files that no batch has made.

    A clip that fails is an outcome like any other. What an earlier run finished is not done again.
    Raises BatchError, ClipNotFound, StorageError, PresetError, PolicyError, ParameterError,
    DestinationUnusable, NotebookFailed.
    """
    for name in (CONVERT, NOTEBOOK):
        notebook(name)  # now, and not once for each clip
    place = _absolute(str(out))
    jobs = plan(list(sources), settings or Settings(), profile, sweep, exclude=place)
    count, threads = runner.local_crew(workers)
    terms = Terms(
        batch=runner.new_batch(),
        destination=place,
        profile=profile,
        temp=_absolute(temp) if temp else None,
        overwrite=overwrite,
        seconds=time_limit,
        threads=None if scheduler else threads,
    )
    standing = Standing(len(jobs))
    destination = open_storage(place, profile)
    if not overwrite:
        refuse_foreign_summary(destination)
    with scratch(terms.root) as folder, Kernel(scratch=folder) as kernel:
        lines = folder / LINES
        with lines.open("w", encoding="utf-8") as file:
            for outcome in runner.run(
                jobs, terms, standing, workers=count, scheduler=scheduler, on_change=on_change
            ):
                file.write(outcome.model_dump_json() + "\n")
                on_outcome(outcome)
                if standing.total - standing.done == 1:
                    kernel.prepare()  # it starts while the last clip is done
        write_summary(lines, destination, kernel)
    return standing


def _absolute(place: str) -> str:
    """Return a place that means the same in every process, whatever its folder is."""
    refuse_address(place)
    return place if is_remote(place) else str(expanded(place).absolute())
