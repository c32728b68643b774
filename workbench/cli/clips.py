"""Commands on one clip: inspect, convert, qc."""

import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.options import (
    PATH,
    encoder_option,
    json_option,
    look_options,
    measure_options,
    pairs,
    show,
    stopping,
    with_options,
)

if TYPE_CHECKING:
    from workbench.deliver.verify import Delivery

_report_option = click.option(
    "--report", is_flag=True, help="Write NAME.report.html and NAME.qc.json beside it."
)


@click.command()
@click.argument("source", type=PATH)
@json_option
def inspect(source: Path, as_json: bool) -> None:
    """Say what SOURCE is: picture, timing, colour tags, sound."""
    from workbench.desk.tables import clip_table
    from workbench.probe import open_clip

    with open_clip(source) as clip:
        show(clip.facts(), str(clip_table(clip)), as_json)


@click.command()
@click.argument("source", type=PATH)
@click.argument("destination", type=PATH, required=False)
@with_options(look_options)
@encoder_option
@with_options(measure_options)
@_report_option
@click.option("--overwrite", is_flag=True, help="Replace DESTINATION if it exists.")
@click.option("--dry-run", is_flag=True, help="Print the ffmpeg command and do nothing.")
@json_option
def convert(
    source: Path,
    destination: Path | None,
    preset: str | None,
    overrides: tuple[str, ...],
    encoder: str,
    frame_rate: str | None,
    audio_rate: int | None,
    assume_matrix: str | None,
    policy: str,
    every_frame: bool,
    report: bool,
    overwrite: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Convert SOURCE to ProRes 422 HQ, verify the file, and only then name it DESTINATION.

    Without DESTINATION it is called NAME_prores.mov, beside SOURCE. The look is that of the preset
    `classic` unless another is given. Ends with 3 when the file is as promised, but fails a rule of
    the policy.
    """
    from workbench import ffmpeg
    from workbench.deliver.policy import load_policy
    from workbench.deliver.recipe import encode_command, read_recipe
    from workbench.probe import open_clip

    recipe = read_recipe(
        preset or "classic", pairs(overrides), encoder, frame_rate, audio_rate, assume_matrix
    )
    rules = load_policy(policy)
    with open_clip(source) as clip, stopping(f"{source.name}: stopped; no file was written"):
        from workbench.deliver import encode

        if dry_run:
            target = encode.destination_for(source, destination, overwrite=overwrite)
            command = encode_command(clip, recipe, target, overwrite=overwrite)
            show({"command": command}, ffmpeg.pasteable(command), as_json)
            return
        with _bars(clip.frame_count) as (encoding, checking):
            delivery = encode.convert(
                *(clip, destination, recipe),
                policy=rules,
                every_frame=every_frame,
                overwrite=overwrite,
                on_progress=encoding,
                on_checked=checking,
            )
    _tell(delivery, report, as_json)


@click.command()
@click.argument("source", type=PATH)
@click.argument("delivered", type=PATH)
@with_options(look_options)
@with_options(measure_options)
@_report_option
@json_option
def qc(
    source: Path,
    delivered: Path,
    preset: str | None,
    overrides: tuple[str, ...],
    frame_rate: str | None,
    audio_rate: int | None,
    assume_matrix: str | None,
    policy: str,
    every_frame: bool,
    report: bool,
    as_json: bool,
) -> None:
    """Hold the ProRes file DELIVERED against its SOURCE, every frame of it.

    How it was made is read from NAME.qc.json beside it unless options say so. Ends with 3 when
    something fails.
    """
    from workbench.deliver.policy import load_policy
    from workbench.deliver.recheck import recheck
    from workbench.deliver.recipe import read_recipe
    from workbench.probe import open_clip

    recipe = read_recipe(
        preset, pairs(overrides), "prores_ks", frame_rate, audio_rate, assume_matrix
    )
    rules = load_policy(policy)
    stop = stopping(f"{delivered.name}: stopped")
    with open_clip(source) as clip, stop, _bars(clip.frame_count) as (_, checking):
        delivery = recheck(
            *(clip, delivered, recipe),
            policy=rules,
            every_frame=every_frame,
            on_progress=checking,
        )
    _tell(delivery, report, as_json)


def _bars(frames: int) -> AbstractContextManager[Any]:
    """Give progress bars on a terminal, and callbacks that do nothing elsewhere."""
    from workbench.desk.progress import delivery_bars

    if sys.stderr.isatty():
        return delivery_bars(frames)
    return nullcontext((lambda _: None, lambda _: None))


def _tell(delivery: "Delivery", report: bool, as_json: bool) -> None:
    """Show what was found, write it down if asked, and end with 3 when the verdict is fail."""
    from workbench.deliver.record import record, record_path, write_record
    from workbench.desk.tables import delivery_text, findings_text

    written = []
    if report:
        # A file that is checked again keeps the record that was made with it.
        if delivery.checked_again and record_path(delivery.destination).exists():
            written = [_write_report(delivery)]
        else:
            written = [write_record(delivery), _write_report(delivery)]
    lines = [findings_text(delivery.findings), "", delivery_text(delivery)]
    show(record(delivery), "\n".join([*lines, *(str(path) for path in written)]), as_json)
    if delivery.verdict == "fail":
        raise click.exceptions.Exit(3)


def _write_report(delivery: "Delivery") -> Path:
    from workbench.deliver.report import write_report
    from workbench.desk import plots

    return write_report(delivery, plots.figures(delivery.inspection) if delivery.inspection else {})
