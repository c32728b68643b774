"""Convert many clips in one batch, and write a summary of all of them."""

from collections.abc import Callable, Iterable
from pathlib import Path

from workbench.argument_checks import (
    check_callbacks,
    check_flag,
    check_optional,
    check_positive,
    check_type,
    check_whole,
    shown,
)
from workbench.batch.kernel import Kernel
from workbench.batch.notebook_files import CONVERT, notebook_path
from workbench.batch.outcome import Outcome, Standing
from workbench.batch.plan import Sweep, check_sweep, plan
from workbench.batch.runner import local_workers, new_batch_id, run_jobs
from workbench.batch.summary import LINES, NOTEBOOK, refuse_foreign_summary, write_summary
from workbench.batch.worker import BatchOptions
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
    """Convert every clip that the sources name, and return the final state of the batch.

    `sources` is one or several files, folders, globs, s3://bucket/prefix URLs, and .csv or .toml
    lists. `out` is a folder or s3://bucket/prefix. `sweep` tries a grid of parameters on one clip,
    such as (("deband.radius", (8, 16)),).

    Jobs run in `workers` processes on this machine (1 to 256, by default one for each core), or on
    the workers of the Dask scheduler at the address `scheduler`. `profile` names a profile of the
    AWS configuration. `temp` is an existing folder for temporary files. Each job may take
    `time_limit` seconds. `overwrite` allows overwriting files that no batch delivered.
    `on_change` receives the state of the batch at every change, `on_outcome` each outcome.

    A clip that fails gives a failed outcome, and the others continue. Clips that an earlier run
    finished are not converted again. A clip fails if another batch delivers its files meanwhile.
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
        notebook_path(name)  # a missing notebook fails here once, and not for each clip
    location = _absolute(out)
    if not is_remote(location):
        require_folder(Path(location), may_be_missing=True)
    if temp is not None:
        require_folder(expanded(temp, "temp").absolute())
    jobs = plan(named, settings or Settings(), profile, sweep, exclude=location)
    count, threads = local_workers(workers)
    options = BatchOptions(
        batch_id=new_batch_id(),
        destination=location,
        profile=profile,
        temp=None if temp is None else str(expanded(temp).absolute()),
        overwrite=overwrite,
        time_limit=time_limit,
        ffmpeg_threads=None if scheduler else threads,
    )
    standing = Standing(len(jobs))
    destination = open_storage(location, profile)
    if not overwrite:
        refuse_foreign_summary(destination)
    with options.temporary_folder() as folder, Kernel(folder=folder) as kernel:
        lines = folder / LINES
        with lines.open("w", encoding="utf-8") as file:
            for outcome in run_jobs(
                jobs, options, standing, workers=count, scheduler=scheduler, on_change=on_change
            ):
                file.write(outcome.model_dump_json() + "\n")
                on_outcome(outcome)
                if standing.total - standing.done == 1:
                    kernel.prepare()  # it starts while the last job runs
        write_summary(lines, destination, kernel)
    return standing


def _sources(given: str | Path | Iterable[str | Path]) -> list[str]:
    """Return the sources as a list of text, and a single source as a list of one."""
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
    """Raise ParameterError for an option of the wrong type, or out of range."""
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


def _absolute(location: str | Path) -> str:
    """Return a location that does not depend on the current folder, which workers do not share."""
    refuse_unknown_scheme(location)
    if is_remote(location):
        return str(location)
    return str(expanded(location, "out").absolute())
