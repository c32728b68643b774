"""Find posterization: gradients in steps so high that their slope alone looks like an edge.

A step of more than six 10-bit code values is as steep as the edge of a shape. Bands differ from
edges by their neighbours: several steps of similar height in the same direction, with flat parts
between them. The search looks for three such steps in a row, along rows and columns.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Luma = NDArray[np.float32]
"""10-bit code values at half the picture's size, without noise: (height // 2, width // 2)."""

_MIN_SLOPE = 1.2  # code values per pixel at half size: about that of a blurred step of 5 codes
_MAX_SLOPE = 12.0  # code values per pixel at half size: that of 48 codes; a steeper step is an edge
_MAX_RATIO = 2.0  # of the slopes of neighbouring steps of one gradient
_WIDTHS = (10, 256)  # pixels at half size from step to step
_MARGIN = 4  # pixels at half size: at this distance from a step, the blurred picture is flat again
_MAX_RISE = 0.25  # of a step: the most that a band may rise between its two steps
_HEIGHT = 4.13  # a step's height over its central difference: 4.24 between pixels, 4.04 within
_MIN_AREA = 0.005  # of the picture: less is chance
_ROWS, _SHARE = 9, 0.6  # of this many neighbouring rows, this share must show the steps


@dataclass(frozen=True, eq=False)
class Posterization:
    """The posterized parts of a picture, and the slope of their gradients, at half size."""

    area: NDArray[np.bool_]
    slope: NDArray[np.float32]  # of the gradient without steps, squared, per pixel; 0 outside


def find_posterization(narrow: Luma) -> Posterization:
    """Find the posterized parts of a picture at half size, after noise was smoothed away."""
    across, slope_across = _along_rows(narrow)
    down, slope_down = _along_rows(np.ascontiguousarray(narrow.T))
    area, slope = across | down.T, slope_across + slope_down.T
    if area.mean() < _MIN_AREA:
        area, slope = np.zeros_like(area), np.zeros_like(slope)
    return Posterization(area, slope)


def _along_rows(narrow: Luma) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Return where rows rise or fall in steps, and the square of their slope."""
    from scipy import ndimage

    nothing = np.zeros(narrow.shape, np.bool_), np.zeros(narrow.shape, np.float32)
    if narrow.shape[1] < 3 * _WIDTHS[0]:
        return nothing
    slope = np.zeros_like(narrow)
    slope[:, 1:-1] = (narrow[:, 2:] - narrow[:, :-2]) / 2
    steep = np.abs(slope)
    peaks = (steep > _MIN_SLOPE) & (steep < _MAX_SLOPE)
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
    band &= np.maximum(np.abs(first), np.abs(second)) <= _MAX_RATIO * lower
    at = rows[:-1]
    left = np.minimum(columns[:-1] + _MARGIN, narrow.shape[1] - 1)
    rise = narrow[at, left] - narrow[at, np.maximum(columns[1:] - _MARGIN, 0)]
    band &= np.abs(rise) <= _MAX_RISE * _HEIGHT * lower
    together = band[1:] & band[:-1] & (rows[2:] == rows[:-2])
    band[:] = np.concatenate((together, [False])) | np.concatenate(([False], together))
    at, start, end = at[band], columns[:-1][band], columns[1:][band]
    if not at.size:
        return nothing
    height = (np.abs(first) + np.abs(second))[band] / 2 * _HEIGHT
    count, squares = (np.zeros((narrow.shape[0], narrow.shape[1] + 1)) for _ in range(2))
    for marks, value in ((count, 1.0), (squares, (height / (end - start)) ** 2)):
        np.add.at(marks, (at, start), value)
        np.subtract.at(marks, (at, end), value)
    inside = count.cumsum(axis=1)[:, :-1] > 0.5
    sure = ndimage.uniform_filter1d(inside.astype(np.float32), _ROWS, axis=0) > _SHARE
    found = inside & sure
    return found, np.where(found, squares.cumsum(axis=1)[:, :-1], 0).astype(np.float32)
