"""Viewing transform: 3D LUTs that the viewer shows both sides through. Encodes ignore them.

The picture after has the look's tone. The source has none, so its LUT applies the tone first: both
sides then differ only by the rest of the look. Graded back, the source is itself.
"""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RegularGridInterpolator

from workbench.desk.stills import Still
from workbench.desk.viewer import Side, Viewer
from workbench.errors import ParameterError, WorkbenchError
from workbench.files import expanded
from workbench.look.curves import apply_tone
from workbench.look.lut import inverse_cube
from workbench.look.lut_file import lut_function
from workbench.look.preset import Preset
from workbench.look.stages import AnyTone, Eq, Flat, LutFile, NoTone
from workbench.media.clip import Clip
from workbench.media.colour import fill_untagged

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


def source_transform(tone: AnyTone, matrix: str, path: str) -> Cube | None:
    """Return the LUT that shows a source as `viewing_transform` shows it under the tone.

    Returns None where that is the source itself. Raises ParameterError, PresetError.
    """
    if not path or isinstance(tone, NoTone):
        return viewing_transform(tone, matrix, path) if path else None
    cube = read_cube(expanded(path))
    axis = np.linspace(0, 1, POINTS)
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")
    lattice = np.stack([red, green, blue], axis=-1).reshape(-1, 3)
    function = lut_function(tone) if isinstance(tone, LutFile) else None
    toned = function(lattice) if function else apply_tone(lattice, tone, matrix)
    size = round(len(cube) ** (1 / 3))
    points = (np.linspace(0, 1, size),) * 3
    values = RegularGridInterpolator(points, cube.reshape(size, size, size, 3))
    return np.asarray(values(toned.clip(0, 1)[:, ::-1]), np.float32)  # red changes fastest


class ViewingTransforms:
    """Sends the LUTs of both sides to a viewer while the user wants to see through them."""

    def __init__(self, viewer: Viewer, on_error: Callable[[str], None]) -> None:
        """Create it. A file that cannot be read is reported to `on_error`."""
        self._viewer, self._on_error = viewer, on_error
        self._sent: tuple[object, ...] | None = None

    def update(self, clip: Clip | None, preset: Preset, still: Still | None, path: str) -> None:
        """Send the LUTs for a look, and for the still that is shown in place of the source.

        `path` is the user's .cube file, or empty to grade each side's tone back.
        """
        if not self._viewer.graded or clip is None:
            return
        matrix = fill_untagged(clip.colour, preset.assume_matrix).matrix
        own = (still.preset.tone, still.picture.colour.matrix) if still else None
        key = (preset.tone, matrix, own, path)
        if key == self._sent:
            return
        cubes: dict[Side, Cube | None] = {"before": None, "after": None}
        try:
            cubes["after"] = viewing_transform(preset.tone, matrix, path)
            cubes["before"] = (
                viewing_transform(*own, path)
                if own
                else source_transform(preset.tone, matrix, path)
            )
            self._sent = key
        except WorkbenchError as error:
            self._sent = None
            self._on_error(str(error))
        for side, cube in cubes.items():
            self._viewer.set_transform(side, cube)


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
