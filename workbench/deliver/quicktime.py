"""What a delivered QuickTime file says of itself: container, colour tags in both places, timing.

PyAV tells the container's facts and its index. Read here is what it does not give as it stands in
the file: the colr atom (Apple, QuickTime File Format), and the head of each ProRes frame. MediaInfo
would be a second witness, and is one in the tests: on a damaged index it may not come to an end,
and takes a gigabyte every few seconds.
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
    """One delivered sound track."""

    format: str  # such as PCM
    bit_depth: int  # as it decodes
    sample_rate: int  # Hz
    channels: int
    samples: int  # per channel
    start: Fraction  # seconds from the first picture to the first sample
    end: Fraction  # seconds from the first picture to the end of the sound


@dataclass(frozen=True)
class Movie:
    """What a delivered file says of itself."""

    fourcc: str
    pixel_format: str  # as it decodes
    width: int
    height: int
    sample_aspect: Fraction  # width of a pixel over its height; 1 when the file says nothing
    size: int  # bytes
    frame_headers: frozenset[FrameHeader]  # of every frame: one element when all agree
    largest_slices: tuple[float, ...]  # of every frame, in bits per macroblock
    colr: Colour | None  # the colr atom; None when there is none; range unspecified
    times: tuple[Fraction, ...]  # seconds from the first frame to each
    tick: Fraction  # seconds per unit of the track's time scale
    duration: Fraction  # of the picture, seconds
    audio: tuple[MovieAudio, ...]


def read_movie(path: Path, format: Format = PRORES_422_HQ) -> Movie:
    """Read what a QuickTime file with a picture of this format says of itself.

    Only the first frame is decoded. Raises DamagedClip when it is not such a file.
    """
    try:
        with open_container(path) as container:
            if not container.streams.video:
                raise ValueError("there is no picture in it")
            stream = container.streams.video[0]
            index = [(entry.timestamp, entry.pos) for entry in stream.index_entries]
            first = next(container.decode(stream), None)
            if not index or first is None:
                raise ValueError("no frame of it decodes")
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
                audio=tuple(_sound(sound, begin) for sound in container.streams.audio),
            )
    except (av.FFmpegError, ValueError, struct.error) as error:
        why = error.strerror if isinstance(error, av.FFmpegError) else error
        raise DamagedClip(
            f"{path.name} cannot be read as a QuickTime file with a {format.codec} picture "
            f"({why}): deliver it again"
        ) from error


def _sound(sound: av.AudioStream, begin: Fraction) -> MovieAudio:
    """Read a sound track; `begin` is when the picture starts, in seconds."""
    context = sound.codec_context
    if context is None or not context.format or not context.sample_rate:
        raise ValueError("it has a sound track of a kind that is not known")
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
    """Find the colr atom of the picture's sample description and read its three numbers."""
    tables = box_contents(file, b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")
    fourccs = {fourcc.encode() for fourcc in format.codec_fourccs}
    table = next((table for table in tables if table[12:16] in fourccs), b"")  # of the picture
    at = table.find(b"colr")
    if at < 0 or table[at + 4 : at + 8] not in (b"nclc", b"nclx"):
        return None
    primaries, transfer, matrix = struct.unpack_from(">HHH", table, at + 8)
    return Colour.from_h273(range=0, primaries=primaries, transfer=transfer, matrix=matrix)
