"""Surface: where a picture is smooth, so that bands show, and where it has texture to lose."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from workbench.measure.posterization import Posterization, find_posterization

Luma = NDArray[np.float32]
"""10-bit code values, (height, width)."""
Mask = NDArray[np.bool_]
"""A part of a picture, at half its size: (height // 2, width // 2)."""

NARROW = 3.0
"""Pixels, the sigma of the Gaussian that smooths noise away."""
WIDE = 12.0
"""Pixels, wider than the steps of a band and narrower than what the picture means to show."""

_STEEP = 0.8  # code values per pixel: more is an edge or shading, not a band
_ROUGH = 1.5  # code values of detail, on average: more is texture, over which no band is seen
_SHAPED = 2.5  # code values between narrow and wide: half a step of 8 bits is 2, more is a shape
_RICH = 4.0  # and more than this is texture that can be lost


@dataclass(frozen=True, eq=False)
class Regions:
    """A picture at half its size, and what is found there: a quarter of the work, and enough."""

    luma: Luma  # 10-bit code values, squares of four pixels averaged: (height // 2, width // 2)

    @classmethod
    def of(cls, luma: Luma) -> "Regions":
        rows, columns = luma.shape[0] // 2 * 2, luma.shape[1] // 2 * 2
        pairs = luma[0:rows:2] + luma[1:rows:2]
        return cls((pairs[:, 0:columns:2] + pairs[:, 1:columns:2]) * np.float32(0.25))

    @cached_property
    def narrow(self) -> Luma:
        """The picture without its noise."""
        return gaussian(self.luma, NARROW / 2)

    @cached_property
    def wide(self) -> Luma:
        """The picture without its bands."""
        return gaussian(self.luma, WIDE / 2)

    @cached_property
    def _detail(self) -> Luma:
        from scipy import ndimage

        return np.asarray(ndimage.uniform_filter(np.abs(self.luma - self.narrow), 7))

    @cached_property
    def posterization(self) -> Posterization:
        """Where a gradient comes in high steps."""
        return find_posterization(self.narrow)

    @cached_property
    def smooth(self) -> Mask:
        """Where bands show: no edge, texture or shape of its own, nor any near; and the stairs."""
        from scipy import ndimage

        steep = np.hypot(*np.gradient(self.narrow)) / 2 > _STEEP
        shaped = np.abs(self.narrow - self.wide) > _SHAPED
        disturbed = steep | shaped | (self._detail > _ROUGH)
        return ~ndimage.maximum_filter(disturbed, round(WIDE) + 1) | self.posterization.area

    @cached_property
    def textured(self) -> Mask:
        """Where there is texture."""
        return np.asarray(self._detail > _RICH)


def at_full_size(area: Mask, luma: Luma) -> Mask:
    """Return an area at the size of a picture; an odd last row or column is left out."""
    large = np.zeros(luma.shape, np.bool_)
    repeated = area.repeat(2, axis=0).repeat(2, axis=1)
    large[: repeated.shape[0], : repeated.shape[1]] = repeated
    return large


def gaussian(luma: Luma, sigma: float) -> Luma:
    """Blur a picture; `sigma` is in its own pixels."""
    from scipy import ndimage  # half a second to import, so not before it is needed

    return np.asarray(ndimage.gaussian_filter(luma, sigma, truncate=3))
