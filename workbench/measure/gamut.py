"""Measure the exact share of a picture that is outside the limits of EBU R103.

Most small blocks are within the limits at the extremes of their luma, Cb and Cr. Only the other
blocks are computed pixel by pixel.
"""

from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.measure.code_values import NEUTRAL, chroma_factors, round_chroma_offset, to_ten_bit
from workbench.media.frames import Frame

R103_RANGE = (20, 984)
"""The 10-bit code values that EBU R103 allows luma, R', G' and B'."""

_ROWS = 24  # of luma in a block; a block is one chroma sample wide

_GROUP = 16  # blocks side by side

_Codes = NDArray[np.int16]
_Limits = NDArray[np.int32]


def outside_r103(frame: Frame) -> float:
    """Return the share of pixels whose luma, R', G' or B' exceeds the limits of EBU R103, 0 to 1.

    R', G' and B' are those of code_values.rgb_blocks. R103 tolerates 1 % of the picture. Raises
    UnsupportedClip for a matrix without a formula.
    """
    luma, cb, cr = to_ten_bit(frame)
    matrix = frame.colour.assumed().matrix
    high, wide = frame.chroma_step
    rows, columns = luma.shape[0] // _ROWS, luma.shape[1] // wide
    bottom, right = rows * _ROWS, columns * wide
    inner = np.s_[: bottom // high, :columns]
    blocks = luma[:bottom, :right].reshape(rows, _ROWS, columns, wide)
    blue, red = (plane[inner].reshape(rows, _ROWS // high, columns) for plane in (cb, cr))
    row, column = np.nonzero(_blocks_to_check(blocks, blue, red, matrix))
    cells = (plane[row, :, column].repeat(high, axis=1)[..., np.newaxis] for plane in (blue, red))
    count = _count(matrix, blocks[row, :, column], *cells)
    for pixels, chroma in (
        (luma[bottom:], np.s_[bottom // high :, :]),
        (luma[:bottom, right:], np.s_[: bottom // high, columns:]),
    ):
        spread = (_spread(plane[chroma], frame, pixels) for plane in (cb, cr))
        count += _count(matrix, pixels, *spread)
    return count / luma.size


def _blocks_to_check(blocks: _Codes, blue: _Codes, red: _Codes, matrix: str) -> NDArray[np.bool_]:
    """Return which blocks may contain a pixel outside the limits: (rows, columns).

    The limits of neighbouring blocks are first computed together. Only where such a group fails,
    they are computed for each of its blocks.
    """
    darkest, brightest = (
        reduce(extreme, np.moveaxis(extreme.reduce(blocks, axis=1), 2, 0))
        for extreme in (np.minimum, np.maximum)
    )
    extremes = (blue.min(axis=1), blue.max(axis=1), red.min(axis=1), red.max(axis=1))
    lowest_or_highest = (np.minimum, np.maximum, np.minimum, np.maximum)
    starts = np.arange(0, darkest.shape[1], _GROUP)
    low, high = _allowed(
        matrix,
        *(
            extreme.reduceat(plane, starts, axis=1)
            for extreme, plane in zip(lowest_or_highest, extremes, strict=True)
        ),
    )
    suspect = np.minimum.reduceat(darkest, starts, axis=1) < low
    suspect |= np.maximum.reduceat(brightest, starts, axis=1) > high
    found = suspect.repeat(_GROUP, axis=1)[:, : darkest.shape[1]]
    low, high = _allowed(matrix, *(plane[found] for plane in extremes))
    found[found] = (darkest[found] < low) | (brightest[found] > high)
    return found


def _count(matrix: str, luma: _Codes, cb: _Codes, cr: _Codes) -> int:
    """Count the pixels outside the limits. Chroma has luma's shape or broadcasts to it."""
    low, high = _allowed(matrix, cb, cb, cr, cr)
    return int(np.count_nonzero((luma < low) | (luma > high)))


def _allowed(
    matrix: str, cb_low: _Codes, cb_high: _Codes, cr_low: _Codes, cr_high: _Codes
) -> tuple[_Limits, _Limits]:
    """Return the lowest and highest luma within R103 for every Cb and Cr in a range."""
    to_red, (cr_to_green, cb_to_green), to_blue = chroma_factors(matrix)
    b, blue, r, red = (
        plane.astype(np.int32) - NEUTRAL for plane in (cb_low, cb_high, cr_low, cr_high)
    )
    # Red and blue rise with their chroma, green falls with both; luma itself has no offset.
    above = np.maximum(np.maximum(red * to_red, blue * to_blue), 0)
    np.maximum(above, r * cr_to_green + b * cb_to_green, out=above)
    below = np.minimum(np.minimum(r * to_red, b * to_blue), 0)
    np.minimum(below, red * cr_to_green + blue * cb_to_green, out=below)
    lowest, highest = R103_RANGE
    return lowest - round_chroma_offset(below), highest - round_chroma_offset(above)


def _spread(plane: _Codes, frame: Frame, pixels: NDArray[Any]) -> _Codes:
    """Repeat each chroma sample over the luma pixels that it covers."""
    high, wide = frame.chroma_step
    rows, columns = pixels.shape
    return plane.repeat(high, axis=0)[:rows].repeat(wide, axis=1)[:, :columns]
