"""Suggest panel: the search, its result, and changes while it runs."""

from pathlib import Path

from tests.desk.driver import DeskDriver
from workbench.look.preset import load_preset


def test_a_suggestion_is_used_and_can_be_undone(desk: DeskDriver) -> None:
    desk.press("Suggest")
    assert not desk.suggest_button.disabled  # it would lose the focus, and the desk its keys
    assert not desk.cancel_suggest_button.disabled
    desk.press("Suggest")  # again while it runs
    desk.wait()
    assert desk.preset.name == "suggested"
    assert desk.presets.value == "suggested"
    assert desk.preset.description in desk.text()
    assert desk.cancel_suggest_button.disabled
    desk.press("Undo")
    assert desk.preset == load_preset("smooth")


def test_a_search_can_be_cancelled(desk: DeskDriver) -> None:
    desk.press("Suggest")
    desk.cancel_suggest_button.click()
    desk.wait()
    assert desk.preset == load_preset("smooth")
    assert "Cancelled." in desk.text()


def test_a_suggestion_goes_to_the_look_that_asked_for_it(desk: DeskDriver) -> None:
    desk.press("Suggest")
    desk.type_number("Tone", "contrast", 0.55)
    desk.press("B")
    desk.wait()
    assert desk.preset == load_preset("smooth")
    desk.press("A")
    assert desk.preset.name == "suggested"
    assert desk.parameter("tone.contrast") == 0.55


def test_another_clip_cancels_the_search(desk: DeskDriver, untagged: Path) -> None:
    desk.press("Suggest")
    desk.shortcut("worst")
    desk.type_folder(untagged)
    desk.wait()
    assert desk.preset == load_preset("smooth")
    assert desk.frame == 12


def test_playback_does_not_stop_the_search(desk: DeskDriver) -> None:
    desk.press("Suggest")
    desk.shortcut("play")
    desk.wait()
    assert desk.preset.name == "suggested"
