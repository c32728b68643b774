"""The report: an HTML page of its own, with the verdict first."""

import re
from dataclasses import replace
from pathlib import Path

from workbench.deliver.report import page, write_report
from workbench.deliver.settings import Settings
from workbench.deliver.svg import Drawing
from workbench.deliver.verify import Delivery
from workbench.ffmpeg import pasteable

PICTURE = Drawing(20, 10, "<rect/>")


def text(html: str) -> str:
    """Return the visible text of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]+>", " ", html, flags=re.DOTALL))


def test_the_verdict_comes_first_and_then_the_worst_findings(delivery: Delivery) -> None:
    html = page(delivery, {})
    words = text(html)
    assert words.index("WARNING, ") < words.index("Checks")
    assert words.index("bit depth") < words.index("untagged colour") < words.index("fourcc")
    for finding in delivery.findings:
        assert finding.sentence in words.replace("&#39;", "'").replace("&gt;", ">")


def test_the_report_shows_how_the_file_was_made(delivery: Delivery) -> None:
    words = text(page(delivery, {})).replace("&#39;", "'")
    assert pasteable(delivery.command) in words
    assert delivery.sha256 in words
    assert delivery.settings.look is not None
    assert f"classic ({delivery.settings.look.hash})" in words
    assert "deband.strength 1.1" in words


def test_the_report_loads_nothing_else(delivery: Delivery) -> None:
    html = page(delivery, {"A picture": PICTURE})
    assert "%3Crect/%3E" in html
    assert not re.search(r'(src|href)="(?!data:)', html)
    assert "://" not in html
    assert "<script" not in html


def test_a_file_name_is_escaped(delivery: Delivery) -> None:
    hostile = replace(delivery, destination=Path("<script>alert(1)</script>.mov"))
    html = page(hostile, {"<b>": PICTURE})
    assert "<script>" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;" in html


def test_a_file_from_elsewhere_is_reported_too(delivery: Delivery) -> None:
    foreign = replace(delivery, settings=Settings(preset=None), command=(), inspection=None)
    words = text(page(foreign, {}))
    assert "Preset not known" in words
    assert "The command that made this file is not known." in words


def test_the_report_is_written_beside_the_file(delivery: Delivery) -> None:
    path = write_report(delivery, {})
    assert path == delivery.destination.with_name("shot.v2.report.html")
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
