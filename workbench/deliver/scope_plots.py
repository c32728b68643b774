"""Draw the scopes of a grading program into plots, in 10-bit code values."""

from math import cos, radians, sin

import numpy as np
from numpy.typing import NDArray

from workbench.deliver.svg import GREY, Plot, one_colour, whole
from workbench.measure import scopes
from workbench.measure.code_values import BLACK, NEUTRAL, WHITE

CODE_TICKS = whole((0, BLACK, 256, 512, 768, WHITE, 1023))
"""The ticks of every axis of code values."""
CODES = (0.0, 1023.0)
"""The ends of every axis of code values."""
_SCREEN = "#14171B"  # background of a scope
_TRACE = "#D8DEE6"
_RGB = ("#FF6B66", "#5FD08A", "#6FA0FF")
_CHROMA_TICKS = whole((64, NEUTRAL, 960))


def waveform(plot: Plot, counts: NDArray[np.int64]) -> None:
    """Draw a waveform: luma code value by horizontal position."""
    plot.across = (0, 1)
    _screen(plot)
    plot.picture(_trace(counts, _TRACE))
    plot.bottom([(0, "left"), (1, "right")])


def parade(plot: Plot, counts: NDArray[np.int64]) -> None:
    """Draw an RGB parade: three waveforms side by side."""
    plot.across = (0, 2.96)
    _screen(plot)
    for place, (channel, colour) in enumerate(zip(counts, _RGB, strict=True)):
        plot.picture(_trace(channel, colour), (place, place + 0.96))
    plot.bottom([(0.5, "R'"), (1.5, "G'"), (2.5, "B'")])


def vectorscope(plot: Plot, counts: NDArray[np.int64], matrix: str) -> None:
    """Draw a vectorscope with the targets of 75 % bars and the skin tone line."""
    plot.left += (plot.width - plot.height) / 2
    plot.width = plot.height
    plot.across = plot.up = CODES
    plot.background(_SCREEN)
    for name, (cb, cr) in scopes.vectorscope_targets(matrix).items():
        plot.outline((cb - 14, cb + 14), (cr - 14, cr + 14), GREY)
        plot.text(cb, cr + 22, name)
    angle, reach = radians(scopes.SKIN_TONE_ANGLE), 400
    end = NEUTRAL + reach * cos(angle), NEUTRAL + reach * sin(angle)
    plot.line((NEUTRAL, end[0]), (NEUTRAL, end[1]), GREY, width=0.8)
    plot.text(end[0], end[1] + 12, "skin")
    plot.picture(_trace(counts, _TRACE))
    plot.bottom(_CHROMA_TICKS, "Cb")
    plot.side(_CHROMA_TICKS, "Cr")


def _trace(counts: NDArray[np.int64], colour: str) -> str:
    """Return counts as a picture in one colour, as bright as a scope's trace, highest row first."""
    return one_colour(scopes.trace_brightness(counts)[::-1], colour)


def _screen(plot: Plot) -> None:
    """Give the plot a scope's dark background, with lines at the ends of legal range."""
    plot.up = CODES
    plot.background(_SCREEN)
    for edge in (BLACK, WHITE):
        plot.rule(y=edge)
    plot.side(CODE_TICKS, "10-bit code value")
