"""Summary plots: the metrics of a batch's clips, drawn with Matplotlib.

A batch draws them once. The figures of each clip are written as SVG by `deliver/svg.py`: Matplotlib
would take most of the time that a short clip costs.
"""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib import rc_params_from_file
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workbench.batch.outcome import Outcome
from workbench.deliver.figures import AFTER, BEFORE
from workbench.deliver.svg import GREY
from workbench.measure.metrics import HEADLINE, PLOTTED
from workbench.present.labels import labels
from workbench.present.overview import Html

_NAMED = 40  # clips in a plot with their names
_COLUMNS = 3  # of plots
_STYLE: Any = rc_params_from_file(
    Path(__file__).with_name("workbench.mplstyle"), use_default_template=False
)


class Png(bytes):
    """A drawn figure, which a notebook shows without drawing it again."""

    def _repr_png_(self) -> bytes:
        return self

    def __repr__(self) -> str:
        return f"a picture, {len(self)} bytes"  # else a notebook stores the bytes as text too


@contextmanager
def _style() -> Iterator[None]:
    """Draw in the workbench's style, and close the figures at the end.

    A notebook shows the value of a cell, and would show a figure that is still open again.
    """
    with plt.style.context(_STYLE):
        yield
        plt.close("all")


def _png(figure: Figure) -> Png:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return Png(buffer.getvalue())


def banding_sheet(outcomes: Sequence[Outcome]) -> Png | Html:
    """Draw the banding metrics of the worst clips before and after, a line for each clip."""
    shown = [one for one in outcomes if any(map(one.measures.get, _PLOTTED_KEYS))]
    shown = sorted(shown, key=lambda one: -one.cambi)[:_NAMED]
    if not shown:
        return Html("Banding was not measured in any clip.")
    with _style():
        height = 0.9 + 0.22 * len(shown)
        figure = plt.figure(figsize=(9.76, height), layout="constrained")
        axes = figure.subplots(1, len(PLOTTED), sharey=True)
        for ax, metric in zip(axes, PLOTTED, strict=True):
            assert metric.before is not None
            _dumbbells(
                ax,
                [(one.measures.get(metric.before), one.measures.get(metric.key)) for one in shown],
            )
            title = metric.heading
            if metric.guide is not None and metric.guide <= ax.get_xlim()[1]:
                ax.axvline(metric.guide, color=GREY, linewidth=0.8, linestyle=(0, (4, 4)))
                title += ": visible beyond the dashed line"
            ax.set_title(title)
        axes[0].set_yticks(range(len(shown)), labels(shown))
        axes[0].set_ylim(len(shown) - 0.5, -0.5)
        return _png(figure)


_PLOTTED_KEYS = [key for metric in PLOTTED for key in metric.keys]


def _dumbbells(ax: Axes, pairs: Sequence[tuple[float | None, float | None]]) -> None:
    for at, (before, after) in enumerate(pairs):
        if before is not None and after is not None:
            ax.plot([before, after], [at, at], color=GREY, linewidth=0.8, zorder=1)
    for side, colour in ((0, BEFORE), (1, AFTER)):
        values = [pair[side] for pair in pairs]
        points = [(value, at) for at, value in enumerate(values) if value is not None]
        if points:
            across, down = zip(*points, strict=True)
            ax.scatter(across, down, color=colour, s=22, zorder=2)
    ax.set_xlim(0, 1.06 * max([value for pair in pairs for value in pair if value], default=1))


def spread_sheet(outcomes: Sequence[Outcome]) -> Png | Html:
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
    rows = -(-len(spreads) // _COLUMNS)
    with _style():
        figure = plt.figure(figsize=(9.76, 2.4 * rows), layout="constrained")
        axes = figure.subplots(rows, _COLUMNS, squeeze=False).flat
        for (title, found), ax in zip(spreads, axes, strict=False):
            ax.hist(found, bins=20, range=(0, max([*found, 1])), color=AFTER)
            ax.set(title=title, ylabel="clips" if ax.get_subplotspec().is_first_col() else "")
            ax.yaxis.get_major_locator().set_params(integer=True)
        for ax in axes:
            ax.set_axis_off()
        return _png(figure)
