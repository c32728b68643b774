"""Stills: pictures that the user grabbed, to compare with, to restore and to export."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from threading import RLock

import ipywidgets as widgets

from workbench.desk.layout import labelled
from workbench.desk.still_files import FORMATS, StillFiles, export_still
from workbench.desk.update_guard import UpdateGuard
from workbench.desk.viewer import jpeg
from workbench.errors import WorkbenchError
from workbench.files import expanded
from workbench.look.preset import Preset
from workbench.media.clip import Clip
from workbench.media.frames import Frame

MAX_STILLS = 24
"""The gallery holds no more: each is a full picture, 8 MB at 1080p."""

_TILE_WIDTH = 160  # pixels
_LONGEST_NAME = 60  # characters


@dataclass(frozen=True, eq=False)
class Still:
    """A picture that the user grabbed, with its look."""

    key: str  # hexadecimal; names its file
    name: str
    clip: str  # the path of its clip
    preset: Preset
    picture: Frame  # as delivered
    pixel_aspect: float = 1.0  # width of a pixel over its height

    @classmethod
    def of(cls, picture: Frame, preset: Preset, clip: Clip, name: str = "") -> "Still":
        """Return a new still of a clip's picture under a look."""
        key, aspect = secrets.token_hex(8), float(clip.sample_aspect)
        return cls(key, name, str(clip.path), preset, picture, aspect)

    @property
    def shown_size(self) -> tuple[float, float]:
        """Width and height in units of a pixel's height: as wide as it is shown."""
        return self.picture.width * self.pixel_aspect, self.picture.height


class StillGallery:
    """The stills, with the options of their export. Thread-safe."""

    def __init__(
        self,
        files: StillFiles,
        folder: Callable[[], Path],
        on_compare: Callable[[Still | None], None],
        on_restore: Callable[[Still], None],
        on_change: Callable[[], None],
    ) -> None:
        """Create an empty gallery.

        `files` keeps the pictures. `folder` returns where exported stills go if no folder is named.
        The gallery calls `on_compare` with the still to compare with, or None, `on_restore` with
        the still to go back to, and `on_change` where a still is added, renamed or deleted.
        """
        self._files, self._folder = files, folder
        self._on_change, self._on_compare, self._on_restore = on_change, on_compare, on_restore
        self._stills: dict[str, Still] = {}  # by key, the oldest first
        self._tiles: dict[str, StillTile] = {}
        self._count = 0
        self._lock = RLock()
        self._row = widgets.HBox()
        self._row.add_class("wb-stills")
        self.result = widgets.HTML()
        self.format = widgets.Dropdown(
            options=[(f"{suffix.upper()}, 16 bits", suffix) for suffix in FORMATS],
            tooltip="The format of exported stills: R'G'B' in full range, not compressed lossily.",
        )
        self.folder = widgets.Text(
            placeholder="stills, in the project folder",
            tooltip="Where exported stills go. A file is never replaced.",
        )
        export = [labelled("export as", self.format), labelled("export to", self.folder)]
        self.widget = widgets.VBox([self._row, self.result, *export])

    @property
    def stills(self) -> tuple[Still, ...]:
        """The stills, the oldest first."""
        return tuple(self._stills.values())

    def add(self, still: Still) -> None:
        """Add a still. One without a name is numbered. A full gallery says so instead."""
        with self._lock:
            if len(self._stills) >= MAX_STILLS:
                self._show(f"The desk keeps {MAX_STILLS} stills. Delete one first.")
                return
            self._stills[still.key] = still if still.name else replace(still, name=self._number())
            self._tiles[still.key] = StillTile(self._stills[still.key], self)
            self._show("")
            self._update()

    def _number(self) -> str:
        used = {still.name for still in self._stills.values()}
        self._count += 1
        while f"still {self._count}" in used:
            self._count += 1
        return f"still {self._count}"

    def mark_compared(self, still: Still | None) -> None:
        """Mark the still that the viewer compares with."""
        for key, tile in self._tiles.items():
            tile.compare.value = still is not None and key == still.key

    def set_compared(self, key: str, on: bool) -> None:
        """Compare with a still, or no longer."""
        if on:
            self.mark_compared(self._stills[key])
            self._on_compare(self._stills[key])
        elif not any(tile.compare.value for tile in self._tiles.values()):
            self._on_compare(None)

    def restore(self, key: str) -> None:
        """Go back to a still's look and frame."""
        self._on_restore(self._stills[key])

    def rename(self, key: str, name: str) -> str:
        """Give a still another name, and return the name that it has now."""
        name = " ".join(name.split())[:_LONGEST_NAME]
        with self._lock:
            still = self._stills[key]
            if name and name != still.name:
                self._stills[key] = replace(still, name=name)
                self._on_change()
                if self._tiles[key].compare.value:
                    self._on_compare(self._stills[key])
            return self._stills[key].name

    def export(self, key: str) -> None:
        """Write a still as a file, and show its path."""
        still = self._stills[key]
        try:
            typed = self.folder.value.strip().strip("\"'")
            folder = expanded(typed) if typed else self._folder()
            path = export_still(still.picture, still.name, folder, self.format.value)
        except WorkbenchError as error:
            self._show(f"{error}.")
        else:
            self._show(f"Exported {path}")

    def delete(self, key: str) -> None:
        """Delete a still and its picture."""
        with self._lock:
            if self._stills.pop(key, None) is None:
                return
            tile = self._tiles.pop(key)
            if tile.compare.value:
                self._on_compare(None)
            try:
                self._files.delete(key)
                self._show("")
            except WorkbenchError as error:
                self._show(f"{error}.")
            self._update()

    def save(self) -> None:
        """Write the pictures that are not written yet. Raises DestinationUnusable."""
        for still in self.stills:
            self._files.save(still.key, still.picture)

    def _update(self) -> None:
        self._on_change()
        self._row.children = [tile.widget for tile in self._tiles.values()]

    def _show(self, text: str) -> None:
        self.result.value = escape(text)


