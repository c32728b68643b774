"""Match: whether each delivered frame is the source's frame of that place, whole.

The look between the two need not be known. Both frames are averaged in blocks of 16 by 16 pixels;
a smooth curve from the source's block means to the delivered ones takes the look out; what is left
is small where the pictures are the same, larger where the neighbouring frame fits better, and very
large in a block that was damaged.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, replace

import numpy as np
from numpy.polynomial.polynomial import polyvander
from numpy.typing import NDArray

from workbench.media.frames import Frame, Plane

BLOCK = 16
"""Pixels on a side: what a ProRes macroblock covers."""

BlockMeans = NDArray[np.float32]
"""A frame's block means of luma, Cb and Cr in 10-bit code values: (3, blocks)."""

_DEGREE = 4  # of the curve, enough for eq's line and for a log look's shoulder
_TELLING = 1.5  # times as large as the best neighbour's: more than chance
FLAT = 2.0
"""10-bit code values of deviation: the blocks of a flatter picture are like any other's."""

_LEAST = 0.15  # code values: frames nearer than this to each other cannot be told apart


def block_means(frame: Frame) -> BlockMeans:
    """Average each block, chroma over the same part of the picture as luma.

    Every pixel is in a block: where the size is no multiple of 16, the last row or column of blocks
    overlaps the one before it. A picture smaller than a block has blocks of its own size.
    """
    count = -(-frame.height // BLOCK) * -(-frame.width // BLOCK)
    found = np.empty((3, count), np.float32)
    for plane, means in zip((frame.luma, frame.cb, frame.cr), found, strict=True):
        steps = (1, 1) if plane is frame.luma else frame.chroma_step
        high, wide = (
            min(BLOCK // step, size) for step, size in zip(steps, plane.shape, strict=True)
        )
        # Sixteen code values of 12 bits fit into 16, and a product is the fastest of sums.
        enough = np.uint16 if frame.bit_depth <= 12 else np.uint32
        sums = _sums(plane, high, wide, enough)
        np.multiply(sums.ravel(), 2.0 ** (10 - frame.bit_depth) / (high * wide), out=means)
    return found


def _sums(
    plane: Plane, high: int, wide: int, enough: type[np.uint16 | np.uint32]
) -> NDArray[np.float32]:
    """Sum each block of a plane; the last ones overlap where the size is no multiple."""
    rows, columns = (size // step for size, step in zip(plane.shape, (high, wide), strict=True))
    bands = plane[: rows * high].reshape(rows, high, -1).sum(axis=1, dtype=enough)
    if plane.shape[0] % high:
        bands = np.concatenate([bands, plane[-high:].sum(axis=0, dtype=enough)[None]])
    ones = np.ones(wide, np.float32)
    sums: NDArray[np.float32] = bands[:, : columns * wide].reshape(-1, wide) @ ones
    sums = sums.reshape(-1, columns)
    if plane.shape[1] % wide:
        sums = np.concatenate([sums, (bands[:, -wide:] @ ones)[:, None]], axis=1)
    return sums


@dataclass(frozen=True)
class Difference:
    """How a delivered frame differs from the look's own rendering, in 10-bit code values.

    Each is of the plane that differs most.
    """

    rms: float
    mean: float  # without its sign
    block: float  # of the mean of the worst block
    sample: float  # of the worst sample

    @property
    def is_coding_error(self) -> bool:
        """Whether ProRes explains it.

        At the finest quantizer ProRes is about 67 dB from its input whatever the picture. Measured
        were at most 0.69 code values RMS (white noise), 0.08 in the mean, 0.4 in the worst block's
        mean, and 4 in the worst sample.
        """
        limits = (0.75, 0.2, 1.5, 12)
        return all(value <= limit for value, limit in zip(astuple(self), limits, strict=True))


def frame_difference(expected: Frame, delivered: Frame) -> Difference:
    """Compare two 10-bit pictures of one size and format, sample by sample.

    ProRes cannot hold the code values below 4 and above 1019, so these count as 4 and 1019. A plane
    smaller than a block counts as one, because a few samples have no typical error.
    """
    names = ("luma", "cb", "cr")
    held = replace(expected, **{name: getattr(expected, name).clip(*_HELD) for name in names})
    rms = mean = sample = 0.0
    for name in names:
        off = getattr(delivered, name).astype(np.int32) - getattr(held, name)
        size = max(off.size, BLOCK * BLOCK)
        rms = max(rms, float(np.sqrt(np.square(off).sum(dtype=np.float64) / size)))
        mean = max(mean, abs(float(off.sum(dtype=np.float64))) / size)
        sample = max(sample, float(np.abs(off).max()))
    blocks = np.abs(block_means(delivered) - block_means(held))
    return Difference(rms, mean, float(blocks.max()), sample)


_HELD = (4, 1019)
"""The lowest and the highest 10-bit code value that ProRes can hold (SMPTE RDD 36)."""


@dataclass(frozen=True)
class FrameMatch:
    """How one delivered frame fits the source."""

    rms_residual: float  # RMS difference of luma that the curve leaves, in 10-bit code values
    max_residual: float  # the largest of any block, in luma, Cb or Cr
    correlation: (
        float | None
    )  # correlation of the two lumas, -1 to 1; None where the source is flat
    offset: int  # 0 when it is in its place; -1 or 1 when that neighbour fits clearly better


def match_frames(pairs: Iterable[tuple[BlockMeans, BlockMeans]]) -> Iterator[FrameMatch]:
    """Yield how each delivered frame fits, from (source, delivered) block means in order.

    Only three frames are held at a time.
    """
    sources: deque[BlockMeans | None] = deque([None], maxlen=3)
    delivered: BlockMeans | None = None
    for source, next_delivered in pairs:
        sources.append(source)
        if delivered is not None:
            yield _match(sources, delivered)
        delivered = next_delivered
    if delivered is not None:
        sources.append(None)
        yield _match(sources, delivered)


def _match(sources: Iterable[BlockMeans | None], delivered: BlockMeans) -> FrameMatch:
    # Luma tells the neighbours apart; damage may be in chroma alone.
    before, here, after = sources
    assert here is not None
    left = np.stack([_left(x, y) for x, y in zip(here, delivered, strict=True)])
    errors = {0: _rms(left[0])}
    for offset, source in ((-1, before), (1, after)):
        if source is not None:
            errors[offset] = _rms(_left(source[0], delivered[0]))
    nearest = min(errors, key=lambda offset: errors[offset])
    clearly = errors[0] > _TELLING * errors[nearest] + _LEAST
    return FrameMatch(
        rms_residual=errors[0],
        max_residual=float(np.abs(left).max()),
        correlation=_alike(here[0], delivered[0]),
        offset=nearest if clearly else 0,
    )


def _alike(source: NDArray[np.float32], delivered: NDArray[np.float32]) -> float | None:
    if source.std() < FLAT:
        return None
    if delivered.std() == 0:
        return 0.0
    return float(np.corrcoef(source, delivered)[0, 1])


def _left(source: NDArray[np.float32], delivered: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return what is left of one plane's delivered means once a curve of the source's is off."""
    powers = polyvander(source.astype(np.float64) / 512 - 1, _DEGREE)
    # By the normal equations: the best fit in a fraction of the time. The trace keeps them solvable
    # where the source is flat.
    squares = powers.T @ powers
    squares += 1e-10 * np.trace(squares) * np.eye(len(squares))
    curve = np.linalg.solve(squares, powers.T @ delivered)
    return np.asarray(delivered - powers @ curve, np.float64)


def _rms(values: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.square(values).mean()))
