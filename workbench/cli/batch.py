"""The command on many clips: batch."""

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from workbench.cli.options import (
    PATH,
    encoder_option,
    look_options,
    measure_options,
    pairs,
    stopping,
    with_options,
)

if TYPE_CHECKING:
    from workbench.batch.outcome import Outcome, Standing


class _Minutes(click.FloatRange):
    """A length of time: finite, which a range of floats does not ask for."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        found = super().convert(value, param, ctx)
        if not math.isfinite(found):
            self.fail(f"{value} is no number of minutes", param, ctx)
        return found


@click.command()
@click.argument("sources", nargs=-1, required=True)
@click.option("--out", required=True, help="Where files go: a folder, or s3://bucket/prefix.")
@with_options(look_options)
@encoder_option
@with_options(measure_options)
@click.option(
    "--sweep",
    "sweeps",
    multiple=True,
    metavar="STAGE.NAME=VALUE,VALUE",
    help="Try values of a parameter on one clip; several make a grid.",
)
@click.option("--workers", type=click.IntRange(1, 256), help="Clips at once; one for each core.")
@click.option("--scheduler", metavar="tcp://...", help="Use the workers of this Dask scheduler.")
@click.option("--profile", help="A profile of the AWS configuration, for s3:// places.")
@click.option("--temp", type=PATH, help="A folder for temporary files, which must exist.")
@click.option(
    "--time-limit",
    type=_Minutes(min=0, min_open=True),
    default=360,
    show_default=True,
    metavar="MINUTES",
    help="For one clip.",
)
@click.option("--overwrite", is_flag=True, help="Replace files that no batch has made.")
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each clip.")
def batch(
    sources: tuple[str, ...],
    out: str,
    preset: str | None,
    overrides: tuple[str, ...],
    encoder: str,
    frame_rate: str | None,
    audio_rate: int | None,
    assume_matrix: str | None,
    policy: str,
    every_frame: bool,
    sweeps: tuple[str, ...],
    workers: int | None,
    scheduler: str | None,
    profile: str | None,
    temp: Path | None,
    time_limit: float,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Convert all clips of SOURCES: files, folders, globs, s3://bucket/prefix, .csv or .toml lists.

    Each clip leaves its .mov, .qc.json, .report.html and executed notebook in the place of --out,
    and the batch a summary. The same command goes on where it was stopped, and does not do again
    what is done. Ends with 0 when all passed, 3 when some failed a rule of the policy, 1 when some
    did not finish.
    """
    from workbench.batch.batch import run_batch
    from workbench.batch.plan import read_sweep
    from workbench.batch.settings import read_settings
    from workbench.batch.summary import PAGE
    from workbench.storage.locations import open_storage

    values = {
        "preset": preset,
        "overrides": pairs(overrides),
        "encoder": encoder,
        "frame_rate": frame_rate,
        "audio_rate": audio_rate,
        "assume_matrix": assume_matrix,
        "policy": policy,
        "every_frame": every_frame,
    }
    # What a person has not said is left out: a sweep of it contradicts nothing.
    context = click.get_current_context()
    given = {
        name: value
        for name, value in values.items()
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT
    }
    stop = stopping("stopped; the same command goes on from here")
    with stop, _display(as_json) as (on_change, on_outcome):
        standing = run_batch(
            sources,
            out,
            read_settings(given),
            sweep=[read_sweep(text) for text in sweeps],
            workers=workers,
            scheduler=scheduler,
            profile=profile,
            temp=temp,
            time_limit=time_limit * 60,
            overwrite=overwrite,
            on_change=on_change,
            on_outcome=on_outcome,
        )
    if not as_json:
        click.echo(f"{standing}; {open_storage(out, profile).url(PAGE)}")
    if standing.exit_code:
        raise click.exceptions.Exit(standing.exit_code)


@contextmanager
def _display(
    as_json: bool,
) -> Iterator[tuple[Callable[["Standing"], None], Callable[["Outcome"], None]]]:
    """Give what shows a batch: a bar on a terminal, and a line for each clip."""
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
