"""Look history: undo, redo, slots and resets."""

import pytest

from workbench.desk.look_history import LookHistory, LookSlot, LookSlots
from workbench.errors import PresetError
from workbench.look.preset import load_preset
from workbench.look.stages import Log

SMOOTH = load_preset("smooth")


def changed(history: LookHistory, name: str, value: float, at: float) -> LookHistory:
    return history.record(
        history.now.with_slot(history.now.slot.with_parameter(name, value)), name, at
    )


def strength(history: LookHistory) -> float:
    return float(history.now.preset.parameters()["deband.strength"])


def test_dragging_a_slider_is_undone_in_one_step() -> None:
    history = LookHistory(LookSlots.of(SMOOTH))
    for step in range(20):
        history = changed(history, "deband.strength", 2 + step / 10, at=step / 50)
    assert strength(history) == 3.9
    assert strength(history.undone()) == 1
    assert not history.undone().past
    assert strength(history.undone().redone()) == 3.9


def test_another_slider_or_a_pause_starts_another_change() -> None:
    history = changed(LookHistory(LookSlots.of(SMOOTH)), "deband.strength", 2, at=0)
    history = changed(history, "tone.contrast", 0.8, at=0.1)
    history = changed(history, "tone.contrast", 0.7, at=9)
    assert history.undone().now.preset.parameters()["tone.contrast"] == 0.8
    assert strength(history.undone().undone()) == 2
    assert history.undone().undone().undone().now == LookSlots.of(SMOOTH)


def test_a_change_after_an_undo_clears_redo() -> None:
    history = changed(LookHistory(LookSlots.of(SMOOTH)), "deband.strength", 2, at=0)
    history = changed(history.undone(), "deband.strength", 3, at=0.1)
    assert history.redone() is history
    assert strength(history.undone()) == 1


def test_a_slider_moved_back_leaves_nothing_to_undo() -> None:
    history = changed(LookHistory(LookSlots.of(SMOOTH)), "deband.strength", 2, at=0)
    history = changed(history, "deband.strength", 1, at=0.1)
    assert history.now == LookSlots.of(SMOOTH)
    assert not history.past


def test_without_a_change_the_history_stays_the_same() -> None:
    history = LookHistory(LookSlots.of(SMOOTH))
    assert history.undone() is history
    assert history.record(history.now, "anything", 1) is history


def test_each_slot_keeps_its_own_look() -> None:
    settings = LookSlots.of(SMOOTH)
    settings = settings.with_slot(settings.slot.with_parameter("deband.strength", 4.0)).flipped()
    assert settings.preset == SMOOTH
    settings = settings.with_slot(settings.slot.with_parameter("deband.strength", 6.0))
    assert settings.flipped().preset.parameters()["deband.strength"] == 4.0


def test_a_parameter_set_back_restores_the_presets_name() -> None:
    slot = LookSlot.of(SMOOTH).with_parameter("tone.contrast", 0.8)
    assert slot.preset.name == "smooth, changed"
    assert slot.with_parameter("tone.contrast", 0.9).preset is SMOOTH
    assert slot.with_parameter("tone.contrast", 0.7).preset.name == "smooth, changed"


def test_a_reset_gives_the_presets_value_or_the_filters_default() -> None:
    slot = LookSlot.of(SMOOTH).with_parameter("tone.contrast", 0.8)
    assert slot.reset_value("tone.contrast") == 0.9
    log = slot.with_parameter("tone.filter", "log")
    assert log.preset.tone == Log()
    assert log.reset_value("tone.rolloff") == 0


def test_a_value_out_of_range_is_an_error() -> None:
    with pytest.raises(PresetError, match=r"Strength must be between 0.5 and 8"):
        LookSlot.of(SMOOTH).with_parameter("deband.strength", 99.0)
