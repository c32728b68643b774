"""Figures of an inspection: pictures, scopes, histograms and timelines, drawn with Matplotlib.

workbench.mplstyle suits dark and light notebooks. Before is orange and after is blue, a pair that
colour-blind people can tell apart.
"""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import rc_params_from_file
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from PIL import Image

from workbench.deliver.inspection import Inspection
from workbench.deliver.scope_axes import CODE_TICKS, GREY, parade, vectorscope, waveform
from workbench.look.compare import Comparison
from workbench.measure import scopes
from workbench.measure.banding import CambiMap
from workbench.measure.code_values import (
    BLACK,
    WHITE,
    CodeValueCounts,
    count_code_values,
    ten_bit_equivalents,
)
from workbench.measure.levels import FrameRange, LevelsTimeline
from workbench.measure.metrics import PLOTTED, Metric
from workbench.media.frames import Frame

BEFORE = "#E69F00"
AFTER = "#3D9BE0"
_DPI = 100  # as in workbench.mplstyle
_STYLE: Any = rc_params_from_file(  # read once: each figure is drawn in this style
    Path(__file__).with_name("workbench.mplstyle"), use_default_template=False
)
_PNG_LEVEL = 1  # zlib's: a fifth larger than level 6, in a third of the time
_POINTS = 2000  # of a timeline; a longer one shows the extremes of each interval
_BANDS = LinearSegmentedColormap.from_list("bands", [(1, 0.1, 0.6, 0), (1, 0.1, 0.6, 0.8)])


@contextmanager
def style() -> Iterator[None]:
    """Draw in the workbench's style, and close the figures at the end.

    A notebook shows the value of a cell, and would show a figure that is still open again.
    """
    with plt.style.context(_STYLE):
        yield
        plt.close("all")


def pictures(inspection: Inspection, width: int = 480) -> Figure:
    """Show the whole worst frame before and after, with the part that `crops` shows marked."""
    before, after = inspection.before, inspection.after
    height = round(width * before.height / before.width)
    x, y, columns, rows = _window(inspection)
    with style():
        figure, axes = _side_by_side(width, height)
        for ax, frame, name, colour in _both(axes, before, after):
            _show(ax, frame.downscaled(max(width, height)).rgb(), frame)
            ax.add_patch(Rectangle((x, y), columns, rows, fill=False, edgecolor=colour))
            ax.set_title(f"{name}: frame {before.index}, {float(before.time):.2f} s", color=colour)
    return figure


def crops(inspection: Inspection) -> Figure:
    """Show the most banded part before and after at 100 %, pixel for pixel."""
    x, y, columns, rows = _window(inspection)
    with style():
        figure, axes = _side_by_side(columns, rows)
        for ax, frame, name, colour in _both(axes, inspection.before, inspection.after):
            ax.imshow(frame.rgb()[y : y + rows, x : x + columns], interpolation="none")
            ax.set_title(f"{name}, 100 %", color=colour)
    return figure


def band_map(inspection: Inspection, width: int = 976) -> Figure:
    """Show CAMBI's map of the source's banding over the worst frame in grey."""
    frame = inspection.before
    height = round(width * frame.height / frame.width)
    with style():
        figure = plt.figure(figsize=(width / _DPI, (height + 24) / _DPI))
        ax = figure.add_axes((0, 0, 1, height / (height + 24)))
        ax.set_axis_off()
        small = frame.downscaled(max(width, height))
        _show(ax, small.luma, frame, cmap="gray")
        if inspection.bands is not None:
            draw_bands(ax, inspection.bands, (small.width, small.height))
    return figure


def _show(ax: Axes, picture: NDArray[Any], frame: Frame, **options: Any) -> None:
    """Show a smaller copy of a frame's picture in the frame's own coordinates."""
    extent = (-0.5, frame.width - 0.5, frame.height - 0.5, -0.5)
    ax.imshow(picture, interpolation="antialiased", extent=extent, **options)


def draw_bands(ax: Axes, bands: CambiMap, size: tuple[int, int]) -> None:
    """Draw CAMBI's map over a picture, scaled so that the strongest 1 % is opaque.

    `size` is the width and height in pixels to which the map is reduced before it is drawn.
    """
    top = max(float(np.quantile(bands.c_values, 0.99)), 1e-6)
    height, width = bands.c_values.shape
    strength = Image.fromarray(np.clip(bands.c_values / np.float32(top), 0, 1))
    ax.imshow(
        np.asarray(strength.resize(size, Image.Resampling.BOX)),
        cmap=_BANDS,
        interpolation="antialiased",
        extent=(-0.5, width - 0.5, height - 0.5, -0.5),
    )
    ax.set_title(
        f"banding before: CAMBI {bands.score:.1f}; brightest = {top:.1%} of the map's maximum",
        color=BEFORE,
    )


