"""Write a tone stage as a 3D LUT (.cube file), for ffmpeg and for grading programs."""

import hashlib
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path, PurePath

import numpy as np
import platformdirs
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.linalg import lsqr

from workbench.errors import DestinationUnusable, ParameterError
from workbench.files import write_text
from workbench.look.curves import Floats, apply_tone, invert_tone
from workbench.look.lut_file import lut_function, lut_points
from workbench.look.stages import AnyTone, Eq, Log, LutFile
from workbench.media.colour import LUMA_WEIGHTS

POINTS = (33, 65)
"""Numbers of points per side that all grading programs read."""

_TITLE_LENGTH = 200  # ffmpeg reads lines of at most 512 bytes and parses the rest as values


def cube_text(function: Callable[[Floats], Floats], points: int, title: str) -> str:
    """Return the text of a .cube file (Adobe, Cube LUT Specification 1.0) for an R'G'B' function.

    `function` maps arrays (count, 3). It is sampled over 0 to 1 at `points` per side. Values are
    not clipped, because programs clip after interpolation: so a straight slope stays straight up
    to the clipping point. Characters that the specification forbids in a title are dropped; it
    allows printable ASCII without double quotes.

    Raises ParameterError unless `points` is 33 or 65.

    >>> cube_text(lambda rgb: 1 - rgb, 33, "Negative").splitlines()[4:6]
    ['1.000000 1.000000 1.000000', '0.968750 1.000000 1.000000']
    """
    if points not in POINTS:
        raise ParameterError(f"points is {points}: give 33 or 65 points per side of a LUT")
    return _sampled(function, points, title)


def _sampled(function: Callable[[Floats], Floats], points: int, title: str) -> str:
    """Return the text of a .cube file with any number of points."""
    allowed = "".join(one for one in title if " " <= one <= "~" and one != '"')[:_TITLE_LENGTH]
    head = f'TITLE "{allowed}"\nLUT_3D_SIZE {points}\nDOMAIN_MIN 0 0 0\nDOMAIN_MAX 1 1 1\n'
    rows = function(_lattice(points)).tolist()
    return head + "".join(map("%.6f %.6f %.6f\n".__mod__, map(tuple, rows)))


def forward_cube(tone: AnyTone, matrix: str, points: int) -> str:
    """Return `curves.apply_tone` as a .cube file. Raises ParameterError as `cube_text` does."""
    return cube_text(lambda rgb: apply_tone(rgb, tone, matrix), points, _title(tone))


def inverse_cube(tone: AnyTone, matrix: str, points: int) -> str:
    """Return `curves.invert_tone` as a .cube file.

    The inverse of a log curve is fitted instead of sampled. Near black it is so steep that all
    shadows lie between two points of the LUT, and samples would raise black by some 20 10-bit code
    values. The fit halves this error and that of saturated colours, but cannot remove it.

    Raises ParameterError as `cube_text` and `curves.invert_tone` do.
    """
    if isinstance(tone, Log):
        return cube_text(lambda rgb: _fitted(rgb, tone, matrix), points, f"{_title(tone)}, back")
    return cube_text(lambda rgb: invert_tone(rgb, tone, matrix), points, f"{_title(tone)}, back")


def describe_clipping(tone: AnyTone, matrix: str) -> str | None:
    """Return a sentence about the tones that a look clips, which no inverse can restore.

    A .cube file ends at 0 and 1, which are legal black and white. The sentence gives greys by
    their luma before the look, in 10-bit code values. Half a code value beyond the ends counts as
    rounding. Returns None when nothing is clipped.

    >>> from workbench.look.stages import Flat, NoTone
    >>> describe_clipping(NoTone(), "bt709")
    >>> describe_clipping(Flat(contrast=1.2, brightness=0), "bt709")
    'Greys of 64 to 140 and 870 to 940, and saturated colours are clipped and cannot be restored.'
    """
    if isinstance(tone, Eq) and not (tone.contrast and tone.saturation):
        return f"All {'colours' if tone.contrast else 'tones'} become one and cannot be restored."
    codes = np.arange(64, 941)
    greys = np.repeat((codes[:, None] - 64) / 876, 3, axis=1)
    clipped = _is_clipped(apply_tone(greys, tone, matrix))
    colours = _lattice(33)
    red, blue = LUMA_WEIGHTS[matrix]
    luma = colours @ np.array([red, 1 - red - blue, blue])
    grey_is_clipped = clipped[np.rint(luma * 876).astype(int)]  # the grey of the same luma
    saturated = _is_clipped(apply_tone(colours, tone, matrix)) & ~grey_is_clipped
    lost = [f"greys of {_spans(codes[clipped])}"] if clipped.any() else []
    lost += ["saturated colours"] if saturated.any() else []
    if not lost:
        return None
    return f"{', and '.join(lost).capitalize()} are clipped and cannot be restored."


def lut3d_filter(tone: AnyTone, matrix: str, *, inverse: bool = False) -> str:
    """Return the ffmpeg filter that applies a tone stage, or its inverse, to a gbrp16le picture.

    Its .cube file is in `lut_cache_folder`. The name is a hash of the content, so that a command
    shown earlier still runs later. Raises DestinationUnusable when it cannot be written.
    """
    text = _cached_cube_text(tone, matrix, inverse)
    path = lut_cache_folder() / f"{hashlib.sha256(text.encode()).hexdigest()[:20]}.cube"
    if not path.is_file() or path.read_text(encoding="utf-8") != text:  # truncated by a crash
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DestinationUnusable(
                f"the folder {path.parent} for LUTs cannot be created: "
                f"{str(error.strerror).lower()}"
            ) from error
        write_text(path, text, overwrite=True)  # another process may have written it meanwhile
    return f"lut3d=file={escape_filter_path(path)}:interp=tetrahedral"


