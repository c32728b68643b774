"""Overview: the outcomes of a batch as tables and pictures."""

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
from workbench.deliver.figures import AFTER, BEFORE
from workbench.deliver.format import clip_name
from workbench.deliver.qc import LEVELS
from workbench.measure.metrics import HEADLINE, Metric
from workbench.present.tables import Table

_ROWS = 500  # of the table; summary.csv holds all
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
