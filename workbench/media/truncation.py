"""Detect files that are cut short, from the sizes that their own headers declare.

Fragmented MP4, Matroska, AVI and FLV files play up to the point where they were cut, and no reader
reports an error. An MP4 file that was cut inside its index loses the tracks that are listed last.
"""

import struct
from pathlib import Path
from typing import BinaryIO

from workbench.errors import DamagedClip
from workbench.media.boxes import iterate_boxes

_FRAGMENT_BOXES = (b"moof", b"mdat", b"styp", b"sidx", b"emsg", b"prft")
_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
_RIFF, _FLV = b"RIFF", b"FLV"
_FLV_FILE_SIZE = b"\x00\x08filesize\x00"  # a key of onMetaData, before a number (AMF 0, 2.2)
_FLV_METADATA = 1 << 14  # bytes at the start of the file that hold onMetaData


def check_not_truncated(path: Path) -> None:
    """Raise DamagedClip for a file that is shorter than its headers declare.

    The media data (mdat) of a plain MP4 may extend past the end of the file: the index tells
    whether the missing part is used. A cut exactly between two fragments looks the same as a
    recording that ends there.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        signature = file.read(4)
        if signature == _EBML:
            end = _declared_matroska_end(file)
        elif signature == _RIFF:
            end = _declared_avi_end(file, size)
        elif signature.startswith(_FLV):
            end = _declared_flv_size(file)
        else:
            end = _declared_mp4_end(file, size)
    if end is not None and end > size:
        raise DamagedClip(
            f"{path.name} is cut short: its headers declare {end} bytes, and the file has {size}; "
            "download it again"
        )


def _declared_mp4_end(file: BinaryIO, size: int) -> int | None:
    """Return where the index or the last fragment ends, in bytes; None when it is unknown."""
    at, fragmented = 0, False
    for box in iterate_boxes(file, 0, size):
        if box.kind == b"moov" and box.end > size:
            return box.end
        fragmented = fragmented or box.kind == b"moof"
        if box.end > size and box.kind not in _FRAGMENT_BOXES:
            return None  # the table of fragments, or data that another program appended
        at = box.end
    if size - at >= 8:
        return None  # the remaining bytes are not a box
    if at < size:  # shorter than the header of a box
        file.seek(at)
        at += 8 if any(file.read()) else 0
    return at if fragmented else None


def _declared_avi_end(file: BinaryIO, size: int) -> int | None:
    """Return where the last RIFF chunk ends, in bytes; None when its size is not declared.

    An AVI file of more than a gigabyte has several of them (OpenDML 1.02).
    """
    start = end = 0
    while start < size:
        file.seek(start)
        kind, length = file.read(4), int.from_bytes(file.read(4), "little")
        if kind != _RIFF:
            break  # data that another program appended
        if length == 0:
            return None  # a recording that was not closed
        end = start + 8 + length
        start = end + length % 2  # chunks start at even positions
    return end


def _declared_flv_size(file: BinaryIO) -> int | None:
    """Return the size of the file in bytes; None when its metadata do not state it."""
    file.seek(0)
    _, key, value = file.read(_FLV_METADATA).partition(_FLV_FILE_SIZE)
    if not key or len(value) < 8:
        return None
    (size,) = struct.unpack(">d", value[:8])
    return int(size) if 0 < size < 1 << 53 else None


def _declared_matroska_end(file: BinaryIO) -> int | None:
    """Return where the segment after the EBML header ends, in bytes; None when not declared."""
    header = _element_size(file)
    if header is None:
        return None
    file.seek(header, 1)
    if file.read(4) != _SEGMENT:
        return None
    segment = _element_size(file)
    return None if segment is None else file.tell() + segment


def _element_size(file: BinaryIO) -> int | None:
    """Read the size of an element (RFC 8794, 4).

    A size of all ones means that it is unknown, as in a live stream; then None is returned.
    """
    first = file.read(1)
    if not first or not first[0]:
        return None
    width = 9 - first[0].bit_length()
    unknown = (1 << 7 * width) - 1
    size = int.from_bytes(first + file.read(width - 1), "big") & unknown
    return None if size == unknown else size
