"""Atoms: the boxes that an MP4 or QuickTime file is made of (ISO/IEC 14496-12; Apple, QTFF)."""

import struct
from collections.abc import Iterator
from itertools import count
from typing import BinaryIO, NamedTuple

_MOST = 1_000_000  # atoms that are walked; a file with more was made to waste time
_LARGEST = 1 << 20  # bytes of one that are read


class Box(NamedTuple):
    """Where one atom lies in its file, in bytes."""

    kind: bytes  # four characters
    body: int  # after its size and kind
    end: int  # as it says; a file that was cut ends before


def iterate_boxes(file: BinaryIO, start: int, end: int) -> Iterator[Box]:
    """Yield the atoms that follow each other from `start`, until one makes no sense."""
    while start + 8 <= end:
        file.seek(start)
        size, kind = struct.unpack(">I4s", file.read(8))
        body = start + 8
        if size == 1 and body + 8 <= end:  # a 64-bit size follows
            (size,) = struct.unpack(">Q", file.read(8))
            body += 8
        elif size == 0:  # it goes on to the end
            size = end - start
        if start + size < body:
            return
        yield Box(kind, body, start + size)
        start += size


def box_contents(file: BinaryIO, *path: bytes) -> Iterator[bytes]:
    """Yield the contents, or the first MiB, of every atom at a path such as b"moov", b"trak".

    Raises ValueError for a file of more than a million atoms.
    """
    yield from _within(file, 0, file.seek(0, 2), path, count())


def _within(
    file: BinaryIO, start: int, end: int, path: tuple[bytes, ...], walked: Iterator[int]
) -> Iterator[bytes]:
    wanted, *deeper = path
    for atom in iterate_boxes(file, start, end):
        if next(walked) > _MOST:
            raise ValueError(f"it is made of more than {_MOST:,} atoms")
        inside = min(atom.end, end)
        if atom.kind == wanted and deeper:
            yield from _within(file, atom.body, inside, tuple(deeper), walked)
        elif atom.kind == wanted:
            file.seek(atom.body)
            yield file.read(min(inside - atom.body, _LARGEST))


def external_references(file: BinaryIO) -> list[str]:
    """Return the kinds of those data references (dref) that name another file.

    One without the flag for "in this file" counts, unless it names nothing. Raises ValueError.
    """
    found = []
    for table in box_contents(file, b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        if len(table) == _LARGEST:
            raise ValueError("its table of references is larger than 1 MiB")
        at = 8  # after version, flags and the number of entries
        while at + 12 <= len(table):
            size, kind, flags = struct.unpack_from(">I4sI", table, at)
            if not flags & 1 and any(table[at + 12 : at + size]):
                found.append(kind.decode("latin-1").strip())
            at += max(size, 12)
    return found


def declared_samples(file: BinaryIO) -> int:
    """Return how many samples the tables of all tracks and fragments declare.

    A few bytes can declare billions, for which whoever reads the file would make room.
    """
    tables = [
        # Version and flags, the size of every sample, and their number.
        *box_contents(file, b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsz"),
        # Version and flags, and their number.
        *(bytes(4) + table[:8] for table in box_contents(file, b"moof", b"traf", b"trun")),
    ]
    return sum(int.from_bytes(table[8:12]) for table in tables)
