"""CLF and CDL files, read back by OpenColorIO and held against its own camera transforms."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import PyOpenColorIO as ocio  # noqa: N813 - its usual short name
import pytest

from workbench.errors import ParameterError
from workbench.look.curves import apply_tone
from workbench.look.grade_files import cdl_of, cdl_text, clf_text
from workbench.look.stages import AnyTone, Eq, Flat, Log, NoTone

CODES = 940 - 64
GREYS = np.repeat(np.linspace(0, 1, CODES + 1)[:, None], 3, axis=1)
COLOURS = np.random.default_rng(3).random((20_000, 3))
BOTH = np.concatenate([GREYS, COLOURS])
AFFINE: list[AnyTone] = [
    NoTone(),
    Flat(),
    Flat(contrast=1.2, saturation=0.5, brightness=-0.1),
    Eq(contrast=0.9, saturation=0.85, brightness=0.03),
]
CURVES = ("logc3", "logc4", "slog3", "canonlog3", "acescct", "cineon")
BUILTIN = {
    "logc3": "ARRI_ALEXA-LOGC-EI800-AWG_to_ACES2065-1",
    "logc4": "ARRI_LOGC4_to_ACES2065-1",
    "slog3": "SONY_SLOG3-SGAMUT3.CINE_to_ACES2065-1",
    "canonlog3": "CANON_CLOG3-CGAMUT_to_ACES2065-1",
    "acescct": "ACEScct_to_ACES2065-1",
}


def log(curve: str, rolloff: float = 0) -> Log:
    return Log.model_validate({"curve": curve, "rolloff": float(rolloff)})


def applied(rgb: np.ndarray, *transforms: ocio.Transform) -> np.ndarray:
    group = ocio.GroupTransform(list(transforms))
    processor = ocio.Config.CreateRaw().getProcessor(group)
    found = np.ascontiguousarray(rgb, np.float32).copy()
    processor.getOptimizedCPUProcessor(ocio.OPTIMIZATION_LOSSLESS).applyRGB(found)
    return found


def read(path: Path, text: str) -> ocio.FileTransform:
    path.write_text(text, encoding="utf-8")
    return ocio.FileTransform(str(path))


@pytest.mark.parametrize("tone", AFFINE, ids=repr)
def test_an_affine_look_is_exact_as_clf_and_cdl_both_ways(tone: AnyTone, tmp_path: Path) -> None:
    expected = apply_tone(BOTH, tone, "bt709")
    for suffix, text in (("clf", clf_text), ("cdl", cdl_text)):
        out = read(tmp_path / f"out.{suffix}", text(tone, "bt709", "x"))
        back = read(tmp_path / f"back.{suffix}", text(tone, "bt709", "x", inverse=True))
        assert CODES * np.abs(applied(BOTH, out) - expected).max() < 0.01, suffix
        assert CODES * np.abs(applied(applied(BOTH, out), back) - BOTH).max() < 0.01, suffix


@pytest.mark.parametrize("curve", CURVES)
def test_a_log_look_is_exact_as_clf(curve: str, tmp_path: Path) -> None:
    out = read(tmp_path / "out.clf", clf_text(log(curve), "bt709", curve))
    expected = apply_tone(BOTH, log(curve), "bt709")
    assert CODES * np.abs(applied(BOTH, out) - expected).max() < 0.01


@pytest.mark.parametrize("curve", CURVES)
def test_a_log_look_returns_within_half_a_code_through_clf(curve: str, tmp_path: Path) -> None:
    """In the darkest channel of a saturated colour, single precision is the limit."""
    out = read(tmp_path / "out.clf", clf_text(log(curve), "bt709", curve))
    back = read(tmp_path / "back.clf", clf_text(log(curve), "bt709", curve, inverse=True))
    error = CODES * np.abs(applied(applied(BOTH, out), back) - BOTH)
    darkest = 1 if curve in ("logc3", "cineon") else 8  # code values above black
    assert error[: len(GREYS)].max() < 0.5
    assert error[darkest <= CODES * BOTH].max() < 0.5


@pytest.mark.parametrize("curve", BUILTIN)
def test_a_log_look_agrees_with_the_camera_transforms_of_opencolorio(
    curve: str, tmp_path: Path
) -> None:
    """OpenColorIO takes the picture from a BT.1886 display to the camera's recording.

    Its cameras adapt white by CAT02, ours by Bradford: colours differ by up to two code values.
    """
    out = read(tmp_path / "out.clf", clf_text(log(curve), "bt709", curve))
    inverse = ocio.TRANSFORM_DIR_INVERSE
    display = "DISPLAY - CIE-XYZ-D65_to_REC.1886-REC.709 - MIRROR NEGS"
    theirs = applied(
        BOTH,
        ocio.BuiltinTransform(display, direction=inverse),
        ocio.BuiltinTransform("UTILITY - ACES-AP0_to_CIE-XYZ-D65_BFD", direction=inverse),
        ocio.BuiltinTransform(BUILTIN[curve], direction=inverse),
    )
    error = CODES * np.abs(applied(BOTH, out) - theirs)
    assert error[: len(GREYS)].max() < 0.05
    assert error.max() < 2


def test_a_cdl_describes_no_log_curve_and_no_negative_contrast() -> None:
    negative = Eq(contrast=-1.0, saturation=1.0, brightness=0.0)
    for tone in (log("logc3"), negative):
        with pytest.raises(ParameterError, match="a CDL can describe only a flat look"):
            cdl_of(tone, "bt709")


def test_a_roll_off_cannot_be_clf() -> None:
    with pytest.raises(ParameterError, match="a roll-off depends on all three channels"):
        clf_text(log("logc3", 2), "bt709", "x")


def test_a_look_without_colour_has_a_cdl_but_no_inverse() -> None:
    grey = Eq(contrast=1.0, saturation=0.0, brightness=0.0)
    assert cdl_of(grey, "bt709").saturation == 0
    for text in (cdl_text, clf_text):
        with pytest.raises(ParameterError, match="has no inverse"):
            text(grey, "bt709", "x", inverse=True)


def test_a_name_is_text() -> None:
    root = ElementTree.fromstring(clf_text(Flat(), "bt709", '<a> & "b"'))
    assert root.get("name") == '<a> & "b"'
