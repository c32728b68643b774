"""Cube: a tone stage as a 3D LUT, for ffmpeg here and for a grading program elsewhere."""

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
from workbench.look.stages import AnyTone, Eq, Log
from workbench.media.colour import LUMA_WEIGHTS

POINTS = (33, 65)
"""Points to a side that every program reads."""

_TITLE_LENGTH = 200  # ffmpeg reads lines of at most 512 bytes and takes the rest for values


def cube_text(function: Callable[[Floats], Floats], points: int, title: str) -> str:
    """Write a function of R'G'B' (count, 3) as a .cube file (Adobe, Cube LUT Specification 1.0).

    It is sampled over 0..1 at `points` to a side. Values are not clipped: programs clip what they
    interpolate, and so a straight slope stays straight up to where it is cut. Of the title, only
    what the specification allows stays: printable ASCII without double quotes.

    Raises ParameterError unless there are 33 or 65 points.

    >>> cube_text(lambda rgb: 1 - rgb, 33, "Negative").splitlines()[4:6]
    ['1.000000 1.000000 1.000000', '0.968750 1.000000 1.000000']
    """
    if points not in POINTS:
        raise ParameterError(f"a cube has 33 or 65 points to a side, not {points}")
    allowed = "".join(one for one in title if " " <= one <= "~" and one != '"')[:_TITLE_LENGTH]
    head = f'TITLE "{allowed}"\nLUT_3D_SIZE {points}\nDOMAIN_MIN 0 0 0\nDOMAIN_MAX 1 1 1\n'
    rows = function(_lattice(points)).tolist()
    return head + "".join(map("%.6f %.6f %.6f\n".__mod__, map(tuple, rows)))


def forward_cube(tone: AnyTone, matrix: str, points: int) -> str:
    """Write what `curves.toned` does as a .cube. Raises ParameterError as `cube_text` does."""
    return cube_text(lambda rgb: apply_tone(rgb, tone, matrix), points, _title(tone))


def inverse_cube(tone: AnyTone, matrix: str, points: int) -> str:
    """Write what `curves.untoned` does as a .cube. Raises ParameterError as both do.

    That of a log curve is fitted, not sampled. Near black it is so steep that all shadows lie
    between two points of a cube, whose samples would put black itself some 20 codes of 10 bits
    too high. Fitting halves that, and what saturated colours are off; it cannot do away with it.
    """
    if isinstance(tone, Log):
        return cube_text(lambda rgb: _fitted(rgb, tone, matrix), points, f"{_title(tone)}, back")
    return cube_text(lambda rgb: invert_tone(rgb, tone, matrix), points, f"{_title(tone)}, back")


def describe_clipping(tone: AnyTone, matrix: str) -> str | None:
    """Say in one sentence what a look clips, so that no inverse brings it back; None if nothing.

    A cube ends at 0 and 1, that is at legal black and white. Greys are given by their luma before
    the look, in 10-bit code values; half a code beyond the ends is taken for rounding.

    >>> from workbench.look.stages import Flat, NoTone
    >>> describe_clipping(NoTone(), "bt709")
    >>> describe_clipping(Flat(contrast=1.2, brightness=0), "bt709")
    'Greys of 64 to 140 and 870 to 940, and saturated colours are clipped and cannot come back.'
    """
    if isinstance(tone, Eq) and not (tone.contrast and tone.saturation):
        return f"Every {'colour' if tone.contrast else 'tone'} becomes one and cannot come back."
    codes = np.arange(64, 941)
    greys = np.repeat((codes[:, None] - 64) / 876, 3, axis=1)
    clipped = _is_clipped(apply_tone(greys, tone, matrix))
    colours = _lattice(33)
    red, blue = LUMA_WEIGHTS[matrix]
    luma = colours @ np.array([red, 1 - red - blue, blue])
    as_bright = clipped[np.rint(luma * 876).astype(int)]  # what becomes of a grey of that luma
    saturated = _is_clipped(apply_tone(colours, tone, matrix)) & ~as_bright
    lost = [f"greys of {_spans(codes[clipped])}"] if clipped.any() else []
    lost += ["saturated colours"] if saturated.any() else []
    if not lost:
        return None
    return f"{', and '.join(lost).capitalize()} are clipped and cannot come back."


