"""Tuner: clips, background tasks and the status line of the whole desk."""

import time
from pathlib import Path

import pytest

from tests import clips
from tests.desk.driver import PATIENCE, DeskDriver
from workbench.deliver.encode import convert
from workbench.deliver.settings import Settings
from workbench.errors import ClipReplaced, PresetError
from workbench.look.preset import load_preset
from workbench.measure.banding import cambi
from workbench.media.probe import open_clip


def test_an_open_clip_can_be_given(banded: Path) -> None:
    with open_clip(banded) as clip:
        desk = DeskDriver(clip)
        desk.wait()
        assert desk.clip is clip
        assert desk.clips.value == str(banded)


def test_an_unknown_preset_is_raised(banded: Path) -> None:
    with pytest.raises(PresetError, match="nonesuch"):
        DeskDriver(banded, "nonesuch")


def test_the_worst_frame_is_found(desk: DeskDriver) -> None:
    desk.shortcut("worst")
    desk.wait()
    scores = cambi(list(desk.clip.frames()))
    assert scores[desk.frame] > 0.9 * max(scores)  # from a quick search, until all are measured
    assert desk.status.startswith(f"Frame {desk.frame} has the most banding of 24 ")
    (region,) = (content for content, _ in desk.sent("region"))
    assert (region["width"], region["height"]) == (213, 120)


def played(desk: DeskDriver) -> list[int]:
    """Return the frames that the browser received to play, in order."""
    return [frame for content, _ in desk.sent("frames") for frame in content["frames"]]


def test_the_clip_is_played_from_the_playhead_on_and_cached(desk: DeskDriver) -> None:
    desk.wait()
    desk.shortcut("play")
    desk.wait()
    assert desk.sent("playback")[-1][0]["frames"] == list(range(24))
    assert played(desk) == [*range(12, 24), *range(12)]
    content, pictures = desk.sent("frames")[0]
    count = len(content["frames"])
    assert len(pictures) == 2 * count
    assert pictures[0] != pictures[count]  # before and after
    desk.shortcut("play")
    desk.wait()
    assert len(played(desk)) == 24  # the browser has them
    desk.slide("Tone", "contrast", 0.5)
    assert desk.sent("stop")
    desk.shortcut("play")
    desk.wait()
    assert len(played(desk)) == 48  # the look is another
    assert desk.sent("playback")[-1][0]["generation"] != desk.sent("playback")[0][0]["generation"]
    assert desk.status == ""


def test_only_the_frames_from_in_to_out_are_played(desk: DeskDriver) -> None:
    desk.wait()
    desk.viewer.marks = {"in": 4, "out": 8}
    desk.shortcut("play")
    desk.wait()
    assert played(desk) == [4, 5, 6, 7, 8]
    desk.shortcut("view_opened")  # a reloaded page has none of them
    desk.shortcut("play")
    desk.wait()
    assert len(played(desk)) == 10


def test_the_status_line_names_the_work_that_runs(desk: DeskDriver) -> None:
    seen: list[str] = []
    desk.viewer.observe(lambda change: seen.append(change["new"]), "status")
    desk.shortcut("play")
    desk.wait()
    assert seen == ["Rendering frames to play", ""]
    desk.shortcut("worst")
    desk.wait()
    assert seen[-3:] == ["Looking for the region with the most banding", "", desk.status]


def test_work_at_the_same_time_shares_the_status_line(desk: DeskDriver) -> None:
    seen: set[str] = set()
    desk.viewer.observe(lambda change: seen.add(change["new"]), "status")
    desk.press("Suggest")
    desk.shortcut("play")
    desk.wait()
    together = {"Looking for a deband", "Rendering frames to play"}
    assert together in [set(status.split(" · ")) for status in seen]
    assert desk.status == ""


def test_a_task_that_fails_is_an_error_and_leaves_the_status_line_empty(tmp_path: Path) -> None:
    small = tmp_path / "small.mp4"
    clips.run("-f", "lavfi", "-i", clips.sky("160x90"), "-c:v", "libx264", small)
    desk = DeskDriver(small)
    desk.shortcut("worst")
    desk.wait()
    assert desk.error == "small.mp4: the picture is too small to measure banding (160x90)"
    assert desk.status == ""


