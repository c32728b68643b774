"""Measure detail change: shading that a deband altered by more than rounding can explain.

Contour alone rewards a deband that smooths too much, because a picture without any shading has no
bands either. Detail change is its counterpart. It compares the debanded picture with the same
picture under the same tone, without deband. A deband may move a pixel back to where it was before
the source was rounded, and no further:

- In a flat stretch between two steps, the true value lies within half a step. Rounding in R'G'B'
  before the conversion to Y'CbCr adds to that.
- Where values step every few pixels, as under grain, rounding errors cancel out. A mean over a few
  pixels is then nearly exact.

Detail change is the RMS gradient of all that exceeds this limit, in hundredths of a 10-bit code
value per pixel: the unit of contour, so both can be added up (see `measure.shading_error`).
"""

import math

import numpy as np
from numpy.typing import NDArray

from workbench.measure.regions import Luma, Regions, gaussian
from workbench.measure.rounding import MEAN

_MIN_AREA = 0.01  # of the picture: with less, there is no result


def detail_change(picture: Regions, plain: Regions, limit: Luma) -> float | None:
    """Return how far a deband altered shading beyond `limit`: RMS gradient, times 100.

    `plain` is the same frame under the same tone without deband, and `limit` its
    `rounding.Rounding.limit`. Areas of texture and edges do not count: `texture_change` measures
    them. Returns None when the rest is less than 1 % of the picture.
    """
    area = plain.calm
    if area.mean() < _MIN_AREA:
        return None
    change = gaussian(picture.luma - plain.luma, MEAN / 2)
    offset = np.float32(np.median(change[area][::16]))  # two chains may differ by a constant
    excess = change - offset - np.clip(change - offset, -limit, limit)
    down, across = np.gradient(excess)
    squares: NDArray[np.float32] = (down**2 + across**2)[area]
    return 100 * math.sqrt(float(squares.mean()) / 4)  # half as many pixels each way
