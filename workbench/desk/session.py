"""Session: collects what a reload brings back from the desk's widgets, and restores it."""

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as widgets
from traitlets import TraitError

from workbench.desk.desk_state import DeskState, SavedStill, StateFile, saved_history
from workbench.desk.look_history import LookHistory
from workbench.desk.still_files import StillFiles
from workbench.desk.stills import Still, StillGallery
from workbench.ffmpeg import Cancellation

_KEPT = {
    "viewer": ("mode", "boost", "banding_map", "gain", "graded", "view", "marks"),
    "scopes": ("shown", "overlay", "zoom"),
    "tabs": ("selected",),
}
"""The traits of widgets that a reload brings back."""


class Session:
    """The state of one desk, between its widgets and its file."""

    def __init__(self, file: StateFile) -> None:
        """Read the last state from a file, if there is one."""
        self._file = file
        self.still_files = StillFiles(file.path.parent if file.path else None)
        self._widgets: dict[str, widgets.Widget] = {}
        self.saved = file.load()
        self.refused = file.refused  # a sentence about looks that this version refuses, or ""

    def flush(self) -> None:
        """Write a change that waits to be written."""
        self._file.flush()

    def restore(self, **parts: widgets.Widget) -> None:
        """Set the traits of the viewer, the scopes and the tabs as they were."""
        self._widgets = parts
        for name, traits in (self.saved.widgets if self.saved else {}).items():
            for trait, value in traits.items():
                if trait in _KEPT.get(name, ()):
                    try:
                        setattr(parts[name], trait, value)
                    except TraitError:
                        continue  # a value of another version

    def resumed(self, location: str, frames: int) -> tuple[int, dict[str, Any]] | None:
        """Return the frame and the marks of the clip that was open last, only once.

        `location` is the path or the URL of the clip that is opened; it has so many `frames`.
        """
        saved, self.saved = self.saved, None
        if saved is None or saved.clip != location:
            return None
        marks = saved.widgets.get("viewer", {}).get("marks", {"in": None, "out": None})
        return min(saved.frame, frames - 1), marks

    def watch(self, keep: Callable[[], None]) -> None:
        """Call `keep` where a trait changes that a reload brings back."""
        for name, widget in self._widgets.items():
            widget.observe(lambda _: keep(), [*_KEPT[name]])

    def keep(
        self,
        history: LookHistory,
        location: str | None,
        folder: str,
        frame: int,
        gallery: StillGallery,
    ) -> None:
        """Write the state, soon."""

        def state() -> DeskState:
            stills = gallery.stills
            gallery.save()
            return DeskState(
                folder=folder,
                clip=location,
                frame=frame,
                **saved_history(history),
                stills=tuple(
                    SavedStill(
                        key=still.key,
                        name=still.name,
                        clip=still.clip,
                        preset=still.preset,
                        pixel_aspect=still.pixel_aspect,
                    )
                    for still in stills
                ),
                widgets={
                    name: {trait: getattr(widget, trait) for trait in _KEPT[name]}
                    for name, widget in self._widgets.items()
                },
            )

        self._file.save_soon(state)


def restore_stills(
    stills: Sequence[SavedStill],
    files: StillFiles,
    gallery: StillGallery,
    cancellation: Cancellation,
) -> None:
    """Add saved stills to a gallery. Those whose picture is gone are dropped."""
    for one in stills:
        if cancellation.requested:
            return
        if picture := files.load(one.key):
            gallery.add(Still(one.key, one.name, one.clip, one.preset, picture, one.pixel_aspect))
