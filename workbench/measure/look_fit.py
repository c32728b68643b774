"""Mapping: how the delivered block means follow from the source's, over a whole clip.

A look maps each tone to one tone, whatever frame it is in. One smooth mapping is fitted over all
frames of a clip, and each frame is held against it. A frame that is black, negated, brighter or
darker than the look makes it then stands out, which a fit of that frame alone would hide.

No frame is kept: each leaves the sums from which the fit and its residuals follow.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from workbench.measure.frame_match import FLAT, BlockMeans

Moments = NDArray[np.float64]
"""What one frame contributes to the fit, means over its blocks: (63,)."""

_TERMS = 8  # 1, y, u, v, y*y, y*y*y, y*u, y*v
_UPPER = np.triu_indices(_TERMS)
_HALF = 512.0  # 10-bit code values: what the terms are scaled by
_PRIOR = 1e-5  # weight of the identity where the clip itself does not tell, in frames
_ROUNDS = 8  # of the fit; each gives frames that fit badly less weight
_COLOURFUL = 2.0  # 10-bit code values of deviation: less chroma than this shows no direction


@dataclass(frozen=True, eq=False)
class LookFit:
    """The mapping of a clip, and how far each frame is from it; float64."""

    mean_error: NDArray[np.float64]  # (frames, 3): mean of the blocks' luma, Cb, Cr, 10-bit codes
    rms_error: NDArray[np.float64]  # (frames, 3): RMS of the same
    textured: NDArray[np.bool_]  # (frames,): not flat in the source; all of them if all are flat
    usual_error: NDArray[np.float64]  # (3,): `apart` of the median telling frame
    contrast: float
    """Delivered luma contrast over the source's, in the telling frames.

    The lower one of two: the slope at their mean luma, and the ratio of the deviations of blocks.
    """
    chroma: tuple[float | None, float | None]
    """Correlation of Cb and of Cr with the source's own, -1 to 1; None with too little chroma."""


def moments(source: BlockMeans, delivered: BlockMeans) -> Moments:
    """Sum up a frame's block means, each (3, blocks) in 10-bit code values."""
    y, u, v = source.astype(np.float64) / _HALF - 1
    squared = y * y
    terms = np.stack([np.ones_like(y), y, u, v, squared, squared * y, y * u, y * v])
    found = delivered.astype(np.float64) / _HALF - 1
    parts = (terms @ terms.T)[_UPPER], (terms @ found.T).ravel(), np.square(found).sum(axis=1)
    return np.asarray(np.concatenate(parts) / y.size, np.float64)


def fit_look(frames: Iterable[Moments]) -> LookFit:
    """Fit one mapping over a clip of at least one frame.

    A minority of wrong frames has little say in it: in each round, a frame that fits worse than
    usual gets less weight. A frame whose tones the others do not have, such as a flash, fits badly
    as well, although the look is the same. So each stretch that fits badly is held against a
    mapping in which it has as much weight as all the others: what contradicts them stays apart.
    """
    parts = _Parts.of(np.array(list(frames)))
    weights = np.ones(len(parts.terms))
    for _ in range(_ROUNDS):
        mapping = parts.solved(weights)
        apart = parts.apart(mapping)
        distance = apart.max(axis=1)
        usual = 2 * float(np.median(distance)) + 0.5
        weights = 1 / (1 + (distance / usual) ** 4)
    shift = parts.shift(mapping)
    for start, end in _stretches(distance > usual):
        inside = np.zeros(len(weights), np.bool_)
        inside[start:end] = True
        others = weights * ~inside
        if not others.any():
            continue
        even = others / others.sum() + inside / inside.sum()
        both = parts.solved(even)
        shift[start:end] = 2 * parts.shift(both)[start:end]  # each side keeps half of it
        apart[start:end] = parts.apart(both)[start:end]
    telling = parts.textured if parts.textured.any() else np.ones_like(parts.textured)
    return LookFit(
        mean_error=shift,
        rms_error=apart,
        textured=telling,
        usual_error=np.median(apart[telling], axis=0),
        contrast=parts.contrast(mapping, telling),
        chroma=(parts.correlation(2, 1), parts.correlation(3, 2)),
    )


def _stretches(marked: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], marked, [False]))))
    yield from ((int(start), int(end)) for start, end in edges.reshape(-1, 2))


@dataclass(frozen=True, eq=False)
class _Parts:
    """The sums of every frame, apart."""

    terms: NDArray[np.float64]  # (frames, 8, 8)
    products: NDArray[np.float64]  # (frames, 8, 3): of the terms with delivered luma, Cb, Cr
    squares: NDArray[np.float64]  # (frames, 3): of delivered luma, Cb, Cr

    @classmethod
    def of(cls, rows: NDArray[np.float64]) -> Self:
        """Take rows of `sums` apart."""
        pairs = len(_UPPER[0])
        terms = np.empty((len(rows), _TERMS, _TERMS))
        terms[:, _UPPER[0], _UPPER[1]] = terms[:, _UPPER[1], _UPPER[0]] = rows[:, :pairs]
        return cls(terms, rows[:, pairs:-3].reshape(-1, _TERMS, 3), rows[:, -3:])

    @property
    def textured(self) -> NDArray[np.bool_]:
        """Which frames are not flat in the source: a flat one leaves nothing under any look."""
        variance = self.terms[:, 1, 1] - self.terms[:, 0, 1] ** 2
        return np.asarray(variance > (FLAT / _HALF) ** 2, np.bool_)

    def solved(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the coefficients that fit best: (8, 3)."""
        identity = np.zeros((_TERMS, 3))
        identity[1, 0] = identity[2, 1] = identity[3, 2] = 1
        prior = _PRIOR * weights.sum()
        left = np.tensordot(weights, self.terms, 1) + prior * np.eye(_TERMS)
        right = np.tensordot(weights, self.products, 1) + prior * identity
        return np.asarray(np.linalg.solve(left, right), np.float64)

    def shift(self, mapping: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(_HALF * (self.products[:, 0] - self.terms[:, 0] @ mapping), np.float64)

    def apart(self, mapping: NDArray[np.float64]) -> NDArray[np.float64]:
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
        """Return the correlation of a term with a delivered plane over the clip."""
        terms, products = self.terms.mean(axis=0), self.products.mean(axis=0)
        before = terms[term, term] - terms[0, term] ** 2
        after = self.squares.mean(axis=0)[plane] - products[0, plane] ** 2
        if _HALF * np.sqrt(max(0.0, min(before, after))) < _COLOURFUL:
            return None
        both = products[term, plane] - terms[0, term] * products[0, plane]
        return float(both / np.sqrt(before * after))
