"""Compute a waveform, an RGB parade and a vectorscope as arrays of pixel counts.

All use the scale of 10-bit legal-range code values, 0 to 1023, whatever the format of the frame.
Values beyond the scale count at its ends. Every pixel counts, so the sum of an array is the number
of pixels (in the vectorscope, of chroma samples).
"""

import numpy as np
from numpy.typing import NDArray

from workbench.measure.code_values import NEUTRAL, rgb_blocks, to_ten_bit
from workbench.media.colour import LUMA_WEIGHTS
from workbench.media.frames import Frame

COLUMNS = 256
"""Maximum columns of a waveform, each for an equal share of the picture's width.

Each channel of a parade has half as many.
"""
LEVELS = 256
"""Levels of a waveform and of each axis of the vectorscope; each covers 4 code values."""

SKIN_TONE_ANGLE = 123.0
"""Degrees from the Cb axis towards Cr of the skin tone line: the I axis of NTSC."""


def waveform(frame: Frame) -> NDArray[np.int64]:
    """Count luma by level and by column: (LEVELS, columns), the lowest level first."""
    counts = np.zeros(min(frame.width, COLUMNS) * LEVELS, np.int64)
    luma = to_ten_bit(frame)[0]
    for top in range(0, frame.height, 64):  # a block fits into the processor's cache
        _count_by_column(luma[top : top + 64], counts)
    return counts.reshape(-1, LEVELS).T


def rgb_parade(frame: Frame) -> NDArray[np.int64]:
    """Count R', G' and B' by level and by column: (3, LEVELS, columns)."""
    counts = np.zeros((3, min(frame.width, COLUMNS // 2) * LEVELS), np.int64)
    for block in rgb_blocks(frame):
        for channel, part in zip(counts, block.clip(0, 1023, out=block), strict=True):
            _count_by_column(part, channel)
    return np.asarray(counts.reshape(3, -1, LEVELS).swapaxes(1, 2))


def vectorscope(frame: Frame, zoom: int = 1) -> NDArray[np.int64]:
    """Count chroma samples by Cr and Cb: (LEVELS, LEVELS), rows by Cr, the lowest first.

    A `zoom` of 2 or 4 counts the middle half or quarter of each axis, in finer levels. Samples
    beyond it count at the edges.
    """
    _, cb, cr = to_ten_bit(frame)
    step, first = 1024 // (LEVELS * zoom), NEUTRAL - 512 // zoom
    row, column = (
        ((plane.astype(np.int32) - first) // step).clip(0, LEVELS - 1) for plane in (cr, cb)
    )
    index = row * LEVELS + column
    return np.bincount(index.ravel(), minlength=LEVELS * LEVELS).reshape(LEVELS, LEVELS)


def trace_brightness(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Map counts to the brightness of a trace, 0 to 1, so that few pixels are visible as well."""
    present = counts[counts > 0]
    usual = float(np.quantile(present, 0.95)) if present.size else 1.0
    return np.clip(np.sqrt(counts / max(1.0, usual)), 0, 1)


def vectorscope_targets(matrix: str, amplitude: float = 0.75) -> dict[str, tuple[float, float]]:
    """Return the targets of colour bars at this amplitude: (Cb, Cr) code values by letter.

    >>> cb, cr = vectorscope_targets("bt709")["R"]
    >>> round(cb), round(cr)
    (435, 848)
    """
    red, blue = LUMA_WEIGHTS[matrix]
    colours = {
        "R": (1, 0, 0), "Y": (1, 1, 0), "G": (0, 1, 0),
        "C": (0, 1, 1), "B": (0, 0, 1), "M": (1, 0, 1),
    }  # fmt: skip
    found = {}
    for letter, (r, g, b) in colours.items():
        luma = red * r + (1 - red - blue) * g + blue * b
        cb, cr = (b - luma) / (2 - 2 * blue), (r - luma) / (2 - 2 * red)
        found[letter] = (NEUTRAL + 896 * amplitude * cb, NEUTRAL + 896 * amplitude * cr)
    return found


def _count_by_column(plane: NDArray[np.int16], counts: NDArray[np.int64]) -> None:
    """Add the pixels of a plane to `counts`, which holds one column of levels after another."""
    width = plane.shape[1]
    column = np.arange(width) * (counts.size // LEVELS) // width * LEVELS
    # An index of 256 columns times 256 levels just fits into 16 bits, which is the fastest.
    index = (plane.view(np.uint16) >> 2) + column.astype(np.uint16)
    counts += np.bincount(index.ravel(), minlength=counts.size)
