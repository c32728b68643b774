"""Batch panel: the listed clips are delivered with the look on screen."""

import json
import shutil
from pathlib import Path

import pytest

from tests.desk.driver import DeskDriver
from workbench.desk.batch_panel import BatchPanel


@pytest.fixture
def folder(banded: Path, tmp_path: Path) -> Path:
    for name in ("a.mp4", "b.mp4"):
        shutil.copy(banded, tmp_path / name)
    return tmp_path


def panel(desk: DeskDriver) -> BatchPanel:
    return desk.tuner._batch


def test_all_clips_are_delivered_with_the_look_on_screen(folder: Path) -> None:
    (folder / "c.mp4").write_bytes(b"no video")
    desk = DeskDriver(folder)
    desk.slide("Tone", "contrast", 0.8)
    assert [name for name, _ in panel(desk).clips.options] == ["a.mp4", "b.mp4", "c.mp4"]
    panel(desk).clips.value = tuple(str(folder / name) for name in ("a.mp4", "c.mp4"))
    seen: set[str] = set()
    desk.viewer.observe(lambda change: seen.add(change["new"]), "status")
    desk.press("Deliver 2 of 3 with this look")
    assert desk.viewer.encoding
    assert not panel(desk).cancel_button.disabled
    desk.press("Deliver 2 of 3 with this look")  # again while it runs
    assert "running already" in panel(desk).result.value
    desk.wait(180)
    assert "1 of 2 clips" in " ".join(seen)
    assert panel(desk).result.value.startswith("2 of 2 clips: 1 did not finish")
    assert "delivered a_prores" in panel(desk).outcomes.value
    assert "FAILED    c_prores" in panel(desk).outcomes.value
    assert "a_prores" in panel(desk).summary.html
    assert not desk.viewer.encoding
    record = json.loads((folder / "delivered/a_prores.qc.json").read_text())
    assert record["preset"]["tone"]["contrast"] == 0.8
    assert not (folder / "delivered/b_prores.mov").exists()


def test_a_cancelled_batch_stops_and_says_so(folder: Path) -> None:
    desk = DeskDriver(folder)
    desk.press("Deliver all with this look")
    desk.press("Cancel", "Stop the batch. Delivered clips stay.")
    desk.wait(180)
    assert panel(desk).result.value.startswith("Cancelled.")
    assert not desk.viewer.encoding
    assert panel(desk).cancel_button.disabled
    assert list(folder.rglob("*_prores.mov")) == []


def test_problems_are_one_sentence(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    desk = DeskDriver(tmp_path / "empty")
    desk.press("Deliver all with this look")
    assert panel(desk).result.value == "No clip is chosen. Choose a folder under Clip first."
    desk.type_folder(folder)
    panel(desk).destination.value = str(folder / "a.mp4")
    desk.press("Deliver all with this look")
    desk.wait(180)
    assert "a.mp4 is a file" in panel(desk).result.value
    assert panel(desk).summary.html == ""
