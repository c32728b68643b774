"""Draw the scopes of a grading program into Matplotlib Axes, in 10-bit code values."""

from math import cos, radians, sin

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from workbench.measure import scopes
from workbench.measure.code_values import BLACK, NEUTRAL, WHITE

GREY = "#858B93"
CODE_TICKS = (0, BLACK, 256, 512, 768, WHITE, 1023)  # ticks of every axis of code values
_SCREEN = "#14171B"  # background of a scope
_TRACE = "#D8DEE6"
_RGB = ("#FF6B66", "#5FD08A", "#6FA0FF")


def waveform(ax: Axes, counts: NDArray[np.int64]) -> None:
    """Draw a waveform: luma code value by horizontal position."""
    _screen(ax)
    _trace(ax, counts, _TRACE, (0, 1))
    ax.set_xticks([0, 1], ["left", "right"])


def parade(ax: Axes, counts: NDArray[np.int64]) -> None:
    """Draw an RGB parade: three waveforms side by side."""
    _screen(ax)
    for place, (channel, colour) in enumerate(zip(counts, _RGB, strict=True)):
        _trace(ax, channel, colour, (place, place + 0.96))
    ax.set_xticks([0.5, 1.5, 2.5], ["R'", "G'", "B'"])
    ax.set_xlim(0, 2.96)


def vectorscope(ax: Axes, counts: NDArray[np.int64], matrix: str) -> None:
    """Draw a vectorscope with the targets of 75 % bars and the skin tone line."""
    ax.set_facecolor(_SCREEN)
    for name, (cb, cr) in scopes.vectorscope_targets(matrix).items():
        ax.add_patch(Rectangle((cb - 14, cr - 14), 28, 28, fill=False, edgecolor=GREY))
        ax.annotate(name, (cb, cr), (cb, cr + 22), ha="center", color=GREY, fontsize=8)
    angle, reach = radians(scopes.SKIN_TONE_ANGLE), 400
    ax.plot(
        [NEUTRAL, NEUTRAL + reach * cos(angle)],
        [NEUTRAL, NEUTRAL + reach * sin(angle)],
        color=GREY,
        linewidth=0.8,
    )
    skin = (NEUTRAL + reach * cos(angle), NEUTRAL + reach * sin(angle) + 12)
    ax.annotate("skin", skin, ha="center", color=GREY, fontsize=8)
    ax.imshow(_brightness(counts, _TRACE), origin="lower", extent=(0, 1023, 0, 1023), zorder=3)
    ax.set(xlim=(0, 1023), ylim=(0, 1023), aspect="equal", xlabel="Cb", ylabel="Cr")
    ax.set_xticks([64, NEUTRAL, 960])
    ax.set_yticks([64, NEUTRAL, 960])


def _trace(ax: Axes, counts: NDArray[np.int64], colour: str, across: tuple[float, float]) -> None:
    ax.imshow(_brightness(counts, colour), origin="lower", aspect="auto", extent=(*across, 0, 1023))


def _brightness(counts: NDArray[np.int64], colour: str) -> NDArray[np.uint8]:
    """Convert counts to an RGBA picture in one colour, as bright as a scope's trace."""
    picture = np.empty((*counts.shape, 4), np.uint8)
    picture[..., :3] = np.multiply(to_rgb(colour), 255).round()
    picture[..., 3] = (scopes.trace_brightness(counts) * 255).round()
    return picture


def _screen(ax: Axes) -> None:
    """Give the Axes a scope's dark background, with lines at the ends of legal range."""
    ax.set_facecolor(_SCREEN)
    for edge in (BLACK, WHITE):
        ax.axhline(edge, color=GREY, linewidth=0.6, linestyle=(0, (4, 4)))
    ax.set(ylim=(0, 1023), ylabel="10-bit code value")
    ax.set_yticks(CODE_TICKS)
