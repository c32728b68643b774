"""StillGallery: stills that were kept, to compare with and to come back to."""

from collections.abc import Callable
from html import escape
from threading import RLock

import ipywidgets as widgets

from workbench.desk.preview import Still
from workbench.desk.viewer import jpeg
from workbench.look.preset import Preset
from workbench.media.frames import Frame

_WIDTH = 160  # pixels of a tile
_MOST = 24  # stills: each holds a whole picture, 8 MB at 1080p


class StillGallery:
    """A row of stills. What is asked for of one is passed on."""

    def __init__(
        self, on_compare: Callable[[Still | None], None], on_restore: Callable[[Still], None]
    ) -> None:
        self._on_compare, self._on_restore = on_compare, on_restore
        self._stills: list[Still] = []
        self._tiles: dict[int, widgets.VBox] = {}
        self._toggles: dict[int, widgets.ToggleButton] = {}
        self._kept = 0
        self._lock = RLock()  # handlers run in several threads of the kernel
        self._row = widgets.HBox(layout=widgets.Layout(flex_flow="row wrap"))
        self.widget = widgets.VBox([self._row])

    @property
    def stills(self) -> tuple[Still, ...]:
        return tuple(self._stills)

    def keep(self, preset: Preset, picture: Frame) -> Still:
        """Keep a picture; the oldest goes when there are too many."""
        small = jpeg(picture.downscaled(2 * _WIDTH))
        with self._lock:
            self._kept += 1
            still = Still(self._kept, preset, picture, small)
            self._stills.append(still)
            self._tiles[still.number] = self._tile(still)
            if len(self._stills) > _MOST:
                self._remove(self._stills[0])
            self._place()
        return still

    def compared(self, still: Still | None) -> None:
        """Show which still is being compared with."""
        for number, toggle in self._toggles.items():
            toggle.value = still is not None and number == still.number

    def _tile(self, still: Still) -> widgets.VBox:
        picture = widgets.Image(
            value=still.jpeg, format="jpeg", layout=widgets.Layout(width=f"{_WIDTH}px")
        )
        name = escape(still.preset.name)
        words = widgets.HTML(
            f"<div title='{name}' style='overflow: hidden; text-overflow: ellipsis; "
            f"white-space: nowrap; line-height: 1.5'>{still.number}: {name}, frame "
            f"{still.picture.index}</div>",
            layout=widgets.Layout(width=f"{_WIDTH}px"),
        )
        small = widgets.Layout(width="auto", flex="1 1 0", padding="0")
        compare = widgets.ToggleButton(
            description="Compare",
            tooltip="Show it in the place of the picture before.",
            layout=small,
        )
        restore = widgets.Button(
            description="Restore", tooltip="Go back to its look and its frame.", layout=small
        )
        remove = widgets.Button(
            description="×", tooltip="Remove it.", layout=widgets.Layout(width="28px", padding="0")
        )
        compare.observe(lambda change: self._compare(still, change["new"]), "value")
        restore.on_click(lambda _: self._on_restore(still))
        remove.on_click(lambda _: self._remove(still))
        self._toggles[still.number] = compare
        buttons = widgets.HBox([compare, restore, remove])
        return widgets.VBox([picture, words, buttons], layout=widgets.Layout(margin="0 8px 0 0"))

    def _compare(self, still: Still, on: bool) -> None:
        others = [number for number, toggle in self._toggles.items() if toggle.value]
        if on:
            self.compared(still)
            self._on_compare(still)
        elif not others:
            self._on_compare(None)

    def _remove(self, still: Still) -> None:
        with self._lock:
            if still not in self._stills:
                return
            self._stills.remove(still)
            self._toggles[still.number].value = False
            del self._tiles[still.number], self._toggles[still.number]
            self._place()

    def _place(self) -> None:
        self._row.children = [self._tiles[still.number] for still in self._stills]
