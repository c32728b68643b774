"""Chooser: a folder of clips, and the one that is on the desk."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from workbench.deliver.destination import is_clip
from workbench.desk.update_guard import UpdateGuard
from workbench.files import expanded


class ClipChooser:
    """A box for a folder, or for one clip, and a list of the clips that are in it."""

    def __init__(
        self, on_choice: Callable[[Path], None], on_trouble: Callable[[str], None]
    ) -> None:
        self._on_choice, self._on_trouble = on_choice, on_trouble
        self._placing = UpdateGuard()
        wide = widgets.Layout(flex="1 1 200px", width="auto")
        self.folder = widgets.Text(
            layout=wide,
            continuous_update=False,
            placeholder="the folder of your clips, or one clip",
            tooltip="The folder of your clips, or one clip. Press Enter.",
        )
        self.clips = widgets.Dropdown(layout=wide, tooltip="The clips in this folder.")
        self.folder.observe(self._written, "value")
        self.clips.observe(self._chosen, "value")
        again = widgets.Button(
            description="↻",
            tooltip="Read the folder again.",
            layout=widgets.Layout(width="34px", padding="0"),
        )
        again.on_click(lambda _: self.read_again())
        self.widget = widgets.HBox([self.folder, self.clips, again])

    def open(self, path: str | Path) -> None:
        """List a folder's clips, or choose a clip; "" is the folder that the notebook is in."""
        try:
            given = expanded(path or Path.cwd()).absolute()
            if not given.exists():
                self._refuse(path, f"There is no folder and no clip {given}: write another above.")
                return
            folder = given if given.is_dir() else given.parent
            found = _clips(folder)
        except (OSError, ValueError) as error:
            self._refuse(path, f"{str(path)!r} cannot be read: {_why(error)}")
            return
        choice = None if given == folder else given
        self._place(folder, found, choice)
        if choice:
            self._on_choice(choice)
        elif path and not found:
            self._on_trouble(f"There are no clips in {folder}: write another folder above.")
        else:
            self._on_trouble("")

    def _refuse(self, path: str | Path, why: str) -> None:
        """Say what is wrong with a path, which stays in its box to be mended."""
        with self._placing.programmatic():
            self.folder.value = str(path)
        self._on_trouble(why)

    def read_again(self) -> None:
        """List the folder's clips as they are now; the one that is chosen stays so."""
        folder, chosen = expanded(self.folder.value), self.clips.value
        try:
            self._place(folder, _clips(folder), Path(chosen) if chosen else None)
        except (OSError, ValueError) as error:
            self._on_trouble(f"{folder} cannot be read: {_why(error)}")

    def show(self, choice: Path | None) -> None:
        """Show which clip is on the desk, which may not be the one that was chosen."""
        folder = choice.parent if choice else Path(self.folder.value)
        known = [Path(value) for _, value in self.clips.options if value]
        self._place(folder, [one for one in known if one.parent == folder], choice)

    def _place(self, folder: Path, found: list[Path], choice: Path | None) -> None:
        names = [("choose a clip", ""), *((clip.name, str(clip)) for clip in found)]
        if choice and choice not in found:
            names.append((choice.name, str(choice)))
        with self._placing.programmatic():
            self.folder.value = str(folder)
            self.clips.options = names
            self.clips.value = str(choice) if choice else ""

    def _written(self, change: dict[str, Any]) -> None:
        if self._placing.by_user:
            self.open(change["new"].strip().strip("\"'"))

    def _chosen(self, change: dict[str, Any]) -> None:
        if self._placing.by_user and change["new"]:
            self._on_choice(Path(change["new"]))


def _clips(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if is_clip(path.name) and path.is_file())


def _why(error: OSError | ValueError) -> str:
    return str(getattr(error, "strerror", None) or error).lower()
