"""Opening: the one door that clips come in by, for PyAV and for the ffmpeg program alike.

FFmpeg opens by content, not by name: what is called clip.mp4 may be a playlist that makes it read
other files, or ask other machines. So only containers that hold their own pictures are opened, by
no protocol but that of local files, and no more is taken of one than the limits allow.
"""

import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import av

from workbench.errors import DamagedClip, NotAVideo, ParameterError, UnsupportedClip
from workbench.ffmpeg import file_url
from workbench.media.boxes import declared_samples, external_references

CONTAINERS = ("mov", "matroska", "avi", "mpegts", "mxf", "flv")
"""The demuxers that are let in, by FFmpeg's names: mov is MP4 as well, matroska is WebM as well."""


# PyAV 19 always replaces undecodable metadata; before, it raised unless told to.
_METADATA: dict[str, Any] = (
    {} if int(av.__version__.partition(".")[0]) >= 19 else {"metadata_errors": "replace"}
)


@dataclass(frozen=True)
class Limits:
    """How much of a file is taken: far more than a clip has, far less than harms the machine.

    Each can be set by a variable of the environment, such as WORKBENCH_MAX_PIXELS.
    """

    pixels: int = 8192 * 4320  # of one picture
    frames: int = 2_000_000  # of one file; as many blocks of sound
    seconds: int = 6 * 3600  # from the first picture or sample to the last
    tracks: int = 100


def limits() -> Limits:
    """Return the limits that hold; raises ParameterError for one that is no number."""
    found = {}
    for field in fields(Limits):
        named = os.environ.get(limit_variable(field.name))
        if named and not named.isdecimal():
            raise ParameterError(f"{limit_variable(field.name)} is {named!r}: give a whole number")
        if named:
            found[field.name] = int(named)
    return Limits(**found)


def limit_variable(limit: str) -> str:
    """Return the name of the variable that sets a limit.

    >>> limit_variable("pixels")
    'WORKBENCH_MAX_PIXELS'
    """
    return f"WORKBENCH_MAX_{limit.upper()}"


def check_limit(path: Path, limit: str, value: float, words: str) -> None:
    """Raise UnsupportedClip when a file has more of something than its limit."""
    most = getattr(limits(), limit)
    if value > most:
        raise UnsupportedClip(
            f"{path.name} {words}, and no more than {most:,} {limit} are taken: set "
            f"{limit_variable(limit)} higher if it is meant to be so"
        )


def _options() -> dict[str, str]:
    most = limits()
    return {
        "protocol_whitelist": "file",
        "format_whitelist": ",".join(CONTAINERS),
        "max_streams": str(most.tracks),
        "max_pixels": str(most.pixels),
    }


def file_input(path: Path) -> list[str]:
    """Return the arguments by which the ffmpeg program reads a clip."""
    options = [word for name, value in _options().items() for word in (f"-{name}", value)]
    return [*options, "-i", file_url(path)]


def open_container(path: Path) -> av.container.InputContainer:
    """Open a file with PyAV. Raises NotAVideo, DamagedClip, UnsupportedClip."""
    _refuse_what_harms(path)
    try:
        container: av.container.InputContainer = av.open(
            file_url(path), options=_options(), **_METADATA
        )
    except av.FFmpegError as error:
        raise _unopened(path, error) from error
    for stream in container.streams.video:
        # Their pictures may grow after the first.
        stream.codec_context.options = {"max_pixels": str(limits().pixels)}
    return container


def _refuse_what_harms(path: Path) -> None:
    """Refuse an MP4 or QuickTime file that would have FFmpeg read others, or fill the memory."""
    with path.open("rb") as file:
        try:
            kinds = external_references(file)
            samples = declared_samples(file)
        except ValueError as error:
            raise DamagedClip(f"{path.name} is damaged, or made to harm: {error}") from error
    if samples > path.stat().st_size:
        raise DamagedClip(
            f"{path.name} is damaged: its index names {samples:,} frames and samples, which is "
            "more than it has bytes; download it again"
        )
    if kinds:
        raise UnsupportedClip(
            f"{path.name} refers to another file for its pictures or sound ({kinds[0]}): export "
            "it as one file that holds everything"
        )


def _unopened(path: Path, error: av.FFmpegError) -> Exception:
    if isinstance(error, MemoryError):
        return UnsupportedClip(
            f"{path.name} has more than {limits().tracks} tracks, or needs more memory than there "
            f"is: set {limit_variable('tracks')} higher if it is meant to be so"
        )
    with path.open("rb") as file:
        begins_well = file.read(8)[4:] == b"ftyp"
    if begins_well:
        return DamagedClip(
            f"{path.name} is cut short or damaged: it begins like an MP4 or QuickTime file, but "
            "its index cannot be found; download it again"
        )
    # FFmpeg's answer to a format that is not let in.
    refused = isinstance(error, av.error.ArgumentError)
    why = (
        "it is a playlist, a script or another kind that is not let in"
        if refused
        else (error.strerror)
    )
    return NotAVideo(
        f"{path.name} cannot be opened as video ({why}): give an MP4 or QuickTime file"
    )
