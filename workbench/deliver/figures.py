"""Figures of an inspection: pictures, scopes, histograms and timelines, drawn as SVG.

Before is orange and after is blue, a pair that colour-blind people can tell apart.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workbench.deliver.inspection import Inspection
from workbench.deliver.scope_plots import CODE_TICKS, CODES, parade, vectorscope, waveform
from workbench.deliver.svg import (
    GREY,
    Drawing,
    Plot,
    drawing,
    lossless,
    one_colour,
    photo,
    ticks,
    whole,
)
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

BEFORE = "#E69F00"
AFTER = "#3D9BE0"
WIDTH = 976
"""Pixels: the width of every figure but the pictures, and about that of a notebook's cell."""
_BANDS = "#FF1A99"
_POINTS = 2000  # of a timeline; a longer one shows the extremes of each interval
_TITLE, _GAP = 24, 16  # pixels above a picture, and between two


def draw_figures(inspection: Inspection) -> dict[str, Drawing]:
    """Draw the figures of a report, by their headings."""
    return {
        "The frame with the most banding": pictures(inspection),
        "Its most banded part at 100 %": crops(inspection),
        "Banding map": band_map(inspection),
        "Scopes": scope_sheet(inspection),
        "Histograms": histogram_sheet(inspection),
        "Over time": timeline_sheet(inspection),
    }


def pictures(inspection: Inspection, width: int = 480) -> Drawing:
    """Show the whole worst frame before and after, with the part that `crops` shows marked."""
    before, after = inspection.before, inspection.after
    height = round(width * before.height / before.width)
    x, y, columns, rows = _window(inspection)
    plots = _side_by_side(width, height)
    for plot, frame, name, colour in _both(plots, before, after):
        plot.across, plot.up = (0, frame.width), (frame.height, 0)
        plot.picture(photo(frame.downscaled(max(width, height)).rgb()))
        plot.outline((x, x + columns), (y + rows, y), colour)
        plot.title(f"{name}: frame {before.index}, {float(before.time):.2f} s", colour)
    return drawing(2 * width + _GAP, height + _TITLE, plots)


def crops(inspection: Inspection) -> Drawing:
    """Show the most banded part before and after at 100 %, pixel for pixel."""
    x, y, columns, rows = _window(inspection)
    plots = _side_by_side(columns, rows)
    for plot, frame, name, colour in _both(plots, inspection.before, inspection.after):
        plot.picture(lossless(frame.rgb()[y : y + rows, x : x + columns]), exact=True)
        plot.title(f"{name}, 100 %", colour)
    return drawing(2 * columns + _GAP, rows + _TITLE, plots)


def band_map(inspection: Inspection, width: int = WIDTH) -> Drawing:
    """Show CAMBI's map of the source's banding over the worst frame in grey."""
    frame = inspection.before
    height = round(width * frame.height / frame.width)
    small = frame.downscaled(max(width, height)).rgb()
    plot = Plot(0, _TITLE, width, height)
    plot.picture(photo(np.asarray(Image.fromarray(small).convert("L"))))
    if inspection.bands is not None:
        draw_bands(plot, inspection.bands, (small.shape[1], small.shape[0]))
    return drawing(width, height + _TITLE, [plot])


def draw_bands(plot: Plot, bands: CambiMap, size: tuple[int, int]) -> None:
    """Draw CAMBI's map over a picture, scaled so that the strongest 1 % is the most opaque.

    `size` is the width and height in pixels to which the map is reduced before it is drawn.
    """
    top = max(float(np.quantile(bands.c_values, 0.99)), 1e-6)
    strength = Image.fromarray(np.clip(bands.c_values / np.float32(top), 0, 1))
    small = np.asarray(strength.resize(size, Image.Resampling.BOX))
    plot.picture(one_colour(0.8 * small, _BANDS))
    plot.title(
        f"banding before: CAMBI {bands.score:.1f}; brightest = {top:.1%} of the map's maximum",
        BEFORE,
    )


