"""Count and convert code values, and estimate how many bits of a picture are in use.

Legal range in 10 bits is 64 to 940 for luma and 64 to 960 for chroma (ITU-R BT.709, BT.2020).
Other bit depths use the same numbers, shifted.
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
"""The 10-bit code value of neutral chroma."""

_NEIGHBOURS = 17  # code values around each one that its count is compared with
_MAX_SPACING = 4  # code values: a wider gap is a tone that the picture does not contain
_MIN_SHARE = 1 / 64  # of the neighbours' mean count: a rarer code value is ignored
_FULL_RANGE_STEP = (WHITE - BLACK) / 255  # 10-bit code values between full-range 8-bit values
_FEW_TONES = 0.5  # of the whole spectrum: such a line at any other period means only a few tones
_MIN_STEPS = 4  # steps between neighbouring tones: fewer do not show a picture's bit depth


def histogram(plane: Plane, bit_depth: int) -> NDArray[np.int64]:
    """Count the pixels at each code value of a plane: shape (2**bit_depth,).

    >>> histogram(np.array([[16, 16], [235, 17]], dtype=np.uint8), 8)[15:18]
    array([0, 2, 1])
    """
    return np.bincount(plane.ravel(), minlength=1 << bit_depth)


def legal_luma(bit_depth: int) -> tuple[int, int]:
    """Return the legal-range code values of black and white.

    >>> legal_luma(8), legal_luma(10)
    ((16, 235), (64, 940))
    """
    return 16 << bit_depth - 8, 235 << bit_depth - 8


def legal_chroma(bit_depth: int) -> tuple[int, int]:
    """Return the lowest and highest legal-range code values of Cb and Cr.

    >>> legal_chroma(10)
    (64, 960)
    """
    return 16 << bit_depth - 8, 240 << bit_depth - 8


def effective_bit_depth(counts: NDArray[np.int64]) -> float | None:
    """Estimate how many bits of luma a picture uses, from its histogram of 2**n code values.

    The estimate is n where all code values occur. It is n - 2 where only every fourth one occurs,
    as in an 8-bit picture shifted up to 10 bits. It ignores 0.1 % of the pixels at either end and
    gaps of tones that the picture does not contain. A code value counts if it is at least 1/64 as
    frequent as its neighbours, so that a few stray pixels do not count as depth.

    In a small picture, some code values are missing by chance. Suppose that one code value in s
    is in use, and that pixels fall on each of those with equal probability. Among code values with
    k pixels on average, the share that occurs is then (1 - exp(-k s)) / s, by the Poisson
    distribution. The estimate solves this for s.

    Returns None for a picture of fewer than four steps between neighbouring tones, which does not
    show its bit depth.

    >>> comb = np.zeros(1024, np.int64)
    >>> comb[64:940:4] = 1000
    >>> round(effective_bit_depth(comb), 6), effective_bit_depth(np.ones(1024, np.int64))
    (8.0, 10.0)
    """
    depth = counts.size.bit_length() - 1
    reached = counts.cumsum() / max(1, counts.sum())
    first, last = (int(reached.searchsorted(share)) for share in (0.001, 0.999))
    around = np.convolve(counts, np.full(_NEIGHBOURS, 1 / _NEIGHBOURS), "same")
    used = np.flatnonzero((counts > 0) & (counts >= _MIN_SHARE * around))
    used = used[(used >= first) & (used <= last)]
    steps = np.diff(used)
    near = steps <= 2 * _MAX_SPACING
    if np.count_nonzero(near) < _MIN_STEPS:
        return None
    expected = around[used[0] : used[-1]][np.repeat(near, steps)]
    return depth - float(np.log2(_spacing(expected, int(np.count_nonzero(near)))))


def _spacing(expected: NDArray[np.float64], occupied: int) -> float:
    """Solve for s, at least 1, from the number of codes that occur; see `effective_bit_depth`."""
    low, high = 1.0, 4.0 * _MAX_SPACING

    def occurring(spacing: float) -> float:
        return float(-np.expm1(-expected * spacing).sum() / spacing)

    if occurring(low) <= occupied:
        return low
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if occurring(middle) > occupied else (low, middle)
    return (low + high) / 2


def eight_bit_grid(counts: NDArray[np.int64]) -> float | None:
    """Measure how strongly the luma of a 10-bit picture is aligned to 8-bit steps, 0 to 1.

    Values converted from 8 bits are 4 codes apart, or 3.4 if full range was converted to legal.
    An encoder spreads them over neighbouring codes, so no code stays empty. The grid still shows
    as a line in the spectrum of the histogram's square root; the root limits the weight of a
    single flat area.

    The result is the share of the line at one of these two periods, minus the strongest line with
    a period of 5.3 to 9. No 8-bit picture has such a grid, but the spectrum of a few tones, as in
    a title, has lines at any period. Texture under a 16-bit look also keeps steps, with another
    period: 3.6 codes at a contrast of 0.9.

    Returns None for a picture with too few tones to tell.

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
    if other >= _FEW_TONES:
        return None
    found = max(
        float(lines[at - 2 : at + 3].max()) for at in (size // 4, round(size / _FULL_RANGE_STEP))
    )
    return max(0.0, found - other)


@dataclass(frozen=True, eq=False)
class CodeValueCounts:
    """The number of pixels at each code value of one frame: arrays of shape (2**bit_depth,)."""

    luma: NDArray[np.int64]
    cb: NDArray[np.int64]
    cr: NDArray[np.int64]
    bit_depth: int
    full: bool = False  # full range instead of legal range

    @property
    def occupied(self) -> int:
        """The number of luma code values that occur at least once.

        Count them at the output of the filters: the noise of ProRes spreads the values, which
        hides an 8-bit picture in a 10-bit file.
        """
        return int(np.count_nonzero(self.luma))

    @property
    def effective_bit_depth(self) -> float | None:
        """The estimate of the function `effective_bit_depth` for luma."""
        return effective_bit_depth(self.luma)

    @property
    def outside_legal(self) -> float:
        """The share of luma pixels outside legal range, 0 to 1; 0 for a full-range picture."""
        if self.full:
            return 0.0
        black, white = legal_luma(self.bit_depth)
        return 1 - float(self.luma[black : white + 1].sum() / self.luma.sum())

    @property
    def outside_legal_chroma(self) -> float:
        """The share of chroma samples outside legal range, 0 to 1; 0 for a full-range picture."""
        if self.full:
            return 0.0
        low, high = legal_chroma(self.bit_depth)
        both = self.cb + self.cr
        return 1 - float(both[low : high + 1].sum() / both.sum())


def count_code_values(frame: Frame) -> CodeValueCounts:
    """Count the code values of a frame in its own bit depth."""
    luma, cb, cr = (histogram(plane, frame.bit_depth) for plane in (frame.luma, frame.cb, frame.cr))
    return CodeValueCounts(luma, cb, cr, frame.bit_depth, frame.colour.range == "full")


def to_ten_bit(frame: Frame) -> tuple[NDArray[np.int16], NDArray[np.int16], NDArray[np.int16]]:
    """Convert luma, Cb and Cr to 10-bit legal-range code values; the planes keep their shapes.

    8 bits are shifted up, more than 10 bits are shifted down, and full range is scaled and
    rounded. A frame without a range tag is assumed to be legal.
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
    """Map full-range code values to rounded 10-bit legal-range ones: luma, chroma."""
    luma, chroma = ten_bit_equivalents(bit_depth, full=True)
    return luma.round().astype(np.int16), chroma.round().astype(np.int16)


@cache
def ten_bit_equivalents(
    bit_depth: int, *, full: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the unrounded 10-bit legal-range equivalent of every code value: luma, chroma.

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
    """Convert luma to 10-bit legal-range code values without rounding."""
    luma = frame.luma.astype(np.float32)
    top = np.float32((1 << frame.bit_depth) - 1)
    if frame.colour.range == "full":
        return BLACK + luma * ((WHITE - BLACK) / top)
    return luma * np.float32(2.0 ** (10 - frame.bit_depth))


def rgb_blocks(frame: Frame, rows: int = 128) -> Iterator[NDArray[np.int16]]:
    """Yield R', G' and B' in 10-bit legal-range code values, in blocks of (3, rows, width).

    Values outside 0 to 1023 are not clipped. Each chroma sample applies to all the pixels that it
    covers. The formula is that of ITU-R BT.709, 3.2, which BT.601 and BT.2020 share.
    Raises UnsupportedClip for a matrix without such a formula.
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


_FRACTION = 14  # fractional bits of the factors of chroma
_HALF = 1 << _FRACTION - 1


def round_chroma_offset(offset: NDArray[np.int32]) -> NDArray[np.int32]:
    """Round chroma times its factor, in units of 2**-14 code values, to whole code values."""
    return offset + _HALF >> _FRACTION


def chroma_factors(matrix: str) -> tuple[int, tuple[int, int], int]:
    """Return the factors of Cr for R', of Cr and Cb for G', and of Cb for B', times 2**14.

    The formula is that of ITU-R BT.709, 3.2. Raises UnsupportedClip for a matrix without it.
    """
    if matrix not in LUMA_WEIGHTS:
        raise UnsupportedClip(
            f"a picture with the matrix {matrix} cannot be converted to RGB: convert the clip to "
            "bt709 first"
        )
    red, blue = LUMA_WEIGHTS[matrix]
    green = 1 - red - blue
    unit = (WHITE - BLACK) / 896 * (1 << _FRACTION)
    to_red, to_blue = 2 * (1 - red) * unit, 2 * (1 - blue) * unit
    to_green = (round(-red / green * to_red), round(-blue / green * to_blue))
    return round(to_red), to_green, round(to_blue)
