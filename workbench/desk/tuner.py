"""The tuner: sliders over one Preset value, and the picture before and after beside them."""

import io

import ipywidgets as widgets
import matplotlib.image
import numpy as np

from workbench.clip import Clip
from workbench.errors import WorkbenchError
from workbench.frames import Frame
from workbench.look.preset import Parameter, load_preset
from workbench.look.render import render
from workbench.measure.banding import cambi, cambi_map
from workbench.measure.codes import luma_codes

_WIDTH, _HEIGHT = 480, 360  # pixels of the picture that are shown, at 100 %
_USEFUL = {"tone.contrast": (0.0, 2.0)}  # a slider over ffmpeg's -1000 to 1000 could not be set


class Tuner:
    """Tune a preset by hand. `tuner.widget` is shown by a notebook; `tuner.preset` is the look now.

    What is shown is the part of the frame where bands are worst, at 100 %, lossless.
    """

    def __init__(self, clip: Clip, preset: str = "classic") -> None:
        self._clip = clip
        self._base = self.preset = load_preset(preset)
        self._frame = widgets.IntSlider(
            clip.frame_count // 2, max=clip.frame_count - 1, description="frame"
        )
        self._sliders = {parameter.name: _slider(parameter) for parameter in self._base.numbers()}
        self._picture = widgets.Image(format="png", layout={"width": f"{2 * _WIDTH}px"})
        self._words = widgets.HTML()
        for slider in (self._frame, *self._sliders.values()):
            slider.continuous_update = False
            slider.style = {"description_width": "90px"}
            slider.layout.width = "420px"
            slider.observe(self._show, "value")
        self.widget = widgets.VBox(
            [self._frame, *self._sliders.values(), self._words, self._picture]
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
            self._picture.value = _png(before, after)
            self._words.value = f"before: {_measures(before)} &emsp; after: {_measures(after)}"
        except WorkbenchError as error:
            self._words.value = str(error)


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


def _measures(frame: Frame) -> str:
    return f"{luma_codes(frame).occupied} luma codes, CAMBI {cambi(frame):.2f}"


def _png(before: Frame, after: Frame) -> bytes:
    """Encode the worst part of both, side by side."""
    width, height = min(_WIDTH, before.width), min(_HEIGHT, before.height)
    x, y = cambi_map(before).worst_window(width, height)
    part = (slice(y, y + height), slice(x, x + width))
    buffer = io.BytesIO()
    picture = np.hstack([frame.rgb()[part] for frame in (before, after)])
    matplotlib.image.imsave(buffer, picture, format="png")
    return buffer.getvalue()
