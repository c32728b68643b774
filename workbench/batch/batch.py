"""Batch: many clips from wherever they are to wherever they go, and a summary of them all."""

from collections.abc import Callable, Iterable
from pathlib import Path

from workbench.arguments import (
    check_callbacks,
    check_flag,
    check_optional,
    check_positive,
    check_type,
    check_whole,
    shown,
)
from workbench.batch import runner
from workbench.batch.crew import Terms
from workbench.batch.notebooks import Kernel
from workbench.batch.outcome import Outcome, Standing
from workbench.batch.plan import Sweep, check_sweep, plan
from workbench.batch.shipped import CONVERT, notebook
from workbench.batch.summary import LINES, NOTEBOOK, refuse_foreign_summary, write_summary
from workbench.deliver.settings import Settings
from workbench.errors import ClipNotFound, DestinationUnusable, ParameterError
from workbench.files import expanded
from workbench.storage.locations import is_remote, open_storage, refuse_unknown_scheme
from workbench.temporary import require_folder

MOST_WORKERS = 256


def run_batch(
    sources: str | Path | Iterable[str | Path],
    out: str | Path,
    settings: Settings | None = None,
    *,
    sweep: Sweep = (),
    workers: int | None = None,
    scheduler: str | None = None,
    profile: str | None = None,
    temp: str | Path | None = None,
    time_limit: float | None = None,
    overwrite: bool = False,
    on_change: Callable[[Standing], None] = lambda _: None,
    on_outcome: Callable[[Outcome], None] = lambda _: None,
) -> Standing:
    """Convert every clip that the sources name; return how the batch stands in the end.

    `sources` are files, folders, globs, s3://bucket/prefix, or .csv and .toml lists, one or
    several; `out` is a folder or s3://bucket/prefix. `sweep` tries a grid of parameters on one
    clip, such as (("deband.radius", (8, 16)),). Work is done by `workers` processes of this machine
    (1 to 256), one for each core unless given, or by those of the Dask `scheduler` at an address.
    `profile` names one of the AWS configuration, `temp` a folder for temporary files, which must
    exist. A job takes at most `time_limit` seconds. `overwrite` replaces files that no batch has
    made.

    A clip that fails is an outcome like any other. What an earlier run finished is not done again.
    Files that another batch delivers while this one runs are not replaced: that clip fails.
    Raises BatchError, ClipNotFound, StorageError, PresetError, PolicyError, ParameterError,
    DestinationUnusable, NotebookFailed.
    """
    named = _sources(sources)
    check_optional("settings", settings, Settings, "workbench.Settings(...)")
    check_sweep(sweep)
    _check_options(workers, scheduler, profile, time_limit, overwrite)
    check_callbacks(on_change=on_change, on_outcome=on_outcome)
    if isinstance(out, str) and not out.strip():
        raise DestinationUnusable("no destination is given: name a folder, or s3://bucket/prefix")
    for name in (CONVERT, NOTEBOOK):
        notebook(name)  # now, and not once for each clip
    place = _absolute(out)
    if not is_remote(place):
        require_folder(Path(place), may_be_missing=True)
    if temp is not None:
        require_folder(expanded(temp, "temp").absolute())
    jobs = plan(named, settings or Settings(), profile, sweep, exclude=place)
    count, threads = runner.local_crew(workers)
    terms = Terms(
        batch=runner.new_batch(),
        destination=place,
        profile=profile,
        temp=None if temp is None else str(expanded(temp).absolute()),
        overwrite=overwrite,
        seconds=time_limit,
        threads=None if scheduler else threads,
    )
    standing = Standing(len(jobs))
    destination = open_storage(place, profile)
    if not overwrite:
        refuse_foreign_summary(destination)
    with terms.scratch() as folder, Kernel(scratch=folder) as kernel:
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


def _sources(given: str | Path | Iterable[str | Path]) -> list[str]:
    """Return the sources as a list of texts: a single one is not a list of its characters."""
    several = [given] if isinstance(given, str | Path) else given
    if not isinstance(several, Iterable):
        raise ParameterError(f"sources are {shown(given)}: give a path, or a list of paths")
    found = list(several)
    for one in found:
        check_type("a source", one, (str, Path), "a path or a pattern as text")
    if not found or not all(str(one).strip() for one in found):
        raise ClipNotFound("no source was given: name clips, folders, patterns or lists")
    return [str(one) for one in found]


def _check_options(
    workers: int | None,
    scheduler: str | None,
    profile: str | None,
    time_limit: float | None,
    overwrite: bool,
) -> None:
    """Raise ParameterError for what cannot be."""
    if workers is not None:
        check_whole("workers", workers, 1, MOST_WORKERS)
    if time_limit is not None:
        check_positive("time_limit", time_limit, "seconds")
    check_optional("scheduler", scheduler, str, "an address such as tcp://10.0.0.1:8786")
    check_optional("profile", profile, str, "the name of an AWS profile")
    for name, value in (("scheduler", scheduler), ("profile", profile)):
        if value is not None and not value.strip():
            raise ParameterError(f"{name} is empty: fill it in, or leave it out")
    check_flag("overwrite", overwrite)


def _absolute(place: str | Path) -> str:
    """Return a place that means the same in every process, whatever its folder is."""
    refuse_unknown_scheme(place)
    return str(place) if is_remote(place) else str(expanded(place, "out").absolute())
