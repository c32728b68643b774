"""Tables: facts, findings and metrics, in a notebook and in a terminal."""

import re
from dataclasses import replace
from pathlib import Path

from tests import clips
from workbench.deliver.encode import convert
from workbench.deliver.settings import Settings
from workbench.look.compare import compare
from workbench.look.preset import load_preset
from workbench.look.render import render
from workbench.measure.code_values import count_code_values
from workbench.measure.metrics import HEADLINE
from workbench.media.probe import open_clip
from workbench.present import tables


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
    assert "untagged colour: bt709/bt709/bt709, legal range" in text
    turned = clips.turned(untagged, tmp_path / "t.mp4", "-display_rotation", "90")
    assert "rotated by 270° to be upright" in str(tables.clip_table(open_clip(turned)))


def test_findings_come_worst_first(untagged: Path, tmp_path: Path) -> None:
    delivery = convert(untagged, tmp_path / "out.mov", Settings())
    rows = tables.findings_table([*delivery.findings, replace(delivery.findings[0], level="fail")])
    levels = [row[0] for row in rows.rows]
    assert levels == sorted(levels, key=["fail", "warn", "note", "pass"].index)
    assert set(levels) == {"fail", "warn", "note", "pass"}
    text = str(tables.delivery_table(delivery))
    assert "gradfun=1.1:20" in text
    assert not re.search("^(record|report) ", text, re.MULTILINE)
    written = replace(delivery, record=Path("out.qc.json"), report=Path("out.report.html"))
    text = str(tables.delivery_table(written))
    assert re.search(r"^record +out\.qc\.json$", text, re.MULTILINE)
    assert re.search(r"^report +out\.report\.html$", text, re.MULTILINE)


def test_the_desk_s_table_shows_every_headline_metric_before_and_after(banded: Path) -> None:
    preset = load_preset("classic")
    with open_clip(banded) as clip:
        frame = clip.frame(3)
    (found,) = compare([frame], preset, coarse=False)
    html = tables.measured_html(
        count_code_values(frame), count_code_values(render(frame, preset)), found, "still"
    )
    assert "still" in html
    for metric in HEADLINE:
        row = html[html.index(f">{metric.label}<") :].partition("</tr>")[0]
        shown = [metric.text(getattr(found, key)) for key in metric.keys]
        assert all(f">{text}<" in row for text in shown)
