"""Levels: how dark, bright and colourful each frame of a clip is, and what stands out over time.

All figures are 10-bit legal-range code values, whatever the frame is in. They are those of
FFmpeg's signalstats, at a fraction of its cost.
"""

from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

from workbench.frames import Frame
from workbench.measure.codes import BLACK, NEUTRAL, WHITE, ten_bit

_BLACK_PIXEL = BLACK + round(0.1 * (WHITE - BLACK))  # and below, as FFmpeg's blackdetect has it
_FROZEN = 0.1  # code values: generators repeat a frame exactly; a slow candle moves by 0.2


@dataclass(frozen=True)
class Levels:
    """One frame's levels."""

    lowest: float  # luma
    low: float  # luma that a tenth of the pixels do not exceed
    mean: float  # luma
    high: float  # luma that nine tenths of the pixels do not exceed
    highest: float  # luma
    saturation: float  # mean distance of Cb and Cr from neutral
    black: float  # share of pixels that are nearly black, 0 to 1
    change: float  # RMS of blocks of 16 by 16 pixels from the frame before; 0 in the first


def levels(frame: Frame, change: float = 0.0) -> Levels:
    """Measure one frame; `change` is what match.movement gives against the one before."""
    luma, cb, cr = ten_bit(frame)
    counts = np.bincount(luma.ravel(), minlength=1024)
    reached = counts.cumsum()
    present = counts.nonzero()[0]
    return Levels(
        lowest=float(present[0]),
        low=float(reached.searchsorted(round(luma.size * 0.1))),
        mean=float(counts @ np.arange(counts.size)) / luma.size,
        high=float(reached.searchsorted(round(luma.size * 0.9))),
        highest=float(present[-1]),
        saturation=_saturation(cb, cr),
        black=float(reached[_BLACK_PIXEL]) / luma.size,
        change=change,
    )


def _saturation(cb: NDArray[np.int16], cr: NDArray[np.int16]) -> float:
    blue, red = (plane.astype(np.float32) for plane in (cb, cr))
    for plane in (blue, red):  # in place: new arrays of this size cost more than the sums
        plane -= NEUTRAL
        plane *= plane
    blue += red
    return float(np.sqrt(blue, out=blue).mean(dtype=np.float64))


@dataclass(frozen=True)
class Stretch:
    """Frames in a row, `end` not included."""

    start: int
    end: int


@dataclass(frozen=True, eq=False)
class LevelsTimeline:
    """The levels of every frame of a clip: one value a frame in each, float32; see Levels."""

    lowest: NDArray[np.float32]
    low: NDArray[np.float32]
    mean: NDArray[np.float32]
    high: NDArray[np.float32]
    highest: NDArray[np.float32]
    saturation: NDArray[np.float32]
    black: NDArray[np.float32]
    change: NDArray[np.float32]

    @classmethod
    def of(cls, frames: Iterable[Levels]) -> Self:
        names = [field.name for field in fields(Levels)]
        rows = np.fromiter((astuple(one) for one in frames), np.dtype((np.float32, len(names))))
        return cls(**dict(zip(names, rows.T, strict=True)))

    def black_stretches(self, least: int) -> list[Stretch]:
        """Return where at least `least` frames in a row are black: 98 % of their pixels are."""
        return _stretches(self.black >= 0.98, least)

    def frozen_stretches(self, least: int) -> list[Stretch]:
        """Return where at least `least` frames in a row are the same, the first included."""
        still = self.change < _FROZEN
        still[:1] = False
        return [Stretch(stretch.start - 1, stretch.end) for stretch in _stretches(still, least - 1)]

    def largest_jump(self) -> tuple[int, float] | None:
        """Return the frame whose mean luma is furthest from the one before, and how far it is.

        None for a single frame.
        """
        steps = np.abs(np.diff(self.mean))
        return (int(steps.argmax()) + 1, float(steps.max())) if steps.size else None


def _stretches(marked: NDArray[np.bool_], least: int) -> list[Stretch]:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], marked, [False]))))
    found = (Stretch(int(start), int(end)) for start, end in edges.reshape(-1, 2))
    return [stretch for stretch in found if stretch.end - stretch.start >= max(1, least)]
