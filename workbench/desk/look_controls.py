"""Look controls: slots A and B, undo, presets, and the parameters of each stage."""

from collections.abc import Callable
from html import escape
from typing import Any, Protocol

import ipywidgets as widgets

from workbench.desk.look_history import SLOT_NAMES, LookHistory, LookSlot
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
    """The actions of the desk that the controls call."""

    def set_parameter(self, name: str, value: Any) -> None: ...
    def load_preset(self, name: str) -> None: ...
    def flip(self) -> None: ...
    def undo(self) -> None: ...
    def redo(self) -> None: ...


OnChange = Callable[[str, Any], None]
"""Receives a parameter's name and new value, for programmatic updates as well."""

_TITLES = {
    "deband": ("Deband", "Removes the banding that 8 bits leave in gradients."),
    "tone": ("Tone", "Flattens the picture for grading, or encodes it as camera log."),
    "dither": ("Dither", "How the picture is rounded to 10 bits."),
}
_WORDS = {"logc3": "ARRI LogC3", "logc4": "ARRI LogC4"}
_WORDS |= {"slog3": "Sony S-Log3", "canonlog3": "Canon Log 3", "acescct": "ACEScct"}
_WORDS |= {"cineon": "Cineon", "eq": "eq (8 bits)", "gradfun": "gradfun (8 bits)"}
_WORDS |= {"lut": "imported file"}

_SLIDER_ENDS = {
    # ffmpeg accepts far more than a picture can use. The number box accepts the whole range.
    ("gradfun", "strength"): (0.51, 8.0),
    ("deband", "threshold"): (0.001, 0.1),
    ("deband", "range"): (1, 64),
    ("eq", "contrast"): (0.0, 2.0),
    ("eq", "brightness"): (-0.5, 0.5),
}


class LookControls:
    """Shows the active look, and passes the user's changes to the desk."""

    def __init__(self, actions: LookActions) -> None:
        self._actions = actions
        self._guard = UpdateGuard()
        self._active = 0
        self.slots = [
            widgets.Button(description=name, tooltip=f"Look {name} (a switches)")
            for name in SLOT_NAMES
        ]
        self._undo = widgets.Button(description="Undo", tooltip="Undo (ctrl z)")
        self._redo = widgets.Button(description="Redo", tooltip="Redo (ctrl y)")
        self.presets = widgets.Dropdown(tooltip="Start from a built-in preset or one of yours.")
        self.stages = {stage: StageControls(stage, self._changed) for stage in FILTERS}
        self.bit_depth = widgets.HTML()
        for index, button in enumerate(self.slots):
            button.add_class("wb-slot")
            button.add_class("wb-small")
            button.on_click(lambda _, index=index: self._slot_chosen(index))
        self._undo.on_click(lambda _: actions.undo())
        self._redo.on_click(lambda _: actions.redo())
        self.presets.observe(self._preset_chosen, "value")
        self.widget = widgets.VBox(
            [
                _row("wb-line", *self.slots, self.presets, self._undo, self._redo),
                *(stage.widget for stage in self.stages.values()),
                self.bit_depth,
            ]
        )

    def show(self, history: LookHistory) -> None:
        """Show the active look, and whether there are changes to undo and to redo."""
        slot = history.now.slot
        names = [*builtin_presets(), *user_presets()]
        if slot.base.name not in names:
            names.append(slot.base.name)
        modified = slot.preset.hash != slot.base.hash
        options = [
            (f"{name} (modified)" if modified and name == slot.base.name else name, name)
            for name in names
        ]
        with self._guard.updating():
            self._active = history.now.active
            for index, button in enumerate(self.slots):
                button.button_style = "primary" if index == self._active else ""
            if tuple(options) != tuple(self.presets.options):
                self.presets.options = options
            self.presets.value = slot.base.name
            for stage in self.stages.values():
                stage.show(slot)
            self._undo.disabled = not history.past
            self._redo.disabled = not history.future
            self.bit_depth.value = _bit_depth_warning(slot.preset)

    def _changed(self, name: str, value: Any) -> None:
        if self._guard.user_edit:
            self._actions.set_parameter(name, value)

    def _preset_chosen(self, change: dict[str, Any]) -> None:
        if self._guard.user_edit:
            self._actions.load_preset(change["new"])

    def _slot_chosen(self, index: int) -> None:
        if index != self._active:
            self._actions.flip()


def _bit_depth_warning(preset: Preset) -> str:
    """Return a warning for a look with 8-bit filters, or an empty text."""
    if preset.bit_depth > 8:
        return ""
    names = [type(stage).__name__.lower() for stage in preset.stages if stage.bit_depth == 8]
    return (
        f"<b>8-bit filters: {escape(', '.join(names))}.</b> The file has 10 bits, but its picture "
        "has 8, and grading brings the banding back."
    )


