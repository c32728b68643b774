"""Slots: what the desk stands at, and how it came there. Values only; nothing is shown here."""

from dataclasses import dataclass, replace
from typing import Any

from workbench.look.preset import Preset

SLOTS = "AB"
_DEPTH = 200  # changes that can be undone
_ONE_MOVE = 1.0  # seconds: changes of one thing that follow each other faster are one


@dataclass(frozen=True)
class Slot:
    """A look that is being tuned, and the one that it was begun with."""

    base: Preset
    preset: Preset

    def changed(self, name: str, value: Any) -> "Slot":
        """Return it with one parameter changed. Raises PresetError."""
        preset = self.preset.override({name: value})
        # Turned back to where it was, it is what it was.
        return replace(self, preset=self.base if preset.hash == self.base.hash else preset)

    def first(self, name: str) -> Any:
        """Return the value that a parameter is reset to: the base's, else its filter's own."""
        stage, _, key = name.partition(".")
        now, base = getattr(self.preset, stage), getattr(self.base, stage)
        if type(now) is type(base):
            return getattr(base, key)
        return type(now).model_fields[key].default


@dataclass(frozen=True)
class LookSlots:
    """Two looks to flip between, of which one is on."""

    slots: tuple[Slot, Slot]
    active: int = 0  # in SLOTS

    @classmethod
    def of(cls, preset: Preset) -> "LookSlots":
        return cls((Slot(preset, preset), Slot(preset, preset)))

    @property
    def slot(self) -> Slot:
        return self.slots[self.active]

    @property
    def preset(self) -> Preset:
        return self.slot.preset

    def flipped(self) -> "LookSlots":
        return replace(self, active=1 - self.active)

    def with_slot(self, slot: Slot, place: int | None = None) -> "LookSlots":
        """Return them with another slot in the place that is on, or in a given one."""
        one, two = self.slots
        second = self.active if place is None else place
        return replace(self, slots=(one, slot) if second else (slot, two))


@dataclass(frozen=True)
class LookHistory:
    """The settings now, those before, and those that were undone."""

    now: LookSlots
    past: tuple[LookSlots, ...] = ()
    future: tuple[LookSlots, ...] = ()
    about: str = ""  # what the last change was of
    at: float = 0.0  # seconds, on any clock: when it was made

    def to(self, settings: LookSlots, about: str, at: float) -> "LookHistory":
        """Move on. Changes of one thing in quick succession, a slider's, are undone as one."""
        if settings == self.now:
            return self
        same = about == self.about and at - self.at < _ONE_MOVE and bool(self.past)
        past = self.past if same else (*self.past, self.now)[-_DEPTH:]
        if same and settings == past[-1]:  # there and back again
            past = past[:-1]
        return LookHistory(settings, past, (), about, at)

    def undone(self) -> "LookHistory":
        if not self.past:
            return self
        return LookHistory(self.past[-1], self.past[:-1], (self.now, *self.future))

    def redone(self) -> "LookHistory":
        if not self.future:
            return self
        return LookHistory(self.future[0], (*self.past, self.now), self.future[1:])
