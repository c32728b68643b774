"""Scopes: a widget that shows luma histograms and one scope of two pictures, before and after.

The browser draws them. Matplotlib would take as long for one figure as the rest of the desk.
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

KINDS: dict[str, tuple[str, Callable[[Frame], NDArray[np.int64]]]] = {
    "waveform": ("Waveform", scopes.waveform),
    "parade": ("RGB parade", scopes.rgb_parade),
    "vectorscope": ("Vectorscope", scopes.vectorscope),
}
"""The label of each scope, and the function that counts its trace."""


class Scopes(anywidget.AnyWidget):
    """Show luma histograms, and a waveform, an RGB parade or a vectorscope, of two pictures."""

    _esm = bundle(WEB / "scopes.js")
    _css = (WEB / "scopes.css").read_text(encoding="utf-8")

    labels = traitlets.Dict({kind: label for kind, (label, _) in KINDS.items()}).tag(sync=True)
    kind = traitlets.Enum([*KINDS], default_value="waveform").tag(sync=True)
    geometry = traitlets.Dict({}).tag(sync=True)  # of the traces: kind, channels, rows, columns
    histograms = traitlets.Bytes().tag(sync=True)  # float32: 1024 shares before, 1024 after
    traces = traitlets.Bytes().tag(sync=True)  # uint8: channels before, then after; row by row
    stale = traitlets.Bool(False).tag(sync=True)  # measured on an earlier picture

    def show(self, before: Frame, after: Frame, name: str = "before") -> None:
        """Measure two pictures and show them. `name` labels the first.

        Raises UnsupportedClip, and then keeps showing the previous pictures.
        """
        shares = [_luma_shares(frame) for frame in (before, after)]
        traces = [_trace(self.kind, frame) for frame in (before, after)]
        geometry: dict[str, Any] = {"kind": self.kind, "names": [name, "after"]}
        geometry["channels"], geometry["rows"], geometry["columns"] = traces[0].shape
        geometry["after_columns"] = traces[1].shape[2]
        if self.kind == "vectorscope":
            geometry["targets"] = [
                scopes.vectorscope_targets(frame.colour.assumed().matrix)
                for frame in (before, after)
            ]
            geometry["skin"] = scopes.SKIN_TONE_ANGLE
        with self.hold_sync():
            self.histograms = b"".join(share.tobytes() for share in shares)
            self.traces = b"".join(trace.tobytes() for trace in traces)
            self.geometry = geometry
            self.stale = False


@lru_cache(maxsize=2)  # the picture before stays the same while a slider moves
def _luma_shares(frame: Frame) -> NDArray[np.float32]:
    """Return the share of luma pixels at each 10-bit code value, shape (1024,)."""
    counts = np.bincount(to_ten_bit(frame)[0].ravel().clip(0, 1023), minlength=1024)
    return np.asarray(counts / counts.sum(), np.float32)


@lru_cache(maxsize=2)
def _trace(kind: str, frame: Frame) -> NDArray[np.uint8]:
    """Return a scope's trace as opacity from 0 to 255: (channels, rows, columns), lowest row first.

    Each channel is scaled on its own, so that the channels of a parade can be compared.
    """
    _, measure = KINDS[kind]
    counts = measure(frame)
    channels = counts if counts.ndim == 3 else counts[None]
    return np.stack(
        [(scopes.trace_brightness(channel) * 255).astype(np.uint8) for channel in channels]
    )
