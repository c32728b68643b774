"""Clip chooser: lists the clips of a folder and lets the user choose one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from workbench.deliver.destination import is_clip
from workbench.desk.update_guard import UpdateGuard
from workbench.files import expanded


class ClipChooser:
    """A text box for a folder or a clip (`place`), and a list of the folder's clips (`choice`)."""

    def __init__(self, on_choice: Callable[[Path], None], on_error: Callable[[str], None]) -> None:
        """Create a chooser.

        It calls `on_choice` with the chosen clip and `on_error` with a message. An empty message
        means that there is no error any more.
        """
        self._on_choice, self._on_error = on_choice, on_error
        self._guard = UpdateGuard()
        self.folder = widgets.Text(
            continuous_update=False,
            placeholder="folder of your clips, or one clip",
            tooltip="Type the folder of your clips, or one clip, and press Enter.",
        )
        self.clips = widgets.Dropdown(tooltip="Clips in this folder.")
        self.folder.observe(self._folder_typed, "value")
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
        self.place = widgets.HBox([self.folder, refresh])

    def open(self, path: str | Path) -> None:
        """List a folder's clips, or choose a clip. The path "" is the notebook's folder."""
        try:
            given = expanded(path or Path.cwd()).absolute()
            if not given.exists():
                self._reject(path, f"{given} was not found. Type another folder or clip.")
                return
            folder = given if given.is_dir() else given.parent
            found = _clips_in(folder)
        except (OSError, ValueError) as error:
            self._reject(path, f"Cannot read {str(path)!r}: {_reason(error)}.")
            return
        choice = None if given == folder else given
        self._update(folder, found, choice)
        if choice:
            self._on_choice(choice)
        elif path and not found:
            self._on_error(f"There are no clips in {folder}. Type another folder.")
        else:
            self._on_error("")

    def _reject(self, path: str | Path, message: str) -> None:
        """Report a bad path and leave it in the text box, so that the user can correct it."""
        with self._guard.updating():
            self.folder.value = str(path)
        self._on_error(message)

    def refresh(self) -> None:
        """List the folder's clips again. The chosen clip stays chosen."""
        folder, chosen = expanded(self.folder.value), self.clips.value
        try:
            self._update(folder, _clips_in(folder), Path(chosen) if chosen else None)
        except (OSError, ValueError) as error:
            self._on_error(f"Cannot read {folder}: {_reason(error)}.")

    def step(self, by: int) -> None:
        """Choose the clip `by` places on in the list. Stop at either end."""
        values = [value for _, value in self.clips.options if value]
        at = values.index(self.clips.value) + by if self.clips.value in values else 0
        if 0 <= at < len(values):
            self.clips.value = values[at]

    def show(self, choice: Path | None) -> None:
        """Show which clip is on the desk."""
        folder = choice.parent if choice else Path(self.folder.value)
        known = [Path(value) for _, value in self.clips.options if value]
        self._update(folder, [clip for clip in known if clip.parent == folder], choice)

    def _update(self, folder: Path, found: list[Path], choice: Path | None) -> None:
        names = [("choose a clip", ""), *((clip.name, str(clip)) for clip in found)]
        if choice and choice not in found:
            names.append((choice.name, str(choice)))
        with self._guard.updating():
            self.folder.value = str(folder)
            self.clips.options = names
            self.clips.value = str(choice) if choice else ""

    def _folder_typed(self, change: dict[str, Any]) -> None:
        if self._guard.user_edit:
            self.open(change["new"].strip().strip("\"'"))

    def _clip_chosen(self, change: dict[str, Any]) -> None:
        if self._guard.user_edit and change["new"]:
            self._on_choice(Path(change["new"]))


def _clips_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if is_clip(path.name) and path.is_file())


def _reason(error: OSError | ValueError) -> str:
    return str(getattr(error, "strerror", None) or error).lower()
