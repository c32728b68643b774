"""Viewer: a widget that shows two pictures on one canvas in the browser, before and after.

The kernel sends pictures. The browser sends the mode, the frame and the user's commands.
"""

import io
from collections.abc import Callable, Sequence
from typing import Any, Literal

import anywidget
import numpy as np
import traitlets
from numpy.typing import NDArray
from PIL import Image

from workbench.desk.bundle import WEB, bundle
from workbench.media.clip import Clip
from workbench.media.colour import LUMA_WEIGHTS
from workbench.media.frames import Frame

_JPEG_QUALITY = 88

Side = Literal["before", "after"]
Command = Callable[[str], None]


class Viewer(anywidget.AnyWidget):
    """Show two pictures. Wipe, zoom and pan stay in the browser.

    Each picture has a generation, a number that grows. `show_exact` replaces a side's JPEG with
    exact code values of the same generation. A saved notebook keeps the JPEGs, but not the exact
    pictures.
    """

    _esm = bundle(WEB / "viewer.js")
    _css = "".join((WEB / f"{name}.css").read_text(encoding="utf-8") for name in ("desk", "viewer"))

    before = traitlets.Bytes().tag(sync=True)  # JPEG
    after = traitlets.Bytes().tag(sync=True)  # JPEG
    picture = traitlets.Dict().tag(sync=True)  # generation of each side, width, height
    labels = traitlets.Dict({"before": "before", "after": "after", "difference": "difference"}).tag(
        sync=True
    )
    clip = traitlets.Dict({"path": "", "frames": 0, "rate": 24.0, "even": True, "times": []}).tag(
        sync=True
    )
    frame = traitlets.Int(0).tag(sync=True)
    marks = traitlets.Dict({"in": None, "out": None}).tag(sync=True)  # frames
    mode = traitlets.Enum(
        ["wipe", "side", "before", "after", "difference"], default_value="wipe"
    ).tag(sync=True)
    boost = traitlets.Bool(False).tag(sync=True)
    banding_map = traitlets.Bool(False).tag(sync=True)  # whether to show it
    graded = traitlets.Bool(False).tag(sync=True)  # show looks through the viewing transform
    gain = traitlets.Int(8).tag(sync=True)  # of the boost and of the difference
    encoding = traitlets.Bool(False).tag(sync=True)  # the browser then asks before it leaves
    view = traitlets.Dict({}).tag(sync=True)  # theme, sizes in CSS pixels, panels shown
    message = traitlets.Unicode("").tag(sync=True)  # an error, shown over the picture
    status = traitlets.Unicode("").tag(sync=True)  # the desk's status line

    def __init__(self, on_command: Command = lambda _: None) -> None:
        """Create a viewer that calls `on_command` with the name of each command.

        web/shortcuts.js lists the commands of the keyboard. The command "all_views_closed"
        means that no browser shows the viewer any more.
        """
        super().__init__()
        self.add_class("wb-viewer")
        self._on_command = on_command
        self._sent: dict[tuple[str, str], tuple[dict[str, Any], list[bytes]]] = {}
        self._views = 0  # open views in browsers
        self.on_msg(self._receive)

    def set_clip(self, clip: Clip) -> None:
        """Set the number of frames and the frame rate from a clip."""
        self._sent.pop(("banding", "clip"), None)
        self.marks = {"in": None, "out": None}
        self.clip = {
            "path": str(clip.path),
            "frames": clip.frame_count,
            "rate": float(clip.frame_rate),
            "even": clip.constant_frame_rate,
            "aspect": float(clip.sample_aspect),
            "times": [] if clip.constant_frame_rate else [float(time) for time in clip.times],
        }

    def show(
        self,
        size: tuple[int, int],
        generation: dict[Side, int],
        pictures: dict[Side, bytes],
        before_size: tuple[float, float] | None = None,
    ) -> None:
        """Show JPEGs in one message. A side without a JPEG keeps its picture.

        `size` is (width, height) in pixels of the full picture. The browser scales the JPEGs to it.
        `before_size` is the size in which a still of another clip is shown: the browser fits it
        into the picture.
        """
        with self.hold_sync():
            for side, jpeg in pictures.items():
                setattr(self, side, jpeg)
            self.picture = {
                "generation": dict(generation),
                "width": size[0],
                "height": size[1],
                "beforeSize": before_size,
            }

    def show_exact(self, side: Side | Literal["reference"], frame: Frame, generation: int) -> None:
        """Send a picture's code values. The difference is taken from the side "reference"."""
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
        self._send_buffers(layout, [plane.tobytes() for plane in (frame.luma, frame.cb, frame.cr)])

    def show_banding_map(self, side: Side, opacity: NDArray[np.uint8], generation: int) -> None:
        """Send the map to lay over a side's picture.

        `opacity` has the shape (height, width), in any size; 0 is transparent.
        """
        height, width = opacity.shape
        layout = {
            "kind": "map",
            "side": side,
            "generation": generation,
            "width": width,
            "height": height,
        }
        self._send_buffers(layout, [opacity.tobytes()])

    def set_transform(self, side: Side, cube: NDArray[np.float32] | None) -> None:
        """Set a side's viewing transform: a LUT (size ** 3, 3), red changing fastest, or None."""
        size = 0 if cube is None else round(len(cube) ** (1 / 3))
        buffers = [] if cube is None else [cube.tobytes()]
        self._send_buffers({"kind": "lut", "side": side, "size": size}, buffers)

    def show_banding(
        self,
        cambi: NDArray[np.float32],
        contour: NDArray[np.float32],
        cuts: Sequence[int],
        worst: int | None,
    ) -> None:
        """Show banding over the clip in the timeline.

        The arrays have an element for each frame, NaN where it is not known. `cuts` and `worst`
        are frames.
        """
        layout = {"kind": "banding", "side": "clip", "cuts": list(cuts), "worst": worst}
        self._send_buffers(layout, [cambi.tobytes(), contour.tobytes()])

    def zoom_to(self, x: int, y: int, width: int, height: int) -> None:
        """Zoom to a region of the picture, in its pixels."""
        self.send({"kind": "region", "x": x, "y": y, "width": width, "height": height})

    def exact_generation(self, side: Side) -> int | None:
        """Return the generation of the last exact picture sent for a side, or None."""
        layout, _ = self._sent.get(("exact", side), ({}, []))
        return layout.get("generation")

    def exact_picture(self, side: Side | Literal["reference"]) -> bytes:
        """Return the code values last sent for a side: its planes Y', Cb and Cr joined."""
        _, buffers = self._sent[("exact", side)]
        return b"".join(buffers)

    def start_playback(self, generation: int, first: int, last: int, frames: Sequence[int]) -> None:
        """Play from `first` to `last` again and again. Only `frames` of them will be sent."""
        content = {"kind": "playback", "generation": generation, "first": first, "last": last}
        self.send({**content, "frames": list(frames)})

    def stop_playback(self) -> None:
        """Stop playing: the frames are of another look."""
        self.send({"kind": "stop"})

    def send_frames(
        self, generation: int, frames: Sequence[int], before: list[bytes], after: list[bytes]
    ) -> None:
        """Send JPEGs to play. Frames of another generation are of another clip or look."""
        content = {"kind": "frames", "generation": generation, "frames": list(frames)}
        self.send(content, [*before, *after])

    def _send_buffers(self, layout: dict[str, Any], buffers: list[bytes]) -> None:
        """Send data outside the saved notebook, and keep it for views that open later."""
        self._sent[layout["kind"], layout["side"]] = layout, buffers
        self.send(layout, buffers)

    def _receive(self, _: object, content: dict[str, Any], __: object) -> None:
        command = str(content.get("command"))
        if command == "alive":
            self.send({"kind": "alive"})
        elif command == "view_closed":
            self._views -= 1
            if not self._views:
                self._on_command("all_views_closed")
        elif command == "view_opened":
            self._views += 1
            self._on_command(command)
            for layout, buffers in list(self._sent.values()):
                self.send(layout, buffers)
        else:
            self._on_command(command)


def jpeg(frame: Frame) -> bytes:
    """Encode a frame as a JPEG for the preview. Raises UnsupportedClip."""
    buffer = io.BytesIO()
    Image.fromarray(frame.rgb()).save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return buffer.getvalue()
