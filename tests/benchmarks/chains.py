"""Measure looks against scenes whose truth is known, the seed's first: `make bench`.

The truth goes through the same tone in floating point. Errors are in 10-bit code values: a picture
that is right but for its rounding to 10 bits has an RMS of 0.289.
"""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks import scenes
from workbench.look.curves import eq_offset
from workbench.look.preset import Preset, load_preset
from workbench.look.render import render_frames
from workbench.look.stages import Deband, Eq, Flat, Gradfun, NoDeband
from workbench.measure.banding import COARSE, FINE, cambi
from workbench.measure.code_values import to_ten_bit_luma
from workbench.measure.contour import contour_error
from workbench.measure.regions import Regions, at_full_size
from workbench.measure.texture import texture_change
from workbench.media.frames import Frame
from workbench.media.probe import open_clip

_TONE = {"contrast": 0.9, "saturation": 0.85, "brightness": 0.03}
FLAT = Flat(**_TONE)
LOOKS = (
    load_preset("classic"),
    Preset(name="eq alone", tone=Eq(**_TONE)),
    Preset(name="gradfun, flat", deband=Gradfun(strength=1.1, radius=20), tone=FLAT),
    Preset(name="deband, flat", deband=Deband(), tone=FLAT),
    *(load_preset(name) for name in ("smooth", "smooth-strong", "smooth-fine")),
)
"""What is measured side by side; each has the tone of the first."""


@dataclass(frozen=True)
class Measured:
    """One look on one scene, averaged over frames."""

    rms: float  # of luma
    rms_smooth: float  # where the truth is smooth
    contour: float  # of luma; see measure.contour
    contour_smooth: float
    contour_chroma: float  # of Cb or Cr, whichever has more
    cambi: float
    coarse: float  # CAMBI at the wider contrast setting
    texture: float  # change where there is texture
    occupied: float  # luma code values


def toned(plane: scenes.Plane, gain: float, brightness: float) -> NDArray[np.float32]:
    """Put 8-bit code values through the tone, unrounded, to 10 bits."""
    return np.asarray(4 * (plane * gain + eq_offset(gain, brightness)), np.float32)


def measure(frames: Sequence[Frame], truths: Sequence[scenes.Picture], look: Preset) -> Measured:
    """Hold frames of a scene, under a look, against their truths."""
    pictures = render_frames(frames, look)
    plain = render_frames(frames, look.model_copy(update={"deband": NoDeband()}))
    fine, coarse = cambi(pictures, FINE), cambi(pictures, COARSE)
    each = [
        _one(picture, untouched, truth, scores)
        for picture, untouched, truth, scores in zip(
            pictures, plain, truths, zip(fine, coarse, strict=True), strict=True
        )
    ]
    names = [field.name for field in fields(Measured)]
    return Measured(**{name: fmean(getattr(one, name) for one in each) for name in names})


def _one(
    picture: Frame, plain: Frame, truth: scenes.Picture, scores: tuple[float, float]
) -> Measured:
    luma, expected = to_ten_bit_luma(picture), toned(truth.luma, FLAT.contrast, FLAT.brightness)
    smooth = Regions.of(expected).smooth
    inside = at_full_size(smooth, luma)
    if not smooth.any():  # a scene of grain has nothing else
        inside[:] = True
    chroma = [
        contour_error(plane.astype(np.float32), toned(true, FLAT.saturation, 0).repeat(2, 0))
        for plane, true in ((picture.cb, truth.cb), (picture.cr, truth.cr))
    ]
    untouched = to_ten_bit_luma(plain)
    changed = texture_change(luma, untouched, Regions.of(untouched).textured)
    return Measured(
        rms=_rms(luma - expected),
        rms_smooth=_rms((luma - expected)[inside]),
        contour=contour_error(luma, expected),
        contour_smooth=contour_error(luma, expected, smooth if smooth.any() else None),
        contour_chroma=max(chroma),
        cambi=scores[0],
        coarse=scores[1],
        texture=changed or 0.0,
        occupied=float(np.unique(picture.luma).size),
    )


def _rms(values: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.square(values).mean()))


def table(
    sizes: Sequence[tuple[int, int]], rates: Sequence[int], indices: Sequence[int]
) -> Iterator[str]:
    """Measure every look on every scene and yield the lines of a table."""
    columns = "rms  smooth | contour  smooth  chroma | CAMBI  coarse | texture | codes"
    with tempfile.TemporaryDirectory() as folder:
        for width, height in sizes:
            for crf in rates:
                yield f"\n{width}x{height}, crf {crf:<21}{columns}"
                for name, scene in scenes.SCENES.items():
                    path = Path(folder) / "scene.mp4"
                    scenes.encode(scene, path, width, height, crf, max(indices) + 1)
                    with open_clip(path) as clip:
                        frames = list(clip.frames(indices))
                    truths = [scenes.picture(scene, width, height, index) for index in indices]
                    for look in LOOKS:
                        yield _line(name, look.name, measure(frames, truths, look))


def _line(scene: str, look: str, found: Measured) -> str:
    return (
        f"{scene:10} {look:14} {found.rms:6.2f} {found.rms_smooth:7.2f} | "
        f"{found.contour:7.2f} {found.contour_smooth:7.2f} {found.contour_chroma:7.2f} | "
        f"{found.cambi:5.2f} {found.coarse:7.2f} | {found.texture:7.2f} | {found.occupied:5.0f}"
    )