def scope_sheet(inspection: Inspection) -> Drawing:
    """Show waveform, RGB parade and vectorscope of the worst frame, before and after."""
    plots = _sheet(920, (1, 1, 1), 2)
    sides = ((inspection.before, "before", BEFORE), (inspection.after, "after", AFTER))
    for (frame, name, colour), column in zip(sides, (plots[0::2], plots[1::2]), strict=True):
        waveform(column[0], scopes.waveform(frame))
        parade(column[1], scopes.rgb_parade(frame))
        vectorscope(column[2], scopes.vectorscope(frame), frame.colour.assumed().matrix)
        for plot, what in zip(column, ("waveform", "RGB parade", "vectorscope"), strict=True):
            plot.title(f"{what} {name}", colour)
    return drawing(WIDTH, 920, plots)


def histogram_sheet(inspection: Inspection) -> Drawing:
    """Draw the luma histograms of the worst frame."""
    plots = _sheet(360, (1, 1), 1)
    counts = (count_code_values(one) for one in (inspection.before, inspection.after))
    for plot, counted, name, colour in _both(plots, *counts):
        luma_histogram(plot, counted, name, colour)
    plots[1].bottom(CODE_TICKS, "10-bit code value (legal range 64-940 shaded)")
    return drawing(WIDTH, 360, plots)


def luma_histogram(plot: Plot, counted: CodeValueCounts, name: str, colour: str) -> None:
    """Draw a luma histogram on a scale of 10-bit codes."""
    # One line for each 8- or 10-bit code value; deeper values are gathered into 10 bits.
    lines = min(counted.luma.size, 1024)
    places = ten_bit_equivalents(lines.bit_length() - 1, full=counted.full)[0]
    share = counted.luma.reshape(lines, -1).sum(axis=1) / counted.luma.sum() * 100
    seen = (places >= CODES[0]) & (places <= CODES[1])
    plot.across, plot.up = CODES, (0, 1.05 * float(share.max()))
    plot.rectangle((BLACK, WHITE), plot.up, colour=GREY, opacity=0.1)
    plot.stems(places[seen], share[seen], colour)
    plot.side(ticks(*plot.up, count=4), "% of pixels")
    plot.bottom(whole(()))
    plot.title(
        f"luma {name}: {counted.occupied} code values occupied; outside legal range "
        f"{counted.outside_legal:.2%} of luma, {counted.outside_legal_chroma:.2%} of chroma",
        colour,
    )


def timeline_sheet(inspection: Inspection) -> Drawing:
    """Draw levels, saturation and the plotted metrics over time."""
    ratios = (2, 0.8, *(1.2 for _ in PLOTTED))
    height = 380 + 180 * len(PLOTTED)
    plots = _sheet(height, ratios, 1)
    end = float(inspection.end)
    for plot in plots:
        plot.across = (0, end)
    levels(plots[0], inspection.bounds, inspection.levels)
    saturation(plots[1], inspection.times, inspection.levels)
    for plot, metric in zip(plots[2:], PLOTTED, strict=True):
        over_time(plot, metric, inspection.comparisons)
    for plot in plots[:-1]:
        plot.bottom([(value, "") for value, _ in ticks(0, end, 10)])
    plots[-1].bottom(ticks(0, end, 10), "seconds")
    return drawing(WIDTH, height, plots)


def levels(plot: Plot, bounds: Sequence[Fraction], timeline: LevelsTimeline) -> None:
    """Draw luma over time: range, 10th to 90th percentile, mean; black and frozen runs marked.

    `bounds` are the times at which the frames begin, and the end of the last.
    """
    plot.up = CODES
    plot.rectangle(plot.across, (BLACK, WHITE), colour=GREY, opacity=0.1)
    times = bounds[:-1]
    at, low, high = _thinned(times, timeline.lowest, timeline.highest)
    plot.area(at, low, high, colour=AFTER, opacity=0.18)
    at, low, high = _thinned(times, timeline.low, timeline.high)
    plot.area(at, low, high, colour=AFTER, opacity=0.35)
    at, low, high = _thinned(times, timeline.mean, timeline.mean)
    plot.line(at, (low + high) / 2, AFTER)
    plot.side(CODE_TICKS, "10-bit code value")
    plot.title("luma after: mean, 10-90 % of the pixels, lowest to highest", AFTER)
    _mark(plot, bounds, timeline.black_ranges(), "black")
    _mark(plot, bounds, timeline.frozen_ranges(bounds), "frozen")


