"""Convert a clip to a verified ProRes 422 HQ file.

ffmpeg encodes to a temporary file. The file is verified, and only then gets its final name.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

from workbench import ffmpeg
from workbench.argument_checks import check_callbacks, check_flag, check_optional, check_type
from workbench.deliver.command import Command, encode_command
from workbench.deliver.destination import destination_for
from workbench.deliver.record import record_path, record_text
from workbench.deliver.report import page, report_path
from workbench.deliver.settings import Settings
from workbench.deliver.source_frames import SourceRecording
from workbench.deliver.verify import Delivery, Verification, expected_sound, verify
from workbench.errors import (
    Cancelled,
    ClipNotFound,
    ClipReplaced,
    DamagedClip,
    DestinationUnusable,
    FfmpegFailed,
    OutOfMemory,
    VerificationFailed,
    WorkbenchError,
)
from workbench.files import (
    atomic_files,
    flush_to_disk,
    put_text,
    refuse_existing,
    sha256_of,
    write_errors_explained,
)
from workbench.media.clip import Clip
from workbench.media.probe import check_readable_file, open_clip
from workbench.temporary import remove_leftovers


def convert(
    source: Clip | str | Path,
    destination: str | Path | None,
    settings: Settings,
    *,
    report: bool = False,
    overwrite: bool = False,
    on_progress: Callable[[ffmpeg.Progress], None] | None = None,
    on_checked: Callable[[int], None] | None = None,
    cancellation: ffmpeg.Cancellation | None = None,
) -> Delivery:
    """Encode a clip as ProRes 422 HQ, verify the file, and rename it to its final name.

    The conversion is atomic: the destination stays unchanged or becomes the complete, verified new
    file, and no temporary file is left. With `report`, the record (NAME.qc.json) and the report
    (NAME.report.html) are written together with the file: all three or none. Without it, the
    record and the report of an overwritten file are deleted.

    A file that only misses a limit of the policy is kept, and its verdict says so. `on_progress`
    is called while ffmpeg encodes, `on_checked` with the number of delivered frames checked so far.

    Raises ClipError, DeliveryError, FfmpegError, OutOfMemory, ParameterError; VerificationFailed
    says what is wrong with the encoded file.
    """
    check_type("settings", settings, Settings, "Settings, such as Settings(preset='smooth')")
    check_flag("report", report)
    check_flag("overwrite", overwrite)
    check_optional(
        "cancellation", cancellation, ffmpeg.Cancellation, "a workbench.ffmpeg.Cancellation"
    )
    check_callbacks(on_progress=on_progress, on_checked=on_checked)
    clip = given_clip(source).with_range(settings.input_range)
    destination = destination_for(
        clip.path, destination, overwrite=overwrite, format=settings.format
    )
    beside = record_path(destination), report_path(destination)
    for path in beside if report else ():
        refuse_existing(path, overwrite=True)
    remove_leftovers(destination.parent)
    cancellation = cancellation or ffmpeg.Cancellation()
    command = encode_command(clip, settings)
    ffmpeg.require(command.filters, encoders=settings.format.encoders)
    files = atomic_files(destination, beside, overwrite=overwrite)
    with (
        _memory_errors_explained(clip),
        files as (temporary, *others),
        _recording(clip, settings, destination.parent) as recording,
    ):
        job = _Job(clip, settings, command, destination, temporary, recording, cancellation)
        sound = _encode(job, on_progress)
        verified, sha256 = _check(job, sound, on_checked)
        cancellation.raise_if_requested(clip.path)
        delivery = Delivery(
            source=clip,
            destination=destination,
            settings=settings,
            command=tuple(command.line(destination, overwrite=overwrite)),
            findings=verified.findings,
            inspection=verified.inspection,
            size=verified.movie.size,
            sha256=sha256,
        )
        if report:
            delivery = with_figures(delivery)
            texts = record_text(delivery), page(delivery, delivery.figures)
            for path, final, text in zip(others, beside, texts, strict=True):
                put_text(path, text, reported_as=final)
            delivery = replace(delivery, record=beside[0], report=beside[1])
            cancellation.raise_if_requested(clip.path)
    return delivery


def with_figures(delivery: Delivery) -> Delivery:
    """Draw the figures of a delivery's report, and return the delivery with them."""
    from workbench.deliver.figures import draw_figures  # and Pillow, which nothing else here needs

    return replace(
        delivery, figures=draw_figures(delivery.inspection) if delivery.inspection else {}
    )


@dataclass(frozen=True)
class _Job:
    """One conversion while it runs."""

    clip: Clip
    settings: Settings
    command: Command
    destination: Path
    temporary: Path  # where ffmpeg writes
    recording: SourceRecording | None  # of the source's frames, while ffmpeg encodes
    cancellation: ffmpeg.Cancellation


