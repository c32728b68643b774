"""Stills: pictures that the user grabbed, to compare with and to restore."""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from threading import RLock

import ipywidgets as widgets

from workbench.desk.viewer import jpeg
from workbench.look.preset import Preset
from workbench.media.clip import Clip
from workbench.media.frames import Frame

_TILE_WIDTH = 160  # pixels
_MAX_STILLS = 24  # each holds a full picture, 8 MB at 1080p


@dataclass(frozen=True, eq=False)
class Still:
    """A picture that the user grabbed, with its look."""

    number: int
    preset: Preset
    picture: Frame  # as delivered
    jpeg: bytes
    clip: Clip

    @property
    def name(self) -> str:
        """The still's label, such as "still 1"."""
        return f"still {self.number}"


class StillGallery:
    """A row of stills. Thread-safe."""

    def __init__(
        self,
        on_compare: Callable[[Still | None], None],
        on_restore: Callable[[Still], None],
        on_change: Callable[[], None],
    ) -> None:
        """Create an empty gallery.

        It calls `on_compare` with the still to compare with, or None, `on_restore` with the still
        to go back to, and `on_change` where a still is added or deleted.
        """
        self._on_change = on_change
        self._on_compare, self._on_restore = on_compare, on_restore
        self._stills: list[Still] = []
        self._tiles: dict[int, widgets.VBox] = {}
        self._toggles: dict[int, widgets.ToggleButton] = {}
        self._count = 0
        self._lock = RLock()
        self._row = widgets.HBox()
        self._row.add_class("wb-stills")
        self.widget = widgets.VBox([self._row])

    def add(self, preset: Preset, picture: Frame, clip: Clip) -> Still:
        """Add a still. The oldest is deleted when there are too many."""
        small = jpeg(picture.downscaled(2 * _TILE_WIDTH))
        with self._lock:
            self._count += 1
            still = Still(self._count, preset, picture, small, clip)
            self._stills.append(still)
            self._tiles[still.number] = self._tile(still)
            if len(self._stills) > _MAX_STILLS:
                self._delete(self._stills[0])
            self._update()
        return still

    def mark_compared(self, still: Still | None) -> None:
        """Mark the still that the viewer compares with."""
        for number, toggle in self._toggles.items():
            toggle.value = still is not None and number == still.number

    def _tile(self, still: Still) -> widgets.VBox:
        picture = widgets.Image(value=still.jpeg, format="jpeg")
        name = escape(still.preset.name)
        label = widgets.HTML(
            f"<div title='{name}'>{still.number}: {name}, frame {still.picture.index}</div>"
        )
        compare = widgets.ToggleButton(
            description="Compare",
            tooltip="Compare with this still instead of the source.",
        )
        restore = widgets.Button(
            description="Restore", tooltip="Go back to this still's look and frame."
        )
        delete = widgets.Button(description="×", tooltip="Delete this still.")
        delete.add_class("wb-small")
        compare.observe(lambda change: self._compare(still, change["new"]), "value")
        restore.on_click(lambda _: self._on_restore(still))
        delete.on_click(lambda _: self._delete(still))
        self._toggles[still.number] = compare
        return widgets.VBox([picture, label, widgets.HBox([compare, restore, delete])])

    def _compare(self, still: Still, on: bool) -> None:
        others = [number for number, toggle in self._toggles.items() if toggle.value]
        if on:
            self.mark_compared(still)
            self._on_compare(still)
        elif not others:
            self._on_compare(None)

    def _delete(self, still: Still) -> None:
        with self._lock:
            if still not in self._stills:
                return
            self._stills.remove(still)
            self._toggles[still.number].value = False
            del self._tiles[still.number], self._toggles[still.number]
            self._update()

    @property
    def stills(self) -> tuple[Still, ...]:
        """The stills, the oldest first."""
        return tuple(self._stills)

    def _update(self) -> None:
        self._on_change()
        self._row.children = [self._tiles[still.number] for still in self._stills]
