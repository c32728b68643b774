"""Measure debands against scenes whose truth is known, along real paths: `make bench`.

Gradients, scenes like photographs, and photographs where they are beside the project. Errors are
in 10-bit code values, under the tone of the preset smooth. `make bench PEERS=python` adds the
debands of other projects; see peers.py.
"""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from tests.benchmarks import peers, photographs
from tests.benchmarks.chains import FLAT, toned
from workbench.look.preset import load_preset
from workbench.look.render import render_frames
from workbench.look.stages import NoDeband
from workbench.measure.banding import FINE, cambi
from workbench.measure.code_values import to_ten_bit_luma
from workbench.media.frames import Frame
from workbench.media.probe import open_clip

_NONE = load_preset("smooth").model_copy(update={"name": "no deband", "deband": NoDeband()})
LOOKS = (
    _NONE,
    *(load_preset(name) for name in ("classic", "smooth-fine", "smooth", "smooth-strong")),
)
MEASURED = (("BT.709", 8), ("BT.709", 18), ("BT.709", 23), ("BT.601", 8), ("full range first", 8))
"""The routes of photographs.ROUTES that are measured, and the crf of x264."""
_SMOOTH, _TEXTURED = 0.75, 3.0  # standard deviation of the true luma over 9x9, 8-bit code values


@dataclass(frozen=True)
class Scene:
    name: str
    kind: str  # gradients, scenes or photographs
    encoded: Sequence[photographs.Picture]  # one for each frame
    truths: Sequence[photographs.Picture]


@dataclass(frozen=True)
class Errors:
    """The errors of one look in the last frame of one scene; nan where there is no such area."""

    rms: float  # of luma, where the truth is smooth
    lp: float  # the same after a Gaussian of sigma 1.5, so that the dither hardly counts
    contour: float  # RMS gradient of the error after a Gaussian of sigma 3, times 100
    chroma: float  # the same of Cb or Cr, whichever has more
    texture: float  # RMS error of luma where the truth has texture
    cambi: float
    flicker: float  # RMS change of luma from the frame before, after a Gaussian of sigma 3


def scenes() -> Iterator[Scene]:
    def still(name: str, kind: str, truth: photographs.Picture) -> Scene:
        frames = [truth] * photographs.FRAMES
        return Scene(name, kind, frames, frames)

    for name, truth in photographs.scenes():
        yield still(name, "gradients" if name in photographs.GRADIENTS else "scenes", truth)
    for name, encoded, truths in photographs.moving_scenes():
        yield Scene(name, "scenes", encoded, truths)
    for name, truth in photographs.photographs():
        yield still(name, "photographs", truth)


def errors(pictures: Sequence[Frame], scene: Scene) -> Errors:
    """Hold the last two frames of a scene, under a look, against the truth."""
    truth = scene.truths[-1]
    is_still = scene.truths[-2] is truth
    true_luma = photographs.luma(truth)
    spread = photographs.spread(true_luma)
    smooth, textured = spread < _SMOOTH, spread > _TEXTURED
    before, last = (to_ten_bit_luma(picture) for picture in pictures)
    error = last - toned(true_luma, FLAT.contrast, FLAT.brightness)
    error -= np.median(error[smooth])  # the tone of classic differs by a constant
    chroma = []
    for plane, true in zip(
        (pictures[-1].cb, pictures[-1].cr), photographs.chroma(truth), strict=True
    ):
        halved = plane.astype(np.float32).reshape(len(true), 2, -1).mean(1)  # 4:2:2 to 4:2:0
        area = photographs.spread(true) < _SMOOTH
        chroma.append(_contour(halved - toned(true, FLAT.saturation, 0), area))
    return Errors(
        rms=_rms(error, smooth),
        lp=_rms(gaussian_filter(error, 1.5), smooth),
        contour=_contour(error, smooth),
        chroma=max(chroma),
        texture=_rms(error, textured),
        cambi=cambi(pictures[-1:], FINE)[0],
        flicker=_rms(gaussian_filter(last - before, 3), smooth) if is_still else float("nan"),
    )


def _rms(error: NDArray[np.float32], area: NDArray[np.bool_]) -> float:
    if area.sum() < 500:  # pixels: too few to be typical
        return float("nan")
    return float(np.sqrt(np.square(error[area]).mean()))


def _contour(error: NDArray[np.float32], area: NDArray[np.bool_]) -> float:
    down, across = np.gradient(gaussian_filter(error, 3))
    return 100 * _rms(np.hypot(down, across), area)


def measure(scene: Scene, folder: Path, route: str, crf: int) -> dict[str, Errors]:
    """Measure every look, and every peer if there are any, on one scene."""
    path = photographs.encode_frames(scene.encoded, folder / "scene.mp4", crf, route)
    with open_clip(path) as clip:
        frames = [clip.frame(photographs.FRAMES - 2), clip.frame(photographs.FRAMES - 1)]
    found = {look.name: errors(render_frames(frames, look), scene) for look in LOOKS}
    for name in peers.NAMES if peers.python() else ():
        debanded = peers.debanded(name, path, frames[0])[-2:]
        found[name] = errors(render_frames(debanded, _NONE), scene)
    return found


def table(measured: Sequence[tuple[str, int]] = MEASURED) -> Iterator[str]:
    """Yield the lines of a table: every scene, then means, and the worst ratio to no deband."""
    for route, crf in measured:
        yield (f"\n{route + f', crf {crf}':31}   rms    lp contour chroma texture  CAMBI flicker")
        found: dict[str, dict[str, list[Errors]]] = {}
        with tempfile.TemporaryDirectory() as folder:
            for scene in scenes():
                for look, one in measure(scene, Path(folder), route, crf).items():
                    found.setdefault(scene.kind, {}).setdefault(look, []).append(one)
                    yield _line(scene.name, look, one)
        for kind, looks in found.items():
            none = looks[_NONE.name]
            for look, some in looks.items():
                worst = max(a.contour / b.contour for a, b in zip(some, none, strict=True))
                mean = Errors(*(_mean(values) for values in zip(*map(astuple, some), strict=True)))
                yield f"{_line(f'mean, {kind}', look, mean)}   worst {worst:.2f} of no deband"


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if value == value]
    return fmean(known) if known else float("nan")


def _line(scene: str, look: str, one: Errors) -> str:
    figures = " ".join(
        f"{value:{width}.2f}" if value == value else f"{'-':>{width}}"
        for value, width in zip(astuple(one), (5, 5, 7, 6, 7, 6, 7), strict=True)
    )
    return f"{scene:17} {look:13} {figures}"
