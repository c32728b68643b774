"""Scopes: the histograms and one scope of the picture before and after, drawn in the browser.

Drawn there because matplotlib takes as long for one figure as everything else on the desk together.
"""

from functools import lru_cache
from typing import Any

import anywidget
import numpy as np
import traitlets
from numpy.typing import NDArray

from workbench.desk.viewer import script
from workbench.measure import scopes
from workbench.measure.code_values import ten_bit
from workbench.media.frames import Frame

KINDS = ("waveform", "parade", "vectorscope")


class Scopes(anywidget.AnyWidget):
    """Show luma histograms, and a waveform, an RGB parade or a vectorscope, of two pictures."""

    _esm = script("elements.js", "scopes.js")
    _css = script("scopes.css")

    kind = traitlets.Enum(KINDS, default_value="waveform").tag(sync=True)
    layout_ = traitlets.Dict({}).tag(sync=True)  # of the traces: kind, channels, rows, columns
    histograms = traitlets.Bytes().tag(sync=True)  # float32: 1024 shares before, 1024 after
    traces = traitlets.Bytes().tag(sync=True)  # uint8: before's channels, then after's; row by row
    stale = traitlets.Bool(False).tag(sync=True)  # not of the picture that is shown

    def show(self, before: Frame, after: Frame, name: str = "before") -> None:
        """Measure two pictures and show them, the first under this name.

        Raises UnsupportedClip, which changes nothing.
        """
        shares = [_shares(frame) for frame in (before, after)]
        pictures = [_trace(self.kind, frame) for frame in (before, after)]
        layout: dict[str, Any] = {"kind": self.kind, "names": [name, "after"]}
        layout["channels"], layout["rows"], layout["columns"] = pictures[0].shape
        layout["after_columns"] = pictures[1].shape[2]
        if self.kind == "vectorscope":
            layout["targets"] = [
                scopes.vectorscope_targets(frame.colour.assumed().matrix)
                for frame in (before, after)
            ]
            layout["skin"] = scopes.SKIN_TONE_ANGLE
        with self.hold_sync():
            self.histograms = b"".join(share.tobytes() for share in shares)
            self.traces = b"".join(picture.tobytes() for picture in pictures)
            self.layout_ = layout
            self.stale = False


@lru_cache(maxsize=2)  # the picture before is the same as long as a slider moves
def _shares(frame: Frame) -> NDArray[np.float32]:
    """Return the share of luma pixels at each 10-bit code value."""
    counts = np.bincount(ten_bit(frame)[0].ravel().clip(0, 1023), minlength=1024)
    return np.asarray(counts / counts.sum(), np.float32)


@lru_cache(maxsize=2)
def _trace(kind: str, frame: Frame) -> NDArray[np.uint8]:
    """Return how bright a scope's trace is, 0 to 255: (channels, rows, columns), lowest row first.

    Each channel is bright on its own, so that the three of a parade can be compared.
    """
    measure = {
        "waveform": scopes.waveform,
        "parade": scopes.rgb_parade,
        "vectorscope": scopes.vectorscope,
    }[kind]
    counts = measure(frame)
    channels = counts if counts.ndim == 3 else counts[None]
    return np.stack([(scopes.strength(one) * 255).astype(np.uint8) for one in channels])
