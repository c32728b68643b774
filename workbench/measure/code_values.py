"""Code values: how often each occurs, how many occur at all, and how many bits are really used.

Legal range in 10 bits is 64 to 940 in luma and 64 to 960 in chroma (ITU-R BT.709, BT.2020); at
other depths the same numbers shifted.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from workbench.errors import UnsupportedClip
from workbench.media.colour import LUMA_WEIGHTS
from workbench.media.frames import Frame, Plane

BLACK, WHITE = 64, 940
"""Legal range of 10-bit luma."""
NEUTRAL = 512
"""The 10-bit code value of chroma without colour."""

_NEIGHBOURS = 17  # code values, around each, that it is held against
_FAR = 4  # code values: a wider gap is a tone that the picture does not have
_SCARCE = 1 / 64  # of its neighbours' mean: rarer than this, a code value does not count
_MADE_LEGAL = (WHITE - BLACK) / 255  # 10-bit code values from one value of full-range 8 bits on
_ANY = 0.5  # of the whole: a line this strong where no grid has one is that of a few tones
_TELLING = 4  # steps from tone to tone: fewer say nothing of a picture's depth


def histogram(plane: Plane, bit_depth: int) -> NDArray[np.int64]:
    """Count each code value of a plane: shape (2**bit_depth,), pixels.

    >>> histogram(np.array([[16, 16], [235, 17]], dtype=np.uint8), 8)[15:18]
    array([0, 2, 1])
    """
    return np.bincount(plane.ravel(), minlength=1 << bit_depth)


def legal_luma(bit_depth: int) -> tuple[int, int]:
    """Return black and white of legal range.

    >>> legal_luma(8), legal_luma(10)
    ((16, 235), (64, 940))
    """
    return 16 << bit_depth - 8, 235 << bit_depth - 8


def legal_chroma(bit_depth: int) -> tuple[int, int]:
    """Return the ends of legal range for Cb and Cr.

    >>> legal_chroma(10)
    (64, 960)
    """
    return 16 << bit_depth - 8, 240 << bit_depth - 8


def effective_bit_depth(counts: NDArray[np.int64]) -> float | None:
    """Return how many bits a picture's luma uses, from its histogram of 2**n code values.

    Where all code values occur it is n; where only every fourth does, as in an 8-bit picture that
    was shifted up to 10 bits, it is n - 2. The 0.1 % of pixels at either end are left out, as are
    tones that the picture does not have, and a code value counts when it is at least 1/64 as
    frequent as its neighbours, so that a few stray pixels do not pass for depth.

    A small picture leaves code values out by chance. If a pixel falls on each one that is in use
    alike, and one in s is, then of codes with k pixels each on average the share that occurs is
    (1 - exp(-k s)) / s, by Poisson; s is solved from it.

    Returns None for a picture of fewer than _TELLING steps from tone to tone: it says nothing.

    >>> comb = np.zeros(1024, np.int64)
    >>> comb[64:940:4] = 1000
    >>> round(effective_bit_depth(comb), 6), effective_bit_depth(np.ones(1024, np.int64))
    (8.0, 10.0)
    """
    depth = counts.size.bit_length() - 1
    reached = counts.cumsum() / max(1, counts.sum())
    first, last = (int(reached.searchsorted(share)) for share in (0.001, 0.999))
    around = np.convolve(counts, np.full(_NEIGHBOURS, 1 / _NEIGHBOURS), "same")
    alive = np.flatnonzero((counts > 0) & (counts >= _SCARCE * around))
    alive = alive[(alive >= first) & (alive <= last)]
    steps = np.diff(alive)
    near = steps <= 2 * _FAR
    if np.count_nonzero(near) < _TELLING:
        return None
    expected = around[alive[0] : alive[-1]][np.repeat(near, steps)]
    return depth - float(np.log2(_spacing(expected, int(np.count_nonzero(near)))))


def _spacing(expected: NDArray[np.float64], occupied: int) -> float:
    """Return s, at least 1, such that so many codes occur; see `effective_bit_depth`."""
    low, high = 1.0, 4.0 * _FAR

    def occurring(spacing: float) -> float:
        return float(-np.expm1(-expected * spacing).sum() / spacing)

    if occurring(low) <= occupied:
        return low
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if occurring(middle) > occupied else (low, middle)
    return (low + high) / 2


def eight_bit_grid(counts: NDArray[np.int64]) -> float | None:
    """Return how far a 10-bit picture's luma stands on the coarser grid of 8 bits, 0 to 1.

    Values that came from 8 bits lie 4 codes apart, or 3.4 when full range was made legal. Encoding
    spreads them over their neighbours, so that none stays empty; the grid still shows as a line in
    the spectrum of the histogram's square root (the root keeps one flat area from drowning it).
    What is returned is the line of one of these two periods, over the whole, less the strongest
    with a period of 5.3 to 9: no 8-bit picture has such a grid, and the spectrum of a few tones, as
    in a title, has lines of any period. Texture under a look of 16 bits keeps steps as well, and
    has another period: 3.6 codes at a contrast of 0.9.

    Returns None for a picture with too few tones to say anything.

    >>> comb = np.zeros(1024, np.int64)
    >>> comb[64:940:4] = 1000
    >>> round(eight_bit_grid(comb), 1), round(eight_bit_grid(np.ones(1024, np.int64)), 1)
    (1.0, 0.0)
    """
    if np.ptp(counts.nonzero()[0]) < _NEIGHBOURS:
        return None
    root = np.sqrt(counts)
    lines = np.abs(np.fft.rfft(root)) / root.sum()
    size = counts.size
    other = float(lines[size // 9 : round(size / 5.3)].max())
    if other >= _ANY:
        return None
    found = max(
        float(lines[at - 2 : at + 3].max()) for at in (size // 4, round(size / _MADE_LEGAL))
    )
    return max(0.0, found - other)


@dataclass(frozen=True, eq=False)
class CodeValueCounts:
    """The code values of one frame: pixels at each, arrays of shape (2**bit_depth,)."""

    luma: NDArray[np.int64]
    cb: NDArray[np.int64]
    cr: NDArray[np.int64]
    bit_depth: int
    full: bool = False  # range

    @property
    def occupied(self) -> int:
        """How many luma code values occur at least once.

        Count them at the filter's output: ProRes noise spreads values and hides an 8-bit picture
        in a 10-bit file.
        """
        return int(np.count_nonzero(self.luma))

    @property
    def effective_bit_depth(self) -> float | None:
        """Bits that the luma really uses, None where it says nothing; see `effective_bit_depth`."""
        return effective_bit_depth(self.luma)

    @property
    def outside_legal(self) -> float:
        """The share of luma pixels outside legal range, 0 to 1; none of a full-range picture is."""
        if self.full:
            return 0.0
        black, white = legal_luma(self.bit_depth)
        return 1 - float(self.luma[black : white + 1].sum() / self.luma.sum())

    @property
    def outside_legal_chroma(self) -> float:
        """The share of chroma samples outside legal range, 0 to 1; likewise."""
        if self.full:
            return 0.0
        low, high = legal_chroma(self.bit_depth)
        both = self.cb + self.cr
        return 1 - float(both[low : high + 1].sum() / both.sum())


def count_code_values(frame: Frame) -> CodeValueCounts:
    """Count the code values of a frame, at its own bit depth."""
    luma, cb, cr = (histogram(plane, frame.bit_depth) for plane in (frame.luma, frame.cb, frame.cr))
    return CodeValueCounts(luma, cb, cr, frame.bit_depth, frame.colour.range == "full")


def to_ten_bit(frame: Frame) -> tuple[NDArray[np.int16], NDArray[np.int16], NDArray[np.int16]]:
    """Return luma, Cb and Cr as 10-bit legal-range code values, whatever the frame is in.

    8 bits are shifted up, full range is scaled and rounded; the planes keep their shapes. A frame
    that does not say its range is taken for legal.
    """
    full = frame.colour.range == "full"
    if frame.bit_depth == 10 and not full:
        luma, cb, cr = (plane.view(np.int16) for plane in (frame.luma, frame.cb, frame.cr))
        return luma, cb, cr
    if full:
        of_luma, of_chroma = _full_range_tables(frame.bit_depth)
        return of_luma.take(frame.luma), of_chroma.take(frame.cb), of_chroma.take(frame.cr)
    up, down = max(0, 10 - frame.bit_depth), max(0, frame.bit_depth - 10)
    luma, cb, cr = (
        (plane.astype(np.int32) >> down if down else plane.astype(np.int16) << up).astype(np.int16)
        for plane in (frame.luma, frame.cb, frame.cr)
    )
    return luma, cb, cr


@cache
def _full_range_tables(bit_depth: int) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Map the full-range code values of a depth to 10-bit legal range: luma, and chroma."""
    luma, chroma = ten_bit_equivalents(bit_depth, full=True)
    return luma.round().astype(np.int16), chroma.round().astype(np.int16)


