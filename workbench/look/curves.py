"""Curves: tone as a function of code value."""

import warnings
from functools import cache
from types import ModuleType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.errors import ParameterError
from workbench.look.stages import AnyTone, Eq, Flat, Log, NoTone
from workbench.measure.code_values import BLACK, WHITE
from workbench.measure.levels import BLACK_LIMIT, NEARLY_BLACK
from workbench.media.colour import LUMA_WEIGHTS

Floats = NDArray[np.float64]

KNEE = 0.36
"""Linear light up to which a roll-off changes nothing: a stop above mid grey, as light skin is."""


class _Camera(NamedTuple):
    curve: str  # as colour-science's functions are named
    gamut: str  # as its colour spaces are


_REC709 = "ITU-R BT.709"
_CAMERAS = {
    "logc3": _Camera("ARRILogC3", "ARRI Wide Gamut 3"),  # at its reference, EI 800
    "logc4": _Camera("ARRILogC4", "ARRI Wide Gamut 4"),
    "slog3": _Camera("SLog3", "S-Gamut3.Cine"),
    "canonlog3": _Camera("CanonLog3", "Cinema Gamut"),
    "acescct": _Camera("ACEScct", "ACEScg"),  # both stand on the primaries AP1
    "cineon": _Camera("Cineon", _REC709),  # the curve of a film scan, which has no primaries
}


def eq_offset(contrast: float, brightness: float) -> int:
    """Return what FFmpeg's eq really adds, in 8-bit code values, after multiplying by `contrast`.

    Its documentation gives another formula, by which the lift of the preset `classic` would be
    20.4. The program computes in integers (vf_eq.c, create_lut and apply), from options that it
    keeps in single precision: 100 * 0.03 + 100 is just under 103 and so becomes 102. What is to
    stay as it is, it leaves alone.

    >>> eq_offset(0.9, 0.03), eq_offset(0.85, 0), eq_offset(1, 0)
    (17, 19, 0)
    """
    if contrast == 1 and brightness == 0:
        return 0
    lift = int(100 * float(np.float32(brightness)) + 100)
    slope = int(float(np.float32(contrast)) * 256 * 16)
    return lift * 511 // 200 - 128 - slope // 32


def apply_tone(rgb: Floats, tone: AnyTone, matrix: str) -> Floats:
    """Return R'G'B' (..., 3) after a tone stage, unrounded and unclipped.

    0 is legal black and 1 legal white (64 and 940 in 10 bits), before and after; `matrix` is one
    of LUMA_WEIGHTS, by which Eq and Flat find luma and chroma.

    Log takes the source for Rec.709 as a display shows it. A display makes light by ITU-R BT.1886:
    power 2.4, with black at 0. Its white is scene-linear 1, a reflectance of 100 %, so that 0.18
    lands where the camera's maker puts mid grey. The highlights are then spread (`_spread`), the
    primaries become the camera's, and its curve makes code values of 0..1, as a grading program
    sees the camera's own recordings.

    >>> mid_grey = np.full(3, 0.18 ** (1 / 2.4))
    >>> np.round(apply_tone(mid_grey, Log(curve="logc3"), "bt709"), 3).tolist()
    [0.391, 0.391, 0.391]
    >>> flat = Flat(contrast=0.9, saturation=0.85, brightness=0.03)
    >>> white = apply_tone(np.ones(3), flat, "bt709")
    >>> float(np.round(16 + 219 * white @ [0.2126, 0.7152, 0.0722], 3))  # 235 * 0.9 + 17
    228.5
    """
    match tone:
        case NoTone():
            return rgb
        case Eq() | Flat():
            slope, offset = _affine(tone, matrix)
            return rgb @ slope.T + offset
        case Log():
            camera = _CAMERAS[tone.curve]
            scene = _apply_rolloff(_signed_power(rgb, 2.4), tone.rolloff)
            return _log("encoding", camera, scene @ _primaries(camera).T)


def invert_tone(rgb: Floats, tone: AnyTone, matrix: str) -> Floats:
    """Return the R'G'B' of which `toned` made this.

    Raises ParameterError for an Eq that leaves nothing to come back from.

    >>> seen = np.array([0.2, 0.5, 0.7])
    >>> tone = Log(curve="slog3", rolloff=2)
    >>> np.round(invert_tone(apply_tone(seen, tone, "bt709"), tone, "bt709"), 9).tolist()
    [0.2, 0.5, 0.7]
    """
    match tone:
        case NoTone():
            return rgb
        case Eq() | Flat():
            if not tone.contrast or not tone.saturation:
                gone = "colour" if tone.contrast else "tone"
                raise ParameterError(f"a look that removes every {gone} has no inverse")
            slope, offset = _affine(tone, matrix)
            return (rgb - offset) @ np.linalg.inv(slope).T
        case Log():
            camera = _CAMERAS[tone.curve]
            scene = _log("decoding", camera, rgb) @ np.linalg.inv(_primaries(camera)).T
            return _signed_power(_undo_rolloff(scene, tone.rolloff), 1 / 2.4)


def black_limit(tone: AnyTone) -> int:
    """Return the 10-bit luma up to which a pixel is nearly black once this tone is applied.

    It is the code value to which the tone maps the grey that is nearly black without a look. If the
    tone maps this grey no darker than white, as a negative contrast does, nothing in the picture
    stands for black, and the limit is that of a picture without a look.

    >>> black_limit(NoTone()), black_limit(Log(curve="canonlog3"))
    (152, 181)
    """
    red, blue = LUMA_WEIGHTS["bt709"]
    greys = np.array([[NEARLY_BLACK] * 3, [1.0] * 3])
    codes = BLACK + (WHITE - BLACK) * apply_tone(greys, tone, "bt709") @ [red, 1 - red - blue, blue]
    limit, brightest = codes.clip(0, 1023).round().astype(int).tolist()
    return int(limit) if limit < brightest else BLACK_LIMIT


