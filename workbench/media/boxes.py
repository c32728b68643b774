"""Read the boxes of an MP4 or QuickTime file (ISO/IEC 14496-12; Apple calls them atoms)."""

import struct
from collections.abc import Iterator
from itertools import count
from typing import BinaryIO, NamedTuple

_MAX_BOXES = 1_000_000  # only a malicious file has more
_MAX_BYTES = 1 << 20  # the most that is read from one box


class Box(NamedTuple):
    """The position of one box in its file, in bytes."""

    kind: bytes  # four characters, such as b"moov"
    body: int  # where the contents begin, after the size and the kind
    end: int  # as the box declares it; past the end of a file that is cut short


def iterate_boxes(file: BinaryIO, start: int, end: int) -> Iterator[Box]:
    """Yield the consecutive boxes from `start` to `end`, up to the first invalid one."""
    while start + 8 <= end:
        file.seek(start)
        size, kind = struct.unpack(">I4s", file.read(8))
        body = start + 8
        if size == 1 and body + 8 <= end:  # a 64-bit size follows
            (size,) = struct.unpack(">Q", file.read(8))
            body += 8
        elif size == 0:  # the box extends to the end
            size = end - start
        if start + size < body:
            return
        yield Box(kind, body, start + size)
        start += size


def box_contents(file: BinaryIO, *path: bytes) -> Iterator[bytes]:
    """Yield the contents of every box at a path such as b"moov", b"trak".

    At most the first MiB of each is read. Raises ValueError for a file of more than a million
    boxes.
    """
    yield from _contents_within(file, 0, file.seek(0, 2), path, count())


def _contents_within(
    file: BinaryIO, start: int, end: int, path: tuple[bytes, ...], visited: Iterator[int]
) -> Iterator[bytes]:
    wanted, *deeper = path
    for box in iterate_boxes(file, start, end):
        if next(visited) > _MAX_BOXES:
            raise ValueError(f"it has more than {_MAX_BOXES:,} boxes")
        inner_end = min(box.end, end)
        if box.kind == wanted and deeper:
            yield from _contents_within(file, box.body, inner_end, tuple(deeper), visited)
        elif box.kind == wanted:
            file.seek(box.body)
            yield file.read(min(inner_end - box.body, _MAX_BYTES))


def external_references(file: BinaryIO) -> list[str]:
    """Return the kinds of the data references (dref entries) that name another file.

    An entry without the "same file" flag counts, unless its contents are empty. Raises ValueError
    for a table of more than 1 MiB, and as `box_contents` does.
    """
    found = []
    for table in box_contents(file, b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        if len(table) == _MAX_BYTES:
            raise ValueError("its table of data references is larger than 1 MiB")
        at = 8  # after the version, the flags and the number of entries
        while at + 12 <= len(table):
            size, kind, flags = struct.unpack_from(">I4sI", table, at)
            if not flags & 1 and any(table[at + 12 : at + size]):
                found.append(kind.decode("latin-1").strip())
            at += max(size, 12)
    return found


def declared_samples(file: BinaryIO) -> int:
    """Return the number of samples that the tables of all tracks and fragments declare.

    A few bytes can declare billions of samples, for which FFmpeg would allocate memory.
    """
    tables = [
        # Each holds version and flags, the size shared by all samples, and their number.
        *box_contents(file, b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsz"),
        # Each holds version and flags, and the number of samples.
        *(bytes(4) + table[:8] for table in box_contents(file, b"moof", b"traf", b"trun")),
    ]
    return sum(int.from_bytes(table[8:12]) for table in tables)