def lut_cache_folder() -> Path:
    """Return the folder of the .cube files for ffmpeg. It is a cache: it can always be deleted."""
    return platformdirs.user_cache_path("workbench", appauthor=False) / "cubes"


def escape_filter_path(path: PurePath) -> str:
    """Escape a path as the value of an option in a filter graph.

    FFmpeg parses it twice. The graph parser (av_get_token) stops at "[],;" outside quotes. The
    parser of the filter's options then stops at an unescaped ":".

    >>> from pathlib import PurePosixPath
    >>> print(escape_filter_path(PurePosixPath("/a b/c:d, [e]")))
    '/a b/c\\:d, [e]'
    >>> print(escape_filter_path(PurePosixPath("/it's")))
    '/it\\'\\''s'
    """
    option = re.sub(r"([\\':])", r"\\\1", path.as_posix())
    return "'" + option.replace("'", r"'\''") + "'"


@lru_cache(maxsize=4)
def _cached_cube_text(tone: AnyTone, matrix: str, inverse: bool) -> str:
    # ffmpeg reads the file for each preview: 0.03 s for 33 points, 0.2 s for 65. With 33, a look is
    # within 2 10-bit code values, except Cineon with a roll-off in the dark parts of bright
    # saturated colours. The inverse of a log curve needs 65.
    if inverse:
        return inverse_cube(tone, matrix, 65 if isinstance(tone, Log) else 33)
    if isinstance(tone, LutFile):
        return _sampled(lut_function(tone), lut_points(tone), "imported")
    return forward_cube(tone, matrix, 33)


def _title(tone: AnyTone) -> str:
    return ", ".join(f"{name} {value}" for name, value in tone)


def _spans(codes: NDArray[np.int_]) -> str:
    runs = np.split(codes, np.flatnonzero(np.diff(codes) > 1) + 1)
    return " and ".join(f"{run[0]} to {run[-1]}" for run in runs)


def _is_clipped(rgb: Floats) -> NDArray[np.bool_]:
    half_a_code = 0.5 / 876
    clipped: NDArray[np.bool_] = np.max(np.abs(rgb - 0.5), axis=-1) > 0.5 + half_a_code
    return clipped


def _lattice(points: int) -> Floats:
    """Return the R'G'B' of all points (points³, 3) in the order of a .cube file: red is fastest."""
    axis = np.linspace(0, 1, points)
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")
    return np.stack([red, green, blue], axis=-1).reshape(-1, 3)


def _fitted(lattice: Floats, tone: Log, matrix: str) -> Floats:
    """Fit the values at these points so that they best restore the colours before a log curve.

    The fit is a least-squares fit over greys and colours that are denser in the shadows. It starts
    from samples, clipped a little outside 0 to 1, where no colour lies. Points that no colour uses
    keep these samples.
    """
    points = round(len(lattice) ** (1 / 3))
    greys = np.repeat(np.linspace(0, 1, 20_001)[:, None] ** 2, 3, axis=1)
    colours = np.concatenate([greys, _lattice(49) ** 1.5])
    weights = _interpolation(apply_tone(colours, tone, matrix).clip(0, 1), points)
    samples = invert_tone(lattice, tone, matrix).clip(-0.15, 1.15)
    missing = (colours - weights @ samples).T
    # Damping keeps neighbouring points similar where few colours lie between them.
    steps = [lsqr(weights, one, damp=1, iter_lim=60)[0] for one in missing]
    return samples + np.stack(steps, axis=1)


def sampling_error(tone: LutFile) -> tuple[float, float]:
    """Return how far ffmpeg's LUT is from an imported file, in 10-bit code values.

    The first is the largest error of a grey, the second the 99th percentile over random colours.
    Values beyond legal black and white are clipped first, as in the delivered picture. Raises
    PresetError.
    """
    function, points = lut_function(tone), lut_points(tone)
    greys = np.repeat(np.linspace(0, 1, 877)[:, None], 3, axis=1)
    colours = np.random.default_rng(1).random((20_000, 3))
    samples = function(_lattice(points))
    errors = [
        876 * np.abs((_interpolation(rgb, points) @ samples).clip(0, 1) - function(rgb).clip(0, 1))
        for rgb in (greys, colours)
    ]
    return float(errors[0].max()), float(np.quantile(errors[1].max(axis=1), 0.99))


def _interpolation(rgb: Floats, points: int) -> csr_array:
    """Return the weights (count, points³) of the points in tetrahedral interpolation.

    The four corners for a colour begin at the corner nearest black. The next ones follow along the
    largest fractional part, then the middle one, then the smallest (vf_lut3d.c,
    interp_tetrahedral).
    """
    scaled = rgb * (points - 1)
    corner = np.minimum(scaled.astype(int), points - 2)
    order = np.argsort(corner - scaled, axis=1)
    parts = np.take_along_axis(scaled - corner, order, axis=1)
    strides = np.array([1, points, points**2])
    steps = np.cumsum(strides[order], axis=1) + (corner @ strides)[:, None]
    columns = np.column_stack([corner @ strides, steps])
    weights = -np.diff(parts, axis=1, prepend=1, append=0)
    rows = np.repeat(np.arange(len(rgb)), 4)
    shape = (len(rgb), points**3)
    return csr_array((weights.ravel(), (rows, columns.ravel())), shape=shape)
