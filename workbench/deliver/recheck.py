"""Recheck: compare a file that was delivered earlier, or made elsewhere, with its source."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from workbench import ffmpeg
from workbench.argument_checks import check_callbacks, check_flag, check_optional
from workbench.deliver.encode import given_clip, with_figures
from workbench.deliver.qc import Finding
from workbench.deliver.record import (
    completed,
    read_record,
    record_path,
    recorded_settings,
    write_record,
)
from workbench.deliver.record_model import Record
from workbench.deliver.report import write_report
from workbench.deliver.settings import Settings
from workbench.deliver.verify import Delivery, expected_sound, verify
from workbench.errors import RecordError
from workbench.files import expanded, sha256_of
from workbench.media.clip import Clip
from workbench.media.probe import check_readable_file


def recheck(
    source: Clip | str | Path,
    delivered: str | Path,
    settings: Settings | None = None,
    *,
    report: bool = False,
    on_progress: Callable[[int], None] | None = None,
    cancellation: ffmpeg.Cancellation | None = None,
) -> Delivery:
    """Check a delivered file against its source again.

    `settings` says how the file was made. Its values of None are read from the record beside the
    file, and so is the encoder. Without a record, a preset of None means an unknown look, and a
    frame rate of None means the source's timing. With `report`, the report is written beside the
    file, and the record as well unless it exists. Raises ClipError, with DamagedClip for a file
    that is not readable as ProRes, DeliveryError, FfmpegError, ParameterError.
    """
    check_optional("settings", settings, Settings, "Settings, such as Settings(preset='smooth')")
    check_flag("report", report)
    check_optional(
        "cancellation", cancellation, ffmpeg.Cancellation, "a workbench.ffmpeg.Cancellation"
    )
    check_callbacks(on_progress=on_progress)
    clip = given_clip(source)
    path = expanded(delivered, "the delivered file")
    check_readable_file(path)
    settings, record, unreadable = _with_record(settings or Settings(preset=None), path)
    clip = clip.with_range(settings.input_range)
    cancellation = cancellation or ffmpeg.Cancellation()
    with ThreadPoolExecutor() as pool:
        hashing = pool.submit(sha256_of, path, cancellation.raise_if_requested)
        verified = verify(
            *(clip, path, settings, expected_sound(clip, settings, cancellation)),
            certain=_same_ffmpeg(record),
            on_progress=on_progress,
            cancellation=cancellation,
        )
    sha256 = hashing.result()
    recorded = [_unchanged(sha256, record.destination.sha256)] if record else unreadable
    delivery = Delivery(
        source=clip,
        destination=path,
        settings=settings,
        findings=(*recorded, *verified.findings),
        inspection=verified.inspection,
        size=verified.movie.size,
        sha256=sha256,
        command=tuple(record.command or ()) if record else (),
    )
    return _reported(delivery) if report else delivery


def _reported(delivery: Delivery) -> Delivery:
    """Write the report, and the record unless one exists: the first record is kept."""
    delivery = with_figures(delivery)
    exists = record_path(delivery.destination).exists()
    record = None if exists else write_record(delivery)
    return replace(delivery, record=record, report=write_report(delivery, delivery.figures))


def _same_ffmpeg(record: Record | None) -> bool:
    return record is not None and record.versions.get("ffmpeg") == ffmpeg.program().version


def _with_record(settings: Settings, path: Path) -> tuple[Settings, Record | None, list[Finding]]:
    """Fill settings from the record beside a file; a record that cannot be read is a finding."""
    try:
        record = read_record(path)
        known = recorded_settings(record) if record else None
    except RecordError as error:
        sentence = "Settings are not taken from it. Convert again, or give them as options."
        return settings, None, [Finding("record", "note", str(error), "", sentence)]
    return completed(settings, known) if known else settings, record, []


def _unchanged(now: str, then: str) -> Finding:
    """Compare the file's checksum with the one in its record."""
    return Finding(
        "checksum",
        "pass" if now == then else "fail",
        f"SHA-256 {now[:12]}",
        then[:12],
        "The file is byte for byte as delivered, according to the record beside it.",
    )
