"""Save panel: saves the look as a preset file of the project."""

from collections.abc import Callable
from html import escape
from pathlib import Path

import ipywidgets as widgets

from workbench.errors import DestinationExists, PresetError, WorkbenchError
from workbench.look.preset import Preset, builtin_presets, save_preset, user_preset_folder


class SavePanel:
    """A box for the preset's name, a button, and the result."""

    def __init__(
        self, get_preset: Callable[[], Preset], on_saved: Callable[[Preset], None]
    ) -> None:
        """Create a panel that saves the look of `get_preset` and passes it on, named."""
        self._get_preset, self._on_saved = get_preset, on_saved
        self._existing = ""  # the name that the user may overwrite
        self.name = widgets.Text(placeholder="name of this look")
        save = widgets.Button(description="Save preset", tooltip="Save this look as a preset file.")
        self.overwrite = widgets.Button(
            description="Overwrite",
            layout=widgets.Layout(display="none"),
            tooltip="Overwrite the preset of this name.",
        )
        self.result = widgets.HTML()
        save.on_click(lambda _: self.save(self.name.value))
        self.overwrite.on_click(lambda _: self.save(self._existing, overwrite=True))
        self.name.observe(self._renamed, "value")
        self.widget = widgets.VBox(
            [widgets.HBox([self.name, save]), widgets.HBox([self.result, self.overwrite])]
        )

    def save(self, name: str, *, overwrite: bool = False) -> Path | None:
        """Save the look under a name. Return the file, or None after showing an error."""
        self.overwrite.layout.display = "none"
        try:
            preset = self._get_preset().renamed(name.strip().removesuffix(".toml"))
            path = _write(preset, overwrite=overwrite)
        except DestinationExists:
            self._existing = preset.name
            self.overwrite.layout.display = None
            self._show(f"The preset {preset.name} already exists.")
            return None
        except WorkbenchError as error:
            self._show(f"{error}. Choose another name.")
            return None
        self._on_saved(preset)
        self._show(f"Saved as {path}")
        return path

    def forget(self) -> None:
        """Clear a result that belongs to another look."""
        self.overwrite.layout.display = "none"
        self._show("")

    def _renamed(self, _: object) -> None:
        self.overwrite.layout.display = "none"

    def _show(self, text: str) -> None:
        self.result.value = escape(text)


def _write(preset: Preset, *, overwrite: bool) -> Path:
    """Write a preset to the project's folder.

    Raises PresetError, DestinationExists, DestinationUnusable.
    """
    if preset.name in builtin_presets():
        raise PresetError(f"{preset.name} is a built-in preset")
    folder = user_preset_folder()
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise PresetError(f"cannot create {folder}: {str(error.strerror).lower()}") from error
    return save_preset(preset, folder / f"{preset.name}.toml", overwrite=overwrite)
