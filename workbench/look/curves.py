"""Compute tone curves: the tone stage of a preset, and its inverse, as functions of R'G'B'."""

import warnings
from functools import cache
from types import ModuleType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.errors import ParameterError
from workbench.look.lut_file import lut_function
from workbench.look.stages import AnyTone, Eq, Flat, Log, LutFile, NoTone
from workbench.measure.code_values import BLACK, WHITE
from workbench.measure.levels import BLACK_LIMIT, NEARLY_BLACK
from workbench.media.colour import LUMA_WEIGHTS

Floats = NDArray[np.float64]

KNEE = 0.36
"""Linear light below which a roll-off has no effect: a stop above mid grey, about light skin."""


class _Camera(NamedTuple):
    curve: str  # in the names of colour-science's functions
    gamut: str  # the name of its colour space


_REC709 = "ITU-R BT.709"
_CAMERAS = {
    "logc3": _Camera("ARRILogC3", "ARRI Wide Gamut 3"),  # at the reference exposure index, EI 800
    "logc4": _Camera("ARRILogC4", "ARRI Wide Gamut 4"),
    "slog3": _Camera("SLog3", "S-Gamut3.Cine"),
    "canonlog3": _Camera("CanonLog3", "Cinema Gamut"),
    "acescct": _Camera("ACEScct", "ACEScg"),  # both use the primaries AP1
    "cineon": _Camera("Cineon", _REC709),  # the curve of a film scan, without primaries
}


def eq_offset(contrast: float, brightness: float) -> int:
    """Return the offset, in 8-bit code values, that FFmpeg's eq adds after multiplying by contrast.

    Its documentation gives another formula, which would give the preset `classic` an offset of
    20.4. The program computes in integers (vf_eq.c, create_lut and apply), from options in single
    precision: 100 * 0.03 + 100 is just under 103 and so becomes 102. It does not touch a plane
    whose options are all neutral.

    >>> eq_offset(0.9, 0.03), eq_offset(0.85, 0), eq_offset(1, 0)
    (17, 19, 0)
    """
    if contrast == 1 and brightness == 0:
        return 0
    lift = int(100 * float(np.float32(brightness)) + 100)
    slope = int(float(np.float32(contrast)) * 256 * 16)
    return lift * 511 // 200 - 128 - slope // 32


def apply_tone(rgb: Floats, tone: AnyTone, matrix: str) -> Floats:
    """Apply a tone stage to R'G'B' (..., 3), without rounding or clipping.

    0 is legal black and 1 is legal white (64 and 940 in 10 bits), before and after. `matrix` is a
    key of LUMA_WEIGHTS; Eq and Flat compute luma and chroma with it.

    Log assumes that the source is Rec.709 as on a display. The display's light follows ITU-R
    BT.1886, a power of 2.4 with black at 0. Its white is scene-linear 1, a reflectance of 100 %, so
    that 0.18 becomes the mid grey of the camera's maker. A roll-off then raises the highlights (see
    `_apply_rolloff`). Last, the colours are converted to the camera's primaries and encoded with
    its log curve, to values of 0 to 1 as in the camera's own recordings.

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
            slope, offset = affine(tone, matrix)
            return rgb @ slope.T + offset
        case Log():
            camera = _CAMERAS[tone.curve]
            scene = _apply_rolloff(_signed_power(rgb, 2.4), tone.rolloff)
            return _log("encoding", camera, scene @ _primaries(camera).T)
        case LutFile():
            return lut_function(tone)(rgb)


def invert_tone(rgb: Floats, tone: AnyTone, matrix: str) -> Floats:
    """Undo `apply_tone`.

    Raises ParameterError for a tone without an inverse: contrast or saturation is 0, or the tone
    comes from a LUT file.

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
                removed = "colours" if tone.contrast else "tones"
                raise ParameterError(
                    f"a look that removes all {removed} has no inverse: choose a contrast and a "
                    "saturation above 0"
                )
            slope, offset = affine(tone, matrix)
            return (rgb - offset) @ np.linalg.inv(slope).T
        case Log():
            camera = _CAMERAS[tone.curve]
            scene = _log("decoding", camera, rgb) @ np.linalg.inv(_primaries(camera)).T
            return _signed_power(_undo_rolloff(scene, tone.rolloff), 1 / 2.4)
        case LutFile():
            raise ParameterError("a look from a LUT file has no inverse: use the file's own")


@cache
def tone_slope(tone: AnyTone) -> Floats:
    """Return how much a tone stretches greys at each 10-bit luma code value: shape (1024,).

    >>> tone_slope(Flat(contrast=0.9)).round(6)[[64, 500, 940]].tolist()
    [0.9, 0.9, 0.9]
    """
    codes = (np.arange(1024, dtype=np.float64) - BLACK) / (WHITE - BLACK)
    greys = np.repeat(codes[:, None], 3, axis=1)
    red, blue = LUMA_WEIGHTS["bt709"]
    luma = apply_tone(greys, tone, "bt709") @ np.array([red, 1 - red - blue, blue])
    slope: Floats = np.abs(np.gradient(luma, codes))
    return slope


def black_limit(tone: AnyTone) -> int:
    """Return the highest 10-bit luma of nearly black pixels after this tone.

    The tone maps the limit without a look, a dark grey, to this code value. If the result is not
    darker than white, as with a negative contrast, no tone stands for black. Then the limit
    without a look is returned.

    >>> black_limit(NoTone()), black_limit(Log(curve="canonlog3"))
    (152, 181)
    """
    red, blue = LUMA_WEIGHTS["bt709"]
    greys = np.array([[NEARLY_BLACK] * 3, [1.0] * 3])
    codes = BLACK + (WHITE - BLACK) * apply_tone(greys, tone, "bt709") @ [red, 1 - red - blue, blue]
    limit, brightest = codes.clip(0, 1023).round().astype(int).tolist()
    return int(limit) if limit < brightest else BLACK_LIMIT