@cache
def ten_bit_equivalents(
    bit_depth: int, *, full: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the 10-bit legal-range equivalents of a depth's code values, unrounded: luma, chroma.

    >>> luma, chroma = ten_bit_equivalents(8, full=True)
    >>> round(float(luma[128]), 2), round(float(chroma[178] - NEUTRAL), 2)
    (503.72, 175.69)
    """
    values = np.arange(1 << bit_depth, dtype=np.float64)
    if not full:
        return values * 2.0 ** (10 - bit_depth), values * 2.0 ** (10 - bit_depth)
    top, middle = values[-1], 1 << bit_depth - 1
    return BLACK + values * (WHITE - BLACK) / top, NEUTRAL + (values - middle) * 896 / top


def to_ten_bit_luma(frame: Frame) -> NDArray[np.float32]:
    """Return luma as `ten_bit` does, in floating point and exact."""
    luma = frame.luma.astype(np.float32)
    top = np.float32((1 << frame.bit_depth) - 1)
    if frame.colour.range == "full":
        return BLACK + luma * ((WHITE - BLACK) / top)
    return luma * np.float32(2.0 ** (10 - frame.bit_depth))


def rgb_blocks(frame: Frame, rows: int = 128) -> Iterator[NDArray[np.int16]]:
    """Yield R', G' and B' in 10-bit legal-range code values, some rows at a time: (3, rows, width).

    Nothing is clipped: what lies outside 0 to 1023 is there too. Each chroma sample stands for all
    the pixels it covers. The formula is that of ITU-R BT.709, 3.2 (and BT.601, BT.2020 alike).
    Raises UnsupportedClip for a matrix that has none.
    """
    to_red, to_green, to_blue = chroma_factors(frame.colour.assumed().matrix)
    luma, cb, cr = to_ten_bit(frame)
    high, wide = frame.chroma_step
    for top in range(0, frame.height, rows):
        y = luma[top : top + rows]
        part = slice(top // high, (top + rows) // high)
        b = cb[part].astype(np.int32) - NEUTRAL
        r = cr[part].astype(np.int32) - NEUTRAL
        block = np.empty((3, *y.shape), np.int16)
        offsets = (to_red * r, to_green[0] * r + to_green[1] * b, to_blue * b)
        for out, product in zip(block, offsets, strict=True):
            offset = round_chroma_offset(product).astype(np.int16)
            if high > 1:
                offset = offset.repeat(high, axis=0)[: y.shape[0]]
            for column in range(wide):
                at = y[:, column::wide]
                np.add(at, offset[:, : at.shape[1]], out=out[:, column::wide])
        yield block


_FRACTION = 14  # bits after the point, in what chroma is multiplied with
_HALF = 1 << _FRACTION - 1


def round_chroma_offset(offset: NDArray[np.int32]) -> NDArray[np.int32]:
    """Round what chroma adds, in the units of `chroma_factors`, to whole code values."""
    return offset + _HALF >> _FRACTION


def chroma_factors(matrix: str) -> tuple[int, tuple[int, int], int]:
    """Return what Cr adds to R', Cr and Cb to G', and Cb to B', in units of 2**-14 code values.

    The formula is that of ITU-R BT.709, 3.2. Raises UnsupportedClip for a matrix that has none.
    """
    if matrix not in LUMA_WEIGHTS:
        raise UnsupportedClip(f"a picture with the matrix {matrix} cannot be shown as RGB")
    red, blue = LUMA_WEIGHTS[matrix]
    green = 1 - red - blue
    unit = (WHITE - BLACK) / 896 * (1 << _FRACTION)
    to_red, to_blue = 2 * (1 - red) * unit, 2 * (1 - blue) * unit
    to_green = (round(-red / green * to_red), round(-blue / green * to_blue))
    return round(to_red), to_green, round(to_blue)