class StageControls:
    """The controls of one stage: its filter and the filter's parameters."""

    def __init__(self, stage: str, on_change: OnChange) -> None:
        self._stage = stage
        self._on_change = on_change
        title, tooltip = _TITLES[stage]
        self.filter = widgets.Dropdown(
            options=[(_WORDS.get(name, name), name) for name in FILTERS[stage]],
            tooltip=f"Filter of the stage {title}.",
        )
        self.filter.observe(self._filter_chosen, "value")
        heading = widgets.HTML(f"<b title='{tooltip}'>{title}</b>")
        self._box = widgets.VBox()
        self.rows: dict[str, NumberRow | ChoiceRow] = {}  # by parameter, such as "tone.contrast"
        self._rows_filter = ""  # the filter that the rows belong to
        self.widget = widgets.VBox([_row("wb-heading", heading, self.filter), self._box])
        self.widget.add_class("wb-stage")

    def show(self, slot: LookSlot) -> None:
        """Show the look of a slot."""
        parameters = [
            parameter
            for parameter in slot.preset.adjustable()
            if parameter.name.startswith(f"{self._stage}.")
        ]
        filter_ = getattr(slot.preset, self._stage).filter
        if filter_ != self._rows_filter:
            self.rows = {parameter.name: self._row(parameter, filter_) for parameter in parameters}
            self._box.children = [row.widget for row in self.rows.values()]
            self._rows_filter = filter_
        if filter_ not in (value for _, value in self.filter.options):  # from an imported file
            self.filter.options = [*self.filter.options, (_WORDS.get(filter_, filter_), filter_)]
        self.filter.value = filter_
        for parameter in parameters:
            self.rows[parameter.name].show(parameter.value, slot.reset_value(parameter.name))

    def _row(
        self, parameter: NumberParameter | ChoiceParameter, filter_: str
    ) -> "NumberRow | ChoiceRow":
        if isinstance(parameter, ChoiceParameter):
            return ChoiceRow(parameter, self._on_change)
        return NumberRow(parameter, filter_, self._on_change)

    def _filter_chosen(self, change: dict[str, Any]) -> None:
        self._on_change(f"{self._stage}.filter", change["new"])


class NumberRow:
    """A parameter's slider, number box and reset button."""

    def __init__(self, number: NumberParameter, filter_: str, on_change: OnChange) -> None:
        key = number.name.partition(".")[2]
        low, high = _SLIDER_ENDS.get((filter_, key), (number.low, number.high))
        whole = number.whole
        tooltip = f"{number.description} From {number.low:g} to {number.high:g}."
        self._name, self._on_change = number.name, on_change
        self._reset_value: Any = number.value
        self.slider = (widgets.IntSlider if whole else widgets.FloatSlider)(
            value=min(high, max(low, number.value)),
            min=low,
            max=high,
            step=1 if whole else _step(low, high),
            readout=False,
            tooltip=tooltip,
        )
        self.box = (widgets.IntText if whole else widgets.FloatText)(
            value=number.value, tooltip=tooltip
        )
        self.reset = widgets.Button(description="↺", tooltip="Reset")
        label = widgets.HTML(f"<span title='{tooltip}'>{key}</span>")
        self.slider.observe(self._slider_moved, "value")
        self.box.observe(lambda change: on_change(number.name, change["new"]), "value")
        self.reset.on_click(lambda _: on_change(number.name, self._reset_value))
        self.widget = _row("wb-row", label, self.slider, self.box, self.reset)

    def _slider_moved(self, change: dict[str, Any]) -> None:
        # The browser rounds a value to the slider's steps and sends it back. That is no user edit.
        if abs(change["new"] - change["old"]) > 0.6 * self.slider.step:
            self._on_change(self._name, round(change["new"], 6))

    def show(self, value: Any, reset_value: Any) -> None:
        """Show a value. The reset button goes back to `reset_value`."""
        self._reset_value = reset_value
        self.box.value = value
        within = min(self.slider.max, max(self.slider.min, value))
        # A rounding difference is not sent: it would arrive late and move a slider that the user
        # is dragging.
        if abs(within - self.slider.value) > 0.01 * self.slider.step:
            self.slider.value = within
        self.reset.disabled = value == reset_value


class ChoiceRow:
    """A parameter's list of options."""

    def __init__(self, choice: ChoiceParameter, on_change: OnChange) -> None:
        key = choice.name.partition(".")[2]
        self.options = widgets.Dropdown(
            options=[(_WORDS.get(name, name), name) for name in choice.options],
            value=choice.value,
            tooltip=choice.description,
        )
        label = widgets.HTML(f"<span title='{choice.description}'>{key}</span>")
        self.options.observe(lambda change: on_change(choice.name, change["new"]), "value")
        self.widget = _row("wb-row", label, self.options)

    def show(self, value: Any, _: Any) -> None:
        """Show a value."""
        self.options.value = value


def _row(name: str, *children: widgets.Widget) -> widgets.HBox:
    """Return a row with the CSS class `name`."""
    row = widgets.HBox(list(children))
    row.add_class(name)
    return row


def _step(low: float, high: float) -> float:
    """Return a slider's step: the finest power of ten with at most 1000 steps.

    >>> _step(16, 256), _step(0.5, 8), _step(0.001, 0.1)
    (1, 0.01, 0.0001)
    """
    return next(step for step in (0.0001, 0.001, 0.01, 0.1, 1) if (high - low) / step <= 1000)