def scope_sheet(inspection: Inspection) -> Figure:
    """Show waveform, RGB parade and vectorscope of the worst frame, before and after."""
    with style():
        figure, grid = _sheet(9.2, 3, 2)
        for column, (frame, name, colour) in enumerate(
            ((inspection.before, "before", BEFORE), (inspection.after, "after", AFTER))
        ):
            waveform(grid[0][column], scopes.waveform(frame))
            parade(grid[1][column], scopes.rgb_parade(frame))
            vectorscope(grid[2][column], scopes.vectorscope(frame), frame.colour.assumed().matrix)
            for ax, what in zip(
                grid[:, column], ("waveform", "RGB parade", "vectorscope"), strict=True
            ):
                ax.set_title(f"{what} {name}", color=colour)
    return figure


def _code_axis(ax: Axes) -> None:
    """Mark 10-bit code values on the vertical axis, and shade legal range."""
    ax.axhspan(BLACK, WHITE, color=GREY, alpha=0.1, linewidth=0)
    ax.set(ylim=(0, 1023), ylabel="10-bit code value")
    ax.set_yticks(CODE_TICKS)


def luma_histograms(
    axes: tuple[Axes, Axes], before: CodeValueCounts, after: CodeValueCounts
) -> None:
    """Draw two luma histograms, one above the other, on the same scale of 10-bit codes."""
    for ax, counted, name, colour in _both(axes, before, after):
        # One line for each 8- or 10-bit code value; deeper values are gathered into 10 bits.
        lines = min(counted.luma.size, 1024)
        places = ten_bit_equivalents(lines.bit_length() - 1, full=counted.full)[0]
        share = counted.luma.reshape(lines, -1).sum(axis=1) / counted.luma.sum() * 100
        ax.axvspan(BLACK, WHITE, color=GREY, alpha=0.1, linewidth=0)
        ax.vlines(places, 0, share, color=colour, linewidth=0.9)
        ax.set(xlim=(0, 1023), ylim=(0, None), ylabel="% of pixels")
        ax.set_xticks(CODE_TICKS)
        ax.set_title(
            f"luma {name}: {counted.occupied} code values occupied; outside legal range "
            f"{counted.outside_legal:.2%} of luma, {counted.outside_legal_chroma:.2%} of chroma",
            color=colour,
        )
    axes[0].tick_params(labelbottom=False)
    axes[1].set_xlabel("10-bit code value (legal range 64-940 shaded)")


def histogram_sheet(inspection: Inspection) -> Figure:
    """Draw the luma histograms of the worst frame."""
    with style():
        figure, ((top,), (bottom,)) = _sheet(3.6, 2, 1)
        luma_histograms(
            (top, bottom), count_code_values(inspection.before), count_code_values(inspection.after)
        )
    return figure


def timeline_sheet(inspection: Inspection) -> Figure:
    """Draw levels, saturation and the plotted metrics over time."""
    with style():
        ratios = (2, 0.8, *(1.2 for _ in PLOTTED))
        height = 3.8 + 1.8 * len(PLOTTED)
        figure, grid = _sheet(height, len(ratios), 1, sharex=True, height_ratios=ratios)
        axes = grid[:, 0]
        levels(axes[0], inspection.bounds, inspection.levels)
        saturation(axes[1], inspection.times, inspection.levels)
        for ax, metric in zip(axes[2:], PLOTTED, strict=True):
            over_time(ax, metric, inspection.comparisons)
        axes[-1].set_xlabel("seconds")
        axes[-1].set_xlim(0, float(inspection.end))
    return figure


def levels(ax: Axes, bounds: Sequence[Fraction], timeline: LevelsTimeline) -> None:
    """Draw luma over time: range, 10th to 90th percentile, mean; black and frozen runs marked.

    `bounds` are the times at which the frames begin, and the end of the last.
    """
    times = bounds[:-1]
    at, low, high = _thinned(times, timeline.lowest, timeline.highest)
    ax.fill_between(at, low, high, color=AFTER, alpha=0.18, linewidth=0)
    at, low, high = _thinned(times, timeline.low, timeline.high)
    ax.fill_between(at, low, high, color=AFTER, alpha=0.35, linewidth=0)
    at, low, high = _thinned(times, timeline.mean, timeline.mean)
    ax.plot(at, (low + high) / 2, color=AFTER)
    _code_axis(ax)
    ax.set_title("luma after: mean, 10-90 % of the pixels, lowest to highest", color=AFTER)
    _mark(ax, bounds, timeline.black_ranges(), "black")
    _mark(ax, bounds, timeline.frozen_ranges(bounds), "frozen")


def _mark(ax: Axes, bounds: Sequence[Fraction], stretches: Sequence[FrameRange], name: str) -> None:
    for stretch in stretches:
        start, end = float(bounds[stretch.start]), float(bounds[stretch.end])
        ax.axvspan(start, end, color=GREY, alpha=0.35, linewidth=0, hatch="//")
        ax.annotate(name, ((start + end) / 2, 980), ha="center", va="center", fontsize=8)


