"""Read a look that another program wrote: a .cube, CLF or CDL file as the tone stage.

OpenColorIO reads and applies the file. For ffmpeg, it is sampled into a 3D LUT (see
`workbench.look.lut`). A preset holds the file's path and checksum, so that a file that was changed
later is refused instead of giving another picture.
"""

import hashlib
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.errors import PresetError
from workbench.files import expanded
from workbench.look.stages import LutFile
from workbench.temporary import tool_folder

Floats = NDArray[np.float64]

SUFFIXES = (".cube", ".clf", ".cdl", ".cc", ".ccc")
_MAX_SIZE = 64 * 1024 * 1024  # bytes: a .cube file of 129 points has 60 MB
_MAX_VALUE = 100.0  # of R'G'B', where 1 is white: more is no picture
_MAX_LINES = 129**3 + 2 * 65536  # of a .cube file: the largest 3D LUT, a 1D LUT and comments
_MAX_ELEMENTS = 10_000  # of an XML file
_CUBE_HEADER = re.compile(rb"^[ \t]*LUT_[13]D_SIZE[ \t]+\d{1,5}[ \t\r]*$", re.MULTILINE)
_NO_CUBE_LINE = re.compile(rb"^[ \t]*[^#\w\s.+-]|[^\n]{257}", re.MULTILINE)
_SIZE_LINE = re.compile(rb"^LUT_3D_SIZE[ \t]+(\d{1,3})[ \t\r]*$", re.MULTILINE)
_OTHER_DOMAIN = re.compile(rb"^(DOMAIN_M|LUT_3D_INPUT_RANGE|LUT_1D)", re.MULTILINE)
_FEWEST, _MOST, _USUAL = 17, 65, 65


def import_lut(path: Path) -> LutFile:
    """Return a tone stage for a LUT file, after a check that it can be used. Raises PresetError."""
    whole = expanded(path).absolute()
    if whole.suffix.lower() not in SUFFIXES:
        raise PresetError(f"{whole.name} must be a {', '.join(SUFFIXES[:-1])} or .ccc file")
    tone = LutFile(file=str(whole), sha256=hashlib.sha256(_read(whole)).hexdigest())
    lut_function(tone)
    return tone


@lru_cache(maxsize=4)
def lut_function(tone: LutFile) -> Callable[[Floats], Floats]:
    """Return the file's function of R'G'B' (count, 3), where 0 is legal black and 1 is white.

    Raises PresetError for a file that is missing, was changed, or cannot be used.
    """
    import PyOpenColorIO as ocio  # noqa: N813 - its usual short name

    path = Path(tone.file)
    content = _checked(tone)
    if path.suffix.lower() == ".cube":
        _refuse_other_than_cube(path.name, content)
    else:
        _refuse_dangerous_xml(path.name, content)
    ocio.SetLoggingLevel(ocio.LOGGING_LEVEL_NONE)
    with tool_folder() as folder:  # a copy: OpenColorIO must read what was checked
        copy = folder / f"{tone.sha256}{path.suffix.lower()}"
        copy.write_bytes(content)
        try:
            transform = ocio.FileTransform(str(copy), interpolation=ocio.INTERP_TETRAHEDRAL)
            processor = ocio.Config.CreateRaw().getProcessor(transform)
            lossless = processor.getOptimizedCPUProcessor(ocio.OPTIMIZATION_LOSSLESS)
        except (ocio.Exception, ValueError, RuntimeError) as error:
            raise _unreadable(path.name) from error

    def function(rgb: Floats) -> Floats:
        found = np.ascontiguousarray(rgb, np.float32).copy()
        lossless.applyRGB(found.reshape(-1, 3))
        return found.astype(np.float64)

    axis = np.linspace(0, 1, 9)
    lattice = np.stack(np.meshgrid(axis, axis, axis), axis=-1).reshape(-1, 3)
    values = function(lattice)
    if not np.isfinite(values).all() or np.abs(values).max() > _MAX_VALUE:
        raise PresetError(
            f"{path.name} maps the picture to values far beyond white: it is not a look for "
            "display R'G'B' from 0 to 1"
        )
    return function


def lut_points(tone: LutFile) -> int:
    """Return the number of points per side that ffmpeg's 3D LUT needs: those of a .cube file.

    With the same points, ffmpeg's LUT equals the file. Raises PresetError.
    """
    content = _checked(tone)
    if Path(tone.file).suffix.lower() != ".cube" or _OTHER_DOMAIN.search(content):
        size = None
    else:
        size = _SIZE_LINE.search(content)
    points = int(size[1]) if size else _USUAL
    return points if _FEWEST <= points <= _MOST else _USUAL


def _checked(tone: LutFile) -> bytes:
    path = Path(tone.file)
    content = _read(path)
    if hashlib.sha256(content).hexdigest() != tone.sha256:
        raise PresetError(f"{path.name} has changed since it was imported: import it again")
    return content


def _read(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise PresetError(f"the LUT file {path} is missing: put it back, or import it again")
        if path.stat().st_size > _MAX_SIZE:
            raise PresetError(f"{path.name} is larger than 64 MB: it is not a LUT file")
        return path.read_bytes()
    except OSError as error:
        raise PresetError(f"{path} cannot be read: {error.strerror}") from error


def _unreadable(name: str) -> PresetError:
    kind = Path(name).suffix.lower().lstrip(".")
    return PresetError(
        f"{name} cannot be read as a {kind} file: export it again, or in another format"
    )


def _refuse_other_than_cube(name: str, content: bytes) -> None:
    """Raise PresetError for a .cube file that holds another format, or too many or long lines.

    OpenColorIO tries all of its formats, XML among them, on a file that is not what its name says.
    """
    if (
        not _CUBE_HEADER.search(content)
        or _NO_CUBE_LINE.search(content.removeprefix(b"\xef\xbb\xbf"))  # of UTF-8
        or content.count(b"\n") > _MAX_LINES
    ):
        raise _unreadable(name)


def _refuse_dangerous_xml(name: str, content: bytes) -> None:
    """Raise PresetError for what is not XML, has a document type, or refers to another file."""
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException, ElementTree

    try:
        root = ElementTree.fromstring(content, forbid_dtd=True)
    except DefusedXmlException as error:
        raise PresetError(
            f"{name} declares a document type or entities, which a LUT file does not need: remove "
            "them"
        ) from error
    except (ParseError, ValueError, LookupError) as error:
        raise PresetError(f"{name} is not an XML file: export it again") from error
    tags = [str(element.tag).rpartition("}")[2].lower() for element in root.iter()]
    if "reference" in tags:
        raise PresetError(f"{name} refers to another file: export the whole look into one file")
    if len(tags) > _MAX_ELEMENTS:
        raise PresetError(f"{name} holds more than {_MAX_ELEMENTS} elements: it is not a LUT file")
