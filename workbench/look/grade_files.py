"""Write a tone stage as a file that grading programs read: CLF or ASC CDL.

Unlike a .cube file, both hold formulas and not samples, so the way back from a look is exact.

- CLF: Academy S-2014-006, Common LUT Format, version 3.0.
- CDL: ASC Color Decision List, release 1.2. It has a slope, an offset and a power for each channel,
  and a saturation, so it describes a flat look but no log curve.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

import numpy as np

from workbench.errors import ParameterError
from workbench.look.curves import (
    Floats,
    LogCurve,
    affine,
    invert_tone,
    log_curve,
    log_encoding,
    primaries,
)
from workbench.look.stages import AnyTone, Eq, Flat, Log, NoTone

_BT709 = np.array([0.2126, 0.7152, 0.0722])
"""The luma weights of a CDL's saturation."""
_CDL_SPACE = "urn:ASC:CDL:v1.01"


def clf_text(tone: AnyTone, matrix: str, name: str, *, inverse: bool = False) -> str:
    """Return `curves.apply_tone`, or its inverse, as the text of a CLF file.

    It maps R'G'B' at legal levels, 0 to 1, without clipping. Canon Log 3 is a table of 65536
    entries, one for each half float; all other tones are formulas.

    Raises ParameterError for a roll-off, which is no function of one channel, and as
    `curves.invert_tone`.
    """
    nodes = list(_clf_nodes(tone, matrix, inverse))
    root = ElementTree.Element(
        "ProcessList", {"xmlns": "urn:AMPAS:CLF:v3.0", "compCLFversion": "3", "id": "look"}
    )
    root.set("name", f"{name}, inverse" if inverse else name)
    ElementTree.SubElement(root, "InputDescriptor").text = "R'G'B', legal black is 0, white is 1"
    ElementTree.SubElement(root, "OutputDescriptor").text = "R'G'B', legal black is 0, white is 1"
    root.extend(nodes)
    return _xml(root)


def cdl_text(tone: AnyTone, matrix: str, name: str, *, inverse: bool = False) -> str:
    """Return the tone, or its inverse, as the text of a .cdl file with one correction.

    Raises ParameterError for a tone that a CDL cannot describe, and as `curves.invert_tone`.
    """
    found = cdl_of(tone, matrix, inverse=inverse)
    root = ElementTree.Element("ColorDecisionList", {"xmlns": _CDL_SPACE})
    decision = ElementTree.SubElement(root, "ColorDecision")
    correction = ElementTree.SubElement(decision, "ColorCorrection", {"id": "look"})
    sop = ElementTree.SubElement(correction, "SOPNode")
    ElementTree.SubElement(sop, "Description").text = f"{name}, inverse" if inverse else name
    for key, values in (
        ("Slope", [found.slope] * 3),
        ("Offset", found.offset),
        ("Power", [1.0] * 3),
    ):
        ElementTree.SubElement(sop, key).text = _numbers(values)
    saturation = ElementTree.SubElement(correction, "SatNode")
    ElementTree.SubElement(saturation, "Saturation").text = f"{found.saturation:.9g}"
    return _xml(root)


@dataclass(frozen=True)
class Cdl:
    """A color decision with the same slope in all channels, and a power of 1."""

    slope: float
    offset: tuple[float, ...]  # red, green, blue
    saturation: float


def cdl_of(tone: AnyTone, matrix: str, *, inverse: bool = False) -> Cdl:
    """Return the color decision that equals a tone, or its inverse.

    A CDL first applies slope and offset, then moves each channel away from luma by the saturation.

    >>> found = cdl_of(Flat(contrast=0.9, saturation=0.72, brightness=0.0), "bt709")
    >>> round(found.slope, 6), round(found.saturation, 6)
    (0.9, 0.8)
    """
    if isinstance(tone, NoTone):
        return Cdl(1.0, (0.0, 0.0, 0.0), 1.0)
    if not isinstance(tone, Eq | Flat) or tone.contrast <= 0 or matrix != "bt709":
        raise ParameterError(
            "a CDL can describe only a flat look with a contrast above 0, and no log curve: "
            "export it as CLF or .cube instead"
        )
    offset = affine(tone, matrix)[1]
    slope, saturation = tone.contrast, tone.saturation / tone.contrast
    if inverse:
        offset = invert_tone(np.zeros(3), tone, matrix)  # raises for a tone without an inverse
        slope, saturation = 1 / slope, 1 / saturation
    luma = offset @ _BT709
    if saturation:  # the saturation applies to the offset as well
        offset = luma + (offset - luma) / saturation
    return Cdl(slope, tuple(offset.tolist()), saturation)


