"""Measure the levels of each frame, and find black, frozen and jumping frames of a clip.

All values are 10-bit legal-range code values, whatever the format of the frame. They equal those
of FFmpeg's signalstats filter, and take a fraction of its time.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from fractions import Fraction
from itertools import chain
from typing import Self

import numpy as np
from numpy.typing import NDArray

from workbench.measure.code_values import BLACK, NEUTRAL, WHITE, ten_bit_equivalents
from workbench.measure.gamut import outside_r103
from workbench.measure.motion import DRIFT, NO_MOVEMENT, Movement
from workbench.media.frames import Frame, Plane

NEARLY_BLACK = 0.1
"""Upper limit of nearly black pixels, as a share of legal range above black (FFmpeg's blackdetect).
"""
BLACK_LIMIT = BLACK + round(NEARLY_BLACK * (WHITE - BLACK))
"""The same limit as a 10-bit code value of luma, for a look that does not lift black."""

_REPEAT = 0.1  # code values: a repeated frame changes by 0, and a slow candle by 0.3
_STILL = 0.25  # code values: most frames of a still change less; x264 changes them by up to 0.13
_SHORTEST = 0.25  # seconds: in a shorter range, an encoder's changes look like movement
_HELD = 1.5  # times the usual duration of a frame: a longer frame is held
_SAMPLING = (8, 4)  # rows, columns: one pixel of these is counted to guess a percentile
_ROWS = 128  # processed at once
_SLOWEST = 1  # seconds: the longest duration that can count as usual


@dataclass(frozen=True, slots=True)
class Levels:
    """One frame's levels."""

    lowest: float  # luma
    low: float  # luma, 10th percentile
    mean: float  # luma
    high: float  # luma, 90th percentile
    highest: float  # luma
    saturation: float  # mean distance of Cb and Cr from neutral
    black: float  # share of pixels that are nearly black, 0 to 1
    outside_r103: float  # share of pixels, 0 to 1
    change: float  # see motion.Movement
    drift: float  # see motion.Movement


def levels(
    frame: Frame, movement: Movement = NO_MOVEMENT, black_limit: int = BLACK_LIMIT
) -> Levels:
    """Measure the levels of one frame.

    `movement` is the result of motion.Motion for the frame. `black_limit` is the highest 10-bit
    luma of nearly black pixels. Raises UnsupportedClip for a matrix without a formula.
    """
    luma = frame.luma
    values, chroma = ten_bit_equivalents(frame.bit_depth, full=frame.colour.range == "full")
    high_step, wide_step = _SAMPLING
    sample = np.bincount(luma[::high_step, ::wide_step].ravel()).cumsum()
    low, high = (
        _quantile(luma, share, guess=int(sample.searchsorted(share * sample[-1])))
        for share in (0.1, 0.9)
    )
    mean = _sum(luma, frame.bit_depth) / luma.size
    black_code = int(values.searchsorted(black_limit, side="right")) - 1
    return Levels(
        lowest=float(values[luma.min()]),
        low=float(values[low]),
        mean=float(values[0] + (values[1] - values[0]) * mean),
        high=float(values[high]),
        highest=float(values[luma.max()]),
        saturation=_saturation(frame, chroma.astype(np.float32)),
        black=np.count_nonzero(luma <= black_code) / luma.size,
        outside_r103=outside_r103(frame),
        change=movement.change,
        drift=movement.drift,
    )


def _sum(luma: Plane, bit_depth: int) -> int:
    """Return the sum of all pixels. Sums of eight rows at a time are three times as fast."""
    whole = luma.shape[0] // 8 * 8
    dtype = np.uint16 if bit_depth <= 13 else np.uint32  # holds the sum of eight pixels
    bands = luma[:whole].reshape(-1, 8, luma.shape[1]).sum(axis=1, dtype=dtype)
    return int(bands.sum(dtype=np.int64)) + int(luma[whole:].sum(dtype=np.int64))


def _quantile(luma: Plane, share: float, guess: int) -> int:
    """Return the lowest code value that this share of the pixels does not exceed.

    The result is exact for any guess. A close guess takes half the time of a histogram.
    """
    wanted = max(1, round(share * luma.size))

    def reached(code: int) -> bool:
        return bool(np.count_nonzero(luma <= code) >= wanted)

    below, enough, step = guess - 1, guess, 1
    while not reached(enough):
        below, enough, step = enough, enough + step, 2 * step
    while reached(below):
        below, enough, step = below - step, below, 2 * step
    between = range(below + 1, enough)
    return below + 1 + bisect_left(between, True, key=reached)


def _saturation(frame: Frame, values: NDArray[np.float32]) -> float:
    """Return the mean distance of chroma from neutral, in 10-bit code values.

    `values` maps each code value of chroma to its 10-bit equivalent.
    """
    legal = frame.bit_depth == 10 and frame.colour.range != "full"
    total = 0.0
    for top in range(0, frame.cb.shape[0], _ROWS):  # small blocks stay in the processor's cache
        blue, red = (
            part.astype(np.float32) if legal else values.take(part)  # the first is much faster
            for part in (plane[top : top + _ROWS] for plane in (frame.cb, frame.cr))
        )
        for plane in (blue, red):  # in place: allocating arrays takes longer than the sums
            plane -= NEUTRAL
            plane *= plane
        blue += red
        total += float(np.sqrt(blue, out=blue).sum())
    return total / frame.cb.size


@dataclass(frozen=True)
class FrameRange:
    """Consecutive frames, from `start` up to but not including `end`."""

    start: int
    end: int


@dataclass(frozen=True, eq=False)
class LevelsTimeline:
    """The levels of all frames of a clip: arrays of shape (frames,); see Levels."""

    lowest: NDArray[np.float64]
    low: NDArray[np.float64]
    mean: NDArray[np.float64]
    high: NDArray[np.float64]
    highest: NDArray[np.float64]
    saturation: NDArray[np.float64]
    black: NDArray[np.float64]
    outside_r103: NDArray[np.float64]
    change: NDArray[np.float64]
    drift: NDArray[np.float64]

    @classmethod
    def of(cls, frames: Iterable[Levels]) -> Self:
        return cls.of_values(array("d", chain.from_iterable(map(astuple, frames))))

    @classmethod
    def of_values(cls, values: "array[float]") -> Self:
        """Return the timeline of all frames' levels, one after another, as astuple orders them.

        An array of them takes a fifth of the memory of the Levels.
        """
        names = [field.name for field in fields(Levels)]
        rows = np.array(values).reshape(-1, len(names))
        return cls(**dict(zip(names, rows.T, strict=True)))

    def black_ranges(self) -> list[FrameRange]:
        """Return the ranges of black frames: at least 98 % of their pixels are nearly black."""
        return list(frame_ranges(self.black >= 0.98))

    def frozen_ranges(self, bounds: Sequence[Fraction]) -> list[FrameRange]:
        """Return the ranges in which the picture stays the same for longer than a usual frame.

        `bounds` are the start times of all frames and the end of the last, in seconds: one more
        than there are frames. Three cases count as frozen:

        - a held frame: it lasts 1.5 times as long as the median frame, or over 1.5 s;
        - repeated frames: each changes by less than 0.1 from the one before;
        - a still of 0.25 s or more with an encoder's noise: no frame drifts by DRIFT from the
          first one, and most frames change by less than 0.25. An encoder leaves most frames of a
          still unchanged and corrects it now and then. Movement and flicker change every frame.

        Limits: a pan of sharp detail by 0.02 pixels per frame and a fade by 0.1 of 255 per frame
        are still detected as movement, but slower ones are not. Neither are a glow of 1 of 255 over
        a quarter of the picture, and an object that changes no cell by 25 code values. A
        still coded much worse than x264's crf 28 may be split at its keyframes.
        """
        seconds = np.array([float(bound) for bound in bounds])
        usual = min(float(np.median(np.diff(seconds))), _SLOWEST)
        starts = [0, *(np.flatnonzero(self.drift[1:] >= DRIFT) + 1).tolist()]
        ends = [*starts[1:], len(self.drift)]
        found: list[FrameRange] = []
        for start, end in zip(starts, ends, strict=True):
            changes = self.change[start + 1 : end]
            still = 2 * np.count_nonzero(changes < _STILL) > changes.size
            if still and seconds[end] - seconds[start] >= _SHORTEST:
                found.append(FrameRange(start, end))
            else:
                parts = [start, *(np.flatnonzero(changes >= _REPEAT) + start + 1).tolist(), end]
                found += map(FrameRange, parts, parts[1:])
        return [one for one in found if seconds[one.end] - seconds[one.start] > _HELD * usual]

    def largest_jump(self) -> tuple[int, float] | None:
        """Return the frame with the largest change of mean luma, and that change.

        The change is from the frame before, in 10-bit code values. None for a single frame.
        """
        steps = np.abs(np.diff(self.mean))
        return (int(steps.argmax()) + 1, float(steps.max())) if steps.size else None


def frame_ranges(marked: NDArray[np.bool_]) -> Iterator[FrameRange]:
    """Yield each range of consecutive frames that are marked, from an array (frames,)."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], marked, [False]))))
    return (FrameRange(int(start), int(end)) for start, end in edges.reshape(-1, 2))
