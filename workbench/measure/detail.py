"""Measure detail: how much a frame changes from pixel to pixel and from row to row.

Blur, sharpening and scaling change the detail but not the block means. Groups of rows spread over
the picture are enough to measure it in every frame.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.media.frames import Frame

_GROUPS = 32  # of three rows each, evenly spaced
_FLOOR = 2.0  # 10-bit code values, added to both sides of a ratio so that noise counts little


@dataclass(frozen=True)
class Detail:
    """Mean absolute luma differences of one frame, in 10-bit code values."""

    across: float  # from one pixel to the next in its row
    down: float  # from one row to the next
    skipped: float  # from one row to the second next


def detail(frame: Frame) -> Detail:
    """Measure the detail of a frame; it is 0 for fewer than three rows or two columns."""
    height, width = frame.luma.shape
    if height < 3 or width < 2:
        return Detail(0.0, 0.0, 0.0)
    step = max(3, height // _GROUPS)
    start = (height - 3) % step // 2
    dtype = np.int16 if frame.bit_depth < 15 else np.int32
    first, second, third = (
        np.asarray(frame.luma[start + row : height - 2 + row : step], dtype) for row in range(3)
    )
    scale = 2.0 ** (10 - frame.bit_depth)
    return Detail(
        across=scale * _distance(first[:, 1:], first[:, :-1]),
        down=scale * (_distance(second, first) + _distance(third, second)) / 2,
        skipped=scale * _distance(third, first),
    )


def _distance(one: NDArray[Any], other: NDArray[Any]) -> float:
    off = one - other
    return float(np.abs(off, out=off).sum(dtype=np.int64) / off.size)


def sharpness_change(source: Detail, delivered: Detail) -> tuple[float, float]:
    """Return the log ratios of delivered to source detail, across and down.

    >>> grey, same = Detail(8, 8, 8), Detail(3, 3, 3)
    >>> round(sharpness_change(grey, grey)[0], 2), round(sharpness_change(grey, same)[0], 2)
    (0.0, -0.69)
    """
    across, down = (
        float(np.log((after + _FLOOR) / (before + _FLOOR)))
        for before, after in ((source.across, delivered.across), (source.down, delivered.down))
    )
    return across, down


def combing_change(source: Detail, delivered: Detail) -> float:
    """Return the log ratio of delivered to source combing.

    Combing is the difference of neighbouring rows over that of every second row. It rises when the
    rows of two moments alternate in one frame, as in interlaced video.
    """

    def ratio(one: Detail) -> float:
        return (one.down + _FLOOR) / (one.skipped + _FLOOR)

    return float(np.log(ratio(delivered) / ratio(source)))
