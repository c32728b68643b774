"""Save panel: presets are saved, and overwritten only when the user says so."""

from pathlib import Path

import pytest

from tests.desk.driver import DeskDriver
from workbench.look.preset import load_preset


def contrast(name: str) -> float:
    return float(load_preset(name).parameters()["tone.contrast"])


def test_a_preset_is_saved_and_found_by_name(desk: DeskDriver, tmp_path: Path) -> None:
    desk.type_number("Tone", "contrast", 0.7)
    desk.save_as("dusk")
    assert f"Saved as {tmp_path / 'presets' / 'dusk.toml'}" in desk.text()
    assert contrast("dusk") == 0.7
    assert ("dusk", "dusk") in desk.presets.options
    assert desk.preset.name == desk.presets.value == "dusk"


def test_an_existing_preset_is_overwritten_only_when_asked(desk: DeskDriver) -> None:
    desk.save_as("dusk")
    desk.type_number("Tone", "contrast", 0.7)
    desk.save_as("dusk")
    assert "The preset dusk already exists." in desk.text()
    assert contrast("dusk") == 0.9
    assert desk.offers_overwrite
    desk.press("Overwrite")
    assert contrast("dusk") == 0.7
    assert not desk.offers_overwrite


def test_overwrite_applies_to_the_name_that_was_asked_about(desk: DeskDriver) -> None:
    desk.save_as("dawn")
    desk.save_as("dusk")
    desk.type_number("Tone", "contrast", 0.7)
    desk.save_as("dusk")
    assert desk.offers_overwrite
    desk.rename("dawn")
    assert not desk.offers_overwrite
    desk.press("Overwrite")
    assert contrast("dawn") == 0.9


@pytest.mark.parametrize("name", ["", "a/b", "..\\x", "smooth", "<b>", "x" * 200])
def test_an_impossible_name_is_an_error(desk: DeskDriver, name: str, tmp_path: Path) -> None:
    desk.save_as(name)
    assert "Choose another name." in desk.text()
    assert not list(tmp_path.rglob("*.toml"))


def test_a_folder_that_cannot_be_created_is_an_error(desk: DeskDriver, tmp_path: Path) -> None:
    (tmp_path / "presets").write_text("a file instead of a folder", encoding="utf-8")
    desk.save_as("dusk")
    assert f"cannot create {tmp_path / 'presets'}" in desk.text()
