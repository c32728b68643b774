"""Detail: how much a frame changes from pixel to pixel, across and from row to row.

Blur, sharpening and scaling change it while every block mean stays. It is taken of rows all over
the picture, of every frame.
"""

from dataclasses import dataclass

import numpy as np

from workbench.frames import Frame

_GROUPS = 32  # of three rows, evenly spaced
_FLOOR = 2.0  # 10-bit code values: detail below this counts little


@dataclass(frozen=True)
class Detail:
    """Mean absolute luma differences of one frame, in 10-bit code values."""

    across: float  # from one pixel to the next in its row
    down: float  # from one row to the next
    skipped: float  # from one row to the next but one


def detail(frame: Frame) -> Detail:
    """Measure one frame; a picture of fewer than three rows or two columns has no detail."""
    height, width = frame.luma.shape
    if height < 3 or width < 2:
        return Detail(0.0, 0.0, 0.0)
    groups = np.unique(np.linspace(0, height - 3, _GROUPS).astype(int))
    first, second, third = (frame.luma[groups + row].astype(np.int32) for row in range(3))
    scale = 2.0 ** (10 - frame.bit_depth)
    down = (np.abs(second - first).mean() + np.abs(third - second).mean()) / 2
    return Detail(
        across=scale * float(np.abs(np.diff(first, axis=1)).mean()),
        down=scale * float(down),
        skipped=scale * float(np.abs(third - first).mean()),
    )


def sharpness(source: Detail, delivered: Detail) -> tuple[float, float]:
    """Return how much more detail the delivered frame has, across and down: log ratios.

    >>> grey, same = Detail(8, 8, 8), Detail(3, 3, 3)
    >>> round(sharpness(grey, grey)[0], 2), round(sharpness(grey, same)[0], 2)
    (0.0, -0.69)
    """
    across, down = (
        float(np.log((after + _FLOOR) / (before + _FLOOR)))
        for before, after in ((source.across, delivered.across), (source.down, delivered.down))
    )
    return across, down


def combing(source: Detail, delivered: Detail) -> float:
    """Return how much more neighbouring rows differ than every second row: a log ratio.

    It rises when two moments are woven into one frame, as interlaced video is.
    """

    def ratio(one: Detail) -> float:
        return (one.down + _FLOOR) / (one.skipped + _FLOOR)

    return float(np.log(ratio(delivered) / ratio(source)))
