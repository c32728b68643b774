"""Viewer: two pictures in one canvas in the browser, before and after.

The kernel's side is thin: pictures in; the mode, the frame and what a person asks for out.
"""

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import anywidget
import numpy as np
import traitlets
from numpy.typing import NDArray
from PIL import Image

from workbench.media.clip import Clip
from workbench.media.colour import LUMA_WEIGHTS
from workbench.media.frames import Frame

_HERE = Path(__file__).parent
_QUALITY = 88  # of a JPEG, while something moves

Side = Literal["before", "after"]
Command = Callable[[str], None]


def script(*names: str) -> str:
    """Return files of this folder as one module: a widget's script cannot import its neighbours."""
    return "\n".join((_HERE / name).read_text(encoding="utf-8") for name in names)


class Viewer(anywidget.AnyWidget):
    """Show two pictures of one size; wipe, zoom and pan stay in the browser.

    Each picture has a generation, a number that grows. A side's JPEG is replaced by its exact code
    values when `show_exact` brings them with the same generation. What was shown exactly does not
    come back from a saved notebook; the JPEGs do.
    """

    _esm = script("elements.js", "pixels.js", "placement.js", "viewer.js")
    _css = script("viewer.css")

    before = traitlets.Bytes().tag(sync=True)  # JPEG
    after = traitlets.Bytes().tag(sync=True)
    picture = traitlets.Dict().tag(sync=True)  # generation of each side, width, height
    labels = traitlets.Dict({"before": "before", "after": "after", "difference": "difference"}).tag(
        sync=True
    )
    clip = traitlets.Dict({"frames": 0, "rate": 24.0, "even": True, "times": []}).tag(sync=True)
    frame = traitlets.Int(0).tag(sync=True)
    mode = traitlets.Enum(
        ["wipe", "side", "before", "after", "difference"], default_value="wipe"
    ).tag(sync=True)
    boost = traitlets.Bool(False).tag(sync=True)
    bands = traitlets.Bool(False).tag(sync=True)
    gain = traitlets.Int(8).tag(sync=True)
    message = traitlets.Unicode("").tag(sync=True)

    def __init__(self, on_command: Command = lambda _: None) -> None:
        """`on_command` hears what is asked for by key or button: see KEYS in viewer.js."""
        super().__init__()
        self._on_command = on_command
        self._last: dict[tuple[str, str], tuple[dict[str, Any], list[bytes]]] = {}
        self._views = 0  # that are open in browsers
        self.on_msg(self._heard)

    def set_clip(self, clip: Clip) -> None:
        """Take over how many frames there are, and how fast they go."""
        self.clip = {
            "frames": clip.frame_count,
            "rate": float(clip.frame_rate),
            "even": clip.constant_frame_rate,
            "times": [] if clip.constant_frame_rate else [float(time) for time in clip.times],
        }

    def show(
        self, size: tuple[int, int], generation: dict[Side, int], pictures: dict[Side, bytes]
    ) -> None:
        """Show JPEGs, in one message; a side that is not given stays as it is.

        `size` is the picture's own (width, height): the JPEGs are stretched to it.
        """
        with self.hold_sync():
            for side, jpeg in pictures.items():
                setattr(self, side, jpeg)
            self.picture = {"generation": dict(generation), "width": size[0], "height": size[1]}

    def show_exact(self, side: Side | Literal["reference"], frame: Frame, generation: int) -> None:
        """Give the browser a picture's code values. `reference` is what a difference is from."""
        colour = frame.colour.assumed()
        red, blue = LUMA_WEIGHTS.get(colour.matrix, LUMA_WEIGHTS["bt709"])
        down, across = frame.chroma_step
        layout = {
            "kind": "exact",
            "side": side,
            "generation": generation,
            "width": frame.width,
            "height": frame.height,
            "bits": frame.bit_depth,
            "full": colour.range == "full",
            "red": red,
            "blue": blue,
            "chroma": [across, down],
        }
        self._give(layout, [plane.tobytes() for plane in (frame.luma, frame.cb, frame.cr)])

    def show_bands(self, side: Side, strength: NDArray[np.uint8], generation: int) -> None:
        """Lay a map over a side's picture: (height, width) at any size, 0 is clear."""
        height, width = strength.shape
        layout = {
            "kind": "bands",
            "side": side,
            "generation": generation,
            "width": width,
            "height": height,
        }
        self._give(layout, [strength.tobytes()])

    def given(self, side: Side) -> int | None:
        """Return the generation of the exact picture that was given to a side last, if any was."""
        layout, _ = self._last.get(("exact", side), ({}, []))
        return layout.get("generation")

    def _give(self, layout: dict[str, Any], buffers: list[bytes]) -> None:
        """Send what does not belong into a saved notebook, and keep it for views to come."""
        self._last[layout["kind"], layout["side"]] = layout, buffers
        self.send(layout, buffers)

    def play(self, before: Sequence[bytes], after: Sequence[bytes], ends: Sequence[float]) -> None:
        """Play JPEGs in a loop; `ends` are the seconds at which each goes."""
        self.send({"kind": "loop", "ends": list(ends)}, [*before, *after])

    def _heard(self, _: object, content: dict[str, Any], __: object) -> None:
        command = str(content.get("command"))
        if command == "gone":
            self._views -= 1
            if not self._views:
                self._on_command("unseen")
        elif command == "ready":  # a view that was opened just now
            self._views += 1
            for layout, buffers in list(self._last.values()):
                self.send(layout, buffers)
        else:
            self._on_command(command)


def jpeg(frame: Frame) -> bytes:
    """Return a picture as JPEG, for while something moves. Raises UnsupportedClip."""
    buffer = io.BytesIO()
    Image.fromarray(frame.rgb()).save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()
