"""Figures: what a report and a notebook draw of an inspection."""

import base64
import io
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from tests import clips
from workbench.deliver import figures
from workbench.deliver.encode import convert
from workbench.deliver.inspection import Inspection
from workbench.deliver.settings import Settings
from workbench.deliver.svg import Drawing, Plot, drawing
from workbench.measure.code_values import count_code_values

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def inspection(tmp_path_factory: pytest.TempPathFactory) -> Inspection:
    path = tmp_path_factory.mktemp("figures") / "sky.mp4"
    clips.run("-f", "lavfi", "-i", clips.sky("640x400"), "-c:v", "libx264", "-crf", "18", path)
    found = convert(path, None, Settings(preset="classic")).inspection
    assert found is not None
    return found


def elements(figure: Drawing, kind: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(figure.svg).iter(SVG + kind))


def texts(figure: Drawing) -> list[str]:
    return ["".join(one.itertext()) for one in elements(figure, "text")]


def pixels(image: ElementTree.Element) -> np.ndarray:
    _, _, code = image.attrib["href"].partition(";base64,")
    with Image.open(io.BytesIO(base64.b64decode(code))) as picture:
        return np.asarray(picture.convert("RGB"))


def points(line: ElementTree.Element) -> np.ndarray:
    """Return the points of a line, in pixels of the drawing: (points, 2)."""
    return np.array([pair.split(",") for pair in line.attrib["points"].split()], float)


def box(one: ElementTree.Element) -> list[float]:
    return [float(one.attrib[name]) for name in ("x", "y", "width", "height")]


def test_crops_are_pixel_for_pixel(inspection: Inspection) -> None:
    assert inspection.bands is not None
    x, y, width, height = inspection.bands.worst_window()
    part = (slice(y, y + height), slice(x, x + width))
    images = elements(figures.crops(inspection), "image")
    for left, image, frame in zip(
        (0, width + 16), images, (inspection.before, inspection.after), strict=True
    ):
        assert box(image) == [left, 24, width, height]
        assert np.array_equal(pixels(image), frame.rgb()[part])


def test_whole_pictures_mark_the_same_window(inspection: Inspection) -> None:
    assert inspection.bands is not None
    first, second = elements(figures.pictures(inspection), "rect")
    scale = 480 / inspection.before.width
    x, y, width, height = (scale * side for side in inspection.bands.worst_window())
    for left, marked in ((0, first), (480 + 16, second)):
        assert box(marked) == pytest.approx([left + x, 24 + y, width, height], abs=0.1)


def test_the_banding_map_lies_over_the_whole_picture(inspection: Inspection) -> None:
    under, over = elements(figures.band_map(inspection), "image")
    assert box(under) == box(over) == [0, 24, 976, 610]


def test_histograms_are_on_one_scale(inspection: Inspection) -> None:
    sheet = figures.histogram_sheet(inspection)
    legal = [box(one) for one in elements(sheet, "rect")]
    assert [one[::2] for one in legal] == [legal[0][::2]] * 2
    titles = [text for text in texts(sheet) if text.startswith("luma")]
    for title, frame in zip(titles, (inspection.before, inspection.after), strict=True):
        assert f" {count_code_values(frame).occupied} code values" in title


def test_the_timeline_shows_what_was_measured_in_the_same_two_colours(
    inspection: Inspection,
) -> None:
    sheet = figures.timeline_sheet(inspection)
    luma, _, *curves = elements(sheet, "polyline")
    _, top, _, height = box(elements(sheet, "rect")[0])  # legal range, 64 to 940
    drawn = 940 - (points(luma)[:, 1] - top) / height * (940 - 64)
    assert drawn == pytest.approx(inspection.levels.mean, abs=1)
    found = inspection.comparisons
    names = ("cambi_before", "cambi_after", "contour_before", "contour_after")
    for line, name in zip(curves, names, strict=True):
        values = np.array([getattr(one, name) for one in found])
        assert line.attrib["stroke"] == (figures.BEFORE if "before" in name else figures.AFTER)
        assert len(points(line)) == len(values)
    for before, after, key in ((*curves[:2], "cambi"), (*curves[2:], "contour")):
        drawn = np.concatenate([points(before)[:, 1], points(after)[:, 1]])
        sides = [[getattr(one, f"{key}_{side}") for one in found] for side in ("before", "after")]
        assert np.corrcoef(drawn, np.ravel(sides))[0, 1] < -0.99, "higher values are drawn higher"


