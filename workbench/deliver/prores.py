"""Read the header and the table of slice sizes of ProRes frames (SMPTE RDD 36, 5.1 to 5.3)."""

import struct
from dataclasses import dataclass
from functools import cache
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from workbench.media.colour import Colour

MACROBLOCK = 16
"""Width and height of a macroblock in luma samples."""

_CHROMA = {2: "4:2:2", 3: "4:4:4"}
_START = 8  # bytes before the frame header: the frame's size and "icpf"
_HEADER_BYTES = 36  # of a frame, the part that is read
_PICTURE_BYTES = 8  # of a picture header, the part that is read


@dataclass(frozen=True)
class FrameHeader:
    """The fixed part of one ProRes frame's header."""

    vendor: str  # four characters, such as apl0
    width: int
    height: int
    chroma: str  # 4:2:2 or 4:4:4
    progressive: bool
    colour: Colour  # range unspecified: the header has none


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
        colour=Colour.from_h273(range=0, primaries=primaries, transfer=transfer, matrix=matrix),
    )


def read_frame(file: BinaryIO, position: int) -> tuple[FrameHeader, float]:
    """Read the header of the frame at a byte position, and the size of its largest slice.

    The size is in bits per macroblock, the slice's own header included: the unit of ffmpeg's
    `-bits_per_mb`. An interlaced frame holds two pictures; the larger one counts. Raises ValueError
    when there is no whole table of slices.
    """
    file.seek(position)
    data = file.read(_HEADER_BYTES)
    header = parse_frame_header(data)
    at = position + _START + int.from_bytes(data[_START : _START + 2], "big")
    fields = 1 if header.progressive else 2
    height = -(-header.height // fields)
    largest = 0.0
    for _ in range(fields):
        file.seek(at)
        picture = file.read(_PICTURE_BYTES)
        if len(picture) < _PICTURE_BYTES:
            raise ValueError("a frame ends before its pictures")
        header_bytes, picture_bytes, layout = struct.unpack(">BIxxB", picture)
        file.seek(at + (header_bytes >> 3))
        macroblocks = slice_macroblocks(header.width, height, layout >> 4 & 3)
        sizes = np.frombuffer(file.read(2 * macroblocks.size), ">u2")
        if sizes.size < macroblocks.size:
            raise ValueError("a frame ends before its table of slices does")
        largest = max(largest, float((8 * sizes / macroblocks).max(initial=0.0)))
        at += picture_bytes
    return header, largest


@cache
def slice_macroblocks(width: int, height: int, log2_slice: int) -> NDArray[np.int64]:
    """Return how many macroblocks each slice of a picture covers, in the order of the table.

    `log2_slice` is the base-2 logarithm of a full slice's width in macroblocks. The rest at the end
    of a row is split into slices of smaller powers of two.

    >>> slice_macroblocks(208, 32, 3).tolist()
    [8, 4, 1, 8, 4, 1]
    """
    columns, rows = -(-width // MACROBLOCK), -(-height // MACROBLOCK)
    row = [1 << log2_slice] * (columns >> log2_slice)
    row += [1 << bit for bit in reversed(range(log2_slice)) if columns >> bit & 1]
    return np.tile(np.array(row, np.int64), rows)
