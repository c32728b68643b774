"""Clip chooser: lists the clips of a folder, a glob or a bucket and lets the user choose one."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from workbench.deliver.destination import is_clip
from workbench.desk.clip_list import clip_name, folder_clips, found_clips, is_search, matching
from workbench.desk.clip_tiles import ClipTiles
from workbench.desk.latest_worker import LatestWorker
from workbench.desk.status_line import StatusLine
from workbench.desk.update_guard import UpdateGuard
from workbench.errors import WorkbenchError
from workbench.ffmpeg import Cancellation
from workbench.files import expanded
from workbench.storage.locations import is_remote


class ClipChooser:
    """A box for a folder or another place with its clips (`place`), and a list (`choice`)."""

    def __init__(
        self,
        on_choice: Callable[[str], None],
        on_error: Callable[[str], None],
        status: StatusLine,
        tiles: ClipTiles,
    ) -> None:
        """Create a chooser, which shows the clips in `tiles` as well.

        It calls `on_choice` with the location of the chosen clip and `on_error` with a message. An
        empty message means that there is no error any more.
        """
        self._tiles = tiles
        self._on_choice, self._on_error, self._status = on_choice, on_error, status
        self.searches: LatestWorker[str] = LatestWorker(self._search)
        self._guard = UpdateGuard()
        self.folder = widgets.Text(
            continuous_update=False,
            placeholder="folder of your clips, or one clip",
            tooltip="Type a folder, one clip, shots/*.mp4 or s3://bucket/folder, and press Enter.",
        )
        self.clips = widgets.Dropdown(tooltip="Clips in this folder.")
        self.filter = widgets.Text(
            placeholder="filter: words of the name",
            tooltip="List the clips whose names have all of these words. "
            "Page up and page down go through these.",
        )
        self.folder.observe(self._folder_typed, "value")
        self.filter.observe(self._show_tiles, "value")
        tiles.observe(self._tile_chosen, "chosen")
        self.clips.observe(self._clip_chosen, "value")
        refresh = widgets.Button(description="↻", tooltip="Refresh the list of clips.")
        refresh.on_click(lambda _: self.refresh())
        back = widgets.Button(description="◂", tooltip="Previous clip (page up)")
        on = widgets.Button(description="▸", tooltip="Next clip (page down)")
        back.on_click(lambda _: self.step(-1))
        on.on_click(lambda _: self.step(1))
        for button in (refresh, back, on):
            button.add_class("wb-small")
        self.choice = widgets.HBox([self.clips, back, on])
        place = widgets.HBox([self.folder, refresh])
        self.place = widgets.VBox([place, self.filter, tiles])

    @property
    def listed(self) -> dict[str, str]:
        """The location of each listed clip by its name."""
        return {name: location for name, location in self.clips.options if location}

    @property
    def delivery_folder(self) -> Path:
        """The folder of the listed clips; the notebook's folder for those of a search."""
        place = self.folder.value
        return Path.cwd() if is_search(place) or not place else expanded(place)

    def open(self, path: str | Path) -> None:
        """List a place's clips, or choose a clip. The path "" is the notebook's folder.

        A bucket or a glob is searched in the background.
        """
        if is_search(str(path)) and not Path(path).exists():
            self.searches.submit(str(path))
            return
        try:
            given = expanded(path or Path.cwd()).absolute()
            if not given.exists():
                self._reject(path, f"{given} was not found. Type another folder or clip.")
                return
            folder = given if given.is_dir() else given.parent
            found = folder_clips(folder)
        except (OSError, ValueError) as error:
            self._reject(path, f"Cannot read {str(path)!r}: {_reason(error)}.")
            return
        self._update(str(folder), found, None if given == folder else str(given))
        if given != folder:
            self._on_choice(str(given))
        elif path and not found:
            self._on_error(f"There are no clips in {folder}. Type another folder.")
        else:
            self._on_error("")

    def _search(self, place: str, superseded: Cancellation) -> None:
        """Search a bucket or a glob, or choose the clip of a bucket that has this URL."""
        chosen = place if is_remote(place) and is_clip(clip_name(place)) else None
        above = place.rpartition("/")[0] if chosen else place
        try:
            with self._status.running(f"Listing {above}"):
                found = found_clips(above)
        except WorkbenchError as error:
            self._reject(place, f"{error}.")
            return
        if superseded.requested:
            return
        self._update(above, found, chosen)
        if chosen:
            self._on_choice(chosen)
        else:
            self._on_error("" if found else f"There are no clips in {place}. Type another place.")

    def _reject(self, path: str | Path, message: str) -> None:
        """Report a bad path and leave it in the text box, so that the user can correct it."""
        with self._guard.updating():
            self.folder.value = str(path)
        self._on_error(message)

    def refresh(self) -> None:
        """List the place's clips again. The chosen clip stays chosen."""
        place, chosen = self.folder.value, self.clips.value
        if is_search(place) and not Path(place).exists():
            self.searches.submit(place)
            return
        try:
            self._update(place, folder_clips(expanded(place)), chosen or None)
        except (OSError, ValueError) as error:
            self._on_error(f"Cannot read {place}: {_reason(error)}.")

    def step(self, by: int) -> None:
        """Choose the clip `by` places on in the filtered list. Stop at either end."""
        values = [location for _, location in self._tiles.clips]
        at = values.index(self.clips.value) + by if self.clips.value in values else 0
        if 0 <= at < len(values):
            self.clips.value = values[at]

    def show(self, choice: str | None) -> None:
        """Show which clip is on the desk."""
        known = self.listed
        if choice and choice not in known.values() and not is_remote(choice):
            folder = Path(choice).parent
            known = {name: one for name, one in known.items() if Path(one).parent == folder}
            self._update(str(folder), known, choice)
        else:
            self._update(self.folder.value, known, choice)

    def _update(self, place: str, found: Mapping[str, str], choice: str | None) -> None:
        names = [("choose a clip", ""), *found.items()]
        if choice and choice not in found.values():
            names.append((clip_name(choice), choice))
        with self._guard.updating():
            self.folder.value = place
            self.clips.options = names
            self.clips.value = choice or ""
            self._tiles.chosen = choice or ""
            self._show_tiles()

    def _show_tiles(self, _: object = None) -> None:
        self._tiles.clips = [*matching(self.listed, self.filter.value).items()]

    def _tile_chosen(self, change: dict[str, Any]) -> None:
        if self._guard.user_edit and change["new"]:
            self.clips.value = change["new"]

    def _folder_typed(self, change: dict[str, Any]) -> None:
        if self._guard.user_edit:
            self.open(change["new"].strip().strip("\"'"))

    def _clip_chosen(self, change: dict[str, Any]) -> None:
        if self._guard.user_edit and change["new"]:
            with self._guard.updating():
                self._tiles.chosen = change["new"]
            self._on_choice(change["new"])


def _reason(error: OSError | ValueError) -> str:
    return str(getattr(error, "strerror", None) or error).lower()