def lut3d_filter(tone: AnyTone, matrix: str, *, back: bool = False) -> str:
    """Return the ffmpeg filter that applies a tone stage to a gbrp16le picture, or takes it back.

    Its cube is in `cache_folder`, under a name made of its content, so that a command that was
    shown once still runs later. Raises DestinationUnusable where it cannot be written.
    """
    text = _text(tone, matrix, back)
    path = lut_cache_folder() / f"{hashlib.sha256(text.encode()).hexdigest()[:20]}.cube"
    if not path.is_file() or path.read_text(encoding="utf-8") != text:  # a crash may have cut it
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DestinationUnusable(
                f"the folder {path.parent} for LUTs cannot be made: {str(error.strerror).lower()}"
            ) from error
        write_text(path, text, overwrite=True)  # another process may have been first
    return f"lut3d=file={escape_filter_path(path)}:interp=tetrahedral"


def lut_cache_folder() -> Path:
    """Return where the user's cubes for ffmpeg are kept; all can be deleted at any time."""
    return platformdirs.user_cache_path("workbench", appauthor=False) / "cubes"


def escape_filter_path(path: PurePath) -> str:
    """Write a path as the value of an option in a filter graph, whatever characters are in it.

    FFmpeg reads it twice: first the graph (av_get_token up to one of "[],;"), from which quotes
    keep everything but themselves; then the filter's options (up to ":").

    >>> from pathlib import PurePosixPath
    >>> print(escape_filter_path(PurePosixPath("/a b/c:d, [e]")))
    '/a b/c\\:d, [e]'
    >>> print(escape_filter_path(PurePosixPath("/it's")))
    '/it\\'\\''s'
    """
    option = re.sub(r"([\\':])", r"\\\1", path.as_posix())
    return "'" + option.replace("'", r"'\''") + "'"


@lru_cache(maxsize=4)
def _text(tone: AnyTone, matrix: str, back: bool) -> str:
    # ffmpeg reads a cube anew for each preview: one of 33 points in 0.03 s, of 65 in 0.2 s. With
    # 33, a look is within 2 codes of 10 bits (Cineon with a roll-off is not, in the dark parts of
    # bright saturated colours). The way back from a log curve needs all 65.
    if back:
        return inverse_cube(tone, matrix, 65 if isinstance(tone, Log) else 33)
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
    """Return the R'G'B' of a cube's points (points³, 3) in a .cube's order: red runs fastest."""
    axis = np.linspace(0, 1, points)
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")
    return np.stack([red, green, blue], axis=-1).reshape(-1, 3)


def _fitted(lattice: Floats, tone: Log, matrix: str) -> Floats:
    """Return the values for these points with which a log curve's colours come back best.

    That is in the least squares, over greys and colours that are the denser the darker. It begins
    with samples, cut a little outside 0..1, beyond which they come from no colour; points that no
    colour comes near stay so.
    """
    points = round(len(lattice) ** (1 / 3))
    greys = np.repeat(np.linspace(0, 1, 20_001)[:, None] ** 2, 3, axis=1)
    colours = np.concatenate([greys, _lattice(49) ** 1.5])
    weights = _interpolation(apply_tone(colours, tone, matrix).clip(0, 1), points)
    samples = invert_tone(lattice, tone, matrix).clip(-0.15, 1.15)
    missing = (colours - weights @ samples).T
    # Damped, lest neighbours that few colours lie between come to differ wildly.
    steps = [lsqr(weights, one, damp=1, iter_lim=60)[0] for one in missing]
    return samples + np.stack(steps, axis=1)


def _interpolation(rgb: Floats, points: int) -> csr_array:
    """Return the weights (count, points³) of a cube's points in tetrahedral interpolation.

    From the corner nearest black, a colour goes along its largest part first, then along the
    middle one, then along the smallest: those are its four corners (vf_lut3d.c,
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
