"""Desk state: a new kernel shows the desk as the last one left it."""

import json
import os
import shutil
import time
from pathlib import Path

import pytest

from tests.desk.driver import DeskDriver
from workbench.desk.desk_state import FOLDER, notebook_name


@pytest.fixture
def project(banded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder with a notebook and two clips."""
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    monkeypatch.setenv("JPY_SESSION_NAME", "notebooks/tune.ipynb")
    for name in ("a.mp4", "b.mp4"):
        shutil.copy(banded, tmp_path / name)
    return tmp_path


def closed(desk: DeskDriver) -> None:
    """Leave a desk as a kernel does that ends."""
    desk.wait()
    desk.tuner._session.flush()
    desk.tuner._release_frames()


def test_everything_comes_back(project: Path) -> None:
    desk = DeskDriver()
    desk.type_folder(project)
    desk.choose_clip(project / "b.mp4")
    desk.wait()
    desk.type_number("Tone", "contrast", 0.7)
    desk.shortcut("flip")
    desk.choose_preset("classic")
    desk.go_to_frame(5)
    desk.wait()
    desk.shortcut("grab")
    desk.viewer.mode, desk.viewer.boost = "side", True
    desk.viewer.marks = {"in": 2, "out": 9}
    desk.viewer.view = {"theme": "light", "side": 400}
    desk.scopes.shown, desk.scopes.zoom = ["parade"], 2
    still = desk.exact_picture("after")
    closed(desk)

    again = DeskDriver()
    again.wait()
    assert again.folder.value == str(project)
    assert again.clip.path == project / "b.mp4"
    assert again.frame == 5
    assert again.preset.name == "classic"
    assert again.exact_picture("after") == still
    assert (again.viewer.mode, again.viewer.boost) == ("side", True)
    assert again.viewer.marks == {"in": 2, "out": 9}
    assert again.viewer.view == {"theme": "light", "side": 400}
    assert again.shown_scopes() == {"parade"}
    assert again.still_names() == ["still 1"]
    again.shortcut("flip")
    assert again.parameter("tone.contrast") == 0.7
    for _ in range(4):  # flip, preset, flip, contrast
        again.press("Undo")
    assert again.parameter("tone.contrast") == 0.9
    closed(again)


def test_stills_come_back_without_their_clip(project: Path) -> None:
    desk = DeskDriver(project / "a.mp4")
    desk.wait()
    desk.shortcut("grab")
    desk.rename_still("dusk")
    grabbed = desk.exact_picture("after")
    closed(desk)
    (project / "a.mp4").unlink()
    again = DeskDriver(project / "a.mp4")
    again.type_folder(project / "b.mp4")
    again.wait()
    assert again.still_names() == ["dusk"]
    again.choose_preset("untouched")
    again.compare()
    again.wait()
    assert again.exact_picture("before") == grabbed
    assert again.viewer.labels["before"] == "dusk"
    again.shortcut("grab")
    assert again.still_names() == ["dusk", "still 1"]
    closed(again)
    assert len([*(project / FOLDER / "stills").iterdir()]) == 2
    for _ in range(2):
        again.press_first("×")
    closed(again)
    assert not [*(project / FOLDER / "stills").iterdir()]
    last = DeskDriver(project / "a.mp4")
    last.wait()
    assert last.still_names() == []


def test_a_clip_that_is_gone_leaves_its_folder(project: Path) -> None:
    desk = DeskDriver(project / "a.mp4")
    desk.go_to_frame(3)
    closed(desk)
    (project / "a.mp4").unlink()
    again = DeskDriver(project / "a.mp4")
    assert again.tuner.clip is None
    assert again.offered_clips() == ["choose a clip", "b.mp4"]


def test_a_damaged_file_is_ignored(project: Path) -> None:
    desk = DeskDriver(project / "a.mp4")
    desk.go_to_frame(3)
    closed(desk)
    (path,) = (project / FOLDER).glob("*.json")
    path.write_text('{"now": 3}', encoding="utf-8")
    again = DeskDriver(project / "a.mp4")
    assert again.frame == 12
    again.wait()


@pytest.mark.parametrize(
    ("refused", "said", "contrasts"),
    [
        ((1,), "Look B of the last session cannot be used: ", (0.7, 0.7)),
        ((0, 1), "The looks of the last session cannot be used: ", (0.9, 0.9)),
    ],
)
def test_a_look_that_this_version_refuses_costs_nothing_else(
    project: Path, refused: tuple[int, ...], said: str, contrasts: tuple[float, float]
) -> None:
    """As a look of an older version, in which smooth's texture went up to 16."""
    desk = DeskDriver(project / "a.mp4")
    desk.type_number("Tone", "contrast", 0.7)
    desk.go_to_frame(3)
    closed(desk)
    (path,) = (project / FOLDER).glob("*.json")
    state = json.loads(path.read_text(encoding="utf-8"))
    for at in refused:
        state["now"]["slots"][at]["preset"]["deband"]["texture"] = 12.0
    path.write_text(json.dumps(state), encoding="utf-8")
    again = DeskDriver(project / "a.mp4")
    assert again.frame == 3
    assert again.error.startswith(said)
    assert "Texture must be between" in again.error
    assert tuple(slot.preset.tone.contrast for slot in again.tuner._history.now.slots) == contrasts
    closed(again)
    assert DeskDriver(project / "a.mp4").error == ""


def test_desks_with_other_arguments_are_independent(project: Path) -> None:
    one, other = DeskDriver(project / "a.mp4"), DeskDriver(project / "a.mp4", "classic")
    one.go_to_frame(3)
    closed(one)
    closed(other)
    assert DeskDriver(project / "a.mp4", "classic").frame == 12
    assert DeskDriver(project / "a.mp4").frame == 3


def test_the_desk_of_a_cell_that_ran_again_no_longer_writes(project: Path) -> None:
    old = DeskDriver(project / "a.mp4")
    new = DeskDriver(project / "a.mp4")
    new.go_to_frame(3)
    new.tuner._session.flush()
    old.go_to_frame(7)
    old.tuner._session.flush()
    assert DeskDriver(project / "a.mp4").frame == 3
    closed(old)
    closed(new)


def test_outside_of_a_notebook_nothing_is_kept(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JPY_SESSION_NAME")
    desk = DeskDriver(project / "a.mp4")
    desk.go_to_frame(3)
    closed(desk)
    assert not (project / FOLDER).exists()


def test_a_state_is_written_soon_after_a_change(project: Path) -> None:
    desk = DeskDriver(project / "a.mp4")
    desk.go_to_frame(3)
    until = time.monotonic() + 60
    while not (project / FOLDER).exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert [*(project / FOLDER).iterdir()]
    closed(desk)


@pytest.mark.parametrize(
    ("variable", "value", "name"),
    [
        ("JPY_SESSION_NAME", "notebooks/tune.ipynb", "tune"),
        ("JPY_SESSION_NAME", r"C:\project\tune.ipynb", "tune"),
        ("VOILA_REQUEST_URL", "http://127.0.0.1:8866/voila/render/my%20look.ipynb?a=1", "my look"),
        ("VOILA_REQUEST_URL", "", None),
    ],
)
def test_a_kernel_knows_its_notebook(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, name: str | None
) -> None:
    for one in ("JPY_SESSION_NAME", "VOILA_REQUEST_URL"):
        monkeypatch.delenv(one, raising=False)
    monkeypatch.setenv(variable, value)
    assert os.environ[variable] == value
    assert notebook_name() == name
