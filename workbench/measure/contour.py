"""Contour: how much edge the steps of a band leave once the noise over them is smoothed away.

CAMBI alone can be fooled: one code value of noise in 10 bits hides steps of four from it, while the
eye still sees them. Contour looks under the noise: it blurs with a Gaussian of sigma 3 and takes
the gradient that is left, in hundredths of a 10-bit code value per pixel.

Where the truth is known, that gradient is held against the truth's. Where it is not, the picture's
own gradient at a wider blur stands for it, in smooth areas only, and what the noise itself would
leave is taken off. How well the second follows the first is printed by `make bench`.
"""

import math

import numpy as np

from workbench.measure.posterization import Posterization
from workbench.measure.regions import NARROW, WIDE, Luma, Mask, Regions, at_full_size, gaussian

_ENOUGH = 0.01  # of the picture: less smooth area than this says nothing


def contour_error(luma: Luma, truth: Luma, area: Mask | None = None) -> float:
    """Return the RMS of the gradient by which a picture differs from its truth, times 100.

    `area` leaves the rest of the picture out.
    """
    down, across = np.gradient(gaussian(luma - truth, NARROW))
    squares = np.square(down) + np.square(across)
    if area is not None:
        squares = squares[at_full_size(area, luma)]
    return 100 * math.sqrt(squares.mean())


def contour(surface: Regions, area: Mask, stairs: Posterization | None = None) -> float | None:
    """Estimate `contour_error` of a picture whose truth is not known, in a smooth area of it.

    The area and the stairs (the picture's own unless given) are best taken from the picture before
    a deband that may have smoothed texture away. In stairs the truth is the gradient that goes
    through the middle of each step; elsewhere it is the picture at the wider blur. Returns None
    when the area is less than 1 % of the picture.
    """
    if area.mean() < _ENOUGH:
        return None
    stairs = stairs or surface.posterization
    high = area & stairs.area
    low = area & ~high
    noise = _noise(surface.luma, area) ** 2
    left = 0.0  # of squared gradient, over the whole area
    if low.any():
        down, across = np.gradient(surface.narrow - surface.wide)
        mean = float((down**2 + across**2)[low].mean()) / 4  # half as many pixels each way
        left += max(0.0, mean - noise * _OF_NOISE) * np.count_nonzero(low)
    if high.any():
        down, across = np.gradient(surface.narrow)
        mean = float((down**2 + across**2 - stairs.slope)[high].mean()) / 4
        left += max(0.0, mean - noise * _OF_NARROW_NOISE) * np.count_nonzero(high)
    return 100 * math.sqrt(left / np.count_nonzero(area))


def _noise(luma: Luma, area: Mask) -> float:
    """Return the standard deviation of the noise, which second differences alone let through.

    After Immerkaer, "Fast Noise Variance Estimation", CVIU 64 (1996).
    """
    down = luma[:-2] - 2 * luma[1:-1] + luma[2:]
    both = down[:, :-2] - 2 * down[:, 1:-1] + down[:, 2:]
    inner = area[1:-1, 1:-1]
    return float(np.abs(both[inner]).mean()) * math.sqrt(math.pi / 2) / 6 if inner.any() else 0.0


def _gradient_left(first: float, second: float) -> float:
    """Return the product moment of two Gaussians' gradients over white noise of variance 1."""
    return 1 / (math.pi * (first**2 + second**2) ** 2)


_OF_NOISE = (
    _gradient_left(NARROW / 2, NARROW / 2)
    + _gradient_left(WIDE / 2, WIDE / 2)
    - 2 * _gradient_left(NARROW / 2, WIDE / 2)
) / 4
"""What white noise of variance 1, at half size, leaves of squared gradient per full-size pixel."""
_OF_NARROW_NOISE = _gradient_left(NARROW / 2, NARROW / 2) / 4
"""The same without the wider blur."""
