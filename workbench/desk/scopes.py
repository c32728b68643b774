"""Scopes: a widget that shows histogram, waveform, RGB parade and vectorscope of two pictures.

The browser draws them.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import anywidget
import numpy as np
import traitlets
from numpy.typing import NDArray

from workbench.desk.bundle import WEB, bundle
from workbench.measure import scopes
from workbench.measure.code_values import to_ten_bit
from workbench.media.frames import Frame

Count = Callable[[Frame, int], NDArray[np.int64]]

KINDS: dict[str, tuple[str, Count]] = {
    "histogram": ("Histogram", lambda frame, _: _luma_counts(frame)),
    "waveform": ("Waveform", lambda frame, _: scopes.waveform(frame)),
    "parade": ("RGB parade", lambda frame, _: scopes.rgb_parade(frame)),
    "vectorscope": ("Vectorscope", scopes.vectorscope),
}
"""The label of each scope, and the function that counts it for a frame and a zoom."""

ZOOMS = (1, 2, 4)
"""Magnifications of the vectorscope."""


class Scopes(anywidget.AnyWidget):
    """Show scopes of two pictures, before and after."""

    _esm = bundle(WEB / "scopes.js")
    _css = (WEB / "scopes.css").read_text(encoding="utf-8")

    labels = traitlets.Dict({kind: label for kind, (label, _) in KINDS.items()}).tag(sync=True)
    shown = traitlets.List(traitlets.Enum([*KINDS]), ["histogram", "waveform", "vectorscope"]).tag(
        sync=True
    )
    overlay = traitlets.Bool(False).tag(sync=True)  # both pictures in one graph
    zoom = traitlets.Enum(ZOOMS, default_value=1).tag(sync=True)  # of the vectorscope
    graphs = traitlets.Dict({}).tag(sync=True)  # names, parts in `traces`, and the graticule
    traces = traitlets.Bytes().tag(sync=True)  # uint8 opacity of each part, row by row
    stale = traitlets.Bool(False).tag(sync=True)  # of an earlier or a smaller picture

    def __init__(self) -> None:
        super().__init__()
        self.add_class("wb-scopes")

    def show(
        self, before: Frame, after: Frame, name: str = "before", *, preview: bool = False
    ) -> None:
        """Measure two pictures and show them. `name` labels the first.

        With `preview`, the pictures are smaller versions, and the scopes stay marked as stale.
        Raises UnsupportedClip, and then keeps showing the previous pictures.
        """
        parts: list[dict[str, Any]] = []
        found: list[bytes] = []
        for kind in KINDS:
            if kind not in self.shown:
                continue
            for side, frame in (("before", before), ("after", after)):
                trace = _trace(kind, self.zoom if kind == "vectorscope" else 1, frame)
                channels, rows, columns = trace.shape
                parts.append(
                    {"kind": kind, "side": side, "channels": channels, "rows": rows}
                    | {"columns": columns}
                )
                found.append(trace.tobytes())
        matrix = after.colour.assumed().matrix
        with self.hold_sync():
            self.traces = b"".join(found)
            self.graphs = {
                "names": {"before": name, "after": "after"},
                "parts": parts,
                "zoom": self.zoom,
                "targets": {
                    str(percent): scopes.vectorscope_targets(matrix, percent / 100)
                    for percent in (75, 100)
                },
                "skin": scopes.SKIN_TONE_ANGLE,
            }
            self.stale = preview


def _luma_counts(frame: Frame) -> NDArray[np.int64]:
    """Count the luma pixels at each 10-bit code value, shape (1, 1024)."""
    luma = to_ten_bit(frame)[0].ravel().clip(0, 1023)
    return np.bincount(luma, minlength=1024)[None]


@lru_cache(maxsize=8)  # the picture before stays the same while a slider moves
def _trace(kind: str, zoom: int, frame: Frame) -> NDArray[np.uint8]:
    """Return a scope's trace as opacity from 0 to 255: (channels, rows, columns), lowest row first.

    Each channel is scaled on its own, so that the channels of a parade can be compared. A histogram
    is one row of heights, which grow with the square root of the count.
    """
    counts = KINDS[kind][1](frame, zoom)
    if kind == "histogram":
        highest = max(1, int(counts[:, 64:941].max()))  # black bars do not flatten the rest
        heights = np.sqrt(counts / highest).clip(0, 1) * 255
        return np.asarray(np.ceil(heights), np.uint8)[None]
    channels = counts if counts.ndim == 3 else counts[None]
    return np.stack(
        [(scopes.trace_brightness(channel) * 255).astype(np.uint8) for channel in channels]
    )