def test_without_a_clip_every_button_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    desk = DeskDriver()
    assert desk.error == ""
    desk.type_folder(tmp_path / "nowhere")
    desk.type_folder(tmp_path)
    assert desk.error == f"There are no clips in {tmp_path}. Type another folder."
    desk.press_every_button()
    assert desk.text().count("There is no clip yet. Choose one first.") == 2  # suggest and encode
    for command in ("worst", "play", "flip", "grab", "undo", "redo", "nonsense"):
        desk.shortcut(command)
    assert desk.error == "There is no picture to grab yet. Choose a clip first."
    desk.type_number("Tone", "contrast", 0.5)
    desk.wait()
    assert desk.parameter("tone.contrast") == 0.5


def test_a_clip_that_was_replaced_is_opened_again(tmp_path: Path) -> None:
    path = clips.banded(tmp_path / "take.mp4")
    desk = DeskDriver(path)
    desk.wait()
    first, exact = desk.clip, desk.exact_picture("after")
    clips.run(
        "-f", "lavfi", "-i", clips.sky("640x360", seconds=2), "-c:v", "libx264", tmp_path / "2.mp4"
    )
    (tmp_path / "2.mp4").replace(path)
    with pytest.raises(ClipReplaced, match=r"take\.mp4"):
        convert(first, tmp_path / "out.mov", Settings(preset=desk.preset))
    desk.type_number("Tone", "contrast", 0.7)
    desk.wait()
    assert desk.clip is not first
    assert desk.clip.frame_count == 48
    assert desk.exact_picture("after") != exact


def test_another_clip_frees_the_last_ones_frames(desk: DeskDriver, untagged: Path) -> None:
    desk.wait()
    first = desk.clip
    assert desk.cached_frames(first) == 24
    desk.type_folder(untagged)
    desk.wait()
    assert desk.cached_frames(first) == 0


def test_a_closed_page_frees_the_frames(desk: DeskDriver) -> None:
    desk.wait()
    assert desk.cached_frames(desk.clip) == 24
    for command in ("view_opened", "view_opened", "view_closed"):  # one of two views is still open
        desk.shortcut(command)
    assert desk.cached_frames(desk.clip) == 24
    desk.shortcut("view_closed")
    assert desk.cached_frames(desk.clip) == 0


def test_a_wait_ends_after_its_timeout(desk: DeskDriver) -> None:
    desk.wait()
    desk.press("Suggest")
    began = time.monotonic()
    assert not desk.tuner.wait(0.01)
    assert time.monotonic() - began < PATIENCE
    desk.cancel_suggest_button.click()


def test_a_look_is_kept_when_the_clip_changes(desk: DeskDriver, untagged: Path) -> None:
    desk.choose_preset("classic")
    desk.type_folder(untagged)
    desk.wait()
    assert desk.preset == load_preset("classic")


def test_results_disappear_when_the_look_or_the_clip_changes(
    desk: DeskDriver, untagged: Path, tmp_path: Path
) -> None:
    asked = desk.tiles.send
    changed: list[dict[str, str]] = []
    desk.tiles.send = changed.append
    desk.encode(tmp_path)
    desk.wait()
    desk.tiles.send = asked
    assert changed == [{"kind": "changed"}]  # the browser then asks for the badges again
    ((tile, _),) = desk.ask_for_tiles(desk.clip.path)
    assert tile["verdict"] in ("pass", "note")
    assert "banded.mp4: " in desk.text()
    assert desk.report
    desk.slide("Tone", "contrast", 0.5)
    assert "banded.mp4: " not in desk.text()
    assert str(tmp_path) not in desk.text()
    assert desk.report == ""
    desk.save_as("dusk")
    assert "Saved as" in desk.text()
    desk.press("Suggest")
    desk.wait()
    assert "Saved as" not in desk.text()
    reason = desk.preset.description
    assert reason in desk.text()
    desk.shortcut("worst")
    desk.wait()
    assert "has the most banding" in desk.status
    desk.type_folder(untagged)
    desk.wait()
    assert reason not in desk.text()
    assert desk.status == ""


def test_a_still_is_compared_by_its_own_figures(desk: DeskDriver) -> None:
    desk.wait()
    cells = desk.figures()
    desk.shortcut("grab")
    desk.choose_preset("untouched")
    desk.compare()
    desk.wait()
    beside = desk.figures()
    for row in ("Code values in use", "CAMBI", "Contour", "Bit depth"):
        assert beside[row][0] == cells[row][1], row  # before is the picture after that was grabbed


def test_the_list_of_looks_says_that_a_look_is_modified(desk: DeskDriver) -> None:
    assert desk.presets.label == "smooth"
    desk.type_number("Tone", "contrast", 0.5)
    assert (desk.presets.label, desk.presets.value) == ("smooth (modified)", "smooth")
    desk.press("Undo")
    assert desk.presets.label == "smooth"
