"""Fit an unknown look to a whole clip: a smooth mapping from source to delivered block means.

A look maps each tone to one tone, the same in every frame. So one mapping is fitted over all
frames of a clip, and each frame is compared with it. A frame that is black, negated, or brighter or
darker than the look makes it then stands out. A fit to that frame alone would hide the fault.

No frame is kept: the fit and its residuals follow from the moments of each frame.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from workbench.measure.frame_match import FLAT, BlockMeans
from workbench.measure.levels import frame_ranges

Moments = NDArray[np.float64]
"""The contribution of one frame to the fit: means over its blocks of products of terms, (63,)."""

_TERMS = 8  # 1, y, u, v, y*y, y*y*y, y*u, y*v
_UPPER = np.triu_indices(_TERMS)
_HALF = 512.0  # 10-bit code values: the scale of the terms
_PRIOR = 1e-5  # weight of the identity, in frames; it decides where the clip has no data
_ROUNDS = 8  # of the fit; each one lowers the weight of frames that fit badly
_MIN_CHROMA = 2.0  # 10-bit code values, standard deviation: less chroma has no correlation


@dataclass(frozen=True, eq=False)
class LookFit:
    """The fitted look of a clip, and the error of each frame from it, in 10-bit code values."""

    mean_error: NDArray[np.float64]  # (frames, 3): mean over blocks, of luma, Cb and Cr
    rms_error: NDArray[np.float64]  # (frames, 3): RMS over blocks
    textured: NDArray[np.bool_]  # (frames,): not flat in the source; all True if all are flat
    usual_error: NDArray[np.float64]  # (3,): median of `rms_error` over the textured frames
    contrast: float
    """Delivered luma contrast over source luma contrast, in the textured frames.

    The lower of two: the slope at their mean luma, and the ratio of the standard deviations.
    """
    chroma: tuple[float | None, float | None]
    """Correlation of delivered and source Cb, and Cr, -1 to 1; None with too little chroma."""


def moments(source: BlockMeans, delivered: BlockMeans) -> Moments:
    """Return the moments of a frame from its block means, each (3, blocks) in 10-bit codes."""
    y, u, v = source.astype(np.float64) / _HALF - 1
    squared = y * y
    terms = np.stack([np.ones_like(y), y, u, v, squared, squared * y, y * u, y * v])
    found = delivered.astype(np.float64) / _HALF - 1
    parts = (terms @ terms.T)[_UPPER], (terms @ found.T).ravel(), np.square(found).sum(axis=1)
    return np.asarray(np.concatenate(parts) / y.size, np.float64)


def fit_look(frames: Iterable[Moments]) -> LookFit:
    """Fit one look to a clip of at least one frame.

    The fit is robust against a minority of wrong frames: in each round, a frame that fits worse
    than usual gets less weight. A frame with tones that no other frame has, such as a flash, also
    fits badly, although its look is the same. So each range of badly fitting frames gets a second
    fit, in which it has as much weight as all the others. Only a range that contradicts the others
    still fits badly.
    """
    clip = _ClipMoments.of(np.array(list(frames)))
    weights = np.ones(len(clip.terms))
    for _ in range(_ROUNDS):
        mapping = clip.solve(weights)
        rms_error = clip.rms_error(mapping)
        distance = rms_error.max(axis=1)
        usual = 2 * float(np.median(distance)) + 0.5
        weights = 1 / (1 + (distance / usual) ** 4)
    mean_error = clip.mean_error(mapping)
    for bad in frame_ranges(distance > usual):
        frames_in_range = slice(bad.start, bad.end)
        inside = np.zeros(len(weights), np.bool_)
        inside[frames_in_range] = True
        others = weights * ~inside
        if not others.any():
            continue
        equal_weights = others / others.sum() + inside / inside.sum()
        both = clip.solve(equal_weights)
        # The fit is halfway between the two sides, so each side has half of the mean error.
        mean_error[frames_in_range] = 2 * clip.mean_error(both)[frames_in_range]
        rms_error[frames_in_range] = clip.rms_error(both)[frames_in_range]
    textured = clip.textured if clip.textured.any() else np.ones_like(clip.textured)
    return LookFit(
        mean_error=mean_error,
        rms_error=rms_error,
        textured=textured,
        usual_error=np.median(rms_error[textured], axis=0),
        contrast=clip.contrast(mapping, textured),
        chroma=(clip.correlation(2, 1), clip.correlation(3, 2)),
    )


@dataclass(frozen=True, eq=False)
class _ClipMoments:
    """The moments of every frame, as matrices."""

    terms: NDArray[np.float64]  # (frames, 8, 8)
    products: NDArray[np.float64]  # (frames, 8, 3): of the terms with delivered luma, Cb, Cr
    squares: NDArray[np.float64]  # (frames, 3): of delivered luma, Cb, Cr

    @classmethod
    def of(cls, rows: NDArray[np.float64]) -> Self:
        """Build the matrices from one row of `moments` for each frame."""
        pairs = len(_UPPER[0])
        terms = np.empty((len(rows), _TERMS, _TERMS))
        terms[:, _UPPER[0], _UPPER[1]] = terms[:, _UPPER[1], _UPPER[0]] = rows[:, :pairs]
        return cls(terms, rows[:, pairs:-3].reshape(-1, _TERMS, 3), rows[:, -3:])

    @property
    def textured(self) -> NDArray[np.bool_]:
        """Which frames are not flat in the source; a flat frame has no error under any look."""
        variance = self.terms[:, 1, 1] - self.terms[:, 0, 1] ** 2
        return np.asarray(variance > (FLAT / _HALF) ** 2, np.bool_)

    def solve(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the least-squares coefficients of the mapping: (8, 3)."""
        identity = np.zeros((_TERMS, 3))
        identity[1, 0] = identity[2, 1] = identity[3, 2] = 1
        prior = _PRIOR * weights.sum()
        left = np.tensordot(weights, self.terms, 1) + prior * np.eye(_TERMS)
        right = np.tensordot(weights, self.products, 1) + prior * identity
        return np.asarray(np.linalg.solve(left, right), np.float64)

    def mean_error(self, mapping: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(_HALF * (self.products[:, 0] - self.terms[:, 0] @ mapping), np.float64)

    def rms_error(self, mapping: NDArray[np.float64]) -> NDArray[np.float64]:
        energy = self.squares - 2 * (self.products * mapping).sum(axis=1)
        energy += ((self.terms @ mapping) * mapping).sum(axis=1)
        return np.asarray(_HALF * np.sqrt(np.maximum(energy, 0)), np.float64)

    def contrast(self, mapping: NDArray[np.float64], frames: NDArray[np.bool_]) -> float:
        y = self.terms[frames, 0, 1]
        slope = mapping[1, 0] + 2 * y.mean() * mapping[4, 0] + 3 * y.mean() ** 2 * mapping[5, 0]
        before = (self.terms[frames, 1, 1] - y**2).mean()
        after = (self.squares[frames, 0] - self.products[frames, 0, 0] ** 2).mean()
        ratio = np.sqrt(max(0.0, after) / before) if before > 0 else 1.0
        return float(min(abs(slope), ratio))

    def correlation(self, term: int, plane: int) -> float | None:
        """Return the correlation of a source term with a delivered plane over the clip."""
        terms, products = self.terms.mean(axis=0), self.products.mean(axis=0)
        before = terms[term, term] - terms[0, term] ** 2
        after = self.squares.mean(axis=0)[plane] - products[0, plane] ** 2
        if _HALF * np.sqrt(max(0.0, min(before, after))) < _MIN_CHROMA:
            return None
        both = products[term, plane] - terms[0, term] * products[0, plane]
        return float(both / np.sqrt(before * after))
