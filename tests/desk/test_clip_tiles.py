"""Clip tiles: thumbnails and verdicts of many clips, the filter, and clips that vanish."""

import io
import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

from tests.desk.driver import DeskDriver
from workbench.desk import clip_tiles
from workbench.desk.clip_tiles import delivered_verdict


@pytest.fixture
def shots(untagged: Path, tmp_path: Path) -> Path:
    """A folder of four clips; one of them is broken."""
    for name in ("day 1 sky.mp4", "day 2 sky.mp4", "day 2 sea.mp4"):
        shutil.copy(untagged, tmp_path / name)
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    return tmp_path


def test_a_tile_has_a_thumbnail_or_a_problem(shots: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = DeskDriver(shots)
    sky, broken, gone = (shots / f"{name}.mp4" for name in ("day 1 sky", "broken", "gone"))
    (good, jpeg), (bad, nothing), (lost, _) = desk.ask_for_tiles(sky, broken, gone)
    assert Image.open(io.BytesIO(jpeg)).size == (128, 72)
    assert (good["clip"], good["problem"], good["verdict"]) == (str(sky), "", None)
    assert "broken.mp4" in bad["problem"]
    assert nothing == b""
    assert "gone.mp4" in lost["problem"]
    monkeypatch.setattr(clip_tiles, "open_clip", None)  # from now on, only the cache has it
    ((_, again),) = desk.ask_for_tiles(sky)
    assert again == jpeg


def test_the_filter_narrows_the_tiles_and_the_steps(shots: Path) -> None:
    desk = DeskDriver(shots)
    assert desk.listed_tiles() == ["broken.mp4", "day 1 sky.mp4", "day 2 sea.mp4", "day 2 sky.mp4"]
    desk.filter_clips("SKY day")
    assert desk.listed_tiles() == ["day 1 sky.mp4", "day 2 sky.mp4"]
    for shown in ("day 1 sky", "day 2 sky", "day 2 sky"):
        desk.shortcut("next_clip")
        desk.wait()
        assert desk.clip.path.stem == shown
        assert desk.tiles.chosen == str(desk.clip.path)
    desk.tiles.chosen = str(shots / "day 1 sky.mp4")  # a click
    desk.wait()
    assert desk.clip.path.stem == "day 1 sky"
    assert desk.clips.value == str(desk.clip.path)
    desk.tiles.chosen = str(shots / "broken.mp4")
    desk.wait()
    assert "broken.mp4" in desk.error
    assert desk.tiles.chosen == str(shots / "day 1 sky.mp4")
    assert len(desk.offered_clips()) == 5  # the list at the top, and the batch, have all


def test_a_record_of_another_clip_is_no_verdict(untagged: Path, tmp_path: Path) -> None:
    clip = Path(shutil.copy(untagged, tmp_path / "a.mp4"))
    assert delivered_verdict(clip, [tmp_path]) is None
    (tmp_path / "a_prores.qc.json").write_text("{}", encoding="utf-8")
    assert delivered_verdict(clip, [tmp_path, tmp_path / "nowhere"]) is None


def test_only_the_visible_ones_of_300_clips_are_opened(
    untagged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = shutil.copy(untagged, tmp_path / "000.mp4")
    for number in range(1, 300):
        os.link(one, tmp_path / f"{number:03}.mp4")
    opened: list[Path] = []
    actual = clip_tiles.open_clip
    monkeypatch.setattr(clip_tiles, "open_clip", lambda path: opened.append(path) or actual(path))
    desk = DeskDriver(tmp_path)
    assert len(desk.listed_tiles()) == 300
    desk.choose_clip(tmp_path / "150.mp4")
    desk.wait()
    assert opened == []
    visible = [tmp_path / f"{number:03}.mp4" for number in range(148, 154)]
    assert len(desk.ask_for_tiles(*visible)) == 6
    assert opened == visible


def test_a_clip_that_vanishes_is_one_sentence_and_its_picture_stays(shots: Path) -> None:
    path = shots / "day 1 sky.mp4"
    desk = DeskDriver(path)
    desk.wait()
    preview = desk.preview
    desk.forget_decoded_frames()
    path.unlink()
    for change in (lambda: desk.go_to_frame(3), lambda: desk.shortcut("play")):
        change()
        desk.wait()
        assert desk.error == f"{path} can no longer be opened: no such file or directory"
        assert desk.preview == preview
    desk.press("↻")
    desk.choose_clip(shots / "day 2 sea.mp4")
    desk.wait()
    assert desk.error == ""
    assert desk.clip.path.stem == "day 2 sea"
