"""Look history: the looks in slots A and B, with undo and redo. Values only, no widgets."""

from dataclasses import dataclass, replace
from typing import Any

from workbench.look.preset import Preset

SLOT_NAMES = "AB"
_MAX_UNDO = 200  # changes
_MERGE_SECONDS = 1.0  # changes of one parameter within this time are undone together


@dataclass(frozen=True)
class LookSlot:
    """A look that the user tunes, and the preset that it started from."""

    base: Preset
    preset: Preset

    @classmethod
    def of(cls, preset: Preset) -> "LookSlot":
        """Return a slot that starts from a preset."""
        return cls(preset, preset)

    def with_parameter(self, name: str, value: Any) -> "LookSlot":
        """Return the slot with one parameter changed. Raises PresetError."""
        preset = self.preset.override({name: value})
        # A look that equals its base again becomes the base, which restores its name.
        return replace(self, preset=self.base if preset.hash == self.base.hash else preset)

    def with_matrix(self, matrix: str) -> "LookSlot":
        """Return the slot with another matrix for untagged clips, bt601 or bt709."""
        return replace(self, preset=self.preset.with_matrix(matrix))

    def reset_value(self, name: str) -> Any:
        """Return the value that a reset gives a parameter: the base's, or else the filter's own."""
        stage, _, key = name.partition(".")
        current, base = getattr(self.preset, stage), getattr(self.base, stage)
        if type(current) is type(base):
            return getattr(base, key)
        return type(current).model_fields[key].default


@dataclass(frozen=True)
class LookSlots:
    """The two slots A and B. One is active."""

    slots: tuple[LookSlot, LookSlot]
    active: int = 0  # index in SLOT_NAMES

    @classmethod
    def of(cls, preset: Preset) -> "LookSlots":
        """Return two slots that start from the same preset."""
        return cls((LookSlot.of(preset), LookSlot.of(preset)))

    @property
    def slot(self) -> LookSlot:
        """The active slot."""
        return self.slots[self.active]

    @property
    def preset(self) -> Preset:
        """The active look."""
        return self.slot.preset

    def flipped(self) -> "LookSlots":
        """Return the slots with the other one active."""
        return replace(self, active=1 - self.active)

    def with_slot(self, slot: LookSlot, index: int | None = None) -> "LookSlots":
        """Return the slots with one replaced: the active one, or the one at `index`."""
        first, second = self.slots
        index = self.active if index is None else index
        return replace(self, slots=(first, slot) if index else (slot, second))


@dataclass(frozen=True)
class LookHistory:
    """The slots as they are now, with the states to undo and to redo."""

    now: LookSlots
    past: tuple[LookSlots, ...] = ()
    future: tuple[LookSlots, ...] = ()
    change: str = ""  # name of the last change, such as a parameter's
    changed_at: float = 0.0  # seconds of a monotonic clock

    def record(self, slots: LookSlots, change: str, at: float) -> "LookHistory":
        """Return the history with a new state.

        Quick changes of the same name, such as those of a moving slider, are undone together.
        """
        if slots == self.now:
            return self
        merge = change == self.change and at - self.changed_at < _MERGE_SECONDS and bool(self.past)
        past = self.past if merge else (*self.past, self.now)[-_MAX_UNDO:]
        if merge and slots == past[-1]:  # back where the change started
            past = past[:-1]
        return LookHistory(slots, past, (), change, at)

    def undone(self) -> "LookHistory":
        """Return the history one change back, or itself."""
        if not self.past:
            return self
        return LookHistory(self.past[-1], self.past[:-1], (self.now, *self.future))

    def redone(self) -> "LookHistory":
        """Return the history one change forward, or itself."""
        if not self.future:
            return self
        return LookHistory(self.future[0], (*self.past, self.now), self.future[1:])
