"""What a person sees: tables, figures, the progress bar and the tuner's Python side."""

import io
from dataclasses import replace
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from tests import clips
from workbench.deliver.encode import Recipe, convert
from workbench.desk import plots, tables
from workbench.desk.progress import progress_bar
from workbench.desk.tuner import Tuner
from workbench.ffmpeg import Progress
from workbench.look.compare import Comparison, compare
from workbench.look.preset import load_preset
from workbench.look.render import render
from workbench.probe import open_clip


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    path = tmp_path_factory.mktemp("desk") / "sky.mp4"
    clips.run("-f", "lavfi", "-i", clips.sky("640x400"), "-c:v", "libx264", "-crf", "18", path)
    return compare(open_clip(path), load_preset("classic"), samples=4)


def pixels(figure: object) -> np.ndarray:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")  # type: ignore[attr-defined]
    buffer.seek(0)
    return (matplotlib.image.imread(buffer) * 255).round().astype(np.uint8)


def test_crops_are_pixel_for_pixel(comparison: Comparison) -> None:
    x, y, width, height = comparison.bands.worst_window()
    drawn = pixels(plots.crops(comparison))
    part = (slice(y, y + height), slice(x, x + width))
    for left, frame in ((0, comparison.before), (width + 16, comparison.after)):
        shown = drawn[24 : 24 + height, left : left + width, :3]
        assert np.array_equal(shown, frame.rgb()[part])


def test_whole_pictures_mark_the_same_window(comparison: Comparison) -> None:
    figure = plots.pictures(comparison)
    boxes = [ax.patches[0].get_bbox().bounds for ax in figure.axes]
    assert boxes == [comparison.bands.worst_window()] * 2


def test_measures_show_both_on_one_scale(comparison: Comparison) -> None:
    top, middle, bottom = plots.measures(comparison).axes
    assert top.get_xlim() == middle.get_xlim() == (0, 1023)
    assert str(comparison.codes_after.occupied) in middle.get_title(loc="left")
    before, after = bottom.get_lines()[:2]
    assert tuple(before.get_ydata()) == comparison.banding.before
    assert tuple(after.get_ydata()) == comparison.banding.after
    assert (before.get_color(), after.get_color()) == (plots.BEFORE, plots.AFTER)


def test_figures_are_not_left_open(comparison: Comparison) -> None:
    import matplotlib.pyplot as plt

    plots.measures(comparison)
    assert plt.get_fignums() == []


def test_a_table_escapes_what_a_file_says() -> None:
    table = tables.Table(("a", "<b>"), (("<script>", "x & y"),))
    html = table._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "x &amp; y" in html
    assert str(table) == "a         <b>\n<script>  x & y"


def test_a_clip_s_table_says_what_is_assumed_and_how_it_is_turned(
    untagged: Path, tmp_path: Path
) -> None:
    text = str(tables.clip_table(open_clip(untagged)))
    assert "untagged colour is taken for bt709/bt709/bt709, legal range" in text
    turned = clips.turned(untagged, tmp_path / "t.mp4", "-display_rotation", "90")
    assert "turned 270° to be upright" in str(tables.clip_table(open_clip(turned)))


def test_findings_come_worst_first(untagged: Path, tmp_path: Path) -> None:
    delivery = convert(untagged, tmp_path / "out.mov", Recipe(load_preset("classic")))
    rows = tables.findings_table([*delivery.findings, replace(delivery.findings[0], level="fail")])
    assert [row[0] for row in rows.rows][:3] == ["fail", "note", "pass"]
    text = str(tables.delivery_table(delivery, tmp_path / "out.qc.json"))
    assert "gradfun=1.1:20" in text


def test_the_bar_follows_a_run_to_its_end() -> None:
    stream = io.StringIO()
    with progress_bar(120, "encoding", stream) as follow:
        follow(Progress(frame=60, time=1, speed=None, size=0))  # type: ignore[arg-type]
        follow(Progress(frame=130, time=2, speed=None, size=0))  # type: ignore[arg-type]
    assert "encoding: 100%" in stream.getvalue()
    assert "120/120" in stream.getvalue()


def test_the_tuner_shows_the_look_that_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "sky.mp4"
    clips.run("-f", "lavfi", "-i", clips.sky("640x400"), "-c:v", "libx264", "-crf", "18", path)
    clip = open_clip(path)
    tuner = Tuner(clip)
    assert tuner.preset == load_preset("classic")
    first = tuner._picture.value
    tuner._sliders["deband.strength"].value = 8.0
    assert tuner.preset.parameters()["deband.strength"] == 8.0
    assert tuner._picture.value != first
    shown = matplotlib.image.imread(io.BytesIO(tuner._picture.value), format="png")
    after = render(clip.frame(tuner._frame.value), tuner.preset).rgb()
    right = (shown[:, 480:, :3] * 255).round().astype(np.uint8)
    assert any(
        np.array_equal(right, after[y : y + 360, x : x + 480])
        for y in range(after.shape[0] - 359)
        for x in range(after.shape[1] - 479)
    )


def test_the_tuner_keeps_what_the_sliders_say(
    tmp_path: Path, untagged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tuner = Tuner(open_clip(untagged))
    tuner._sliders["tone.contrast"].value = 0.5
    tuner._keep.click()
    kept = tmp_path / "mine.toml"
    assert tuner._kept.value == f"kept in {kept}"
    assert load_preset(kept) == tuner.preset
    assert load_preset(kept).parameters()["tone.contrast"] == 0.5
    tuner._sliders["tone.contrast"].value = 0.7
    tuner._keep.click()
    assert "exists already" in tuner._kept.value
    assert load_preset(kept).parameters()["tone.contrast"] == 0.5


def test_the_tuner_says_what_is_wrong_and_keeps_the_last_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "sky.mp4"
    clips.run("-f", "lavfi", "-i", clips.sky(), "-c:v", "libx264", path)
    tuner = Tuner(open_clip(path))
    shown = tuner._picture.value
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "gone"))
    tuner._sliders["tone.contrast"].value = 0.5
    assert "IMAGEIO_FFMPEG_EXE names" in tuner._words.value
    assert tuner._picture.value == shown
