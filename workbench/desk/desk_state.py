"""Desk state: what a desk shows, kept in the project folder so that a reload brings it back."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from threading import RLock, Timer
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

from pydantic import ConfigDict, Field

from workbench.desk.look_history import SLOT_NAMES, LookHistory, LookSlot, LookSlots
from workbench.errors import WorkbenchError
from workbench.files import write_text
from workbench.look.preset import Preset, user_preset_folder
from workbench.model import Model

FOLDER = ".workbench"
"""The folder of the state files, in the project folder."""

_DELAY = 0.5  # seconds without a change until the state is written
_MAX_UNDO = 50  # changes that are kept


class SavedSlot(Model):
    """A look, and the preset that it started from."""

    base: Preset
    preset: Preset


class SavedSlots(Model):
    """The looks A and B, and the index of the active one."""

    slots: tuple[SavedSlot, SavedSlot]
    active: int = Field(0, ge=0, le=1)

    @classmethod
    def of(cls, slots: LookSlots) -> "SavedSlots":
        first, second = (SavedSlot(base=one.base, preset=one.preset) for one in slots.slots)
        return cls(slots=(first, second), active=slots.active)

    def restored(self) -> LookSlots:
        first, second = (LookSlot(one.base, one.preset) for one in self.slots)
        return LookSlots((first, second), self.active)


class SavedStill(Model):
    """A still without its picture, which is in a file of its own."""

    model_config = ConfigDict(extra="ignore")

    key: str = ""
    name: str = ""
    clip: str
    preset: Preset
    pixel_aspect: float = 1.0


class DeskState(Model):
    """Everything that a reload brings back."""

    model_config = ConfigDict(extra="ignore")

    folder: str = ""
    clip: str | None = None
    frame: int = Field(0, ge=0)
    now: SavedSlots | None  # None where this version refuses both looks
    past: tuple[SavedSlots, ...] = ()
    future: tuple[SavedSlots, ...] = ()
    stills: tuple[SavedStill, ...] = ()
    widgets: dict[str, dict[str, Any]] = Field(
        default_factory=dict
    )  # traits of the viewer, the scopes and the tabs

    def history(self, base: Preset) -> LookHistory:
        """Return the looks with the changes to undo and to redo; `base` without a look."""
        past, future = (tuple(one.restored() for one in of) for of in (self.past, self.future))
        now = self.now.restored() if self.now else LookSlots.of(base)
        return LookHistory(now, past, future)


def saved_history(history: LookHistory) -> dict[str, Any]:
    """Return the fields of DeskState that hold a history."""
    return {
        "now": SavedSlots.of(history.now),
        "past": tuple(SavedSlots.of(one) for one in history.past[-_MAX_UNDO:]),
        "future": tuple(SavedSlots.of(one) for one in history.future[:_MAX_UNDO]),
    }


def without_refused_looks(state: dict[str, Any]) -> str:
    """Leave out the looks of a saved state that this version refuses, such as an older one's.

    A refused slot shows the look of the other one. Returns a sentence about the slots, or "".
    """
    for name, kind in (("past", SavedSlots), ("future", SavedSlots), ("stills", SavedStill)):
        state[name] = [one for one in state.get(name, ()) if not _refusal(kind, one)]
    slots = state["now"]["slots"]
    refusals = {
        SLOT_NAMES[at]: reason
        for at, one in enumerate(slots)
        if (reason := _refusal(SavedSlot, one))
    }
    if not refusals:
        return ""
    name, reason = next(iter(refusals.items()))
    kept = [one for at, one in enumerate(slots) if SLOT_NAMES[at] not in refusals]
    if kept:
        state["now"]["slots"] = 2 * kept
        return (
            f"Look {name} of the last session cannot be used: {reason}. Both looks are alike now."
        )
    state["now"] = None
    return f"The looks of the last session cannot be used: {reason}. Both start anew."


def _refusal(kind: type[Model], values: Any) -> str:
    """Return why a part of a saved state is refused, or ""."""
    try:
        kind.validated(values)
    except WorkbenchError as error:
        return str(error)
    return ""


def notebook_name() -> str | None:
    """Return the name of the notebook that this kernel belongs to, or None outside of one.

    JupyterLab states its path in the kernel's environment, Voila the address of its page.
    """
    path = os.environ.get("JPY_SESSION_NAME")
    address = os.environ.get("VOILA_REQUEST_URL")
    if not path and address:
        path = unquote(urlsplit(address).path)
    name = PurePosixPath((path or "").replace("\\", "/")).name
    return name.removesuffix(".ipynb") or None


class StateFile:
    """The file of one desk. Where a cell runs again, the newer desk takes the file over."""

    _owners: ClassVar[dict[Path, "StateFile"]] = {}  # by path, of all desks of the kernel

    def __init__(self, source: str, preset: str) -> None:
        """Find the file of the desk with these arguments in this notebook.

        Desks with other arguments, in the same notebook, have files of their own. Outside of a
        notebook, nothing is kept.
        """
        self._lock = RLock()
        self._timer: Timer | None = None
        self._make: Callable[[], DeskState] | None = None
        self.path: Path | None = None
        self.refused = ""  # a sentence about the looks that `load` left out
        if name := notebook_name():
            key = hashlib.sha256(json.dumps([source, preset]).encode()).hexdigest()[:8]
            self.path = user_preset_folder().parent / FOLDER / f"{name}-{key}.json"
            self._owners[self.path] = self

    def load(self) -> DeskState | None:
        """Return the last state, or None where there is none or it cannot be read."""
        if self.path is None:
            return None
        try:
            state = json.loads(self.path.read_text(encoding="utf-8"))
            self.refused = without_refused_looks(state)
            return DeskState.validated(state)
        except (OSError, ValueError, TypeError, LookupError, AttributeError, WorkbenchError):
            return None

    def save_soon(self, make: Callable[[], DeskState]) -> None:
        """Write the state that `make` returns, once the desk has rested for a moment."""
        if self.path is None:
            return
        with self._lock:
            if self._timer:
                self._timer.cancel()
            self._make = make
            self._timer = Timer(_DELAY, self.flush)
            self._timer.daemon = True
            self._timer.start()

    def flush(self) -> None:
        """Write a state that waits to be written. A folder that is read-only keeps none."""
        with self._lock:
            make, self._make = self._make, None
        if self.path is None or make is None or self._owners.get(self.path) is not self:
            return
        try:
            text = json.dumps(make().model_dump(mode="json"))
            self.path.parent.mkdir(exist_ok=True)
            write_text(self.path, text, overwrite=True)
        except (OSError, WorkbenchError):
            return
