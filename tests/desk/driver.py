"""A driver for the desk without a browser: what a user does there, and what a user sees.

It finds controls as a user does, by their labels, and reads what the widgets send to the browser.
"""

import html
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar

import ipywidgets as widgets

from workbench.desk.clip_tiles import ClipTiles
from workbench.desk.scopes import Scopes
from workbench.desk.tuner import Tuner
from workbench.desk.viewer import Viewer
from workbench.look.preset import Preset
from workbench.media.clip import Clip

PATIENCE = 60  # seconds

W = TypeVar("W", bound=widgets.Widget)
Side = Literal["before", "after", "reference"]


def walk(widget: widgets.Widget) -> Iterator[widgets.Widget]:
    """Yield a widget and everything in it, in the order of the page."""
    yield widget
    for child in getattr(widget, "children", ()):
        yield from walk(child)


def text_of(widget: widgets.HTML) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", widget.value))


class DeskDriver:
    """One desk and its user."""

    def __init__(self, source: Clip | str | Path = "", preset: str | Preset = "smooth") -> None:
        self.tuner = Tuner(source, preset)
        self.viewer = self._only(Viewer)
        self.scopes = self._only(Scopes)
        self.messages: list[tuple[dict[str, Any], list[bytes]]] = []
        send = self.viewer.send

        def record(content: dict[str, Any], buffers: Any = None) -> None:
            self.messages.append((content, list(buffers or ())))
            send(content, buffers)

        self.viewer.send = record

    def _only(self, kind: type[W], wanted: Callable[[W], bool] = lambda _: True) -> W:
        found = [one for one in walk(self.tuner.widget) if isinstance(one, kind) and wanted(one)]
        assert len(found) == 1, f"{len(found)} widgets of this kind"
        return found[0]

    def _text_box(self, placeholder: str) -> widgets.Text:
        return self._only(widgets.Text, lambda box: box.placeholder == placeholder)

    def _list(self, tooltip: str) -> widgets.Dropdown:
        return self._only(widgets.Dropdown, lambda one: one.tooltip == tooltip)

    # ---- anywhere

    def wait(self, timeout: float = PATIENCE) -> None:
        """Wait until the desk is idle."""
        assert self.tuner.wait(timeout), "the desk is still busy"

    def button(self, description: str, tooltip: str | None = None) -> widgets.Button:
        """Find a button by its label, and by its tooltip where several have the label."""
        return self._only(
            widgets.Button,
            lambda one: one.description == description and tooltip in (None, one.tooltip),
        )

    def press(self, description: str, tooltip: str | None = None) -> None:
        self.button(description, tooltip).click()

    def press_first(self, description: str) -> None:
        """Press the first of several buttons with this label."""
        found = [one for one in walk(self.tuner.widget) if isinstance(one, widgets.Button)]
        next(one for one in found if one.description == description).click()

    def press_every_button(self) -> None:
        for widget in list(walk(self.tuner.widget)):
            if isinstance(widget, widgets.Button):
                widget.click()

    def shortcut(self, command: str) -> None:
        """Send a command as the browser does, such as a shortcut of web/shortcuts.js."""
        self.viewer._handle_custom_msg({"command": command}, [])

    @property
    def error(self) -> str:
        return str(self.viewer.message)

    @property
    def status(self) -> str:
        return str(self.viewer.status)

    def text(self) -> str:
        """Return all text of the desk that Python writes."""
        found = [one for one in walk(self.tuner.widget) if isinstance(one, widgets.HTML)]
        return "\n".join(text_of(one) for one in found)

    def figures(self) -> dict[str, tuple[str, str]]:
        """Return the table of figures: before and after, by the name of the row."""
        table = self._only(widgets.HTML, lambda one: "Code values in use" in one.value).value
        rows = re.findall(r"<tr><td[^>]*>(.*?)</td><td[^>]*>(.*?)</td><td[^>]*>(.*?)</td>", table)
        return {name: (before, after) for name, before, after in rows}

    # ---- the clip

    @property
    def clip(self) -> Clip:
        assert self.tuner.clip is not None
        return self.tuner.clip

    @property
    def folder(self) -> widgets.Text:
        return self._text_box("folder of your clips, or one clip")

    @property
    def clips(self) -> widgets.Dropdown:
        return self._list("Clips in this folder.")

    def type_folder(self, path: str | Path) -> None:
        self.folder.value = str(path)

    def choose_clip(self, path: Path) -> None:
        self.clips.value = str(path)

    def offered_clips(self) -> list[str]:
        return [name for name, _ in self.clips.options]

    @property
    def tiles(self) -> ClipTiles:
        return self._only(ClipTiles)

    def filter_clips(self, words: str) -> None:
        self._text_box("filter: words of the name").value = words

    def listed_tiles(self) -> list[str]:
        return [name for name, _ in self.tiles.clips]

    def ask_for_tiles(self, *clips: Path) -> list[tuple[dict[str, Any], bytes]]:
        """Ask for tiles as a browser does that shows them, and return what it receives."""
        found: list[tuple[dict[str, Any], bytes]] = []
        tiles, send = self.tiles, self.tiles.send

        def record(content: dict[str, Any], buffers: Any = None) -> None:
            found.append((content, bytes(buffers[0])))

        tiles.send = record
        tiles._handle_custom_msg({"wanted": [str(clip) for clip in clips]}, [])
        assert tiles.worker.wait(PATIENCE), "the tiles are not made"
        tiles.send = send
        return found

    def finish_background_work(self) -> None:
        """Wait until nothing is measured or decoded in the background either."""
        self.wait()
        for worker in (self.tuner._banding, self.tuner._decoding):
            assert worker.wait(PATIENCE), "the desk still works in the background"

    def cached_frames(self, clip: Clip) -> int:
        """Return how many decoded frames a clip holds once nothing decodes ahead."""
        self.tuner._decoding.wait(PATIENCE)
        return clip._reader.cached

    def forget_decoded_frames(self) -> None:
        """Stop decoding ahead and empty the clip's cache."""
        self.tuner._decoding.cancel()
        self.tuner._decoding.wait(PATIENCE)
        self.clip.close()

    @property
    def matrix(self) -> widgets.Dropdown:
        return self._list(
            "Input matrix: how the code values of an untagged clip were made from RGB."
        )

    @property
    def range(self) -> widgets.Dropdown:
        return self._list("Input range: which code values of the clip are black and white.")

    def choose_cube(self, path: str) -> None:
        self._text_box("grades the tone back").value = path

    # ---- the look

    @property
    def preset(self) -> Preset:
        return self.tuner.preset

    def parameter(self, name: str) -> Any:
        """Return a parameter of the look, such as "tone.contrast"."""
        return self.preset.parameters()[name]

    @property
    def presets(self) -> widgets.Dropdown:
        return self._list("Start from a built-in preset or one of yours.")

    def choose_preset(self, name: str) -> None:
        self.presets.value = name

    def _stage(self, title: str) -> widgets.VBox:
        """Find a stage's box: its heading and filter, then its rows."""

        def titled(box: widgets.VBox) -> bool:
            heading = next((one for one in walk(box) if isinstance(one, widgets.HTML)), None)
            return heading is not None and text_of(heading) == title

        # The boxes around it have the same first heading where the stage comes first in them.
        found = [one for one in walk(self.tuner.widget) if isinstance(one, widgets.VBox)]
        return [box for box in found if titled(box) and len(box.children) == 2][-1]

    def choose_filter(self, stage: str, name: str) -> None:
        self._stage(stage).children[0].children[1].value = name

    def rows(self, stage: str) -> dict[str, list[widgets.Widget]]:
        """Return the controls of a stage's rows by their labels."""
        _, rows = self._stage(stage).children
        return {text_of(row.children[0]): list(row.children[1:]) for row in rows.children}

    def slider(self, stage: str, name: str) -> widgets.FloatSlider:
        return self.rows(stage)[name][0]

    def number(self, stage: str, name: str) -> widgets.FloatText:
        return self.rows(stage)[name][1]

    def reset_button(self, stage: str, name: str) -> widgets.Button:
        return self.rows(stage)[name][2]

    def slide(self, stage: str, name: str, value: float) -> None:
        self.slider(stage, name).value = value

    def type_number(self, stage: str, name: str, value: float) -> None:
        self.number(stage, name).value = value

    def choose_option(self, stage: str, name: str, option: str) -> None:
        self.rows(stage)[name][0].value = option

    # ---- the picture

    def exact_picture(self, side: Side) -> bytes:
        """Return the code values that the browser has for a side."""
        return self.viewer.exact_picture(side)

    @property
    def preview(self) -> bytes:
        """The JPEG of the picture after."""
        return bytes(self.viewer.after)

    def shown_scopes(self) -> set[str]:
        """Return the kinds of scopes that the browser has graphs of."""
        return {part["kind"] for part in self.scopes.graphs["parts"]}

    def go_to_frame(self, index: int) -> None:
        self.viewer.frame = index

    @property
    def frame(self) -> int:
        return int(self.viewer.frame)

    def show_difference(self) -> None:
        self.viewer.mode = "difference"

    def show_banding_map(self) -> None:
        self.viewer.banding_map = True

    def sent(self, kind: str) -> list[tuple[dict[str, Any], list[bytes]]]:
        """Return the messages of a kind that the viewer sent: their content and bytes."""
        return [message for message in self.messages if message[0]["kind"] == kind]

    # ---- stills

    def still_names(self) -> list[str]:
        """Return the names of the stills, as their boxes show them."""
        found = [one for one in walk(self.tuner.widget) if isinstance(one, widgets.Text)]
        return [box.value for box in found if box.tooltip == "The still's name."]

    def rename_still(self, name: str) -> None:
        """Type another name for the only still."""
        self._only(widgets.Text, lambda box: box.tooltip == "The still's name.").value = name

    def export_still(self, suffix: str, folder: Path | str = "") -> None:
        """Export the only still."""
        self._text_box("stills, in the project folder").value = str(folder)
        formats = self._list(
            "The format of exported stills: R'G'B' in full range, not compressed lossily."
        )
        formats.value = suffix
        self.press("Export")

    def compare(self, on: bool = True) -> None:
        """Press the toggle of the only still."""
        self._only(widgets.ToggleButton).value = on

    # ---- suggest

    @property
    def suggest_button(self) -> widgets.Button:
        return self.button("Suggest")

    @property
    def cancel_suggest_button(self) -> widgets.Button:
        return self.button("Cancel", "Stop the search.")

    # ---- save

    def save_as(self, name: str) -> None:
        self._text_box("name of this look").value = name
        self.press("Save preset")

    def rename(self, name: str) -> None:
        self._text_box("name of this look").value = name

    @property
    def offers_overwrite(self) -> bool:
        return self.button("Overwrite").layout.display is None

    # ---- encode

    def set_frame_rate(self, text: str) -> None:
        tooltip = "Constant frame rate, such as 24 or 24000/1001. Empty keeps the clip's timing."
        self._only(widgets.Text, lambda box: box.tooltip == tooltip).value = text

    def encode(self, destination: Path) -> None:
        self._text_box("beside the clip").value = str(destination)
        self.press("Encode")

    @property
    def cancel_encode_button(self) -> widgets.Button:
        return self.button("Cancel", "Stop encoding.")

    @property
    def report(self) -> str:
        """The HTML behind the report link."""
        return str(self.tuner._encode.report.html)
