"""Read the properties that a QuickTime file states: codec, colour tags, timing, audio tracks.

PyAV reads the container and its index. This module reads the values that PyAV does not pass on
unchanged: the colr atom (Apple, QuickTime File Format) and the header of every frame. The tests
compare the result with MediaInfo, which is not used here: on a damaged index it may never end, and
it allocates a gigabyte every few seconds.
"""

import struct
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import av

from workbench.deliver.format import PRORES_422_HQ, Format
from workbench.deliver.prores import FrameHeader
from workbench.errors import DamagedClip
from workbench.media.boxes import box_contents
from workbench.media.colour import Colour
from workbench.media.guards import open_container


@dataclass(frozen=True)
class MovieAudio:
    """One audio track of a delivered file."""

    format: str  # such as PCM
    bit_depth: int  # as it decodes
    sample_rate: int  # Hz
    channels: int
    samples: int  # per channel
    start: Fraction  # seconds from the first frame to the first sample
    end: Fraction  # seconds from the first frame to the end of the audio


@dataclass(frozen=True)
class Movie:
    """The properties that a delivered file states."""

    fourcc: str
    pixel_format: str  # as it decodes
    width: int
    height: int
    sample_aspect: Fraction  # width of a pixel over its height; 1 where not stated
    size: int  # bytes
    frame_headers: frozenset[FrameHeader]  # of every frame: one element when all agree
    largest_slices: tuple[float, ...]  # of every frame, in bits per macroblock
    colr: Colour | None  # the colr atom; None when there is none; range unspecified
    times: tuple[Fraction, ...]  # seconds from the first frame to each
    tick: Fraction  # seconds per unit of the track's time scale
    duration: Fraction  # of the picture, seconds
    audio: tuple[MovieAudio, ...]


def read_movie(path: Path, format: Format = PRORES_422_HQ) -> Movie:
    """Read the properties that a QuickTime file with video in this format states.

    Only the first frame is decoded. Raises DamagedClip for any other file.
    """
    try:
        with open_container(path) as container:
            if not container.streams.video:
                raise ValueError("it has no video track")
            stream = container.streams.video[0]
            index = [(entry.timestamp, entry.pos) for entry in stream.index_entries]
            first = next(container.decode(stream), None)
            if not index or first is None:
                raise ValueError("no frame can be decoded")
            tick = Fraction(stream.time_base or 1)
            begin = index[0][0] * tick
            with path.open("rb") as file:
                colr = _read_colr(file, format)
                frames = [format.read_frame(file, position) for _, position in index]
            return Movie(
                fourcc=stream.codec_context.codec_tag,
                pixel_format=first.format.name,
                width=stream.codec_context.width,
                height=stream.codec_context.height,
                sample_aspect=Fraction(stream.sample_aspect_ratio or 1),
                size=path.stat().st_size,
                frame_headers=frozenset(header for header, _ in frames),
                largest_slices=tuple(largest for _, largest in frames),
                colr=colr,
                times=tuple((timestamp - index[0][0]) * tick for timestamp, _ in index),
                tick=tick,
                duration=(stream.duration or 0) * tick,
                audio=tuple(_audio_track(sound, begin) for sound in container.streams.audio),
            )
    except (av.FFmpegError, ValueError, struct.error) as error:
        why = error.strerror if isinstance(error, av.FFmpegError) else error
        raise DamagedClip(
            f"{path.name} cannot be read as a QuickTime file with {format.codec} video ({why}): "
            "convert the clip again"
        ) from error


def _audio_track(sound: av.AudioStream, begin: Fraction) -> MovieAudio:
    """Read an audio track; `begin` is the time of the first frame, in seconds."""
    context = sound.codec_context
    if context is None or not context.format or not context.sample_rate:
        raise ValueError("it has an audio track of an unknown codec")
    unit = Fraction(sound.time_base or 1)  # 1/rate of a PCM track
    samples = sound.duration or 0
    start = (sound.start_time or 0) * unit - begin
    return MovieAudio(
        format="PCM" if context.name.startswith("pcm_") else context.name.upper(),
        bit_depth=context.format.bits,
        sample_rate=context.sample_rate,
        channels=context.channels,
        samples=samples,
        start=start,
        end=start + Fraction(samples, context.sample_rate),
    )


def _read_colr(file: BinaryIO, format: Format) -> Colour | None:
    """Read the three numbers of the colr atom in the video track's sample description."""
    tables = box_contents(file, b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")
    fourccs = {fourcc.encode() for fourcc in format.codec_fourccs}
    table = next((table for table in tables if table[12:16] in fourccs), b"")  # of the video track
    at = table.find(b"colr")
    if at < 0 or table[at + 4 : at + 8] not in (b"nclc", b"nclx"):
        return None
    primaries, transfer, matrix = struct.unpack_from(">HHH", table, at + 8)
    return Colour.from_h273(range=0, primaries=primaries, transfer=transfer, matrix=matrix)
