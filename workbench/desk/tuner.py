"""The tuner: sliders over one Preset value, and the picture before and after beside them."""

import io
from html import escape

import ipywidgets as widgets
import matplotlib.image
import numpy as np

from workbench.clip import Clip
from workbench.errors import WorkbenchError
from workbench.frames import Frame
from workbench.look.preset import Parameter, Preset, load_preset, save_preset
from workbench.look.render import render
from workbench.measure.banding import CambiMap, cambi, cambi_map
from workbench.measure.codes import codes

_USEFUL = {"tone.contrast": (0.0, 2.0)}  # a slider over ffmpeg's -1000 to 1000 could not be set
_LABELS = {"description_width": "90px"}


class Tuner:
    """Tune a preset by hand. `tuner.widget` is shown by a notebook; `tuner.preset` is the look now.

    What is shown is the part of the frame where bands are worst, pixel for pixel and lossless.
    """

    def __init__(self, clip: Clip, preset: str = "classic") -> None:
        self._clip = clip
        self._base = load_preset(preset)
        self.preset: Preset = self._base
        self._maps: dict[int, CambiMap] = {}  # of the source's frames, which no slider changes
        self._frame = widgets.IntSlider(
            clip.frame_count // 2, max=clip.frame_count - 1, description="frame"
        )
        self._sliders = {parameter.name: _slider(parameter) for parameter in self._base.numbers()}
        for slider in (self._frame, *self._sliders.values()):
            slider.continuous_update = False
            slider.style = _LABELS
            slider.layout.width = "420px"
            slider.observe(self._show, "value")
        self._words = widgets.HTML()
        self._picture = widgets.Image(format="png", layout={"max_width": "none"})
        self._name = widgets.Text(value="mine.toml", description="keep as", style=_LABELS)
        self._keep = widgets.Button(description="Keep", tooltip="Write this look to a file.")
        self._keep.on_click(self._write)
        self._kept = widgets.HTML()
        keeping = widgets.HBox([self._name, self._keep, self._kept])
        self.widget = widgets.VBox(
            [self._frame, *self._sliders.values(), self._words, self._picture, keeping]
        )
        self._show()

    def _show(self, _: object = None) -> None:
        """Show the picture for the sliders' values, or say what is wrong and keep the last one."""
        try:
            changes = {
                name: slider.value
                for name, slider in self._sliders.items()
                if slider.value != self._base.parameters()[name]
            }
            self.preset = self._base.override(changes)
            before = self._clip.frame(self._frame.value)
            after = render(before, self.preset)
            bands = self._bands(before)
            self._picture.layout.width = f"{2 * bands.worst_window()[2]}px"  # or it is stretched
            self._picture.value = _png(bands, before.declared(self.preset.assume_matrix), after)
            self._words.value = (
                f"before: {codes(before).occupied} luma codes, CAMBI {bands.score:.2f} &emsp; "
                f"after: {codes(after).occupied} luma codes, CAMBI {cambi([after])[0]:.2f}"
            )
        except WorkbenchError as error:
            self._words.value = escape(str(error))

    def _bands(self, frame: Frame) -> CambiMap:
        if frame.index not in self._maps:
            self._maps[frame.index] = cambi_map(frame)
        return self._maps[frame.index]

    def _write(self, _: object = None) -> None:
        """Keep the look in the file that is named, and say where that is."""
        name = self._name.value.strip().removesuffix(".toml") + ".toml"
        try:
            self._kept.value = escape(f"kept in {save_preset(self.preset, name)}")
        except WorkbenchError as error:
            self._kept.value = escape(f"{error}; choose another name")


def _slider(parameter: Parameter) -> widgets.IntSlider | widgets.FloatSlider:
    low, high = _USEFUL.get(parameter.name, (parameter.low, parameter.high))
    kind = widgets.IntSlider if parameter.whole else widgets.FloatSlider
    slider = kind(
        value=parameter.value,
        min=low,
        max=high,
        description=parameter.name.partition(".")[2],
        tooltip=parameter.description,
    )
    if not parameter.whole:
        slider.step = 0.01
    return slider


def _png(bands: CambiMap, before: Frame, after: Frame) -> bytes:
    """Encode the part with the worst bands of both, side by side."""
    x, y, width, height = bands.worst_window()
    part = (slice(y, y + height), slice(x, x + width))
    buffer = io.BytesIO()
    picture = np.hstack([frame.rgb()[part] for frame in (before, after)])
    matplotlib.image.imsave(buffer, picture, format="png")
    return buffer.getvalue()
