"""Viewing transform: a 3D LUT that the viewer shows looks through. Encodes ignore it."""

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.errors import ParameterError
from workbench.files import expanded
from workbench.look.lut import inverse_cube
from workbench.look.stages import AnyTone, Eq, Flat, NoTone

POINTS = 33
"""Points on each axis of the LUT that grades a tone back."""

_SIZES = (2, 65)  # points: larger LUTs take too long in the browser
_SHOWN = 80  # characters of a bad line

Cube = NDArray[np.float32]
"""A LUT: (size ** 3, 3), R'G'B' from 0 to 1, red changing fastest."""


def viewing_transform(tone: AnyTone, matrix: str, path: str) -> Cube | None:
    """Return the LUT of a .cube file, or, for an empty path, the one that grades a tone back.

    Returns None for a tone that cannot be graded back or needs no grading. Raises ParameterError.
    """
    if path:
        return read_cube(expanded(path))
    return _graded_back(tone, matrix)


@lru_cache(maxsize=8)
def _graded_back(tone: AnyTone, matrix: str) -> Cube | None:
    if isinstance(tone, NoTone):
        return None
    if isinstance(tone, Flat | Eq) and not (tone.contrast and tone.saturation):
        return None
    return parse_cube(inverse_cube(tone, matrix, POINTS), "the inverse of the tone")


def read_cube(path: Path) -> Cube:
    """Read a .cube file with a 3D LUT. Raises ParameterError."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise ParameterError(
            f"{path.name}: cannot read it: {str(error.strerror).lower()}"
        ) from error
    return parse_cube(text, path.name)


def parse_cube(text: str, name: str) -> Cube:
    r"""Parse the text of a .cube file. Raises ParameterError; its message begins with `name`.

    >>> rows = "\n".join(f"{r} {g} {b}" for b in (0, 1) for g in (0, 1) for r in (0, 1))
    >>> parse_cube(f"LUT_3D_SIZE 2\n{rows}", "identity.cube")[1].tolist()
    [1.0, 0.0, 0.0]
    """
    size, rows = 0, []
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if not words:
            continue
        match words[0].upper():
            case "LUT_3D_SIZE" if len(words) == 2 and words[1].isdigit():
                size = int(words[1])
            case "LUT_1D_SIZE":
                raise ParameterError(f"{name}: a 1D LUT cannot be shown. Give a 3D LUT.")
            case "DOMAIN_MIN" if words[1:] and {float(word) for word in words[1:]} != {0.0}:
                raise ParameterError(
                    f"{name}: its domain does not start at 0, which is not supported"
                )
            case "DOMAIN_MAX" if words[1:] and {float(word) for word in words[1:]} != {1.0}:
                raise ParameterError(
                    f"{name}: its domain does not end at 1, which is not supported"
                )
            case "TITLE" | "DOMAIN_MIN" | "DOMAIN_MAX":
                continue
            case _:
                try:
                    rows.append([float(word) for word in words])
                except ValueError:
                    shown = line.strip()[:_SHOWN]
                    raise ParameterError(f"{name}: cannot understand the line {shown!r}") from None
    if not _SIZES[0] <= size <= _SIZES[1]:
        raise ParameterError(f"{name}: LUT_3D_SIZE must be between {_SIZES[0]} and {_SIZES[1]}")
    if len(rows) != size**3 or {len(row) for row in rows} != {3}:
        raise ParameterError(
            f"{name}: {size}³ rows of three numbers are needed; it has {len(rows)} rows"
        )
    found = np.array(rows, np.float32)
    if not np.isfinite(found).all():
        raise ParameterError(f"{name}: it has a value that is not a number")
    return found