def _clf_nodes(tone: AnyTone, matrix: str, inverse: bool) -> Iterator[ElementTree.Element]:
    match tone:
        case NoTone():
            yield _matrix(np.eye(3), np.zeros(3))
        case Eq() | Flat():
            slope, offset = affine(tone, matrix)
            if inverse:
                offset = invert_tone(np.zeros(3), tone, matrix)
                slope = np.asarray(np.linalg.inv(slope), np.float64)
            yield _matrix(slope, offset)
        case Log():
            if tone.rolloff:
                raise ParameterError(
                    "a roll-off depends on all three channels, so CLF cannot describe it exactly: "
                    "export with --set tone.rolloff=0, or as .cube"
                )
            yield from _log_nodes(tone, inverse)


def _log_nodes(tone: Log, inverse: bool) -> Iterator[ElementTree.Element]:
    matrix = primaries(tone)
    curve = log_curve(tone)
    nodes = [
        _exponent("basicMirrorRev" if inverse else "basicMirrorFwd", 2.4),
        _matrix(np.asarray(np.linalg.inv(matrix) if inverse else matrix), np.zeros(3)),
        _log(curve, inverse) if curve else _half_table(tone, inverse),
    ]
    yield from reversed(nodes) if inverse else nodes


def _node(tag: str) -> ElementTree.Element:
    return ElementTree.Element(tag, {"inBitDepth": "32f", "outBitDepth": "32f"})


def _matrix(slope: Floats, offset: Floats) -> ElementTree.Element:
    node = _node("Matrix")
    rows = np.column_stack([slope, offset])
    array = ElementTree.SubElement(node, "Array", {"dim": "3 4"})
    array.text = "\n".join(_numbers(row) for row in rows.tolist())
    return node


def _exponent(style: str, exponent: float) -> ElementTree.Element:
    node = _node("Exponent")
    node.set("style", style)
    ElementTree.SubElement(node, "ExponentParams", {"exponent": f"{exponent:.9g}"})
    return node


def _log(curve: LogCurve, inverse: bool) -> ElementTree.Element:
    node = _node("Log")
    direction = "LogToLin" if inverse else "LinToLog"
    has_line = curve.lin_side_break is not None
    node.set("style", f"camera{direction}" if has_line else direction[0].lower() + direction[1:])
    values = {
        "base": curve.base,
        "logSideSlope": curve.log_side_slope,
        "logSideOffset": curve.log_side_offset,
        "linSideSlope": curve.lin_side_slope,
        "linSideOffset": curve.lin_side_offset,
        "linSideBreak": curve.lin_side_break,
        "linearSlope": curve.linear_slope,
    }
    params = {key: f"{value:.10g}" for key, value in values.items() if value is not None}
    ElementTree.SubElement(node, "LogParams", params)
    return node


def _half_table(tone: Log, inverse: bool) -> ElementTree.Element:
    """Return a curve as a table with an entry for each half float; NaN and infinity become 0."""
    halves = np.arange(65536, dtype=np.uint16).view(np.float16).astype(np.float64)
    known = np.isfinite(halves)
    values = np.zeros_like(halves)
    with np.errstate(all="ignore"):
        values[known] = log_encoding(tone, halves[known], inverse=inverse)
    values = np.nan_to_num(values, nan=0.0, posinf=65504.0, neginf=-65504.0)
    node = _node("LUT1D")
    node.set("halfDomain", "true")
    array = ElementTree.SubElement(node, "Array", {"dim": "65536 1"})
    array.text = "\n".join(f"{value:.9g}" for value in values.clip(-65504, 65504).tolist())
    return node


def _numbers(values: object) -> str:
    assert isinstance(values, list | tuple)
    return " ".join(f"{value:.10g}" for value in values)


def _xml(root: ElementTree.Element) -> str:
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, "unicode")}\n'