def saturation(ax: Axes, times: Sequence[Fraction], timeline: LevelsTimeline) -> None:
    """Draw the mean saturation over time."""
    at, low, high = _thinned(times, timeline.saturation, timeline.saturation)
    ax.plot(at, (low + high) / 2, color=AFTER)
    ax.set(ylim=(0, None), ylabel="code values")
    ax.set_title("saturation after: mean distance from neutral", color=AFTER)


def over_time(ax: Axes, metric: Metric, comparisons: Sequence[Comparison]) -> None:
    """Draw a metric over time, before and after."""
    drawn = [
        _points(ax, metric, comparisons, key, name, colour)
        for key, name, colour in ((metric.before, "before", BEFORE), (metric.key, "after", AFTER))
        if key
    ]
    title = metric.heading
    if metric.guide is not None:
        ax.axhline(metric.guide, color=GREY, linewidth=0.8, linestyle=(0, (4, 4)))
        title += ": visible above the dashed line"
    ax.set(ylim=(0, max(*drawn, metric.guide or 1) * 1.15), ylabel=metric.label)
    ax.set_title(title)
    _legend(ax)


def _legend(ax: Axes) -> None:
    """Put the legend beside the title, above all lines."""
    ax.legend(
        loc="lower right", bbox_to_anchor=(1, 0.94), borderpad=0, ncols=2, labelcolor="linecolor"
    )


def _points(
    ax: Axes,
    metric: Metric,
    comparisons: Sequence[Comparison],
    key: str,
    name: str,
    colour: str,
) -> float:
    """Draw the values that were measured, and return the largest."""
    pairs = [
        (float(one.time), value * metric.factor)
        for one in comparisons
        if (value := getattr(one, key)) is not None
    ]
    if not pairs:
        ax.plot([], [], color=colour, label=f"{name}: not measured")
        return 0.0
    times, found = zip(*pairs, strict=True)
    worst = metric.worst(getattr(one, key) for one in comparisons)
    size = 4 if len(pairs) < 100 else 0
    label = f"{name}, worst {metric.text(worst)}"
    ax.plot(times, found, color=colour, marker="o", markersize=size, label=label)
    return float(max(found))


def _thinned(
    times: Sequence[Fraction], low: NDArray[np.float64], high: NDArray[np.float64]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return a long timeline with fewer points: the extremes of each interval."""
    share = -(-len(times) // _POINTS)
    starts = np.arange(0, len(times), share)
    at = np.array([float(time) for time in times[::share]])
    return at, np.minimum.reduceat(low, starts), np.maximum.reduceat(high, starts)


class Png(bytes):
    """A drawn figure, which notebooks and reports show without drawing it again."""

    def _repr_png_(self) -> bytes:
        return self

    def __repr__(self) -> str:
        return f"a picture, {len(self)} bytes"  # else a notebook stores the bytes as text too


def draw_figures(inspection: Inspection) -> dict[str, Png]:
    """Draw the figures of a report, by their headings."""
    sheets = {
        "The frame with the most banding": pictures(inspection),
        "Its most banded part at 100 %": crops(inspection),
        "Banding map": band_map(inspection),
        "Scopes": scope_sheet(inspection),
        "Histograms": histogram_sheet(inspection),
        "Over time": timeline_sheet(inspection),
    }
    return {name: png(sheet) for name, sheet in sheets.items()}


def png(figure: Figure) -> Png:
    """Return a figure as a PNG picture."""
    buffer = io.BytesIO()
    with style():
        figure.savefig(buffer, format="png", pil_kwargs={"compress_level": _PNG_LEVEL})
    return Png(buffer.getvalue())


def _sheet(height: float, rows: int, columns: int, **options: Any) -> tuple[Figure, Any]:
    """Make a figure of this height in inches, and an array of (rows, columns) Axes.

    The margins are fixed, in inches: Matplotlib needs as long to compute them as to draw.
    """
    width, left, right, top, bottom, across, down = 9.76, 0.75, 0.2, 0.3, 0.5, 0.9, 0.5
    wide = (width - left - right - (columns - 1) * across) / columns
    high = (height - top - bottom - (rows - 1) * down) / rows
    figure = plt.figure(figsize=(width, height))
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    figure.subplots_adjust(
        left=left / width,
        right=1 - right / width,
        top=1 - top / height,
        bottom=bottom / height,
        wspace=across / wide,
        hspace=down / high,
    )
    return figure, axes


def _window(inspection: Inspection) -> tuple[int, int, int, int]:
    """Return the most banded part, else the whole frame: left, top, width, height in pixels."""
    if inspection.bands is not None:
        return inspection.bands.worst_window()
    frame = inspection.before
    return 0, 0, frame.width, frame.height


def _both(axes: Sequence[Axes], before: Any, after: Any) -> Iterator[tuple[Axes, Any, str, str]]:
    yield axes[0], before, "before", BEFORE
    yield axes[1], after, "after", AFTER


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
