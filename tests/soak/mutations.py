"""Ways to damage a clip. Each takes the bytes of a file and a random generator, and returns bytes.

The same bytes and the same random seed give the same damage, so a number identifies a case.
"""

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

Mutation = Callable[[bytes, Random], bytes]

_CONTENTS = {
    **dict.fromkeys((b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"dinf", b"udta"), 0),
    **dict.fromkeys((b"mvex", b"moof", b"traf", b"mfra"), 0),
    b"stsd": 8,
    **dict.fromkeys((b"avc1", b"apch"), 78),
    b"mp4a": 28,
}
"""Boxes that contain others, and the number of bytes before the first of them."""
_HEADERS = (b"mvhd", b"tkhd", b"mdhd", b"elst", b"mehd", b"tfhd", b"tfdt", b"trun", b"trex")
_TABLES = (b"stts", b"ctts", b"stsz", b"stsc", b"stco", b"stss", b"sdtp", b"sgpd", b"sbgp")
_DESCRIPTIONS = (b"avc1", b"avcC", b"mp4a", b"esds", b"apch", b"colr", b"pasp", b"sowt", b"hdlr")
_EXTREMES = (0, 1, 2, 2**7, 2**8 - 1, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1)


@dataclass(frozen=True)
class Box:
    """One box of an MP4 or QuickTime file."""

    start: int  # in the file
    size: int  # bytes, including the header
    kind: bytes
    body: int  # start of the contents, in the file
    parent: int  # start of the enclosing box; -1 for none

    @property
    def end(self) -> int:
        return self.start + self.size


def boxes(data: bytes, start: int = 0, end: int | None = None, parent: int = -1) -> Iterator[Box]:
    """Yield every box, each before the boxes inside it. Data that is no box ends its level.

    >>> [box.kind for box in boxes(struct.pack(">I4sI4s", 16, b"moov", 8, b"trak"))]
    [b'moov', b'trak']
    """
    end = len(data) if end is None else end
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, start)
        body = start + 8
        if size == 1 and start + 16 <= end:
            size, body = struct.unpack_from(">Q", data, body)[0], start + 16
        if size < body - start or start + size > end:
            return
        yield Box(start, size, kind, body, parent)
        if kind in _CONTENTS:
            yield from boxes(data, body + _CONTENTS[kind], start + size, start)
        start += size


