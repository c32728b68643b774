"""The batch command."""

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.options import PATH, settings_options, stopping

if TYPE_CHECKING:
    from workbench.batch.outcome import Outcome, Standing
    from workbench.deliver.settings import Settings


class _Minutes(click.FloatRange):
    """A finite number of minutes: click's range of floats allows infinity and nan."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        found = super().convert(value, param, ctx)
        if not math.isfinite(found):
            self.fail(f"{value} is not a number of minutes", param, ctx)
        return found


@click.command()
@click.argument("sources", nargs=-1, required=True)
@click.option(
    "--out",
    required=True,
    metavar="PLACE",
    help="Where the files go: a folder, or s3://bucket/prefix.",
)
@settings_options()
@click.option(
    "--sweep",
    "sweeps",
    multiple=True,
    metavar="STAGE.NAME=VALUE,VALUE",
    help="Try several values of a parameter on one clip. Repeat the option to try a grid.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    metavar="N",
    help="Worker processes, each with one clip at a time. Default: one per core.",
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Use the workers of a Dask scheduler, such as tcp://10.0.0.1:8786.",
)
@click.option("--profile", metavar="NAME", help="The AWS profile for s3:// places.")
@click.option("--temp", type=PATH, metavar="FOLDER", help="An existing folder for temporary files.")
@click.option(
    "--time-limit",
    type=_Minutes(min=0, min_open=True),
    default=360,
    show_default=True,
    metavar="MINUTES",
    help="Timeout for one clip.",
)
@click.option("--overwrite", is_flag=True, help="Overwrite files that no batch delivered.")
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each clip.")
def batch(
    sources: tuple[str, ...],
    out: str,
    settings: "Settings",
    sweeps: tuple[str, ...],
    as_json: bool,
    time_limit: float,
    **options: Any,
) -> None:
    """Convert many clips, and write a summary of them all.

    SOURCES are files, folders, globs, s3://bucket/prefix, or .csv and .toml lists. Each clip
    becomes a .mov file with its .qc.json, its .report.html and its executed notebook.

    Run the same command again to resume: finished clips are not converted again.

    Exit codes: 0 when every clip passed, 3 when some fail a QC limit of the policy, 1 when some
    did not finish.
    """
    from workbench.batch.batch import run_batch
    from workbench.batch.plan import read_sweep
    from workbench.batch.summary import PAGE
    from workbench.storage.locations import open_storage

    stop = stopping("stopped; run the same command again to resume")
    with stop, _display(as_json) as (on_change, on_outcome):
        standing = run_batch(
            sources,
            out,
            settings,
            sweep=[read_sweep(text) for text in sweeps],
            time_limit=time_limit * 60,
            on_change=on_change,
            on_outcome=on_outcome,
            **options,
        )
    if not as_json:
        page = open_storage(out, options["profile"]).url(PAGE)
        click.echo(f"{standing}; {page}")
    if standing.exit_code:
        raise click.exceptions.Exit(standing.exit_code)


@contextmanager
def _display(
    as_json: bool,
) -> Iterator[tuple[Callable[["Standing"], None], Callable[["Outcome"], None]]]:
    """Return callbacks that show a batch: a progress bar on a terminal, and a line per clip."""
    from workbench.present.progress import batch_bar
    from workbench.present.tables import outcome_text

    if as_json:
        yield (
            lambda _: None,
            lambda one: click.echo(one.model_dump_json(exclude={"thumbnail", "crops"})),
        )
    elif sys.stderr.isatty():
        with batch_bar() as (follow, write):
            yield follow, lambda one: write(outcome_text(one))
    else:
        yield lambda _: None, lambda one: click.echo(outcome_text(one))
