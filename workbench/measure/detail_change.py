"""Measure detail change: shading that a deband altered by more than rounding can explain.

Contour alone rewards a deband that smooths too much, because a picture without any shading has no
bands either. Detail change is its counterpart. It compares the debanded picture with the same
picture under the same tone, without deband. A deband may move a pixel back to where it was before
the source was rounded, and no further:

- In a flat stretch between two steps, the true value lies within half a step. Rounding in R'G'B'
  before the conversion to Y'CbCr, and the encoder, add about half of that again.
- Where values step every few pixels, as under grain, rounding errors cancel out. A mean over a few
  pixels is then nearly exact.

Detail change is the RMS gradient of all that exceeds this limit, in hundredths of a 10-bit code
value per pixel: the unit of contour, so both can be added up (see `shading_error`).
"""

import math

import numpy as np
from numpy.typing import NDArray

from workbench.measure.regions import Luma, Mask, Regions, gaussian
from workbench.media.frames import Plane

_MIN_AREA = 0.01  # of the picture: with less, there is no result
_BLUR = 2.0  # pixels, sigma: the finest shading; grain and dither are averaged out
_AROUND = 8.0  # pixels, sigma: the neighbourhood in which steps are counted
_RARE, _FREQUENT = 0.05, 0.4  # share of pixels that differ from the one to the left or above
_OF_RARE = 0.75  # source steps: half a step of luma, and half of that for R'G'B' and the encoder
_OF_FREQUENT = 0.15  # source steps: three sigma of rounding (0.29) averaged by the blur (1 / 7)
_BEYOND = 2  # how much more a change beyond the limit counts
_OUTPUT = 0.5  # 10-bit code values: what rounding of the output explains


def rounding_limit(source: Plane, step: float | Luma) -> Luma:
    """Return the change of a local mean that rounding of the source explains, in 10-bit codes.

    `source` is the source's luma in its own bit depth, (height, width). `step` is the height of
    one of its code values after the tone, in 10-bit code values: one number, or (height // 2,
    width // 2). The result has that size too.
    """
    differs = np.zeros(source.shape, np.float32)
    differs[:, 1:] = source[:, 1:] != source[:, :-1]
    differs[1:] += source[1:] != source[:-1]
    share = gaussian(Regions.of(np.minimum(differs, 1)).luma, _AROUND / 2)
    limit = np.interp(share, (_RARE, _FREQUENT), (_OF_RARE, _OF_FREQUENT)) * step
    return np.maximum(limit, _OUTPUT).astype(np.float32)


def detail_change(picture: Regions, plain: Regions, limit: Luma) -> float | None:
    """Return how far a deband altered shading beyond `limit`: RMS gradient, times 100.

    `plain` is the same frame under the same tone without deband, and `limit` its `rounding_limit`.
    Areas of texture and edges do not count: `texture_change` measures them. Returns None when the
    rest is less than 1 % of the picture.
    """
    area = plain.calm
    if area.mean() < _MIN_AREA:
        return None
    change = gaussian(picture.luma - plain.luma, _BLUR / 2)
    offset = np.float32(np.median(change[area][::16]))  # two chains may differ by a constant
    excess = change - offset - np.clip(change - offset, -limit, limit)
    down, across = np.gradient(excess)
    squares: NDArray[np.float32] = (down**2 + across**2)[area]
    return 100 * math.sqrt(float(squares.mean()) / 4)  # half as many pixels each way


def shading_error(contour: float, detail_change: float, smooth_share: float) -> float:
    """Estimate `contour.contour_error` without the true picture, from both measures together.

    The bands that remain in smooth areas and the shading that is gone elsewhere add up as squares.
    `smooth_share` is the size of the smooth area over that of the area of `detail_change`. Detail
    change counts twice: it is only what exceeds the limit of rounding, and where a deband exceeds
    it, part of the change below it was wrong as well.

    >>> shading_error(contour=3.0, detail_change=2.0, smooth_share=1.0)
    5.0
    """
    return math.hypot(contour * math.sqrt(min(1.0, smooth_share)), _BEYOND * detail_change)


def smooth_share(area: Mask, calm: Mask) -> float:
    """Return the size of the smooth area of a picture over that of its calm area, 0 to 1."""
    return min(1.0, float(area.mean()) / max(float(calm.mean()), _MIN_AREA))