def _affine(tone: Eq | Flat, matrix: str) -> tuple[Floats, Floats]:
    """Return slope (3, 3) and offset (3,) in R'G'B' of what eq does to 8-bit Y'CbCr.

    The code values are those of ITU-R BT.709: 219 Y' + 16 and 224 C + 128.
    """
    red, blue = LUMA_WEIGHTS[matrix]
    luma = np.array([red, 1 - red - blue, blue])
    cb = (np.array([0, 0, 1]) - luma) / (2 - 2 * blue)
    cr = (np.array([1, 0, 0]) - luma) / (2 - 2 * red)
    ycc = np.stack([luma, cb, cr])
    rgb = np.linalg.inv(ycc)
    lift = (16 * tone.contrast + eq_offset(tone.contrast, tone.brightness) - 16) / 219
    tint = (128 * tone.saturation + eq_offset(tone.saturation, 0) - 128) / 224
    gain = np.diag([tone.contrast, tone.saturation, tone.saturation])
    return rgb @ gain @ ycc, rgb @ np.array([lift, tint, tint])


def _apply_rolloff(linear: Floats, stops: float) -> Floats:
    """Raise the highlights of linear light (..., 3), so that white comes to lie `stops` above 1.

    Where the largest of the three is e stops above KNEE, of which white is E, all three become
    stops * (e / E)² stops brighter: the slope is 1 at the knee and grows evenly, which is the
    gentlest way to that end. As all grow alike, hue and saturation stay, and the small parts of a
    bright colour do not drown when the primaries mix.

    >>> light = np.array([[0.18, 0.18, 0.18], [0.36, 0, 0], [1, 0.5, 0]])
    >>> _apply_rolloff(light, 3).round(9).tolist()
    [[0.18, 0.18, 0.18], [0.36, 0.0, 0.0], [8.0, 4.0, 0.0]]
    """
    above = _stops_above_knee(linear)
    return linear * np.exp2(_bend(stops) * above**2)


def _undo_rolloff(linear: Floats, stops: float) -> Floats:
    """Undo `_spread`: the positive root of its quadratic, in the form that holds for 0 stops.

    >>> _undo_rolloff(np.array([[0.36, 0, 0], [8, 4, 0]]), 3).round(9).tolist()
    [[0.36, 0.0, 0.0], [1.0, 0.5, 0.0]]
    """
    above = _stops_above_knee(linear)
    before: Floats = 2 * above / (1 + np.sqrt(1 + 4 * _bend(stops) * above))
    return linear * np.exp2(before - above)


def _stops_above_knee(linear: Floats) -> Floats:
    largest: Floats = np.max(linear, axis=-1, keepdims=True)
    above: Floats = np.log2(np.maximum(largest, KNEE) / KNEE)
    return above


def _bend(stops: float) -> float:
    return stops / float(np.log2(KNEE)) ** 2


def _signed_power(values: Floats, exponent: float) -> Floats:
    """Raise to a power, odd about 0, so that what lies below black comes back too."""
    return np.copysign(np.abs(values) ** exponent, values)


@cache
def _primaries(camera: _Camera) -> Floats:
    """Return the matrix (3, 3) from linear Rec.709 to a camera's primaries.

    By SMPTE RP 177 from the published chromaticities. From D65 to the Academy's white it adapts
    by Bradford, as the Academy's own transforms do (ACESlib.Utilities_Color.ctl).

    >>> _primaries(_CAMERAS["logc4"]).sum(axis=1).round(12).tolist()  # grey stays grey
    [1.0, 1.0, 1.0]
    """
    colour = _colour_science()
    source, target = colour.RGB_COLOURSPACES[_REC709], colour.RGB_COLOURSPACES[camera.gamut]
    to_xyz = [
        colour.normalised_primary_matrix(space.primaries, space.whitepoint)
        for space in (source, target)
    ]
    white = [matrix.sum(axis=1) for matrix in to_xyz]
    adaptation = colour.adaptation.matrix_chromatic_adaptation_VonKries(*white, "Bradford")
    found: Floats = np.linalg.inv(to_xyz[1]) @ adaptation @ to_xyz[0]
    return found


def _log(direction: str, camera: _Camera, values: Floats) -> Floats:
    """Encode scene-linear values to code values of 0..1, or decode them, by the maker's formula.

    ARRI, ALEXA Log C Curve - Usage in VFX (2012) and LogC4 Specification (2022); Sony, Technical
    Summary for S-Gamut3.Cine/S-Log3; Canon, Canon Log Gamma Curves (v1.2, 2018); Academy
    S-2016-001; Kodak's Cineon as Sony Imageworks has it, with black at 95 and white at 685.
    """
    function = getattr(_colour_science().models, f"log_{direction}_{camera.curve}")
    # Each piece of a curve is computed for every value, also for those that it is not made for.
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        return np.asarray(function(values), np.float64)


@cache
def _colour_science() -> ModuleType:
    """Import colour-science, which takes a second, when the first log curve is asked for.

    It sets how numpy prints and which warnings show for the whole program; both are put back.
    """
    with np.printoptions(), warnings.catch_warnings():
        import colour
    return colour
