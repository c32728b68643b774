"""Commands on one clip: inspect, convert, qc."""

import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
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
    from workbench.deliver.inspect import Inspection
    from workbench.deliver.verify import Delivery

_report_option = click.option(
    "--report", is_flag=True, help="Write NAME.report.html and NAME.qc.json beside it."
)


@click.command()
@click.argument("source", type=PATH)
@json_option
def inspect(source: Path, as_json: bool) -> None:
    """Say what SOURCE is: picture, timing, colour tags, sound."""
    from workbench.media.probe import open_clip
    from workbench.present.tables import clip_table

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
    from workbench.deliver.record import record_path
    from workbench.deliver.report import report_path
    from workbench.media.probe import open_clip

    recipe = read_recipe(
        preset or "classic", pairs(overrides), encoder, frame_rate, audio_rate, assume_matrix
    )
    rules = load_policy(policy)
    from workbench.deliver import encode

    with ExitStack() as stack:
        clip = stack.enter_context(open_clip(source))
        target = encode.destination_for(clip.path, destination, overwrite=overwrite)
        stop = stopping(
            f"{source.name}: stopped; no file was written",
            f"{source.name}: stopped, but {target.name} was written before and is whole",
            target,
        )
        stack.enter_context(stop)
        if dry_run:
            command = encode_command(clip, recipe, target, overwrite=overwrite)
            show({"command": command}, ffmpeg.pasteable(command), as_json)
            return
        with _bars(clip.frame_count) as (encoding, checking):
            delivery = encode.convert(
                *(clip, destination, recipe),
                policy=rules,
                every_frame=every_frame,
                overwrite=overwrite,
                figures=_figures if report else None,
                on_progress=encoding,
                on_checked=checking,
            )
        written = [record_path(target), report_path(target)] if report else []
        _tell(delivery, written, as_json)


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
    from workbench.media.probe import open_clip

    recipe = read_recipe(
        preset,
        pairs(overrides),
        frame_rate=frame_rate,
        audio_rate=audio_rate,
        assume_matrix=assume_matrix,
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
        written = _write(delivery) if report else []
        _tell(delivery, written, as_json)


def _bars(frames: int) -> AbstractContextManager[Any]:
    """Give progress bars on a terminal, and callbacks that do nothing elsewhere."""
    from workbench.present.progress import delivery_bars

    if sys.stderr.isatty():
        return delivery_bars(frames)
    return nullcontext((lambda _: None, lambda _: None))


def _tell(delivery: "Delivery", written: list[Path], as_json: bool) -> None:
    """Show what was found and what was written; end with 3 when the verdict is fail."""
    from workbench.deliver.record import record
    from workbench.present.tables import delivery_text, findings_text

    lines = [findings_text(delivery.findings), "", delivery_text(delivery)]
    show(record(delivery), "\n".join([*lines, *map(str, written)]), as_json)
    if delivery.verdict == "fail":
        raise click.exceptions.Exit(3)


def _write(delivery: "Delivery") -> list[Path]:
    """Write down what was found of a file that is checked again; return what was written.

    It keeps the record that was made with it.
    """
    from workbench.deliver.record import record_path, write_record
    from workbench.deliver.report import write_report

    written = [] if record_path(delivery.destination).exists() else [write_record(delivery)]
    figures = _figures(delivery.inspection) if delivery.inspection else {}
    return [*written, write_report(delivery, figures)]


def _figures(inspection: "Inspection") -> Mapping[str, bytes]:
    from workbench.deliver.figures import draw_figures  # Matplotlib, which nothing else here needs

    return draw_figures(inspection)