class StillTile:
    """One still in the gallery: its picture, its name and its buttons."""

    def __init__(self, still: Still, gallery: StillGallery) -> None:
        key, guard = still.key, UpdateGuard()
        look = f"{still.preset.name}, frame {still.picture.index}"
        words = f"{look} of {Path(still.clip).name}"
        picture = widgets.Image(
            value=jpeg(still.picture.downscaled(2 * _TILE_WIDTH)), format="jpeg"
        )
        self.name = widgets.Text(
            value=still.name, continuous_update=False, tooltip="The still's name."
        )
        label = widgets.HTML(f"<div title='{escape(words)}'>{escape(words)}</div>")
        self.compare = widgets.ToggleButton(
            description="Compare", tooltip="Compare with this still instead of the source."
        )
        restore = widgets.Button(
            description="Restore",
            tooltip="Go back to this still's look, and to its frame if it is of this clip.",
        )
        export = widgets.Button(
            description="Export", tooltip="Write this still as a 16-bit PNG or TIFF."
        )
        delete = widgets.Button(description="×", tooltip="Delete this still.")
        delete.add_class("wb-small")

        def renamed(change: dict[str, str]) -> None:
            if guard.user_edit:
                with guard.updating():
                    self.name.value = gallery.rename(key, change["new"])

        self.name.observe(renamed, "value")
        self.compare.observe(lambda change: gallery.set_compared(key, change["new"]), "value")
        restore.on_click(lambda _: gallery.restore(key))
        export.on_click(lambda _: gallery.export(key))
        delete.on_click(lambda _: gallery.delete(key))
        buttons = [widgets.HBox([self.compare, restore]), widgets.HBox([export, delete])]
        self.widget = widgets.VBox([picture, self.name, label, *buttons])