def _mark(
    plot: Plot, bounds: Sequence[Fraction], stretches: Sequence[FrameRange], name: str
) -> None:
    for stretch in stretches:
        start, end = float(bounds[stretch.start]), float(bounds[stretch.end])
        plot.rectangle((start, end), plot.up, colour=GREY, opacity=0.35)
        plot.text((start + end) / 2, 965, name)


def saturation(plot: Plot, times: Sequence[Fraction], timeline: LevelsTimeline) -> None:
    """Draw the mean saturation over time."""
    at, low, high = _thinned(times, timeline.saturation, timeline.saturation)
    plot.up = (0, max(1.0, 1.05 * float(high.max())))
    plot.line(at, (low + high) / 2, AFTER)
    plot.side(ticks(*plot.up, count=3), "code values")
    plot.title("saturation after: mean distance from neutral", AFTER)


def over_time(plot: Plot, metric: Metric, comparisons: Sequence[Comparison]) -> None:
    """Draw a metric over time, before and after."""
    sides = ((metric.before, "before", BEFORE), (metric.key, "after", AFTER))
    drawn = [
        (_measured(metric, comparisons, key), key, name, colour)
        for key, name, colour in sides
        if key
    ]
    values = [value for (_, found), *_ in drawn for value in found]
    plot.up = (0, max(*values, metric.guide or 1) * 1.15 if values else metric.guide or 1)
    title = metric.heading
    if metric.guide is not None:
        plot.rule(y=metric.guide)
        title += ": visible above the dashed line"
    entries = []
    for (times, found), key, name, colour in drawn:
        if found:
            plot.line(times, found, colour)
            if len(found) < 100:
                plot.dots(times, found, colour)
            worst = metric.text(metric.worst(getattr(one, key) for one in comparisons))
            entries.append((f"{name}, worst {worst}", colour))
        else:
            entries.append((f"{name}: not measured", colour))
    plot.side(ticks(*plot.up, count=4), metric.label)
    plot.title(title)
    plot.legend(entries)


def _measured(
    metric: Metric, comparisons: Sequence[Comparison], key: str
) -> tuple[list[float], list[float]]:
    """Return the times in seconds at which a value was measured, and the values in its unit."""
    known = [one for one in comparisons if getattr(one, key) is not None]
    return (
        [float(one.time) for one in known],
        [getattr(one, key) * metric.factor for one in known],
    )


def _thinned(
    times: Sequence[Fraction], low: NDArray[np.float64], high: NDArray[np.float64]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return a long timeline with fewer points: the extremes of each interval."""
    share = -(-len(times) // _POINTS)
    starts = np.arange(0, len(times), share)
    at = np.array([float(time) for time in times[::share]])
    return at, np.minimum.reduceat(low, starts), np.maximum.reduceat(high, starts)


def _sheet(height: float, rows: Sequence[float], columns: int) -> list[Plot]:
    """Return plots in rows of these relative heights, left to right and top to bottom."""
    left, right, top, bottom, across, down = 75, 20, 30, 50, 90, 50  # pixels
    wide = (WIDTH - left - right - (columns - 1) * across) / columns
    unit = (height - top - bottom - (len(rows) - 1) * down) / sum(rows)
    found = []
    at = float(top)
    for row in rows:
        places = (left + column * (wide + across) for column in range(columns))
        found += [Plot(place, at, wide, row * unit) for place in places]
        at += row * unit + down
    return found


def _window(inspection: Inspection) -> tuple[int, int, int, int]:
    """Return the most banded part, else the whole frame: left, top, width, height in pixels."""
    if inspection.bands is not None:
        return inspection.bands.worst_window()
    frame = inspection.before
    return 0, 0, frame.width, frame.height


def _both(plots: Sequence[Plot], before: Any, after: Any) -> Iterator[tuple[Plot, Any, str, str]]:
    yield plots[0], before, "before", BEFORE
    yield plots[1], after, "after", AFTER


def _side_by_side(width: int, height: int) -> tuple[Plot, Plot]:
    """Return two plots of exactly this many pixels each, with room for a title above each."""
    return Plot(0, _TITLE, width, height), Plot(width + _GAP, _TITLE, width, height)
