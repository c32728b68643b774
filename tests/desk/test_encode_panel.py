"""Encode panel: the delivered file, its report, cancel and errors."""

from pathlib import Path

import pytest

from tests.desk.driver import DeskDriver
from workbench.deliver import figures
from workbench.media.probe import open_clip


def test_it_encodes_what_it_shows(desk: DeskDriver, tmp_path: Path) -> None:
    desk.encode(tmp_path / "out.mov")
    assert not desk.button("Encode").disabled  # it would lose the focus, and the desk its keys
    assert not desk.cancel_encode_button.disabled
    desk.press("Encode")  # again while it runs
    assert "Encoding is running already." in desk.text()
    desk.wait()
    assert "prores_ks" in desk.text()
    assert open_clip(tmp_path / "out.mov").profile == "HQ"
    record = (tmp_path / "out.qc.json").read_text(encoding="utf-8")
    assert desk.preset.hash in record
    assert "note" in desk.text()
    assert desk.report == (tmp_path / "out.report.html").read_text(encoding="utf-8")
    assert desk.cancel_encode_button.disabled
    desk.press("Encode")
    assert "already exists" in desk.text()


def test_without_its_report_no_file_is_written_and_the_reason_is_shown(
    desk: DeskDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise OSError("no room for figures")

    monkeypatch.setattr(figures, "draw_figures", fail)
    desk.encode(tmp_path / "out.mov")
    desk.wait()
    assert "no room for figures" in desk.text()
    assert desk.report == ""
    assert list(tmp_path.iterdir()) == []


def test_cancelling_leaves_no_file(desk: DeskDriver, tmp_path: Path) -> None:
    desk.encode(tmp_path / "out.mov")
    desk.cancel_encode_button.click()
    desk.wait()
    assert "Cancelled. Nothing was written." in desk.text()
    assert desk.cancel_encode_button.disabled
    assert list(tmp_path.iterdir()) == []


def test_a_bad_destination_is_an_error(desk: DeskDriver, tmp_path: Path) -> None:
    desk.encode(tmp_path / "out.mp4")
    assert ".mov" in desk.text()
    desk.wait()
    assert list(tmp_path.iterdir()) == []


def test_the_browser_knows_that_an_encode_runs(desk: DeskDriver, tmp_path: Path) -> None:
    seen: list[bool] = []
    desk.viewer.observe(lambda change: seen.append(change["new"]), "encoding")
    desk.encode(tmp_path / "out.mov")
    desk.wait()
    assert seen == [True, False]
