"""Results as figures. Drawn into given Axes where there is a graph; nothing is measured here.

One quiet style for dark and light notebooks (workbench.mplstyle), and the same two colours for
before and after everywhere: an orange and a blue that colour-blind people tell apart.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from workbench.look.compare import Comparison
from workbench.measure.banding import BandingTimeline
from workbench.measure.codes import LumaCodes

BEFORE = "#E69F00"
AFTER = "#3D9BE0"
_GREY = "#858B93"
_DPI = 100  # as the style has it
_STYLE = Path(__file__).with_name("workbench.mplstyle")
_ANNOYING = 5  # CAMBI from which viewers begin to be annoyed


@contextmanager
def style() -> Iterator[None]:
    """Draw in the workbench's style. Figures are closed at the end: a notebook shows what a cell
    returns, and pyplot would show it a second time."""
    with plt.style.context(_STYLE):
        yield
        plt.close("all")


def pictures(comparison: Comparison, width: int = 480) -> Figure:
    """Show the worst frame before and after, whole, the part that `crops` shows marked."""
    before, after = comparison.before, comparison.after
    height = round(width * before.height / before.width)
    x, y, columns, rows = comparison.bands.worst_window()
    with style():
        figure, axes = _side_by_side(width, height)
        for ax, frame, name, colour in zip(
            axes, (before, after), _titles(comparison), (BEFORE, AFTER), strict=True
        ):
            ax.imshow(frame.rgb(), interpolation="antialiased")
            ax.add_patch(Rectangle((x, y), columns, rows, fill=False, edgecolor=colour))
            ax.set_title(name, color=colour)
    return figure


def crops(comparison: Comparison) -> Figure:
    """Show the part with the worst bands before and after at 100 %: a pixel is a pixel."""
    x, y, columns, rows = comparison.bands.worst_window()
    with style():
        figure, axes = _side_by_side(columns, rows)
        for ax, frame, name, colour in zip(
            axes,
            (comparison.before, comparison.after),
            ("before, 100 %", "after, 100 %"),
            (BEFORE, AFTER),
            strict=True,
        ):
            ax.imshow(frame.rgb()[y : y + rows, x : x + columns], interpolation="none")
            ax.set_title(name, color=colour)
    return figure


def luma_histograms(axes: tuple[Axes, Axes], before: LumaCodes, after: LumaCodes) -> None:
    """Draw two luma histograms, one above the other, on one scale of 10-bit code values."""
    for ax, codes, name, colour in zip(
        axes, (before, after), ("before", "after"), (BEFORE, AFTER), strict=True
    ):
        # One line for each code value of 8 or 10 bits; deeper ones are gathered into 10.
        lines = min(codes.histogram.size, 1024)
        step = 1024 // lines
        share = codes.histogram.reshape(lines, -1).sum(axis=1) / codes.histogram.sum() * 100
        ax.axvspan(64, 940, color=_GREY, alpha=0.1, linewidth=0)
        ax.vlines(range(0, 1024, step), 0, share, color=colour, linewidth=0.9)
        ax.set(xlim=(0, 1023), ylim=(0, None), ylabel="% of pixels")
        ax.set_xticks([0, 64, 256, 512, 768, 940, 1023])
        ax.set_title(f"luma {name}: {codes.occupied} code values occupied", color=colour)
    axes[0].tick_params(labelbottom=False)
    axes[1].set_xlabel("10-bit code value (legal range 64-940 shaded)")


def banding(ax: Axes, timeline: BandingTimeline) -> None:
    """Draw CAMBI over the clip, before and after."""
    times = [float(time) for time in timeline.times]
    for scores, name, colour in (
        (timeline.before, "before", BEFORE),
        (timeline.after, "after", AFTER),
    ):
        label = f"{name}, mean {sum(scores) / len(scores):.1f}"
        ax.plot(times, scores, color=colour, marker="o", markersize=4, label=label)
    ax.axhline(_ANNOYING, color=_GREY, linewidth=0.8, linestyle=(0, (4, 4)))
    top = max(*timeline.before, *timeline.after, _ANNOYING)
    ax.set(ylim=(0, top * 1.1), xlabel="seconds", ylabel="CAMBI")
    ax.set_title("banding: 0 is none; above the dashed line viewers begin to be annoyed")
    ax.legend(loc="lower right", bbox_to_anchor=(1, 0.97), ncols=2, labelcolor="linecolor")


def measures(comparison: Comparison) -> Figure:
    """Draw the histograms of the worst frame and the banding of the clip."""
    with style():
        figure = plt.figure(figsize=(9.76, 6.2), layout="constrained")
        top, middle, bottom = figure.subplots(3, 1, height_ratios=(1, 1, 1.2))
        luma_histograms((top, middle), comparison.codes_before, comparison.codes_after)
        banding(bottom, comparison.banding)
    return figure


def _titles(comparison: Comparison) -> tuple[str, str]:
    frame = comparison.before
    at = f"frame {frame.index}, {float(frame.time):.2f} s"
    return f"before: {at}", f"after: {at}"


def _side_by_side(width: int, height: int) -> tuple[Figure, tuple[Axes, Axes]]:
    """Make two Axes of exactly this many pixels each, with a title above each."""
    gap, title = 16, 24
    total = (2 * width + gap, height + title)
    figure = plt.figure(figsize=(total[0] / _DPI, total[1] / _DPI))
    left, right = (
        figure.add_axes((x / total[0], 0, width / total[0], height / total[1]))
        for x in (0, width + gap)
    )
    for ax in (left, right):
        ax.set_axis_off()
    return figure, (left, right)
