"""Measure contour: the edges of bands that remain after the noise over them is smoothed away.

CAMBI alone can be fooled: one 10-bit code value of noise hides steps of four from it, while viewers
still see them. Contour measures below the noise. It blurs the picture with a Gaussian of sigma 3
and takes the remaining gradient, in hundredths of a 10-bit code value per pixel.

Where the true picture is known, that gradient is compared with the true one. Elsewhere the picture
at a wider blur replaces the true one, in smooth areas only, and the gradient that noise alone would
leave is subtracted. `make bench` prints how well the second measure follows the first.
"""

import math

import numpy as np

from workbench.measure.posterization import Posterization
from workbench.measure.regions import NARROW, WIDE, Luma, Mask, Regions, at_full_size, gaussian

_MIN_AREA = 0.01  # of the picture: with less smooth area, there is no result
_LEAST_FOR_HALVING = 32  # rows and columns


def contour_error(luma: Luma, truth: Luma, area: Mask | None = None) -> float:
    """Return the RMS gradient of the difference of a picture from the true one, times 100.

    Both are 10-bit code values, (height, width). `area` limits the result to a part of the picture.
    """
    down, across = np.gradient(gaussian(luma - truth, NARROW))
    squares = np.square(down) + np.square(across)
    if area is not None:
        squares = squares[at_full_size(area, luma)]
    return 100 * math.sqrt(squares.mean())


def contour(
    regions: Regions, area: Mask, posterization: Posterization | None = None
) -> float | None:
    """Estimate `contour_error` in a smooth area, without knowing the true picture.

    Take `area` and `posterization` (by default the picture's own) from the picture before a
    deband, which may have smoothed texture away. In posterized areas, the true picture is assumed
    to be the gradient through the middle of each step; elsewhere, the picture at the wider blur.
    Returns None when the area is less than 1 % of the picture.
    """
    if area.mean() < _MIN_AREA:
        return None
    posterization = posterization or regions.posterization
    posterized = area & posterization.area
    rest = area & ~posterized
    noise = _noise(regions.luma, area) ** 2
    total = 0.0  # of squared gradient, over the whole area
    if rest.any():
        down, across = np.gradient(regions.narrow - regions.wide)
        mean = float((down**2 + across**2)[rest].mean()) / 4  # half as many pixels each way
        total += max(0.0, mean - noise * _OF_NOISE) * np.count_nonzero(rest)
    if posterized.any():
        down, across = np.gradient(regions.narrow)
        mean = float((down**2 + across**2 - posterization.slope)[posterized].mean()) / 4
        total += max(0.0, mean - noise * _OF_NARROW_NOISE) * np.count_nonzero(posterized)
    return 100 * math.sqrt(total / np.count_nonzero(area))


def _noise(luma: Luma, area: Mask) -> float:
    """Estimate the standard deviation of the noise, as far as a blur leaves any of it.

    White noise halves with each halving of the picture. The noise of a fine dither pattern falls
    much faster, and the blur removes it, so the smaller estimate of two sizes counts.
    """
    found = _noise_at_one_size(luma, area)
    if min(luma.shape) < _LEAST_FOR_HALVING:
        return found
    half = Regions.of(area.astype(np.float32)).luma == 1
    return min(found, 2 * _noise_at_one_size(Regions.of(luma).luma, half)) if half.any() else found


def _noise_at_one_size(luma: Luma, area: Mask) -> float:
    """Estimate the standard deviation of white noise, from second differences.

    Source: Immerkaer, "Fast Noise Variance Estimation", CVIU 64 (1996).
    """
    down = luma[:-2] - 2 * luma[1:-1] + luma[2:]
    both = down[:, :-2] - 2 * down[:, 1:-1] + down[:, 2:]
    inner = area[1:-1, 1:-1]
    return float(np.abs(both[inner]).mean()) * math.sqrt(math.pi / 2) / 6 if inner.any() else 0.0


def _noise_gradient(first: float, second: float) -> float:
    """Return E[grad a . grad b] of white noise of variance 1 under two Gaussian blurs a and b."""
    return 1 / (math.pi * (first**2 + second**2) ** 2)


_OF_NOISE = (
    _noise_gradient(NARROW / 2, NARROW / 2)
    + _noise_gradient(WIDE / 2, WIDE / 2)
    - 2 * _noise_gradient(NARROW / 2, WIDE / 2)
) / 4
"""Squared gradient per full-size pixel that white noise of variance 1 at half size leaves."""
_OF_NARROW_NOISE = _noise_gradient(NARROW / 2, NARROW / 2) / 4
"""The same without the wider blur."""
