"""Levels: how dark, bright and colourful each frame of a clip is, and what stands out over time.

All figures are 10-bit legal-range code values, whatever the frame is in. They are those of
FFmpeg's signalstats, at a fraction of its cost.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from fractions import Fraction
from typing import Self

import numpy as np
from numpy.typing import NDArray

from workbench.measure.code_values import BLACK, NEUTRAL, WHITE, ten_bit_equivalents
from workbench.measure.gamut import outside_r103
from workbench.measure.motion import DRIFT, NO_MOVEMENT, Movement
from workbench.media.frames import Frame, Plane

NEARLY_BLACK = 0.1
"""Share of legal range above black up to which a pixel is nearly black, as in FFmpeg's blackdetect.
"""
BLACK_LIMIT = BLACK + round(NEARLY_BLACK * (WHITE - BLACK))
"""The 10-bit code value of luma up to which a pixel is nearly black, where no look lifts black."""

_REPEAT = 0.1  # code values of change: a repeated frame is exact; a slow candle moves by 0.3
_STILL = 0.25  # code values of change of most frames in a still; x264 changes them by up to 0.13
_SHORTEST = 0.25  # seconds: in a shorter stretch, what an encoder changes looks like movement
_HELD = 1.5  # times as long as a frame usually lasts: a frame that is held
_EACH = 8  # pixels: of so many one is counted, to guess where a share of all pixels lies
_ROWS = 128  # at once
_SLOWEST = 1  # seconds: a frame that lasts longer is held, even where every frame does


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
    outside_r103: float  # share of pixels, 0 to 1
    change: float  # see motion.Movement
    drift: float  # likewise


def levels(
    frame: Frame, movement: Movement = NO_MOVEMENT, black_limit: int = BLACK_LIMIT
) -> Levels:
    """Measure one frame.

    `movement` is what motion.Motion gives for it. `black_limit` is the 10-bit code value of luma up
    to which a pixel is nearly black. Raises UnsupportedClip for a matrix without a formula.
    """
    luma = frame.luma
    values, chroma = ten_bit_equivalents(frame.bit_depth, full=frame.colour.range == "full")
    sample = np.bincount(luma.ravel()[::_EACH]).cumsum()
    low, high = (
        _not_exceeded(luma, share, guess=int(sample.searchsorted(share * sample[-1])))
        for share in (0.1, 0.9)
    )
    mean = float(luma.sum(axis=1, dtype=np.uint32).sum()) / luma.size
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


def _not_exceeded(luma: Plane, share: float, guess: int) -> int:
    """Return the lowest code value that this share of the pixels do not exceed.

    Exact, whatever the guess. With a near one it costs half of what a histogram does.
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
    """Return the mean distance from neutral; `values` are the equivalents of chroma's codes."""
    legal = frame.bit_depth == 10 and frame.colour.range != "full"
    total = 0.0
    for top in range(0, frame.cb.shape[0], _ROWS):  # memory that is small is used again
        blue, red = (
            part.astype(np.float32) if legal else values.take(part)  # the first is much faster
            for part in (plane[top : top + _ROWS] for plane in (frame.cb, frame.cr))
        )
        for plane in (blue, red):  # in place: new arrays cost more than the sums
            plane -= NEUTRAL
            plane *= plane
        blue += red
        total += float(np.sqrt(blue, out=blue).sum())
    return total / frame.cb.size


@dataclass(frozen=True)
class FrameRange:
    """Frames in a row, `end` not included."""

    start: int
    end: int


@dataclass(frozen=True, eq=False)
class LevelsTimeline:
    """The levels of every frame of a clip: one value a frame in each, float64; see Levels."""

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
        names = [field.name for field in fields(Levels)]
        rows = np.fromiter((astuple(one) for one in frames), np.dtype((np.float64, len(names))))
        return cls(**dict(zip(names, rows.T, strict=True)))

    def black_stretches(self) -> list[FrameRange]:
        """Return where one frame or more in a row are black: 98 % of their pixels nearly are."""
        return list(_stretches(self.black >= 0.98))

    def frozen_stretches(self, bounds: Sequence[Fraction]) -> list[FrameRange]:
        """Return where the picture stays the same for longer than a frame usually lasts.

        `bounds` are the times in seconds at which the frames begin, and the end of the last: one
        more than there are frames. Three things count:

        - a frame that is held: it lasts 1.5 times as long as the median frame, or over 1.5 s;
        - frames that repeat the one before: each changes by less than 0.1;
        - a still of 0.25 s or more, with the noise that an encoder adds: no frame drifts by DRIFT
          from the first one, and most of them change by less than 0.25. An encoder leaves most
          frames of a still alone and corrects it now and then; whatever moves or flickers changes
          every frame.

        Limits: sharp detail that pans by 0.02 pixels a frame and a fade by 0.1 of 255 a frame are
        still seen as movement. Slower ones are not, nor is a glow of 1 of 255 over a quarter of the
        picture, nor an object whose passing changes no cell by 25 code values. A still that is
        coded much worse than x264's crf 28 may fall apart into shorter stretches at its keyframes.
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
        """Return the frame whose mean luma is furthest from the one before, and how far it is.

        None for a single frame.
        """
        steps = np.abs(np.diff(self.mean))
        return (int(steps.argmax()) + 1, float(steps.max())) if steps.size else None


def _stretches(marked: NDArray[np.bool_]) -> Iterator[FrameRange]:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], marked, [False]))))
    return (FrameRange(int(start), int(end)) for start, end in edges.reshape(-1, 2))