class LogCurve(NamedTuple):
    """A log curve in the terms of CLF (Academy S-2014-006, Log node).

    Above the break, it is log_side_slope * log(lin_side_slope * x + lin_side_offset, base) +
    log_side_offset. Below, it is a straight line with this slope that meets it.
    """

    base: float
    log_side_slope: float
    log_side_offset: float
    lin_side_slope: float
    lin_side_offset: float
    lin_side_break: float | None = None  # None: logarithmic everywhere
    linear_slope: float | None = None


_SLOG3_LINEAR = (171.2102946929 - 95) / 0.01125000 / 1023
_LOGC4_A, _LOGC4_B, _LOGC4_C = (2**18 - 16) / 117.45, (1023 - 95) / 1023, 95 / 1023
_LOGC4_POWER = 2 ** (6 - 14 * _LOGC4_C / _LOGC4_B)  # of two, where the straight line begins
_LOGC4_SLOPE = _LOGC4_A * _LOGC4_B / (14 * np.log(2) * _LOGC4_POWER)
_CINEON_BLACK = 10 ** ((95 - 685) / 300)
_LOG_CURVES = {
    "logc3": LogCurve(10, 0.247190, 0.385537, 5.555556, 0.052272, 0.010591, 5.367655),
    "logc4": LogCurve(
        *(2, _LOGC4_B / 14, _LOGC4_C - 6 * _LOGC4_B / 14, _LOGC4_A, 64),
        *((_LOGC4_POWER - 64) / _LOGC4_A, float(_LOGC4_SLOPE)),
    ),
    "slog3": LogCurve(10, 261.5 / 1023, 420 / 1023, 1 / 0.19, 0.01 / 0.19, 0.01125, _SLOG3_LINEAR),
    "acescct": LogCurve(2, 1 / 17.52, 9.72 / 17.52, 1, 0, 0.0078125, 10.5402377416545),
    "cineon": LogCurve(10, 300 / 1023, 685 / 1023, 1 - _CINEON_BLACK, _CINEON_BLACK),
}


def log_curve(tone: Log) -> LogCurve | None:
    """Return the curve of a log tone as CLF writes it; None for Canon Log 3.

    Canon's curve is logarithmic on both sides of a straight part, which CLF has no formula for.
    """
    return _LOG_CURVES.get(tone.curve)


def log_encoding(tone: Log, values: Floats, *, inverse: bool = False) -> Floats:
    """Encode scene-linear values with the curve of a log tone, or decode them."""
    return _log("decoding" if inverse else "encoding", _CAMERAS[tone.curve], values)


def primaries(tone: Log) -> Floats:
    """Return the matrix (3, 3) from linear Rec.709 to the primaries of a log tone."""
    return _primaries(_CAMERAS[tone.curve])


def affine(tone: Eq | Flat, matrix: str) -> tuple[Floats, Floats]:
    """Return the slope (3, 3) and the offset (3,) in R'G'B' of eq's operation on 8-bit Y'CbCr.

    The code values follow ITU-R BT.709: 219 Y' + 16 and 224 C + 128.
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
    """Raise the highlights of linear light (..., 3), so that white lies `stops` above 1.

    Let the largest of the three be e stops above KNEE, and white E stops. Then all three become
    stops * (e / E)² stops brighter. The slope is 1 at the knee and rises linearly, so the curve has
    no kink. All three change by the same factor, which preserves hue and saturation.
    A factor for each channel would lose the small parts of bright colours when primaries mix.

    >>> light = np.array([[0.18, 0.18, 0.18], [0.36, 0, 0], [1, 0.5, 0]])
    >>> _apply_rolloff(light, 3).round(9).tolist()
    [[0.18, 0.18, 0.18], [0.36, 0.0, 0.0], [8.0, 4.0, 0.0]]
    """
    above = _stops_above_knee(linear)
    return linear * np.exp2(_bend(stops) * above**2)


def _undo_rolloff(linear: Floats, stops: float) -> Floats:
    """Undo `_apply_rolloff` by the positive root of its quadratic, in the form valid for 0 stops.

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
    """Raise to a power, odd about 0, so that values below black have an inverse as well."""
    return np.copysign(np.abs(values) ** exponent, values)


@cache
def _primaries(camera: _Camera) -> Floats:
    """Return the matrix (3, 3) from linear Rec.709 to a camera's primaries.

    It follows SMPTE RP 177 from the published chromaticities. The adaptation from D65 to the
    Academy's white is Bradford's, as in the Academy's own transforms (ACESlib.Utilities_Color.ctl).

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
    """Encode scene-linear values to 0 to 1, or decode them, with the maker's formula.

    Sources: ARRI, ALEXA Log C Curve - Usage in VFX (2012) and LogC4 Specification (2022); Sony,
    Technical Summary for S-Gamut3.Cine/S-Log3; Canon, Canon Log Gamma Curves (v1.2, 2018); Academy
    S-2016-001; Kodak's Cineon as defined by Sony Imageworks, with black at 95 and white at 685.
    """
    function = getattr(_colour_science().models, f"log_{direction}_{camera.curve}")
    # Each piece of a curve is computed for all values, including values outside its domain.
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        return np.asarray(function(values), np.float64)


@cache
def _colour_science() -> ModuleType:
    """Import colour-science, on first use because the import takes a second.

    The import changes numpy's print options and the warning filters of the whole process; both are
    restored.
    """
    with np.printoptions(), warnings.catch_warnings():
        import colour
    return colour
