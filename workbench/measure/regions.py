"""Divide a picture into smooth regions, where bands are visible, and textured ones."""

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
"""Sigma in pixels of the Gaussian that smooths noise away."""
WIDE = 12.0
"""Sigma in pixels of the Gaussian that also smooths bands away, but not shapes."""

_MAX_SLOPE = 0.8  # code values per pixel: more is an edge or shading, not a band
_MAX_DETAIL = 1.5  # code values, mean: more is texture, which hides bands
_MAX_SHAPE = 2.5  # code values between narrow and wide: half an 8-bit step is 2, more is a shape
_TEXTURE = 4.0  # code values of detail, mean: more is texture that a deband can damage


@dataclass(frozen=True, eq=False)
class Regions:
    """The regions of a picture, found at half its size, which takes a quarter of the time."""

    luma: Luma  # 10-bit code values, means of 2x2 pixels: (height // 2, width // 2)

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
        """The parts where a gradient has high steps."""
        return find_posterization(self.narrow)

    @cached_property
    def smooth(self) -> Mask:
        """The parts where bands are visible: far from edges, texture and shapes, or posterized."""
        from scipy import ndimage

        shaped = np.abs(self.narrow - self.wide) > _MAX_SHAPE
        disturbed = shaped | ~self.calm
        return ~ndimage.maximum_filter(disturbed, round(WIDE) + 1) | self.posterization.area

    @cached_property
    def calm(self) -> Mask:
        """The parts without texture and edges: the smooth ones, and soft shading."""
        steep = np.hypot(*np.gradient(self.narrow)) / 2 > _MAX_SLOPE
        return np.asarray(~(steep | (self._detail > _MAX_DETAIL)))

    @cached_property
    def textured(self) -> Mask:
        """The parts with texture."""
        return np.asarray(self._detail > _TEXTURE)


def at_full_size(area: Mask, luma: Luma) -> Mask:
    """Scale a mask to the size of `luma`; an odd last row or column is False."""
    large = np.zeros(luma.shape, np.bool_)
    repeated = area.repeat(2, axis=0).repeat(2, axis=1)
    large[: repeated.shape[0], : repeated.shape[1]] = repeated
    return large


def gaussian(luma: Luma, sigma: float) -> Luma:
    """Blur a picture; `sigma` is in pixels of that picture."""
    from scipy import ndimage  # imported only when needed, because it takes half a second

    return np.asarray(ndimage.gaussian_filter(luma, sigma, truncate=3))
