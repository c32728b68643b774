"""Measure how far a clip's picture moves from frame to frame, and over a range of frames.

Each frame is averaged in small cells, which follow movement and average out most of an encoder's
noise. Two values tell a still from slow movement; see `Movement`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.media.frames import Frame, Plane

Cells = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
"""The cell means of a frame's luma, Cb and Cr in 10-bit code values: (rows, columns) each."""

DRIFT = 3.5
"""10-bit code values: two frames that drift by less may show the same picture.

Stills encoded by x264 at crf 18 to 28, with a keyframe every half second, drift by up to 2.5.
"""
_CELL = 8  # luma pixels on a side
_MIN_CELLS = 16  # along the shorter side; a small picture has smaller cells
_PEAK = 7  # times the RMS: allowed drift of one cell; stills reach 17 codes where the RMS is 2.3


@dataclass(frozen=True)
class Movement:
    """The movement of one frame, in 10-bit code values. Both values are 0 in the first frame."""

    change: float
    """RMS difference of the cells from the frame before, in the plane that changes most."""
    drift: float
    """RMS difference of the cells from the first frame of the range, in the plane that differs
    most; or a seventh of the largest difference, if that is more. A frame that drifts by DRIFT or
    more begins the next range."""


NO_MOVEMENT = Movement(0.0, 0.0)


class Motion:
    """Measure the movement of a clip's frames in order, keeping the cell means of two frames."""

    def __init__(self) -> None:
        self._before: Cells | None = None
        self._first: Cells | None = None

    def add(self, frame: Frame) -> Movement:
        """Measure the movement of the next frame."""
        cells = cell_means(frame)
        if self._before is None or self._first is None:
            self._before = self._first = cells
            return NO_MOVEMENT
        change, _ = _difference(cells, self._before)
        rms, largest = _difference(cells, self._first)
        drift = max(rms, largest / _PEAK)
        self._before = cells
        if drift >= DRIFT:
            self._first = cells
        return Movement(change, drift)


def cell_means(frame: Frame) -> Cells:
    """Average each cell: 8x8 pixels of luma, and twice as large an area for chroma.

    Rows and columns after the last whole cell belong to that cell, so every pixel counts. In
    pictures of fewer than 128 rows or columns, the cells are smaller, down to single pixels.
    """
    size = max(1, min(_CELL, min(frame.width, frame.height) // _MIN_CELLS))
    rows, columns = (max(1, 2 * size // step) for step in frame.chroma_step)
    return (
        _means(frame.luma, size, size, frame.bit_depth),
        _means(frame.cb, rows, columns, frame.bit_depth),
        _means(frame.cr, rows, columns, frame.bit_depth),
    )


def _means(plane: Plane, high: int, wide: int, bit_depth: int) -> NDArray[np.float32]:
    high, wide = min(high, plane.shape[0]), min(wide, plane.shape[1])
    rows, columns = plane.shape[0] // high, plane.shape[1] // wide
    bottom, right = rows * high, columns * wide
    # The sum of up to 31 rows of 10 bits fits into 16 bits. A matrix product is the fastest sum.
    dtype = np.uint16 if bit_depth <= 10 else np.uint32
    bands = plane[:bottom].reshape(rows, high, plane.shape[1]).sum(axis=1, dtype=dtype)
    bands[-1] += plane[bottom:].sum(axis=0, dtype=dtype)
    sums = bands[:, :right].reshape(rows * columns, wide) @ np.ones(wide, np.float32)
    means: NDArray[np.float32] = sums.reshape(rows, columns)
    means[:, -1] += bands[:, right:].sum(axis=1, dtype=np.float32)
    means *= np.float32(2.0 ** (10 - bit_depth) / (high * wide))
    means[-1] *= np.float32(high / (plane.shape[0] - bottom + high))
    means[:, -1] *= np.float32(wide / (plane.shape[1] - right + wide))
    return means


def _difference(cells: Cells, others: Cells) -> tuple[float, float]:
    """Return the largest RMS difference of any plane, and the largest difference of any cell."""
    rms = largest = 0.0
    for one, other in zip(cells, others, strict=True):
        difference = (one - other).ravel()
        rms = max(rms, float(np.sqrt(difference @ difference / difference.size)))
        largest = max(largest, float(difference.max()), -float(difference.min()))
    return rms, largest
