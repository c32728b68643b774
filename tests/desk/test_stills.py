"""Stills: grab, compare, restore and delete."""

from pathlib import Path

from tests.desk.driver import DeskDriver
from workbench.look.preset import load_preset


def test_a_still_is_compared_with_and_restored(desk: DeskDriver) -> None:
    desk.wait()
    grabbed = desk.exact_picture("after")
    desk.press("Grab still")
    desk.choose_preset("untouched")
    desk.go_to_frame(3)
    desk.wait()
    assert desk.still_count() == 1
    assert "1: smooth, frame 12" in desk.text()
    desk.compare()
    desk.wait()
    assert desk.viewer.labels["before"] == "still 1"
    assert desk.exact_picture("before") == grabbed
    desk.press("Restore")
    assert desk.preset == load_preset("smooth")
    assert desk.frame == 12
    desk.wait()
    assert desk.exact_picture("after") == grabbed
    desk.press("×")
    assert desk.still_count() == 0
    desk.wait()
    assert desk.viewer.labels["before"] == "before"


def test_the_difference_from_a_still_is_named_after_it(desk: DeskDriver) -> None:
    desk.wait()
    desk.shortcut("grab")
    desk.choose_preset("untouched")
    desk.compare()
    desk.show_difference()
    desk.wait()
    assert desk.viewer.labels["difference"] == "difference from still 1"
    assert desk.exact_picture("reference") == desk.exact_picture("before")
    desk.compare(False)
    desk.wait()
    assert desk.viewer.labels["difference"] == "changed by the deband"


def test_a_still_of_another_size_cannot_be_compared(desk: DeskDriver, untagged: Path) -> None:
    desk.wait()
    desk.shortcut("grab")
    desk.type_folder(untagged)
    desk.wait()
    desk.compare()
    assert desk.error == "Cannot compare: still 1 and this clip differ in size."
    desk.wait()
    assert desk.viewer.labels["before"] == "before"


def test_the_oldest_still_goes_when_there_are_too_many(desk: DeskDriver) -> None:
    desk.wait()
    for _ in range(26):
        desk.shortcut("grab")
    assert desk.still_count() == 24
    assert "\n2: smooth" not in desk.text()
    assert "\n3: smooth" in desk.text()
    assert "\n26: smooth" in desk.text()