def cuts(data: bytes, parts: int = 50) -> list[bytes]:
    """Return the file cut at each of `parts` equal parts."""
    return [data[: len(data) * part // parts] for part in range(1, parts)]


def _place(data: bytes, chance: Random, length: int) -> int:
    return chance.randrange(max(1, len(data) - length))


def _with(data: bytes, at: int, piece: bytes) -> bytes:
    return data[:at] + piece + data[at + len(piece) :]


def _inverted(data: bytes, at: int, length: int) -> bytes:
    return _with(data, at, bytes(byte ^ 0xFF for byte in data[at : at + length]))


# Mutations of any file.


def one_bit(data: bytes, chance: Random) -> bytes:
    at = chance.randrange(len(data))
    return _with(data, at, bytes([data[at] ^ 1 << chance.randrange(8)]))


def some_bytes(data: bytes, chance: Random) -> bytes:
    damaged = bytearray(data)
    for _ in range(chance.choice((2, 8, 32, 128))):
        damaged[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(damaged)


def inverted(data: bytes, chance: Random) -> bytes:
    length = chance.choice((4, 64, 512))
    return _inverted(data, _place(data, chance, length), length)


def zeroed(data: bytes, chance: Random) -> bytes:
    length = chance.choice((4, 64, 512, 4096))
    at = _place(data, chance, length)
    return _with(data, at, bytes(min(length, len(data) - at)))


def noise(data: bytes, chance: Random) -> bytes:
    length = chance.choice((16, 256, 2048))
    at = _place(data, chance, length)
    return _with(data, at, chance.randbytes(min(length, len(data) - at)))


def left_out(data: bytes, chance: Random) -> bytes:
    length = chance.choice((1, 7, 512, 1460))
    at = _place(data, chance, length)
    return data[:at] + data[at + length :]


def put_in(data: bytes, chance: Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + chance.randbytes(chance.choice((1, 7, 512, 1460))) + data[at:]


def repeated(data: bytes, chance: Random) -> bytes:
    length = chance.choice((64, 512, 4096))
    at = _place(data, chance, length)
    return data[: at + length] + data[at:]


def moved(data: bytes, chance: Random) -> bytes:
    """Overwrite one disk block with another."""
    to, of = (_place(data, chance, 512) for _ in range(2))
    return _with(data, to, data[of : of + 512])


def cut_anywhere(data: bytes, chance: Random) -> bytes:
    return data[: chance.randrange(1, len(data))]


def longer(data: bytes, chance: Random) -> bytes:
    tails = (bytes(4), bytes(4096), chance.randbytes(4096), data)
    return data + chance.choice(tails)


def header_bytes(data: bytes, chance: Random) -> bytes:
    """Set a number near the start or the end to an extreme value."""
    width = chance.choice((1, 2, 4, 8))
    at = chance.randrange(min(600, len(data) - width))
    piece = chance.choice((bytes(width), b"\xff" * width, b"\x7f" + b"\xff" * (width - 1)))
    return _with(data, at, piece)


# Mutations of video and audio data.


def media_byte(data: bytes, chance: Random) -> bytes:
    return _inverted(data, _in_media(data, chance, 1), 1)


def media_bytes(data: bytes, chance: Random) -> bytes:
    length = chance.choice((8, 200, 2000))
    return _inverted(data, _in_media(data, chance, length), length)


def media_zeroed(data: bytes, chance: Random) -> bytes:
    length = chance.choice((8, 200, 2000))
    at = _in_media(data, chance, length)
    return _with(data, at, bytes(min(length, len(data) - at)))


def _in_media(data: bytes, chance: Random, length: int) -> int:
    box = chance.choice([box for box in boxes(data) if box.kind == b"mdat"])
    return box.body + chance.randrange(max(1, box.end - box.body - length))


# Mutations of boxes.


def box_zeroed(data: bytes, chance: Random) -> bytes:
    box = _any(data, chance)
    return _with(data, box.body, bytes(box.end - box.body))


def box_gone(data: bytes, chance: Random) -> bytes:
    """Remove a box and adjust the sizes of the enclosing boxes."""
    box = _any(data, chance)
    return _fitted(data, box.parent, -box.size, data[: box.start] + data[box.end :])


def box_cut_out(data: bytes, chance: Random) -> bytes:
    """Remove a box without adjusting any size."""
    box = _any(data, chance)
    return data[: box.start] + data[box.end :]


def box_twice(data: bytes, chance: Random) -> bytes:
    box = _any(data, chance)
    twice = data[: box.end] + data[box.start : box.end] + data[box.end :]
    return _fitted(data, box.parent, box.size, twice)


def box_resized(data: bytes, chance: Random) -> bytes:
    box = _any(data, chance)
    sizes = (*_EXTREMES, box.size - 1, box.size + 1, 8, box.size * 2, box.size // 2)
    return _with(data, box.start, struct.pack(">I", chance.choice(sizes)))


def box_renamed(data: bytes, chance: Random) -> bytes:
    found = list(boxes(data))
    names = [b"free", b"\xff\xff\xff\xff", *(box.kind for box in found)]
    return _with(data, chance.choice(found).start + 4, chance.choice(names))


def boxes_swapped(data: bytes, chance: Random) -> bytes:
    """Swap two boxes of the same enclosing box."""
    found = list(boxes(data))
    rows = [[box for box in found if box.parent == parent] for parent in {b.parent for b in found}]
    rows = sorted((row for row in rows if len(row) > 1), key=lambda row: row[0].start)
    first, second = sorted(chance.sample(chance.choice(rows), 2), key=lambda box: box.start)
    return (
        data[: first.start]
        + data[second.start : second.end]
        + data[first.end : second.start]
        + data[first.start : first.end]
        + data[second.end :]
    )


def boxes_shuffled(data: bytes, chance: Random) -> bytes:
    """Shuffle the outermost boxes."""
    row = [box for box in boxes(data) if box.parent == -1]
    return b"".join(data[box.start : box.end] for box in chance.sample(row, len(row)))


def box_of_another(data: bytes, chance: Random) -> bytes:
    """Copy the contents of one box into another, as far as they fit."""
    into, of = _any(data, chance), _any(data, chance)
    return _with(data, into.body, data[of.body : of.end][: into.end - into.body])


def header_number(data: bytes, chance: Random) -> bytes:
    return _extreme(data, chance, _HEADERS)


def table_number(data: bytes, chance: Random) -> bytes:
    return _extreme(data, chance, _TABLES)


def description_number(data: bytes, chance: Random) -> bytes:
    return _extreme(data, chance, _DESCRIPTIONS)


def table_entries_swapped(data: bytes, chance: Random) -> bytes:
    """Swap two numbers of a table."""
    tables = [box for box in boxes(data) if box.kind in (*_TABLES, b"trun") and box.size >= 28]
    box = chance.choice(tables)
    one, two = (box.body + 8 + 4 * chance.randrange((box.size - 16) // 4) for _ in range(2))
    return _with(_with(data, one, data[two : two + 4]), two, data[one : one + 4])


def a_little_off(data: bytes, chance: Random) -> bytes:
    """Change a number of a table or a header by a small amount."""
    box = _any(data, chance, (*_TABLES, *_HEADERS))
    at = box.body + 4 * chance.randrange(max(1, (box.end - box.body) // 4))
    (number,) = struct.unpack_from(">I", data, at)
    off = chance.choice((-512, -3, -1, 1, 2, 512))
    return _with(data, at, struct.pack(">I", (number + off) % 2**32))


def _extreme(data: bytes, chance: Random, kinds: Sequence[bytes]) -> bytes:
    box = _any(data, chance, kinds)
    width = chance.choice((2, 4, 4, 4, 8))
    at = box.body + 2 * chance.randrange(max(1, (box.end - box.body - width) // 2 + 1))
    number = chance.choice(_EXTREMES) << chance.choice((0, 32) if width == 8 else (0,))
    return _with(data, at, (number % 256**width).to_bytes(width, "big"))[: len(data)]


def _any(data: bytes, chance: Random, kinds: Sequence[bytes] = ()) -> Box:
    found = [box for box in boxes(data) if not kinds or box.kind in kinds]
    # Each kind is equally likely, however many boxes there are of it.
    kind = chance.choice(sorted({box.kind for box in found}))
    return chance.choice([box for box in found if box.kind == kind])


def _fitted(data: bytes, parent: int, by: int, damaged: bytes) -> bytes:
    """Adjust the sizes of the boxes that enclose a position."""
    around = {box.start: box for box in boxes(data)}
    while parent in around:
        box = around[parent]
        damaged = _with(damaged, box.start, struct.pack(">I", box.size + by))
        parent = box.parent
    return damaged


OF_ANY_FILE: dict[str, Mutation] = {
    mutation.__name__: mutation
    for mutation in (
        *(one_bit, some_bytes, inverted, zeroed, noise, left_out, put_in, repeated, moved),
        *(cut_anywhere, longer, header_bytes),
    )
}
OF_BOXES: dict[str, Mutation] = {
    mutation.__name__: mutation
    for mutation in (
        *(media_byte, media_bytes, media_zeroed),
        *(box_zeroed, box_gone, box_cut_out, box_twice, box_resized, box_renamed),
        *(boxes_swapped, boxes_shuffled, box_of_another),
        *(header_number, table_number, description_number, table_entries_swapped, a_little_off),
    )
}
