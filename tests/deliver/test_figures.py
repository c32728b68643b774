"""Figures: what a report and a notebook draw of an inspection."""

import io
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from tests import clips
from workbench.deliver import figures
from workbench.deliver.encode import convert
from workbench.deliver.inspection import Inspection
from workbench.deliver.settings import Settings
from workbench.measure.code_values import count_code_values


@pytest.fixture(scope="module")
def inspection(tmp_path_factory: pytest.TempPathFactory) -> Inspection:
    path = tmp_path_factory.mktemp("figures") / "sky.mp4"
    clips.run("-f", "lavfi", "-i", clips.sky("640x400"), "-c:v", "libx264", "-crf", "18", path)
    found = convert(path, None, Settings(preset="classic")).inspection
    assert found is not None
    return found


def pixels(figure: object) -> np.ndarray:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")  # type: ignore[attr-defined]
    buffer.seek(0)
    return (matplotlib.image.imread(buffer) * 255).round().astype(np.uint8)


def test_crops_are_pixel_for_pixel(inspection: Inspection) -> None:
    assert inspection.bands is not None
    x, y, width, height = inspection.bands.worst_window()
    drawn = pixels(figures.crops(inspection))
    part = (slice(y, y + height), slice(x, x + width))
    for left, frame in ((0, inspection.before), (width + 16, inspection.after)):
        shown = drawn[24 : 24 + height, left : left + width, :3]
        assert np.array_equal(shown, frame.rgb()[part])


def test_whole_pictures_mark_the_same_window(inspection: Inspection) -> None:
    assert inspection.bands is not None
    figure = figures.pictures(inspection)
    boxes = [ax.patches[0].get_bbox().bounds for ax in figure.axes]
    assert boxes == [inspection.bands.worst_window()] * 2


def test_histograms_are_on_one_scale(inspection: Inspection) -> None:
    top, bottom = figures.histogram_sheet(inspection).axes
    assert top.get_xlim() == bottom.get_xlim() == (0, 1023)
    assert str(count_code_values(inspection.after).occupied) in bottom.get_title(loc="left")


def test_the_timeline_shows_what_was_measured_in_the_same_two_colours(
    inspection: Inspection,
) -> None:
    luma, _, banding, contour = figures.timeline_sheet(inspection).axes
    assert tuple(luma.get_lines()[0].get_ydata()) == tuple(inspection.levels.mean)
    for ax, key in ((banding, "cambi"), (contour, "contour")):
        before, after = ax.get_lines()[:2]
        found = inspection.comparisons
        assert list(before.get_ydata()) == [getattr(one, f"{key}_before") for one in found]
        assert list(after.get_ydata()) == [getattr(one, f"{key}_after") for one in found]
        assert (before.get_color(), after.get_color()) == (figures.BEFORE, figures.AFTER)


def test_black_and_frozen_stretches_are_marked(inspection: Inspection) -> None:
    levels = inspection.levels
    black = np.zeros_like(levels.black)
    black[3:9] = 1
    still = np.full_like(levels.change, 5)
    still[12:20] = 0
    last = inspection.times[-1] + 1
    changed = replace(levels, black=black, change=still, drift=still)
    marked = replace(inspection, levels=changed, end=last)
    ax = figures.timeline_sheet(marked).axes[0]
    assert [text.get_text() for text in ax.texts] == ["black", "frozen", "frozen"]
    spans = [(span.get_x(), span.get_x() + span.get_width()) for span in ax.patches[-3:]]
    at = np.array([float(time) for time in marked.bounds])
    assert np.ravel(spans) == pytest.approx(at[[3, 9, 11, 20, 23, 24]])
    assert ax.get_xlim()[1] == pytest.approx(float(last)), "the last frame's time is shown"


def test_a_long_timeline_is_thinned_and_keeps_its_extremes() -> None:
    times = [Fraction(i, 24) for i in range(90_000)]
    low, high = np.full(90_000, 200, np.float32), np.full(90_000, 300, np.float32)
    high[54_321] = 999
    at, lowest, highest = figures._thinned(times, low, high)
    assert len(at) == len(lowest) == len(highest) <= 2000
    assert (lowest.min(), highest.max()) == (200, 999)


def test_scopes_show_before_and_after(inspection: Inspection) -> None:
    axes = figures.scope_sheet(inspection).axes
    titles = [ax.get_title(loc="left") for ax in axes]
    assert titles == [
        f"{what} {when}"
        for what in ("waveform", "RGB parade", "vectorscope")
        for when in ("before", "after")
    ]
    assert all(ax.images for ax in axes)


def test_a_report_s_figures_are_pictures(inspection: Inspection) -> None:
    drawn = figures.draw_figures(inspection)
    assert len(drawn) == 6
    for png in drawn.values():
        assert png._repr_png_()[:4] == b"\x89PNG"
        assert matplotlib.image.imread(io.BytesIO(png)).shape[1] > 600


def test_a_picture_too_small_for_cambi_is_shown_whole(untagged: Path, tmp_path: Path) -> None:
    small = tmp_path / "small.mp4"
    clips.run("-i", untagged, "-vf", "scale=160:90", "-an", small)
    delivery = convert(small, None, Settings(preset="classic"))
    assert delivery.inspection is not None
    assert delivery.inspection.bands is None
    assert len(figures.draw_figures(delivery.inspection)) == 6
    assert "banding" not in {finding.id for finding in delivery.findings}


def test_figures_are_not_left_open(inspection: Inspection) -> None:
    import matplotlib.pyplot as plt

    figures.draw_figures(inspection)
    assert plt.get_fignums() == []
