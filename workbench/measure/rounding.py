"""Tell what rounding does to a picture: how strong its bands are, and how far a mean may be off.

Both follow from the slope of the picture and its noise. A shallow gradient has wide bands, and its
means over a few pixels are wrong by up to half a step. Noise and steep slopes make the source step
so often that rounding errors cancel out. The tables here are simulated: gradients of 24 colours
and directions, with white noise, rounded to R'G'B' as generators do and then to Y'CbCr.
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from workbench.measure.regions import NARROW, Luma, Mask, Regions, gaussian
from workbench.media.frames import Plane

MEAN = 2.0
"""Sigma in pixels of the Gaussian over which `Rounding.limit` takes a mean."""

_MIN_AREA = 0.01  # of the picture: with less, there is no result
_NOISE_AREA = 8.0  # pixels, the sigma over which the noise is averaged
_SLOPE_AREA = 16.0  # pixels, the sigma of the blur whose slope is taken
_RMS_STEP, _MOST_RMS = 0.05, 0.9  # code values: the noise in the tables that are looked up
_SIGMAS = 2.5  # standard deviations of a mean that rounding explains
_OUTPUT = 0.5  # 10-bit code values: what rounding of the output explains
_GENTLEST = 0.005  # code values per pixel: the first slope of the tables; each is twice the last
_Table = NDArray[np.float64]
"""Down: noise of RMS 0, 0.15, 0.3, 0.5 and 0.8 before the rounding. Across: the slopes."""
_NOISES: _Table = np.array(
    [
        [0.004, 0.007, 0.014, 0.028, 0.055, 0.081, 0.091],
        [0.089, 0.080, 0.081, 0.084, 0.091, 0.104, 0.111],
        [0.178, 0.163, 0.169, 0.170, 0.170, 0.173, 0.181],
        [0.329, 0.332, 0.330, 0.335, 0.334, 0.335, 0.340],
        [0.761, 0.756, 0.727, 0.718, 0.723, 0.721, 0.726],
    ]
)
"""Mean square of the distance from a Gaussian of sigma NARROW, in code values squared."""
_ENERGIES: _Table = np.array(
    [
        [4.7, 8.1, 14.5, 21.1, 14.9, 7.8, 9.0],
        [0.8, 1.4, 3.6, 8.2, 8.9, 9.5, 8.9],
        [0.8, 0.9, 1.2, 2.1, 4.6, 7.6, 9.0],
        [0.9, 0.9, 1.0, 1.3, 2.7, 5.9, 7.4],
        [0.9, 0.9, 1.0, 1.2, 1.8, 3.4, 5.2],
    ]
)
"""Squared contour of the rounding error, in hundredths of a code value per pixel, squared."""
_ERRORS: _Table = np.array(
    [
        [0.346, 0.332, 0.311, 0.291, 0.237, 0.184, 0.147],
        [0.223, 0.245, 0.234, 0.220, 0.205, 0.181, 0.138],
        [0.165, 0.196, 0.189, 0.174, 0.179, 0.167, 0.150],
        [0.151, 0.144, 0.157, 0.167, 0.164, 0.157, 0.140],
        [0.116, 0.147, 0.125, 0.134, 0.127, 0.120, 0.120],
    ]
)
"""RMS of the rounding error after a Gaussian of sigma MEAN, in code values."""


@cache
def _by_noise(values: str) -> _Table:
    """Return a table with the measured noise in steps of _RMS_STEP down."""
    squares = np.square(np.arange(0, _MOST_RMS + _RMS_STEP / 2, _RMS_STEP))
    columns = zip(_NOISES.T, {"energies": _ENERGIES, "errors": _ERRORS}[values].T, strict=True)
    return np.stack([np.interp(squares, noise, column) for noise, column in columns], axis=1)


@dataclass(frozen=True, eq=False)
class Rounding:
    """What tells how rounding affected a source: places in the tables, at half its size."""

    noise: Luma  # rows of the tables that `_by_noise` returns
    slope: Luma  # their columns

    @classmethod
    def of(cls, source: Plane) -> "Rounding":
        """Measure the source's luma in its own bit depth, shape (height, width)."""
        codes = source.astype(np.float32)
        distance = Regions.of(np.square(codes - gaussian(codes, NARROW))).luma
        noise = np.sqrt(gaussian(distance, _NOISE_AREA / 2))
        slope = np.hypot(*np.gradient(gaussian(Regions.of(codes).luma, _SLOPE_AREA / 2))) / 2
        octaves = np.log2(np.maximum(slope, _GENTLEST) / _GENTLEST)
        return cls(np.asarray(noise / _RMS_STEP, np.float32), np.asarray(octaves, np.float32))

    def contour(self, step: float | Luma, area: Mask) -> float | None:
        """Return the contour that rounding is expected to have left in an area of the source.

        `step` is the height of one of the source's code values after the tone, in 10-bit code
        values: one number, or (height // 2, width // 2). Returns None when the area is less than
        1 % of the picture.
        """
        if area.mean() < _MIN_AREA:
            return None
        squares: Luma = self._looked_up("energies") * np.square(step)
        return math.sqrt(float(squares[area].mean()))

    def limit(self, step: float | Luma) -> Luma:
        """Return the change of a local mean that rounding of the source explains.

        The result is in 10-bit code values, (height // 2, width // 2). `step` is as in `contour`.
        """
        limit = _SIGMAS * self._looked_up("errors") * step
        return np.asarray(np.maximum(limit, _OUTPUT), np.float32)

    def _looked_up(self, values: str) -> Luma:
        """Return the value of a table for each pixel."""
        from scipy import ndimage

        places = [self.noise, self.slope]
        found = ndimage.map_coordinates(_by_noise(values), places, order=1, mode="nearest")
        return np.asarray(found, np.float32)
