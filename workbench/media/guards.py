"""Guard the opening of clips, both in PyAV and in the ffmpeg program.

FFmpeg detects a format by content, not by name: a file named clip.mp4 may be a playlist that reads
other files or contacts other machines. So the guards allow only containers that hold their own
pictures, only the protocol for local files, and only files within the limits.
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
"""The allowed demuxers, by FFmpeg's names: mov includes MP4, and matroska includes WebM."""


# PyAV 19 always replaces undecodable metadata. Earlier versions raise, unless told to replace it.
_METADATA: dict[str, Any] = (
    {} if int(av.__version__.partition(".")[0]) >= 19 else {"metadata_errors": "replace"}
)


@dataclass(frozen=True)
class InputLimits:
    """The largest accepted file: far more than a clip needs, far less than overloads the machine.

    An environment variable sets each limit, such as WORKBENCH_MAX_PIXELS.
    """

    pixels: int = 8192 * 4320  # of one picture
    frames: int = 2_000_000  # of one file, and as many blocks of sound
    seconds: int = 6 * 3600  # from the first picture or sample to the last
    tracks: int = 100


def input_limits() -> InputLimits:
    """Return the limits in effect; raise ParameterError for a variable that is not a number."""
    found = {}
    for field in fields(InputLimits):
        value = os.environ.get(limit_variable(field.name))
        if value and not value.isdecimal():
            raise ParameterError(f"{limit_variable(field.name)} is {value!r}: give a whole number")
        if value:
            found[field.name] = int(value)
    return InputLimits(**found)


def limit_variable(limit: str) -> str:
    """Return the name of the environment variable that sets a limit.

    >>> limit_variable("pixels")
    'WORKBENCH_MAX_PIXELS'
    """
    return f"WORKBENCH_MAX_{limit.upper()}"


def check_limit(path: Path, limit: str, value: float, fact: str) -> None:
    """Raise UnsupportedClip if `value` exceeds a limit; `fact` states the value in words.

    `limit` is the name of a field of InputLimits.
    """
    most = getattr(input_limits(), limit)
    if value > most:
        raise UnsupportedClip(
            f"{path.name} {fact}, and the limit is {most:,} {limit}: raise "
            f"{limit_variable(limit)} to allow it"
        )


def _options() -> dict[str, str]:
    """Return the options that make FFmpeg apply the guards, by name."""
    limits = input_limits()
    return {
        "protocol_whitelist": "file",
        "format_whitelist": ",".join(CONTAINERS),
        "max_streams": str(limits.tracks),
        "max_pixels": str(limits.pixels),
    }


def file_input(path: Path) -> list[str]:
    """Return the arguments that make the ffmpeg program read a clip within the guards."""
    options = [word for name, value in _options().items() for word in (f"-{name}", value)]
    return [*options, "-i", file_url(path)]


def open_container(path: Path) -> av.container.InputContainer:
    """Open a file with PyAV, within the guards.

    Raises NotAVideo, DamagedClip, UnsupportedClip.
    """
    _check_boxes(path)
    try:
        container: av.container.InputContainer = av.open(
            file_url(path), options=_options(), **_METADATA
        )
    except av.FFmpegError as error:
        raise _opening_error(path, error) from error
    for stream in container.streams.video:
        if stream.codec_context is not None:  # None: FFmpeg does not know the codec
            # Later pictures may be larger than the first.
            stream.codec_context.options = {"max_pixels": str(input_limits().pixels)}
    return container


def _check_boxes(path: Path) -> None:
    """Reject an MP4 or QuickTime file that makes FFmpeg read other files or fill the memory."""
    with path.open("rb") as file:
        try:
            kinds = external_references(file)
            samples = declared_samples(file)
        except ValueError as error:
            raise DamagedClip(f"{path.name} is damaged or malicious: {error}") from error
    if samples > path.stat().st_size:
        raise DamagedClip(
            f"{path.name} is damaged: its index lists {samples:,} frames and samples, more than "
            "the file has bytes; download it again"
        )
    if kinds:
        raise UnsupportedClip(
            f"{path.name} stores its pictures or sound in another file ({kinds[0]} reference): "
            "export it as one self-contained file"
        )


def _opening_error(path: Path, error: av.FFmpegError) -> Exception:
    """Return this package's error for a file that FFmpeg could not open."""
    if isinstance(error, MemoryError):
        return UnsupportedClip(
            f"{path.name} has more than {input_limits().tracks} tracks, or needs more memory than "
            f"is free: raise {limit_variable('tracks')} if it has that many tracks"
        )
    with path.open("rb") as file:
        has_mp4_header = file.read(8)[4:] == b"ftyp"
    if has_mp4_header:
        return DamagedClip(
            f"{path.name} is cut short or damaged: it begins like an MP4 or QuickTime file, but "
            "its index is missing; download it again"
        )
    # FFmpeg answers with "invalid argument" when format_whitelist excludes the format.
    not_allowed = isinstance(error, av.error.ArgumentError)
    reason = (
        "its format, such as a playlist or a script, is not allowed"
        if not_allowed
        else error.strerror
    )
    return NotAVideo(
        f"{path.name} cannot be opened as video ({reason}): give an MP4 or QuickTime file"
    )
