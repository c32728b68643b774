"""Commands on one clip: inspect, convert, qc."""

import sys
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.options import PATH, json_option, settings_options, show, stopping

if TYPE_CHECKING:
    from workbench.deliver.settings import Settings
    from workbench.deliver.verify import Delivery

_report_option = click.option(
    "--report", is_flag=True, help="Write NAME.report.html and NAME.qc.json beside the .mov file."
)


@click.command()
@click.argument("source", type=PATH)
@json_option
def inspect(source: Path, as_json: bool) -> None:
    """Show the picture, timing, colour tags and sound of SOURCE."""
    from workbench.media.probe import open_clip
    from workbench.present.tables import clip_table

    with open_clip(source) as clip:
        show(clip.facts(), str(clip_table(clip)), as_json)


@click.command()
@click.argument("source", type=PATH)
@click.argument("destination", type=PATH, required=False)
@settings_options()
@_report_option
@click.option("--overwrite", is_flag=True, help="Overwrite an existing file.")
@click.option("--dry-run", is_flag=True, help="Print the ffmpeg command; write nothing.")
@json_option
def convert(
    source: Path,
    destination: Path | None,
    settings: "Settings",
    report: bool,
    overwrite: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Convert SOURCE to a verified ProRes 422 HQ file.

    DESTINATION is a .mov file or a folder. The default is NAME_prores.mov beside SOURCE. The file
    gets its name only after it has passed verification.

    Exit code 3: the file was written, but it fails a QC limit of the policy.
    """
    from workbench import ffmpeg
    from workbench.deliver import encode
    from workbench.deliver.command import encode_command
    from workbench.deliver.destination import destination_for
    from workbench.media.probe import open_clip

    with ExitStack() as stack:
        clip = stack.enter_context(open_clip(source))
        target = destination_for(clip.path, destination, overwrite=overwrite)
        stop = stopping(
            f"{source.name}: stopped; no file was written",
            f"{source.name}: stopped after {target.name} was complete; the file can be used",
            target,
        )
        stack.enter_context(stop)
        if dry_run:
            command = encode_command(clip, settings).line(target, overwrite=overwrite)
            show({"command": command}, ffmpeg.pasteable(command), as_json)
            return
        with _bars(clip.frame_count) as (encoding, checking):
            delivery = encode.convert(
                *(clip, destination, settings),
                report=report,
                overwrite=overwrite,
                on_progress=encoding,
                on_checked=checking,
            )
        _print(delivery, as_json)


@click.command()
@click.argument("source", type=PATH)
@click.argument("delivered", type=PATH)
@settings_options(without=["encoder"], preset=None)
@_report_option
@json_option
def qc(source: Path, delivered: Path, settings: "Settings", report: bool, as_json: bool) -> None:
    """Check a delivered file against its source.

    Every frame of the ProRes file DELIVERED is compared with SOURCE. The record beside the file
    (NAME.qc.json) says how it was made. Options override the record.

    Exit code 3: the verdict is fail.
    """
    from workbench.deliver.recheck import recheck
    from workbench.media.probe import open_clip

    stop = stopping(f"{delivered.name}: stopped")
    with open_clip(source) as clip, stop, _bars(clip.frame_count) as (_, checking):
        delivery = recheck(clip, delivered, settings, report=report, on_progress=checking)
        _print(delivery, as_json)


def _bars(frames: int) -> AbstractContextManager[Any]:
    """Return progress bars on a terminal, and callbacks that do nothing elsewhere."""
    from workbench.present.progress import delivery_bars

    if sys.stderr.isatty():
        return delivery_bars(frames)
    return nullcontext((lambda _: None, lambda _: None))


def _print(delivery: "Delivery", as_json: bool) -> None:
    """Print the findings and the files written; exit with 3 when the verdict is fail."""
    from workbench.deliver.record import record
    from workbench.present.tables import delivery_text, findings_text

    written = [str(path) for path in (delivery.record, delivery.report) if path]
    lines = [findings_text(delivery.findings), "", delivery_text(delivery), *written]
    show(record(delivery).as_json(), "\n".join(lines), as_json)
    if delivery.verdict == "fail":
        raise click.exceptions.Exit(3)
