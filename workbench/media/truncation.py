"""Ending: whether a file stops before what it holds does.

Fragmented MP4 and Matroska are read as they come: cut anywhere, they play to the cut, and no reader
complains. An MP4 cut in its index loses the tracks described last. Their own headers say how long
they should be.
"""

from pathlib import Path
from typing import BinaryIO

from workbench.errors import DamagedClip
from workbench.media.boxes import iterate_boxes

_OF_FRAGMENTS = (b"moof", b"mdat", b"styp", b"sidx", b"emsg", b"prft")
_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"


def check_not_truncated(path: Path) -> None:
    """Raise DamagedClip for an MP4 or a Matroska file that says that it is longer.

    An MP4's media may: the index tells whether what is missing is used. A cut exactly between two
    fragments cannot be told from a recording that ends there.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        matroska = file.read(4) == _EBML
        end = _matroska_end(file) if matroska else _atoms_end(file, size)
    if end is not None and end > size:
        raise DamagedClip(
            f"{path.name} is cut short: by its own headers it goes on to byte {end}, and it has "
            f"{size}; download it again"
        )


def _atoms_end(file: BinaryIO, size: int) -> int | None:
    """Return where the index or the last fragment ends; None when nobody can say."""
    at, fragmented = 0, False
    for atom in iterate_boxes(file, 0, size):
        if atom.kind == b"moov" and atom.end > size:
            return atom.end
        fragmented = fragmented or atom.kind == b"moof"
        if atom.end > size and atom.kind not in _OF_FRAGMENTS:
            return None  # the table of fragments, or what somebody appended
        at = atom.end
    if size - at >= 8:
        return None  # no atom follows
    if at < size:  # less than an atom's header
        file.seek(at)
        at += 8 if any(file.read()) else 0
    return at if fragmented else None


def _matroska_end(file: BinaryIO) -> int | None:
    """Return where the segment after the EBML header ends; None when it does not say."""
    header = _element_size(file)
    if header is None:
        return None
    file.seek(header, 1)
    if file.read(4) != _SEGMENT:
        return None
    segment = _element_size(file)
    return None if segment is None else file.tell() + segment


def _element_size(file: BinaryIO) -> int | None:
    """Read an element's size (RFC 8794, 4): all ones say that it is not known, as in a stream."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    width = 9 - first[0].bit_length()
    unknown = (1 << 7 * width) - 1
    size = int.from_bytes(first + file.read(width - 1), "big") & unknown
    return None if size == unknown else size
