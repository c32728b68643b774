"""Verify: check a delivered file against its source, its settings and their policy.

A conversion verifies its temporary file before it renames it; `workbench qc` verifies any file.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from workbench import ffmpeg
from workbench.deliver.command import sound_options
from workbench.deliver.file_checks import check_file, check_orientation
from workbench.deliver.format import Format
from workbench.deliver.frame_checks import check_delivered_frames, undecodable
from workbench.deliver.inspection import Inspection, inspect
from workbench.deliver.policy_checks import check_policy
from workbench.deliver.qc import Finding, Level, verdict
from workbench.deliver.quicktime import Movie, read_movie
from workbench.deliver.reencode import check_reencoded
from workbench.deliver.settings import Settings
from workbench.deliver.source_frames import SourceRecording
from workbench.errors import ClipError, DamagedClip, one_line
from workbench.media.clip import Clip
from workbench.media.frames import Orientation
from workbench.media.guards import file_input
from workbench.media.probe import open_clip

if TYPE_CHECKING:
    from workbench.deliver.svg import Drawing


@dataclass(frozen=True, eq=False)
class Delivery:
    """A delivered file, the settings that made it, and the findings about it."""

    source: Clip
    destination: Path
    settings: Settings
    findings: tuple[Finding, ...]
    inspection: Inspection | None  # None when its frames cannot be compared with the source's
    size: int  # bytes
    sha256: str  # of the file, hex
    command: tuple[str, ...] = ()  # that made it, ending in its name; () when not known
    figures: Mapping[str, "Drawing"] = field(default_factory=dict)  # of its report, by heading
    record: Path | None = None  # where its record was written; None when none was
    report: Path | None = None  # where its report was written, likewise

    @property
    def verdict(self) -> Level:
        return verdict(self.findings)


@dataclass(frozen=True, eq=False)
class Verification:
    """The findings about a delivered file."""

    movie: Movie
    promises: tuple[Finding, ...]  # a conversion does not keep a file that fails one
    judgements: tuple[Finding, ...]  # by the policy; a file that misses a limit is kept
    inspection: Inspection | None  # None when its frames cannot be compared with the source's

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self.promises + self.judgements

    @property
    def broken(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.promises if finding.level == "fail")


def verify(
    clip: Clip,
    path: Path,
    settings: Settings,
    expected_sound: tuple[str, ...],
    *,
    certain: bool = True,
    recording: SourceRecording | None = None,
    on_progress: Callable[[int], None] | None = None,
    cancellation: ffmpeg.Cancellation | None = None,
) -> Verification:
    """Measure a delivered file, and check it against its source, the settings and their policy.

    `expected_sound` is the result of the function of that name. `certain` says that the settings'
    encoder and this version of ffmpeg made the file. `recording` holds the measures of the source's
    frames, if they were taken while it was encoded. Raises DamagedClip for a file that cannot be
    read in the settings' format, and FfmpegError.
    """
    movie = read_movie(path, settings.format)
    try:
        delivered = open_clip(path)
    except ClipError as error:
        raise DamagedClip(str(error)) from error
    with delivered:
        # Hash the decoded samples, as a player gets them: an edit list may leave some out.
        sound = _sound(path, settings.format, [], cancellation) if movie.audio else ()
        promises = list(check_file(clip, movie, settings, expected_sound, sound))
        if delivered.orientation != Orientation():
            promises.append(check_orientation(delivered.orientation))
        inspection = None
        if _comparable(clip, delivered, settings.format):
            try:
                inspection = inspect(
                    *(clip, delivered, settings.look, settings.format),
                    encoder=settings.encoder,
                    frame_rate=settings.frame_rate,
                    every_frame=settings.every_frame,
                    recording=recording,
                    on_progress=on_progress,
                    cancellation=cancellation,
                )
                promises += check_delivered_frames(inspection, settings.format.picture)
                promises += check_reencoded(inspection.encoded_again, certain=certain)
            except DamagedClip as error:
                if not str(error).startswith(one_line(path.name)):
                    raise  # the source does not decode
                promises.append(undecodable(error))
    return Verification(
        movie=movie,
        promises=tuple(promises),
        judgements=tuple(check_policy(inspection, movie, settings.rules)) if inspection else (),
        inspection=inspection,
    )


def _comparable(clip: Clip, delivered: Clip, format: Format) -> bool:
    size = delivered.width, delivered.height
    expected = format.picture.pixel_format
    return size == (clip.width, clip.height) and delivered.pixel_format == expected


def expected_sound(
    clip: Clip, settings: Settings, cancellation: ffmpeg.Cancellation | None = None
) -> tuple[str, ...]:
    """Return the hash of each audio track of the source, as the file should hold it."""
    if not clip.audio:
        return ()
    return _sound(clip.path, settings.format, sound_options(clip, settings), cancellation)


def _sound(
    path: Path,
    format: Format,
    options: list[str],
    cancellation: ffmpeg.Cancellation | None,
) -> tuple[str, ...]:
    """Return the SHA-256 of each audio track's samples."""
    arguments = [*file_input(path), "-map", "0:a", "-c:a", format.audio_encoder, *options]
    lines = ffmpeg.run(
        [*arguments, "-f", "streamhash", "-hash", "sha256", "pipe:1"],
        file=path,
        cancellation=cancellation,
    )
    return tuple(line.rpartition("=")[2] for line in lines.decode().splitlines())
