"""Controls: what a look is set with - settings, undo, presets, and a group for each stage."""

from collections.abc import Callable
from html import escape
from typing import Any, Protocol

import ipywidgets as widgets

from workbench.desk.look_history import SLOTS, LookHistory, Slot
from workbench.desk.update_guard import UpdateGuard
from workbench.look.preset import (
    ChoiceParameter,
    NumberParameter,
    Preset,
    builtin_presets,
    user_presets,
)
from workbench.look.stages import FILTERS


class LookActions(Protocol):
    """Who does what the controls are used for."""

    def change(self, name: str, value: Any) -> None: ...
    def begin_with(self, preset: str) -> None: ...
    def flip(self) -> None: ...
    def undo(self) -> None: ...
    def redo(self) -> None: ...


Change = Callable[[str, Any], None]
"""Hears the name of a parameter and its new value, also when it was `place` that set it."""

_TITLES = {
    "deband": ("Deband", "Closes the steps that 8 bits left in gradients."),
    "tone": ("Tone", "Flattens the picture for the grade, or encodes it as a camera's log."),
    "dither": ("Dither", "How the picture is rounded to the delivered 10 bits."),
}
_WORDS = {"logc3": "ARRI LogC3", "logc4": "ARRI LogC4"}
_WORDS |= {"slog3": "Sony S-Log3", "canonlog3": "Canon Log 3", "acescct": "ACEScct"}
_WORDS |= {"cineon": "Cineon", "eq": "eq (8 bits)", "gradfun": "gradfun (8 bits)"}

_SLIDER_ENDS = {
    # Where ffmpeg's own range is far wider than what a picture bears; the box takes all of it.
    ("gradfun", "strength"): (0.51, 8.0),
    ("deband", "threshold"): (0.001, 0.1),
    ("deband", "range"): (1, 64),
    ("eq", "contrast"): (0.0, 2.0),
    ("eq", "brightness"): (-0.5, 0.5),
}


class LookControls:
    """All that a look is set with. It shows the settings, and says what a person changes."""

    def __init__(self, hands: LookActions) -> None:
        self._hands = hands
        self._placing = UpdateGuard()
        self._active = 0
        narrow = widgets.Layout(width="36px", padding="0")
        self._slots = [
            widgets.Button(description=name, tooltip=f"Setting {name} (key a flips)", layout=narrow)
            for name in SLOTS
        ]
        half = widgets.Layout(width="64px", padding="0")
        self._undo = widgets.Button(description="Undo", tooltip="Undo (ctrl z)", layout=half)
        self._redo = widgets.Button(description="Redo", tooltip="Redo (ctrl y)", layout=half)
        self.presets = widgets.Dropdown(
            layout=widgets.Layout(flex="1 1 auto", width="auto"),
            tooltip="Begin with one of the looks that come with the workbench, or one of yours.",
        )
        self.stages = {stage: StageControls(stage, self._changed) for stage in FILTERS}
        self.depth = widgets.HTML()
        for place, button in enumerate(self._slots):
            button.add_class("wb-setting")
            button.on_click(lambda _, place=place: self._slot_chosen(place))
        self._undo.on_click(lambda _: hands.undo())
        self._redo.on_click(lambda _: hands.redo())
        self.presets.observe(self._preset_chosen, "value")
        self.widget = widgets.VBox(
            [
                widgets.HBox([*self._slots, self._undo, self._redo]),
                self.presets,
                *(stage.widget for stage in self.stages.values()),
                self.depth,
            ]
        )

    def place(self, history: LookHistory) -> None:
        """Show the settings as they are now."""
        slot = history.now.slot
        names = [*builtin_presets(), *user_presets()]
        if slot.base.name not in names:
            names.append(slot.base.name)
        with self._placing.programmatic():
            self._active = history.now.active
            for place, button in enumerate(self._slots):
                button.button_style = "primary" if place == self._active else ""
            if tuple(names) != tuple(self.presets.options):
                self.presets.options = names
            self.presets.value = slot.base.name
            for stage in self.stages.values():
                stage.place(slot)
            self._undo.disabled = not history.past
            self._redo.disabled = not history.future
            self.depth.value = _eight_bits(slot.preset)

    def _changed(self, name: str, value: Any) -> None:
        if self._placing.by_user:
            self._hands.change(name, value)

    def _preset_chosen(self, change: dict[str, Any]) -> None:
        if self._placing.by_user:
            self._hands.begin_with(change["new"])

    def _slot_chosen(self, place: int) -> None:
        if place != self._active:
            self._hands.flip()


def _eight_bits(preset: Preset) -> str:
    """Say so where a look falls short of 10 bits."""
    if preset.bit_depth > 8:
        return ""
    names = [type(stage).__name__.lower() for stage in preset.stages if stage.bit_depth == 8]
    return (
        f"<b>8 bits.</b> {escape(' and '.join(names))} work in 8 bits: the file will have 10, its "
        "picture 8, and its steps come back in the grade."
    )


