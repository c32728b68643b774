"""Code values: how often each occurs, and how many occur at all."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.frames import Frame, Plane


def histogram(plane: Plane, bit_depth: int) -> NDArray[np.int64]:
    """Count each code value of a plane: shape (2**bit_depth,), pixels.

    >>> histogram(np.array([[16, 16], [235, 17]], dtype=np.uint8), 8)[15:18]
    array([0, 2, 1])
    """
    return np.bincount(plane.ravel(), minlength=1 << bit_depth)


@dataclass(frozen=True, eq=False)
class LumaCodes:
    """The luma code values of one frame."""

    histogram: NDArray[np.int64]  # pixels at each code value, shape (2**bit_depth,)
    bit_depth: int

    @property
    def occupied(self) -> int:
        """How many code values occur at least once.

        Count them at the filter's output: ProRes noise spreads values and hides an 8-bit picture
        in a 10-bit file.
        """
        return int(np.count_nonzero(self.histogram))


def luma_codes(frame: Frame) -> LumaCodes:
    """Count the luma code values of a frame, at its own bit depth."""
    return LumaCodes(histogram(frame.luma, frame.bit_depth), frame.bit_depth)
