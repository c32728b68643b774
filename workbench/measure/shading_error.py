"""Estimate how far a picture is from the true one, without knowing it: contour's error in total.

Two estimates with different weaknesses are averaged as squares.

1. **What is seen.** The bands that remain in smooth areas, and the shading that changed by more
   than rounding explains. Faint grain and clouds look like bands to it.
2. **What was to be expected.** The strength of the source's bands follows from its slope and its
   noise, whatever it shows; see `workbench.measure.rounding`. A deband that removed the bands must
   have changed the picture by as much. If it changed less, bands are left; if it changed more,
   shading went with them.
"""

import math

import numpy as np

from workbench.measure.regions import Mask, Regions

_MIN_AREA = 0.01  # of the picture: with less, there is no result
_BEYOND = 2  # how much more a change beyond the limit of detail change counts
_ENCODED = 1.5  # times the energy that rounding leaves: the encoder may add half of it again
_UNCERTAIN = 1.1  # how far the energy of rounding may exceed the table's: colours differ


def changed_contour(picture: Regions, plain: Regions, area: Mask) -> float | None:
    """Return the RMS gradient of all that a deband changed in an area, times 100, without noise.

    `plain` is the same frame under the same tone without deband. Returns None when the area is less
    than 1 % of the picture.
    """
    if area.mean() < _MIN_AREA:
        return None
    down, across = np.gradient(picture.narrow - plain.narrow)
    return 100 * math.sqrt(float((down**2 + across**2)[area].mean()) / 4)  # half as many pixels


def shading_error(
    *,
    before: float | None,
    after: float | None,
    share: float,
    detail_change: float,
    expected: float,
    changed: float,
) -> float:
    """Estimate `contour.contour_error` without the true picture.

    `before` and `after` are the contour without and with a deband, None without smooth areas, and
    `share` is their size over that of the area of all other arguments. `expected` is
    `rounding.Rounding.contour`, `changed` is `changed_contour`.

    >>> rounded = {"share": 1.0, "detail_change": 0.0, "expected": 12.0}
    >>> shading_error(before=12.0, after=12.0, changed=0.0, **rounded)
    12.0
    >>> shading_error(before=12.0, after=0.0, changed=12.0, **rounded)
    0.0
    """
    share = min(1.0, share)
    bands = (after or 0.0) ** 2 * share
    if before:  # more than rounding and the encoder leave is faint clouds or grain
        bands *= min(1.0, _ENCODED * expected**2 / (before**2 * share))
    seen = bands + (_BEYOND * detail_change) ** 2
    left = min(1.0, (after / before) ** 2) if before and after is not None else 1.0
    removable = expected**2 * (1 - left)
    lost = max(changed**2 - _UNCERTAIN * removable, detail_change**2)
    budget = expected**2 * left + max(0.0, removable - changed**2) + lost
    return math.sqrt((seen + budget) / 2)


def smooth_share(area: Mask, calm: Mask) -> float:
    """Return the size of the smooth area of a picture over that of its calm area, 0 to 1."""
    return min(1.0, float(area.mean()) / max(float(calm.mean()), _MIN_AREA))