class StageControls:
    """The controls of one stage. They show a slot's look, and say what was changed."""

    def __init__(self, stage: str, on_change: Change) -> None:
        self._stage = stage
        self._on_change = on_change
        title, words = _TITLES[stage]
        self._filter = widgets.Dropdown(
            options=[(_WORDS.get(name, name), name) for name in FILTERS[stage]],
            layout=widgets.Layout(width="150px", margin="0 34px 0 auto"),
            tooltip=f"{title}: which filter.",
        )
        self._filter.observe(self._filter_chosen, "value")
        heading = widgets.HTML(f"<b title='{words}'>{title}</b>")
        self._rows = widgets.VBox()
        self._by_name: dict[str, _NumberRow | _ChoiceRow] = {}
        self._placed = ""  # the filter whose rows these are
        self.widget = widgets.VBox(
            [widgets.HBox([heading, self._filter]), self._rows],
            layout=widgets.Layout(margin="0 0 8px 0"),
        )

    def place(self, slot: Slot) -> None:
        """Show the look of a slot."""
        found = [one for one in slot.preset.adjustable() if one.name.startswith(f"{self._stage}.")]
        filter_ = getattr(slot.preset, self._stage).filter
        if filter_ != self._placed:
            self._by_name = {one.name: self._row(one, filter_) for one in found}
            self._rows.children = [row.widget for row in self._by_name.values()]
            self._placed = filter_
        self._filter.value = filter_
        for one in found:
            self._by_name[one.name].place(one.value, slot.first(one.name))

    def _row(
        self, one: NumberParameter | ChoiceParameter, filter_: str
    ) -> "_NumberRow | _ChoiceRow":
        if isinstance(one, ChoiceParameter):
            return _ChoiceRow(one, self._on_change)
        return _NumberRow(one, filter_, self._on_change)

    def _filter_chosen(self, change: dict[str, Any]) -> None:
        self._on_change(f"{self._stage}.filter", change["new"])


class _NumberRow:
    """A slider, a box for the number, and a reset."""

    def __init__(self, number: NumberParameter, filter_: str, on_change: Change) -> None:
        key = number.name.partition(".")[2]
        low, high = _SLIDER_ENDS.get((filter_, key), (number.low, number.high))
        whole = number.whole
        words = f"{number.description} From {number.low:g} to {number.high:g}."
        self._name, self._on_change = number.name, on_change
        self._first: Any = number.value
        self._slider = (widgets.IntSlider if whole else widgets.FloatSlider)(
            value=min(high, max(low, number.value)),
            min=low,
            max=high,
            step=1 if whole else _step(low, high),
            readout=False,
            tooltip=words,
            layout=widgets.Layout(flex="1 1 60px", width="auto", min_width="60px"),
        )
        self._box = (widgets.IntText if whole else widgets.FloatText)(
            value=number.value, tooltip=words, layout=widgets.Layout(width="66px")
        )
        self._reset = widgets.Button(
            description="↺", tooltip="Reset", layout=widgets.Layout(width="30px", padding="0")
        )
        label = widgets.HTML(
            f"<span title='{words}'>{key}</span>", layout=widgets.Layout(width="74px")
        )
        self._slider.observe(self._slid, "value")
        self._box.observe(lambda change: on_change(number.name, change["new"]), "value")
        self._reset.on_click(lambda _: on_change(number.name, self._first))
        self.widget = widgets.HBox([label, self._slider, self._box, self._reset])
        self.widget.add_class("wb-row")

    def _slid(self, change: dict[str, Any]) -> None:
        # The browser answers a value that is between two steps with the nearest step.
        if abs(change["new"] - change["old"]) > 0.6 * self._slider.step:
            self._on_change(self._name, round(change["new"], 6))

    def place(self, value: Any, first: Any) -> None:
        self._first = first
        self._box.value = value
        within = min(self._slider.max, max(self._slider.min, value))
        # Not for a rounding: the answer would come late, and take a hand that moves on back.
        if abs(within - self._slider.value) > 0.01 * self._slider.step:
            self._slider.value = within
        self._reset.disabled = value == first


class _ChoiceRow:
    """A list to choose from."""

    def __init__(self, choice: ChoiceParameter, on_change: Change) -> None:
        key = choice.name.partition(".")[2]
        self._list = widgets.Dropdown(
            options=[(_WORDS.get(name, name), name) for name in choice.options],
            value=choice.value,
            tooltip=choice.description,
            layout=widgets.Layout(flex="1 1 60px", width="auto", margin="2px 34px 2px 2px"),
        )
        label = widgets.HTML(
            f"<span title='{choice.description}'>{key}</span>", layout=widgets.Layout(width="74px")
        )
        self._list.observe(lambda change: on_change(choice.name, change["new"]), "value")
        self.widget = widgets.HBox([label, self._list])
        self.widget.add_class("wb-row")

    def place(self, value: Any, _: Any) -> None:
        self._list.value = value


def _step(low: float, high: float) -> float:
    """Return a step fine enough for a hand, and that numbers a person writes are made of.

    >>> _step(16, 256), _step(0.5, 8), _step(0.001, 0.1)
    (1, 0.01, 0.0001)
    """
    return next(step for step in (0.0001, 0.001, 0.01, 0.1, 1) if (high - low) / step <= 1000)
