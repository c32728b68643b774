"""Saving: a look gets a name and a file among the project's presets."""

from collections.abc import Callable
from html import escape
from pathlib import Path

import ipywidgets as widgets

from workbench.errors import DestinationExists, PresetError, WorkbenchError
from workbench.look.preset import Preset, builtin_presets, save_preset, user_preset_folder


class SavePanel:
    """A box for the name, and what became of it."""

    def __init__(self, ask: Callable[[], Preset], on_saved: Callable[[Preset], None]) -> None:
        """`ask` gives the look of the moment; `on_saved` hears it under its new name."""
        self._ask, self._on_saved = ask, on_saved
        self._taken = ""  # the name that was found taken, which alone may be replaced
        button = widgets.Layout(width="104px")
        self.name = widgets.Text(
            placeholder="a name for this look", layout=widgets.Layout(flex="1 1 80px", width="auto")
        )
        save = widgets.Button(
            description="Save preset", layout=button, tooltip="Keep this look in a file."
        )
        self.replace = widgets.Button(
            description="Replace it",
            layout=widgets.Layout(width="104px", display="none"),
            tooltip="Write over the preset of this name.",
        )
        self.words = widgets.HTML()
        save.on_click(lambda _: self.save(self.name.value))
        self.replace.on_click(lambda _: self.save(self._taken, overwrite=True))
        self.name.observe(self._renamed, "value")
        self.widget = widgets.VBox(
            [widgets.HBox([self.name, save]), widgets.HBox([self.words, self.replace])]
        )

    def save(self, name: str, *, overwrite: bool = False) -> Path | None:
        """Keep the look under a name; say where, or why not."""
        self.replace.layout.display = "none"
        try:
            preset = self._ask().renamed(name.strip().removesuffix(".toml"))
            path = _write(preset, overwrite=overwrite)
        except DestinationExists:
            self._taken = preset.name
            self.replace.layout.display = None
            self._say(f"There is a preset {preset.name} already.")
            return None
        except WorkbenchError as error:
            self._say(f"{error}; choose another name")
            return None
        self._say(f"Saved in {path}")
        self._on_saved(preset)
        return path

    def _renamed(self, _: object) -> None:
        self.replace.layout.display = "none"

    def _say(self, words: str) -> None:
        self.words.value = (
            "<div style='font-size: 12px; line-height: 1.35; overflow-wrap: anywhere'>"
            f"{escape(words)}</div>"
        )


def _write(preset: Preset, *, overwrite: bool) -> Path:
    """Write a preset into the project's folder; raises PresetError, DestinationUnusable."""
    if preset.name in builtin_presets():
        raise PresetError(f"{preset.name} is the name of a preset that comes with the workbench")
    folder = user_preset_folder()
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise PresetError(f"{folder} cannot be made: {str(error.strerror).lower()}") from error
    return save_preset(preset, folder / f"{preset.name}.toml", overwrite=overwrite)
