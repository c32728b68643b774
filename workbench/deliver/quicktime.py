"""What a delivered QuickTime file says of itself: container, colour tags in both places, timing.

PyAV tells the container's facts and its index. Read here are only the two things that it does not
give as they stand in the file: the colr atom (Apple, QuickTime File Format) and the ProRes frame
headers (SMPTE RDD 36, 5.1). MediaInfo would be a second witness, and is one in the tests: on a
damaged index it may not come to an end, and takes a gigabyte every few seconds.
"""

import struct
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import av

from workbench.atoms import atoms
from workbench.colour import Colour
from workbench.errors import DamagedClip
from workbench.opening import open_container

_CHROMA = {2: "4:2:2", 3: "4:4:4"}
_HEADER_BYTES = 36  # of a frame, as far as it is read here


@dataclass(frozen=True)
class FrameHeader:
    """The fixed part of one ProRes frame's header."""

    vendor: str  # four characters, such as apl0
    width: int
    height: int
    chroma: str  # 4:2:2 or 4:4:4
    progressive: bool
    colour: Colour  # range unspecified: the header has none


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
    colr: Colour | None  # the colr atom; None when there is none; range unspecified
    times: tuple[Fraction, ...]  # seconds from the first frame to each
    tick: Fraction  # seconds per unit of the track's time scale
    duration: Fraction  # of the picture, seconds
    audio: tuple[MovieAudio, ...]


def read_movie(path: Path) -> Movie:
    """Read a QuickTime file with one ProRes picture; no more than its first frame is decoded.

    Raises DamagedClip when it is not such a file.
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
                colr = _read_colr(file)
                headers = frozenset(_read_frame_header(file, position) for _, position in index)
            return Movie(
                fourcc=stream.codec_context.codec_tag,
                pixel_format=first.format.name,
                width=stream.codec_context.width,
                height=stream.codec_context.height,
                sample_aspect=Fraction(stream.sample_aspect_ratio or 1),
                size=path.stat().st_size,
                frame_headers=headers,
                colr=colr,
                times=tuple((timestamp - index[0][0]) * tick for timestamp, _ in index),
                tick=tick,
                duration=(stream.duration or 0) * tick,
                audio=tuple(_sound(sound, begin) for sound in container.streams.audio),
            )
    except (av.FFmpegError, ValueError, struct.error) as error:
        why = error.strerror if isinstance(error, av.FFmpegError) else error
        raise DamagedClip(
            f"{path.name} cannot be read as a QuickTime file with a ProRes picture ({why}): "
            "deliver it again"
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


def parse_frame_header(data: bytes) -> FrameHeader:
    """Read the header of a ProRes frame from its first 36 bytes or more; raises ValueError.

    >>> start = bytes.fromhex("00042d806963706600940000" "61706c30034001e0800001010100")
    >>> header = parse_frame_header(start.ljust(36, bytes(1)))
    >>> header.vendor, header.width, header.height, header.chroma, header.colour.matrix
    ('apl0', 832, 480, '4:2:2', 'bt709')
    """
    if len(data) < _HEADER_BYTES or data[4:8] != b"icpf":
        raise ValueError("a frame does not begin with a ProRes frame header")
    vendor, width, height, flags, _, primaries, transfer, matrix = struct.unpack_from(
        ">4sHHBBBBB", data, 12
    )
    return FrameHeader(
        vendor=vendor.decode("latin-1"),
        width=width,
        height=height,
        chroma=_CHROMA.get(flags >> 6, "unknown"),
        progressive=not flags >> 2 & 3,
        colour=_tags(primaries, transfer, matrix),
    )


def _read_frame_header(file: BinaryIO, position: int) -> FrameHeader:
    file.seek(position)
    return parse_frame_header(file.read(_HEADER_BYTES))


def _read_colr(file: BinaryIO) -> Colour | None:
    """Find the colr atom of the picture's sample description and read its three numbers."""
    tables = atoms(file, b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")
    table = next((table for table in tables if table[12:14] == b"ap"), b"")  # of the picture
    at = table.find(b"colr")
    if at < 0 or table[at + 4 : at + 8] not in (b"nclc", b"nclx"):
        return None
    return _tags(*struct.unpack_from(">HHH", table, at + 8))


def _tags(primaries: int, transfer: int, matrix: int) -> Colour:
    return Colour.from_h273(range=0, primaries=primaries, transfer=transfer, matrix=matrix)