def test_black_and_frozen_stretches_are_marked(inspection: Inspection) -> None:
    levels = inspection.levels
    black = np.zeros_like(levels.black)
    black[3:9] = 1
    still = np.full_like(levels.change, 5)
    still[12:20] = 0
    last = inspection.times[-1] + 1
    changed = replace(levels, black=black, change=still, drift=still)
    marked = replace(inspection, levels=changed, end=last)
    sheet = figures.timeline_sheet(marked)
    assert [text for text in texts(sheet) if text in ("black", "frozen")] == [
        "black",
        "frozen",
        "frozen",
    ]
    whole, *spans = (box(one) for one in elements(sheet, "rect"))
    scale = float(last) / whole[2]
    shown = [((x - whole[0]) * scale, (x - whole[0] + width) * scale) for x, _, width, _ in spans]
    at = np.array([float(time) for time in marked.bounds])
    assert np.ravel(shown) == pytest.approx(at[[3, 9, 11, 20, 23, 24]], abs=0.01)


def test_a_long_timeline_is_thinned_and_keeps_its_extremes() -> None:
    times = [Fraction(i, 24) for i in range(90_000)]
    low, high = np.full(90_000, 200, np.float32), np.full(90_000, 300, np.float32)
    high[54_321] = 999
    at, lowest, highest = figures._thinned(times, low, high)
    assert len(at) == len(lowest) == len(highest) <= 2000
    assert (lowest.min(), highest.max()) == (200, 999)


def test_scopes_show_before_and_after(inspection: Inspection) -> None:
    sheet = figures.scope_sheet(inspection)
    titles = {
        f"{what} {when}"
        for what in ("waveform", "RGB parade", "vectorscope")
        for when in ("before", "after")
    }
    assert titles <= set(texts(sheet))
    assert len(elements(sheet, "image")) == 2 * (1 + 3 + 1)


def test_a_scope_s_trace_is_at_the_height_of_its_code_values(inspection: Inspection) -> None:
    """In a grey picture of code 512, it lies in the middle of the waveform."""
    grey = np.full_like(inspection.after.luma, 512)
    plain = replace(inspection, after=replace(inspection.after, luma=grey))
    waveform = elements(figures.scope_sheet(plain), "image")[1]
    _, _, code = waveform.attrib["href"].partition(";base64,")
    with Image.open(io.BytesIO(base64.b64decode(code))) as picture:
        opacity = np.asarray(picture.convert("RGBA"))[..., 3]
    assert np.flatnonzero(opacity.any(axis=1)).tolist() == [127]


def test_a_report_s_figures_are_small_pictures(inspection: Inspection) -> None:
    """A notebook stores them as an image that needs no script, and that stays below 0.5 MB."""
    drawn = figures.draw_figures(inspection)
    assert len(drawn) == 6
    for figure in drawn.values():
        html = figure._repr_html_()
        assert re.fullmatch(r'<img [^>]*src="data:image/svg\+xml;charset=utf-8,[^"<>#:]*">', html)
    assert sum(len(figure.uri) for figure in drawn.values()) < 500_000


def test_a_clip_name_cannot_break_a_drawing() -> None:
    plot = Plot(0, 0, 10, 10)
    plot.title("<b>&\"'\x01%#\n")
    figure = drawing(10, 10, [plot])
    assert texts(figure) == ["<b>&\"'\ufffd%#\ufffd"]
    assert "<b" not in figure._repr_html_()


def test_a_picture_too_small_for_cambi_is_shown_whole(untagged: Path, tmp_path: Path) -> None:
    small = tmp_path / "small.mp4"
    clips.run("-i", untagged, "-vf", "scale=160:90", "-an", small)
    delivery = convert(small, None, Settings(preset="classic"))
    assert delivery.inspection is not None
    assert delivery.inspection.bands is None
    assert len(figures.draw_figures(delivery.inspection)) == 6
    assert "banding" not in {finding.id for finding in delivery.findings}
