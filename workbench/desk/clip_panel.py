"""Clip panel: the properties of the clip, early warnings, and the matrix of an untagged clip."""

from collections.abc import Callable
from html import escape
from typing import Any

import ipywidgets as widgets

from workbench.desk.layout import labelled
from workbench.desk.update_guard import UpdateGuard
from workbench.media.clip import Clip
from workbench.present.tables import clip_table

_MATRICES = [("BT.709 (usual for HD)", "bt709"), ("BT.601", "bt601")]
_RANGES = [("auto (as tagged)", None), ("legal (64 to 940)", "legal"), ("full (0 to 1023)", "full")]
_HIGH_DYNAMIC_RANGE = {"smpte2084": "PQ", "arib-std-b67": "HLG"}


def warnings_for(clip: Clip) -> list[str]:
    """Return sentences on properties of a clip that the user should know before encoding."""
    found = []
    if hdr := _HIGH_DYNAMIC_RANGE.get(clip.colour.transfer):
        found.append(
            f"HDR ({hdr}): the desk shows it without tone mapping, and the looks are made for SDR."
        )
    if not clip.constant_frame_rate:
        found.append(
            "Variable frame rate: it stays variable. Set a frame rate under Deliver to make it "
            "constant."
        )
    if clip.orientation.rotation or clip.orientation.mirrored:
        found.append("The clip is marked as rotated or mirrored: the file is delivered upright.")
    if clip.sample_aspect != 1:
        found.append(
            f"Pixels are not square ({clip.sample_aspect}): the file keeps their aspect ratio."
        )
    if clip.colour.matrix == "unspecified":
        found.append(
            "No matrix is tagged. If colours look wrong, the source was probably BT.601: set the "
            "input matrix."
        )
    if not clip.audio:
        found.append("The clip has no sound.")
    return found


class ClipPanel:
    """Shows a clip's properties and warnings, its input matrix and range, and the viewing LUT."""

    def __init__(
        self,
        on_matrix: Callable[[str], None],
        on_range: Callable[[], None],
        on_transform: Callable[[], None],
    ) -> None:
        """Create a panel.

        It calls `on_matrix` with the matrix that the user chose, and the others where the user
        chose another input range or another viewing LUT.
        """
        self._on_matrix, self._on_range = on_matrix, on_range
        self._guard = UpdateGuard()
        self.matrix = widgets.Dropdown(
            options=_MATRICES,
            disabled=True,
            tooltip="Input matrix: how the code values of an untagged clip were made from RGB.",
        )
        self.matrix.observe(self._chosen, "value")
        self.range = widgets.Dropdown(
            options=_RANGES,
            tooltip="Input range: which code values of the clip are black and white.",
        )
        self.range.observe(self._range_chosen, "value")
        self.cube = widgets.Text(
            continuous_update=False,
            placeholder="grades the tone back",
            tooltip="A .cube file that Graded (key t) shows the look through. Encodes ignore it.",
        )
        self.cube.observe(lambda _: on_transform(), "value")
        self.warnings = widgets.HTML()
        self.properties = widgets.HTML()
        self.widget = widgets.VBox(
            [
                labelled("input matrix", self.matrix),
                labelled("input range", self.range),
                labelled("viewing LUT", self.cube),
                self.warnings,
                self.properties,
            ]
        )
        self.warnings.add_class("wb-warnings")
        self.properties.add_class("wb-properties")

    def show(self, clip: Clip | None, assumed_matrix: str | None) -> None:
        """Show a clip. `assumed_matrix` is the look's, for an untagged clip; None is BT.709."""
        with self._guard.updating():
            if clip is None:
                self.matrix.disabled = True
                self.warnings.value = self.properties.value = ""
                return
            untagged = clip.colour.matrix == "unspecified"
            self.matrix.disabled = not untagged
            tagged = "bt601" if clip.colour.matrix in ("smpte170m", "bt470bg") else "bt709"
            self.matrix.value = (assumed_matrix or "bt709") if untagged else tagged
            self.warnings.value = "".join(
                f"<p>{escape(sentence)}</p>" for sentence in warnings_for(clip)
            )
            rows = "".join(
                f"<span>{escape(name)}</span><span>{escape(value)}</span>"
                for name, value in clip_table(clip).rows
            )
            self.properties.value = f"<div>{rows}</div>"

    def forget_range(self) -> None:
        """Follow the tag again, for another clip."""
        with self._guard.updating():
            self.range.value = None

    def _range_chosen(self, _: object) -> None:
        if self._guard.user_edit:
            self._on_range()

    def _chosen(self, change: dict[str, Any]) -> None:
        if self._guard.user_edit:
            self._on_matrix(change["new"])
