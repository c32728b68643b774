"""Clip chooser: folders, clips, and paths that are wrong."""

import shutil
from pathlib import Path

import pytest

from tests.desk.driver import DeskDriver
from tests.storage.bucket import Bucket


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


def test_a_glob_lists_the_clips_that_match(banded: Path, tmp_path: Path) -> None:
    for name in ("a1.mp4", "a2.mp4", "b1.mp4"):
        shutil.copy(banded, tmp_path / name)
    desk = DeskDriver(tmp_path)
    desk.type_folder(tmp_path / "a*.mp4")
    desk.wait()
    assert desk.offered_clips() == ["choose a clip", "a1.mp4", "a2.mp4"]
    desk.choose_clip(tmp_path / "a2.mp4")
    desk.wait()
    assert desk.clip.path == tmp_path / "a2.mp4"
    assert desk.folder.value == str(tmp_path / "a*.mp4")


@pytest.fixture
def shots(bucket: Bucket, banded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """Put two clips into a bucket, and run in a folder with a cache of its own."""
    for name, value in bucket.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    for name in ("day 1/a.mp4", "b.mp4", "notes.txt"):
        bucket.put(f"shots/{name}", banded)
    return bucket


def test_a_bucket_lists_its_clips_and_fetches_one(shots: Bucket, tmp_path: Path) -> None:
    """The clip is fetched once, and its file is delivered into the project folder."""
    desk = DeskDriver("s3:///shots")
    desk.wait()
    assert desk.offered_clips() == ["choose a clip", "b.mp4", "day 1/a.mp4"]
    seen: set[str] = set()
    desk.viewer.observe(lambda change: seen.add(change["new"]), "status")
    desk.choose_clip("s3:///shots/day 1/a.mp4")
    desk.wait()
    assert "Fetching a.mp4: 100 %" in seen
    assert desk.clip.path.name == "a.mp4"
    assert desk.clips.value == "s3:///shots/day 1/a.mp4"
    assert len(desk.exact_picture("after")) > 1000
    desk.shortcut("previous_clip")
    desk.wait()
    desk.shortcut("next_clip")
    desk.wait()
    fetched = [one.path for one in shots.requests if one.method == "GET" and ".mp4" in one.path]
    assert fetched == ["/clips/shots/day 1/a.mp4", "/clips/shots/b.mp4"]
    desk.press("Encode")
    desk.wait()
    assert (tmp_path / "project/a_prores.mov").is_file()


@pytest.mark.usefixtures("shots")
def test_a_clip_by_its_url_is_opened() -> None:
    desk = DeskDriver("s3:///shots/b.mp4")
    desk.wait()
    assert desk.clip.path.name == "b.mp4"
    assert desk.folder.value == "s3:///shots"


@pytest.mark.usefixtures("shots")
def test_a_bucket_that_cannot_be_read_is_one_sentence(banded: Path) -> None:
    desk = DeskDriver(banded)
    desk.type_folder("s3://elsewhere/x")
    desk.wait()
    assert desk.error.endswith("the bucket elsewhere does not exist.")
    assert desk.folder.value == "s3://elsewhere/x"
    assert desk.clip.path == banded
    desk.type_folder("s3:///empty")
    desk.wait()
    assert desk.error == "There are no clips in s3:///empty. Type another place."


def test_a_clip_that_left_the_bucket_leaves_the_last_picture(shots: Bucket) -> None:
    desk = DeskDriver("s3:///shots")
    desk.choose_clip("s3:///shots/b.mp4")
    desk.wait()
    shots.delete("shots/day 1/a.mp4")
    desk.choose_clip("s3:///shots/day 1/a.mp4")
    desk.wait()
    assert desk.error == "s3:///shots/day 1/a.mp4 does not exist"
    assert desk.clips.value == "s3:///shots/b.mp4"
