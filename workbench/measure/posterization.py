"""Stairs: where a gradient comes in steps too high to be taken for bands by their slope alone.

A step of more than six 10-bit code values is as steep as the edge of a shape. What tells the two
apart is that a band has others beside it: flat, and a step of the same height apart, up and up or
down and down. Rows and columns of a picture are searched for three such steps in a row.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Luma = NDArray[np.float32]
"""10-bit code values at half the picture's size, without noise: (height // 2, width // 2)."""

_STEP = 1.2  # code values per pixel at half size: about what a step of five codes is blurred to
_HIGHEST = 12.0  # likewise, of 48 codes: more is no band
_ALIKE = 2.0  # times as steep: neighbouring steps of one gradient differ by no more
_WIDTHS = (10, 256)  # pixels at half size from step to step
_BESIDE = 4  # pixels at half size: as far from a step the blurred picture is flat again
_FLAT = 0.25  # of a step: what a band may rise by between its two
_UNBLURRED = 4.13  # a step's height over its central difference: 4.24 between pixels, 4.04 within
_ENOUGH = 0.005  # of the picture: in less it is chance
_ROWS, _SHARE = 9, 0.6  # of so many rows side by side, this share shows the steps, or it is chance


@dataclass(frozen=True, eq=False)
class Posterization:
    """Where a picture's gradients come in steps, and how steep they are without: at half size."""

    area: NDArray[np.bool_]
    slope: NDArray[np.float32]  # squared, of the gradient, per pixel at half size; 0 outside


def find_posterization(narrow: Luma) -> Posterization:
    """Find the stairs of a picture at half its size, from which noise was smoothed away."""
    across, slope_across = _along_rows(narrow)
    down, slope_down = _along_rows(np.ascontiguousarray(narrow.T))
    area, slope = across | down.T, slope_across + slope_down.T
    if area.mean() < _ENOUGH:
        area, slope = np.zeros_like(area), np.zeros_like(slope)
    return Posterization(area, slope)


def _along_rows(narrow: Luma) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Return where rows go up or down in steps, and the square of their slope."""
    from scipy import ndimage

    nothing = np.zeros(narrow.shape, np.bool_), np.zeros(narrow.shape, np.float32)
    if narrow.shape[1] < 3 * _WIDTHS[0]:
        return nothing
    slope = np.zeros_like(narrow)
    slope[:, 1:-1] = (narrow[:, 2:] - narrow[:, :-2]) / 2
    steep = np.abs(slope)
    peaks = (steep > _STEP) & (steep < _HIGHEST)
    peaks[:, 1:] &= steep[:, 1:] >= steep[:, :-1]
    peaks[:, :-1] &= steep[:, :-1] > steep[:, 1:]
    rows, columns = peaks.nonzero()
    if rows.size < 3:
        return nothing
    heights = slope[rows, columns]
    first, second = heights[:-1], heights[1:]
    width = np.diff(columns)
    lower = np.minimum(np.abs(first), np.abs(second))
    band = (rows[1:] == rows[:-1]) & (first * second > 0)
    band &= (width >= _WIDTHS[0]) & (width <= _WIDTHS[1])
    band &= np.maximum(np.abs(first), np.abs(second)) <= _ALIKE * lower
    at = rows[:-1]
    left = np.minimum(columns[:-1] + _BESIDE, narrow.shape[1] - 1)
    rise = narrow[at, left] - narrow[at, np.maximum(columns[1:] - _BESIDE, 0)]
    band &= np.abs(rise) <= _FLAT * _UNBLURRED * lower
    together = band[1:] & band[:-1] & (rows[2:] == rows[:-2])
    band[:] = np.concatenate((together, [False])) | np.concatenate(([False], together))
    at, start, end = at[band], columns[:-1][band], columns[1:][band]
    if not at.size:
        return nothing
    height = (np.abs(first) + np.abs(second))[band] / 2 * _UNBLURRED
    count, squares = (np.zeros((narrow.shape[0], narrow.shape[1] + 1)) for _ in range(2))
    for marks, value in ((count, 1.0), (squares, (height / (end - start)) ** 2)):
        np.add.at(marks, (at, start), value)
        np.subtract.at(marks, (at, end), value)
    inside = count.cumsum(axis=1)[:, :-1] > 0.5
    sure = ndimage.uniform_filter1d(inside.astype(np.float32), _ROWS, axis=0) > _SHARE
    found = inside & sure
    return found, np.where(found, squares.cumsum(axis=1)[:, :-1], 0).astype(np.float32)
