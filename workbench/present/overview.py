"""Overview: the outcomes of a batch as tables, plots and pictures."""

import base64
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from statistics import median
from urllib.parse import quote

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from workbench.batch.outcome import Outcome
from workbench.deliver.figures import AFTER, BEFORE, WIDTH
from workbench.deliver.format import clip_name
from workbench.deliver.qc import LEVELS
from workbench.deliver.svg import GREY, Drawing, Plot, drawing, ticks
from workbench.measure.metrics import HEADLINE, PLOTTED, Metric
from workbench.present.labels import labels
from workbench.present.tables import Table

_ROWS = 500  # of the table; summary.csv holds all
_NAMED = 40  # clips in a plot with their names
_COLUMNS = 3  # of plots
_FRAMES = 24  # thumbnails
_BOOST = 6  # factor of local contrast that makes banding visible
_AROUND = 16  # pixels; the boost leaves wider structures unchanged
_COLOURS = {"fail": "#E5534B", "warn": "#E69F00", "note": "#3D9BE0", "pass": "#3FA96B"}


@dataclass(frozen=True)
class Html:
    """HTML that a notebook shows."""

    text: str

    def _repr_html_(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return "shown as HTML"


def totals(outcomes: Sequence[Outcome]) -> Table:
    """Return the totals of a batch."""
    states = Counter(one.state for one in outcomes)
    verdicts = Counter(one.verdict for one in outcomes if one.verdict)
    done = [one for one in outcomes if one.state != "failed"]
    speeds = [one.speed for one in done if one.speed]
    rows = [
        ("clips", str(len(outcomes))),
        ("did not finish", str(states["failed"])),
        *((f"verdict {level}", str(verdicts[level])) for level in reversed(LEVELS)),
        ("unchanged since an earlier run", str(states["unchanged"])),
        ("duration", f"{sum(one.duration or 0 for one in done) / 60:.1f} minutes"),
        ("delivered", f"{sum(one.size or 0 for one in done) / 1e9:.2f} GB"),
        ("speed", f"{median(speeds):.2f} times real time per clip (median)" if speeds else "-"),
    ]
    return Table(("Batch", ""), tuple(row for row in rows if row[1] != "0"))


def outcomes_table(outcomes: Sequence[Outcome]) -> Html:
    """Return a row for each clip, with links to its report and notebook."""
    headings = [
        *((name, _TEXT, "") for name in ("Verdict", "Clip", "Reason")),
        *((one.label, _NUMBER, one.explanation) for one in HEADLINE),
        *((name, _NUMBER, "") for name in ("MB", "Seconds", "Speed")),
    ]
    cells = "".join(
        f"<th style='{style}' title='{escape(title)}'>{escape(name)}</th>"
        for name, style, title in headings
    )
    labels = [name for name, _, _ in headings]
    lines = [f"<tr>{cells}</tr>", *(_line(one, labels) for one in outcomes[:_ROWS])]
    left = len(outcomes) - _ROWS
    more = f"<p>{left} more are in summary.csv.</p>" if left > 0 else ""
    table = f"<table class='outcomes' style='border-spacing: 0'>{''.join(lines)}</table>"
    return Html(f"{table}{more}")


_TEXT = "text-align: left; vertical-align: top; white-space: normal; padding: 3px 8px"
_NUMBER = (
    "text-align: right; vertical-align: top; font-variant-numeric: tabular-nums; padding: 3px 8px"
)


def _line(one: Outcome, labels: Sequence[str]) -> str:
    """Return a row; each cell carries its column's name, for pages too narrow for columns."""
    colour = _COLOURS[one.verdict or "fail"]
    name = escape(clip_name(one.name))
    if one.delivered:
        href = quote(one.name)
        name = (
            f"<a href='{href}.report.html'>{name}</a> (<a href='{href}_convert.ipynb'>notebook</a>)"
        )
    texts = (
        f"<b style='color: {colour}; white-space: nowrap'>{one.verdict or 'did not finish'}</b>",
        f"<span style='overflow-wrap: anywhere'>{name}</span>",
        escape(one.reason),
    )
    numbers = (
        *(_both_sides(one, metric) for metric in HEADLINE),
        _figure(one.size / 1e6 if one.size else None, 1),
        *(_figure(one.seconds, 1), _figure(one.speed, 2)),
    )
    cells = [(text, _TEXT) for text in texts] + [(text, _NUMBER) for text in numbers]
    return "<tr>{}</tr>".format(
        "".join(
            f"<td style='{style}' data-label='{escape(label)}'>{text}</td>"
            for label, (text, style) in zip(labels, cells, strict=True)
        )
    )


def _both_sides(one: Outcome, metric: Metric) -> str:
    """Return a metric's values in their colours: before, if there is one, and after."""
    return " ".join(
        f"<span style='color: {AFTER if key == metric.key else BEFORE}; white-space: nowrap'>"
        f"{metric.text(one.measures.get(key))}</span>"
        for key in metric.keys
    )


def _figure(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def worst_frames(outcomes: Iterable[Outcome]) -> Html:
    """Show the most banded frame of each of the worst clips, as delivered."""
    shown = [one for one in outcomes if one.thumbnail][:_FRAMES]
    cells = (
        _cell(
            [_image(one.thumbnail, "jpeg", "width: 100%")],
            f"<b style='color: {_COLOURS[one.verdict or 'fail']}'>{one.verdict}</b> "
            f"{escape(clip_name(one.name))}, {one.worst or 0:.2f} s<br>"
            f"{_measured(one)}",
        )
        for one in shown
    )
    return Html(_grid(cells, 240))


def contact_sheet(outcomes: Sequence[Outcome]) -> Html:
    """Show the same part of the same frame for each point of a sweep, before and after.

    Below each picture is the same with six times the local contrast, which makes banding visible.
    Without a sweep, the sheet is empty.
    """
    points = sorted((one for one in outcomes if one.crops), key=_place)
    if not points:
        return Html("")
    assert points[0].crops is not None
    cells = [_cell(_twice(points[0].crops[0]), "<b>Source</b>")]
    for one in points:
        assert one.crops is not None
        point = ", ".join(f"{name} {value}" for name, value in one.point.items())
        cells.append(_cell(_twice(one.crops[1]), f"<b>{escape(point)}</b><br>{_measured(one)}"))
    with Image.open(io.BytesIO(base64.b64decode(points[0].crops[0]))) as picture:
        width = picture.width
    return Html(f"<h2>Contact sheet</h2>{_grid(cells, width)}")


def _place(one: Outcome) -> list[tuple[bool, float, str]]:
    """Return the sort key of a sweep's point: numbers in order, then words."""
    return [
        (False, float(value), "") if isinstance(value, int | float) else (True, 0.0, str(value))
        for value in one.point.values()
    ]


def _twice(crop: str) -> list[str]:
    return [_image(crop, "png"), _image(_boosted(crop), "png")]


def _boosted(crop: str) -> str:
    """Return a PNG in base64 with more local contrast."""
    with Image.open(io.BytesIO(base64.b64decode(crop))) as picture:
        rgb = np.asarray(picture.convert("RGB"), np.float32)
    around = gaussian_filter(rgb, (_AROUND, _AROUND, 0))
    boosted = np.clip(around + _BOOST * (rgb - around) + 0.5, 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(boosted).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def _measured(one: Outcome) -> str:
    return ", ".join(
        f"{metric.label} {' → '.join(metric.text(one.measures.get(key)) for key in metric.keys)}"
        for metric in HEADLINE
    )


def _image(code: str, kind: str, size: str = "max-width: 100%") -> str:
    return f"<img style='display: block; {size}' src='data:image/{kind};base64,{code}'>"


def _cell(images: Sequence[str], caption: str) -> str:
    style = "font-size: 12px; line-height: 1.4; padding: 4px 0 10px; overflow-wrap: anywhere"
    text = f"<figcaption style='{style}'>{caption}</figcaption>"
    return f"<figure style='margin: 0; min-width: 0'>{''.join(images)}{text}</figure>"


def _grid(cells: Iterable[str], width: int) -> str:
    columns = f"repeat(auto-fill, minmax(min({width}px, 100%), {width}px))"
    style = f"display: grid; gap: 8px; grid-template-columns: {columns}"
    return f"<div style='{style}'>{''.join(cells)}</div>"


def banding_sheet(outcomes: Sequence[Outcome]) -> Drawing | Html:
    """Draw the banding metrics of the worst clips before and after, a line for each clip."""
    shown = [one for one in outcomes if any(map(one.measures.get, _PLOTTED_KEYS))]
    shown = sorted(shown, key=lambda one: -one.cambi)[:_NAMED]
    if not shown:
        return Html("Banding was not measured in any clip.")
    rows = len(shown)
    wide = (WIDTH - _NAMES - _MARGIN) / len(PLOTTED) - _MARGIN
    plots = [
        Plot(_NAMES + at * (wide + _MARGIN), 30, wide, _ROW * rows, up=(rows - 0.5, -0.5))
        for at in range(len(PLOTTED))
    ]
    for plot, metric in zip(plots, PLOTTED, strict=True):
        assert metric.before is not None
        pairs = [(one.measures.get(metric.before), one.measures.get(metric.key)) for one in shown]
        highest = max([value for pair in pairs for value in pair if value], default=1)
        plot.across = (0, 1.06 * highest)
        title = metric.heading
        if metric.guide is not None and metric.guide <= plot.across[1]:
            plot.rule(x=metric.guide)
            title += ": visible beyond the dashed line"
        _dumbbells(plot, pairs)
        plot.bottom(ticks(*plot.across))
        plot.title(title)
    plots[0].side(list(enumerate(labels(shown))))
    return drawing(WIDTH, 30 + _ROW * rows + 30, plots)


_PLOTTED_KEYS = [key for metric in PLOTTED for key in metric.keys]
_NAMES, _MARGIN, _ROW = 250, 30, 22  # pixels: of clip names, between plots, and of a clip


def _dumbbells(plot: Plot, pairs: Sequence[tuple[float | None, float | None]]) -> None:
    for at, (before, after) in enumerate(pairs):
        if before is not None and after is not None:
            plot.line((before, after), (at, at), GREY, width=0.8)
    for side, colour in ((0, BEFORE), (1, AFTER)):
        values = [pair[side] for pair in pairs]
        points = [(value, at) for at, value in enumerate(values) if value is not None]
        if points:
            across, down = zip(*points, strict=True)
            plot.dots(across, down, colour, radius=3.5)


def spread_sheet(outcomes: Sequence[Outcome]) -> Drawing | Html:
    """Draw the distribution of each headline metric and of the speed over all clips."""
    spreads = [
        (
            f"{metric.heading} after" if metric.before else metric.heading,
            [
                value * metric.factor
                for one in outcomes
                if (value := one.measures.get(metric.key)) is not None
            ],
        )
        for metric in HEADLINE
    ]
    spreads.append(("Speed, times real time", [one.speed for one in outcomes if one.speed]))
    spreads = [(title, found) for title, found in spreads if found]
    if not spreads:
        return Html("Nothing was measured in any clip.")
    wide, high = WIDTH / _COLUMNS, 240
    plots = []
    for at, (title, found) in enumerate(spreads):
        row, column = divmod(at, _COLUMNS)
        plot = Plot(wide * column + 55, high * row + 30, wide - 75, high - 65)
        counts, edges = np.histogram(found, bins=20, range=(0, max([*found, 1])))
        plot.across, plot.up = (0, float(edges[-1])), (0, 1.05 * counts.max())
        for count, left, right in zip(counts.tolist(), edges[:-1], edges[1:], strict=True):
            if count:
                plot.rectangle((left, right), (0, count), colour=AFTER, opacity=1)
        plot.bottom(ticks(*plot.across))
        plot.side([tick for tick in ticks(*plot.up, count=4) if tick[0] % 1 == 0])
        plot.title(f"{title} (clips)" if column == 0 else title)
        plots.append(plot)
    return drawing(WIDTH, high * (-(-len(spreads) // _COLUMNS)), plots)
