"""Clip chooser: folders, clips, and paths that are wrong."""

import shutil
from pathlib import Path

import pytest

from tests.desk.driver import DeskDriver


def test_a_folder_lists_its_clips(banded: Path, untagged: Path) -> None:
    desk = DeskDriver(banded.parent)
    assert desk.tuner.clip is None
    assert ("banded.mp4", str(banded)) in desk.clips.options
    desk.choose_clip(untagged)
    desk.wait()
    assert desk.clip.path == untagged
    assert len(desk.exact_picture("after")) > 1000


def test_a_clip_that_cannot_be_opened_leaves_the_last_picture(
    desk: DeskDriver, tmp_path: Path
) -> None:
    desk.wait()
    preview = desk.preview
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    desk.type_folder(tmp_path)
    desk.choose_clip(tmp_path / "broken.mp4")
    desk.wait()
    assert "broken.mp4" in desk.error
    assert desk.clips.value == str(desk.clip.path)
    desk.type_number("Tone", "contrast", 0.5)
    desk.wait()
    assert desk.preview != preview


def test_a_mistyped_path_stays_in_its_box(banded: Path) -> None:
    desk = DeskDriver(banded.parent)
    wrong = str(banded.parent / "nowhere" / "x.mp4")
    desk.type_folder(wrong)
    assert desk.error == f"{wrong} was not found. Type another folder or clip."
    assert desk.folder.value == wrong
    desk.type_folder(banded.parent)
    assert desk.error == ""


def test_quotes_around_a_pasted_path_are_ignored(banded: Path) -> None:
    desk = DeskDriver(banded.parent)
    desk.type_folder(f'"{banded}" ')
    desk.wait()
    assert desk.clip.path == banded


def test_delivered_and_hidden_files_are_not_offered(banded: Path, tmp_path: Path) -> None:
    shutil.copy(banded, tmp_path / "take.mp4")
    for name in ("take_prores.mov", ".hidden.mov", "theirs.mov"):
        (tmp_path / name).touch()
    assert DeskDriver(tmp_path).offered_clips() == ["choose a clip", "take.mp4", "theirs.mov"]


def test_the_list_of_clips_is_refreshed(desk: DeskDriver, banded: Path, tmp_path: Path) -> None:
    desk.type_folder(tmp_path)
    (tmp_path / "late.mp4").write_bytes(banded.read_bytes())
    (tmp_path / "._late.mp4").write_bytes(b"a file of the operating system")
    desk.press("↻")
    assert desk.offered_clips() == ["choose a clip", "late.mp4"]


@pytest.mark.parametrize("path", ["x" * 300, "a\0b"])
def test_an_impossible_path_is_an_error(desk: DeskDriver, path: str) -> None:
    desk.type_folder(path)
    assert desk.error.startswith("Cannot read ")


def test_the_next_and_the_previous_clip_are_one_step_away(banded: Path, tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        shutil.copy(banded, tmp_path / name)
    desk = DeskDriver(tmp_path)
    for command, shown in (("next", "a"), ("next", "b"), ("next", "b"), ("previous", "a")):
        desk.shortcut(f"{command}_clip")
        desk.wait()
        assert desk.clip.path.stem == shown