@contextmanager
def _recording(clip: Clip, settings: Settings, folder: Path) -> Iterator[SourceRecording | None]:
    """Yield an empty recording of the source, or None where the check has to decode it again."""
    recording = None
    with suppress(OSError):
        if SourceRecording.is_possible(clip, settings, folder):
            recording = SourceRecording(clip, folder)
    try:
        yield recording
    finally:
        if recording:
            recording.close()


def _encode(job: _Job, on_progress: Callable[[ffmpeg.Progress], None] | None) -> tuple[str, ...]:
    """Run ffmpeg; meanwhile hash the source's sound, and return the hashes of its tracks."""
    with ThreadPoolExecutor() as pool:
        stop = ffmpeg.Cancellation(parent=job.cancellation)
        preparing = pool.submit(_prepare, job.clip, job.settings, stop)
        try:
            recording = job.recording
            ffmpeg.run(
                job.command.arguments(job.temporary, recording.output if recording else ()),
                file=job.clip.path,
                on_output=recording.read if recording else None,
                on_progress=on_progress,
                cancellation=job.cancellation,
                fail_on=[_CONCEALED],
            )
            return preparing.result()
        except FfmpegFailed as error:
            raise _known_cause(error, job.clip, job.destination) from error
        except BaseException:
            stop.request()
            raise


def _prepare(clip: Clip, settings: Settings, cancellation: ffmpeg.Cancellation) -> tuple[str, ...]:
    """Hash the source's sound, and load what the check needs, while ffmpeg encodes."""
    import_module("scipy.ndimage")  # takes half a second
    return expected_sound(clip, settings, cancellation)


def _check(
    job: _Job, sound: tuple[str, ...], on_checked: Callable[[int], None] | None
) -> tuple[Verification, str]:
    """Verify the encoded file. Return the result, and the file's SHA-256.

    Raises VerificationFailed for a file that breaks a promise.
    """
    name, cancellation = job.clip.path.name, job.cancellation
    try:
        with ThreadPoolExecutor() as pool:
            # Flushing takes seconds on a slow disk and cannot be cancelled.
            flushing = pool.submit(flush_to_disk, job.temporary)
            hashing = pool.submit(sha256_of, job.temporary, cancellation.raise_if_requested)
            verified = verify(
                *(job.clip, job.temporary, job.settings, sound),
                recording=job.recording if job.recording and job.recording.complete else None,
                on_progress=on_checked,
                cancellation=cancellation,
            )
        with write_errors_explained(job.destination):
            flushing.result()
        sha256 = hashing.result()
    except Cancelled:
        cancellation.raise_if_requested(job.clip.path)  # names the clip, not the temporary file
        raise
    except DamagedClip as error:
        if str(error).startswith(name):
            raise  # the source is damaged
        raise VerificationFailed(f"{name}: the encoded file is not usable: {error}") from error
    if verified.broken:
        raise VerificationFailed(
            f"{name} was encoded, but the file failed verification and was not kept: "
            + "; ".join(f"{f.id} is {f.measured}, not {f.limit}" for f in verified.broken)
        )
    return verified, sha256


def given_clip(source: Clip | str | Path) -> Clip:
    """Open the clip unless it is open already. Raises ClipError, ParameterError."""
    if not isinstance(source, Clip):
        return open_clip(source)
    check_readable_file(source.path)
    if source.changed_on_disk():
        raise ClipReplaced(f"{source.path.name} has changed since it was opened: open it again")
    return source


@contextmanager
def _memory_errors_explained(clip: Clip) -> Iterator[None]:
    """Raise OutOfMemory instead of an error about the clip if memory ran out."""
    try:
        yield
    except Exception as error:
        if isinstance(error, OutOfMemory) or not OutOfMemory.behind(error):
            raise
        raise OutOfMemory(
            f"{clip.path.name} needs more memory than this machine has free: convert fewer clips "
            f"at once, or set {ffmpeg.THREADS_VARIABLE} to 1"
        ) from error


_CONCEALED = "error while decoding"
"""The message that ffmpeg's decoder logs before it conceals damage in a frame.

With several threads it may come too late for `-xerror`, which then accepts the frame.
"""


def _known_cause(error: FfmpegFailed, clip: Clip, destination: Path) -> WorkbenchError:
    """Return an error that names the cause if it is known: a full disk, a bad or missing source."""
    if OutOfMemory.behind(error):  # a decoder reports it as damage
        return error
    if not clip.path.exists():
        return ClipNotFound(f"{clip.path} was moved or deleted while it was converted")
    if clip.changed_on_disk():
        return ClipReplaced(
            f"{clip.path.name} was changed or replaced while it was converted: convert it again "
            "when it is complete"
        )
    log = "\n".join(error.log)
    if "No space left on device" in log:
        return DestinationUnusable(
            f"{destination} cannot be written: the disk of {destination.parent.absolute()} is full"
        )
    if any(
        sign in log for sign in (_CONCEALED, "/dec:", "[dec:", "corrupt", "Error during demuxing")
    ):
        return DamagedClip(
            f"{clip.path.name} is damaged: ffmpeg could not decode it to the end ({error.cause}); "
            "download or generate the clip again"
        )
    return error
