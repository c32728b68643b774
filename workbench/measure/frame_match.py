"""Match delivered frames with source frames: each is undamaged and in its place.

The look between the two may be unknown. Both frames are averaged in blocks of 16x16 pixels, and a
smooth curve from source to delivered block means removes the look. The residual is small where the
pictures are the same, larger where a neighbouring frame fits better, and very large in a damaged
block.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, replace

import numpy as np
from numpy.polynomial.polynomial import polyvander
from numpy.typing import NDArray

from workbench.media.frames import Frame, Plane
from workbench.media.picture_format import PRORES_422, PictureFormat

BLOCK = 16
"""Pixels on a side: the size of a ProRes macroblock."""

BlockMeans = NDArray[np.float32]
"""A frame's block means of luma, Cb and Cr in 10-bit code values: (3, blocks)."""

_DEGREE = 4  # of the polynomial: enough for eq's straight line and the shoulder of a log curve
_SIGNIFICANT = 1.5  # times the residual of the best neighbour: not by chance
FLAT = 2.0
"""10-bit code values, standard deviation: a flatter picture matches any other picture."""

_MARGIN = 0.15  # code values: closer frames cannot be distinguished


def block_means(frame: Frame) -> BlockMeans:
    """Average each block of a frame, chroma over the same part of the picture as luma.

    Every pixel is in a block: if the size is not a multiple of 16, the last row or column of
    blocks overlaps the one before it. In a smaller picture, a block has the size of the picture.
    """
    found = np.empty((3, block_count(frame.width, frame.height)), np.float32)
    for plane, means in zip((frame.luma, frame.cb, frame.cr), found, strict=True):
        steps = (1, 1) if plane is frame.luma else frame.chroma_step
        high, wide = (
            min(BLOCK // step, size) for step, size in zip(steps, plane.shape, strict=True)
        )
        # The sum of 16 values of 12 bits fits into 16 bits.
        dtype = np.uint16 if frame.bit_depth <= 12 else np.uint32
        sums = _block_sums(plane, high, wide, dtype)
        np.multiply(sums.ravel(), 2.0 ** (10 - frame.bit_depth) / (high * wide), out=means)
    return found


def block_count(width: int, height: int) -> int:
    """Return the number of blocks of a picture of this size.

    >>> block_count(1920, 1080)
    8160
    """
    return -(-height // BLOCK) * -(-width // BLOCK)


def _block_sums(
    plane: Plane, high: int, wide: int, dtype: type[np.uint16 | np.uint32]
) -> NDArray[np.float32]:
    """Sum each block of a plane; the last ones overlap if the size is not a multiple."""
    rows, columns = (size // step for size, step in zip(plane.shape, (high, wide), strict=True))
    bands = plane[: rows * high].reshape(rows, high, -1).sum(axis=1, dtype=dtype)
    if plane.shape[0] % high:
        bands = np.concatenate([bands, plane[-high:].sum(axis=0, dtype=dtype)[None]])
    ones = np.ones(wide, np.float32)  # a matrix product is the fastest sum
    sums: NDArray[np.float32] = bands[:, : columns * wide].reshape(-1, wide) @ ones
    sums = sums.reshape(-1, columns)
    if plane.shape[1] % wide:
        sums = np.concatenate([sums, (bands[:, -wide:] @ ones)[:, None]], axis=1)
    return sums


@dataclass(frozen=True)
class Difference:
    """The difference of a delivered frame from the rendered look, in 10-bit code values.

    Each value is that of the plane that differs most.
    """

    rms: float
    mean: float  # absolute
    block: float  # absolute difference of the means of the worst block
    sample: float  # absolute difference of the worst sample

    def is_coding_error(self, target: PictureFormat = PRORES_422) -> bool:
        """Return whether the difference is small enough to be the format's coding error."""
        pairs = zip(astuple(self), target.coding_error, strict=True)
        return all(value <= limit for value, limit in pairs)


def frame_difference(
    expected: Frame, delivered: Frame, target: PictureFormat = PRORES_422
) -> Difference:
    """Compare two 10-bit frames of one size and format, sample by sample.

    Expected code values that the format cannot store count as the nearest that it can. The means
    over a plane smaller than a block divide by the size of a block, because the error of a few
    samples is not typical.
    """
    names = ("luma", "cb", "cr")
    storable = {name: getattr(expected, name).clip(*target.code_values) for name in names}
    held = replace(expected, **storable)
    rms = mean = sample = 0.0
    for name in names:
        off = getattr(delivered, name).astype(np.int32) - getattr(held, name)
        size = max(off.size, BLOCK * BLOCK)
        rms = max(rms, float(np.sqrt(np.square(off).sum(dtype=np.float64) / size)))
        mean = max(mean, abs(float(off.sum(dtype=np.float64))) / size)
        sample = max(sample, float(np.abs(off).max()))
    blocks = np.abs(block_means(delivered) - block_means(held))
    return Difference(rms, mean, float(blocks.max()), sample)


@dataclass(frozen=True, slots=True)
class FrameMatch:
    """The match of one delivered frame with the source."""

    rms_residual: float  # of luma, in 10-bit code values
    max_residual: float  # of any block, in luma, Cb or Cr
    correlation: float | None  # of source and delivered luma, -1 to 1; None for a flat source
    offset: int  # 0 in its place; -1 or 1 where that neighbour fits significantly better


def match_frames(pairs: Iterable[tuple[BlockMeans, BlockMeans]]) -> Iterator[FrameMatch]:
    """Yield the match of each delivered frame, from (source, delivered) block means in order.

    Only three frames are kept at a time.
    """
    sources: deque[_Source | None] = deque([None], maxlen=3)
    delivered: BlockMeans | None = None
    for source, next_delivered in pairs:
        sources.append(_Source(source))
        if delivered is not None:
            yield _match(sources, delivered)
        delivered = next_delivered
    if delivered is not None:
        sources.append(None)
        yield _match(sources, delivered)


def _match(sources: Iterable["_Source | None"], delivered: BlockMeans) -> FrameMatch:
    # Luma is enough to compare with the neighbours, but damage may be in chroma alone.
    before, here, after = sources
    assert here is not None
    residuals = here.residuals(delivered)
    errors = {0: _rms(residuals[0])}
    for offset, source in ((-1, before), (1, after)):
        if source is not None:
            errors[offset] = source.luma.rms_residual(delivered[0])
    nearest = min(errors, key=lambda offset: errors[offset])
    is_significant = errors[0] > _SIGNIFICANT * errors[nearest] + _MARGIN
    return FrameMatch(
        rms_residual=errors[0],
        max_residual=float(np.abs(residuals).max()),
        correlation=_correlation(here.means[0], delivered[0]),
        offset=nearest if is_significant else 0,
    )


class _Source:
    """The block means of a source frame, and the terms of its luma, which three fits use."""

    def __init__(self, means: BlockMeans) -> None:
        self.means = means
        self.luma = _Terms(means[0])

    def residuals(self, delivered: BlockMeans) -> NDArray[np.float64]:
        """Return the residuals of luma, Cb and Cr: (3, blocks)."""
        planes = (self.luma, _Terms(self.means[1]), _Terms(self.means[2]))
        return np.stack(
            [one.residuals(means) for one, means in zip(planes, delivered, strict=True)]
        )


class _Terms:
    """The terms of a polynomial in the block means of one source plane."""

    def __init__(self, source: NDArray[np.float32]) -> None:
        self._powers = polyvander(source.astype(np.float64) / 512 - 1, _DEGREE)
        # The normal equations are much faster than a QR decomposition. The trace term keeps them
        # solvable where the source is flat.
        squares = self._powers.T @ self._powers
        self._squares = squares + 1e-10 * np.trace(squares) * np.eye(len(squares))

    def residuals(self, delivered: NDArray[np.float32]) -> NDArray[np.float64]:
        """Fit the polynomial from source to delivered means, and return its residuals."""
        curve = np.linalg.solve(self._squares, self._powers.T @ delivered)
        return np.asarray(delivered - self._powers @ curve, np.float64)

    def rms_residual(self, delivered: NDArray[np.float32]) -> float:
        """Return the RMS of the residuals, from sums that need no residual of a block."""
        off = delivered.astype(np.float64) - delivered.mean(dtype=np.float64)
        products = self._powers.T @ off
        curve = np.linalg.solve(self._squares, products)
        return float(np.sqrt(max(0.0, off @ off - curve @ products) / off.size))


def _correlation(source: NDArray[np.float32], delivered: NDArray[np.float32]) -> float | None:
    if source.std() < FLAT:
        return None
    if delivered.std() == 0:
        return 0.0
    return float(np.corrcoef(source, delivered)[0, 1])


def _rms(values: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.square(values).mean()))
