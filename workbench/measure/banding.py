"""Banding: CAMBI (Contrast-Aware Multiscale Banding Index), as libvmaf computes it in ffmpeg.

0 is none; from about 5 on viewers begin to be annoyed; 24 is the most that was seen (Tandon et al.,
"CAMBI: Contrast-aware Multiscale Banding Index", PCS 2021). It looks at luma, frame by frame.

libvmaf refuses pictures above UHD (more than 6092 pixels of width and height together): the window
is too large for one of its tables. There CAMBI is measured at half the size, by libvmaf's own
option cambi_high_res_speedup=2160. libvmaf finds smooth areas at full size, and then looks for
bands in every second row and column, in a window half as large. On real pictures of 3840x2160 the
score is within 4 % of the usual one. A window that is still too large is made smaller.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench import ffmpeg
from workbench.errors import ResultsMissing, UnsupportedClip
from workbench.media.frames import Frame
from workbench.temporary import tool_folder

_SMALLEST = 216  # pixels in one direction at least
_WINDOW = 65  # pixels at 3840 x 2160: libvmaf's default, and the most that fits into its table
_LARGE = 3840 * 2160  # pixels: libvmaf halves no smaller picture
FINE, COARSE = 2, 5
"""Settings of max_log_contrast: libvmaf's default, and one that sees steps too large for it."""
_LOG = "cambi.json"
_MAPS = "maps"


def cambi(
    frames: Sequence[Frame],
    max_log_contrast: int = FINE,
    cancellation: ffmpeg.Cancellation | None = None,
) -> list[float]:
    """Score frames of one size and depth, in one run of ffmpeg.

    Above UHD they are measured at half their size; see `halved`. Raises UnsupportedClip when they
    are too small, FfmpegMissing without libvmaf, ResultsMissing, FfmpegFailed, Cancelled.
    """
    _require(frames[0])
    options = [f"max_log_contrast={max_log_contrast}", *_size_options(frames[0])]
    with tool_folder() as folder:
        _run(frames, options, folder, cancellation)
        return _scores(folder, len(frames))


@dataclass(frozen=True, eq=False)
class CambiMap:
    """Where the bands of a frame are."""

    score: float  # CAMBI of the frame
    c_values: NDArray[np.float32]  # (height, width), 0 to 1: the largest c-value of all five scales

    def worst_window(self, width: int = 480, height: int = 360) -> tuple[int, int, int, int]:
        """Return the (x, y, width, height) of the part that holds the most banding.

        It is smaller than asked for where the picture is.
        """
        total = np.pad(self.c_values.cumsum(0, np.float64).cumsum(1), ((1, 0), (1, 0)))
        rows, columns = self.c_values.shape
        width, height = min(width, columns), min(height, rows)
        sums = (
            total[height:, width:]
            - total[:-height, width:]
            - total[height:, :-width]
            + total[:-height, :-width]
        )
        y, x = np.unravel_index(np.argmax(sums), sums.shape)
        return int(x), int(y), width, height


def cambi_map(frame: Frame) -> CambiMap:
    """Return where the bands of a frame are: libvmaf's heat maps of five scales, merged.

    Each scale is half as wide and high as the one before; it is brought to full size by repeating
    values, and the largest of the five stands at each pixel. 1 is libvmaf's theoretical maximum
    (65535 in its files), so real bands lie far below it: stretch for display. Raises as `cambi`.
    """
    _require(frame)
    with tool_folder() as folder:
        (folder / _MAPS).mkdir()
        _run([frame], [f"heatmaps_path={_MAPS}", *_size_options(frame)], folder)
        score = _scores(folder, 1)[0]
        merged = np.zeros((frame.height, frame.width), np.uint16)
        for path in (folder / _MAPS).iterdir():
            columns, rows = map(int, path.stem.split("_")[4].split("x"))
            if is_halved(frame.width, frame.height):  # libvmaf names the file by the full size
                columns, rows = -(-columns // 2), -(-rows // 2)
            scale = np.fromfile(path, "<u2").reshape(rows, columns)
            y = np.minimum(np.arange(frame.height) * rows // frame.height, rows - 1)
            x = np.minimum(np.arange(frame.width) * columns // frame.width, columns - 1)
            np.maximum(merged, scale[np.ix_(y, x)], out=merged)
        return CambiMap(
            score=score,
            c_values=merged.astype(np.float32) / np.float32(65535),
        )


def _run(
    frames: Sequence[Frame],
    options: Sequence[str],
    folder: Path,
    cancellation: ffmpeg.Cancellation | None = None,
) -> None:
    """Run CAMBI over the frames' luma, which is all that it looks at.

    It goes in as 4:2:0 with neutral chroma: ffmpeg would stretch a grey picture, which it takes for
    full range, and any other format is more to carry. CAMBI needs no reference, but the filter has
    two inputs; without model='' it would run the whole VMAF model too.
    """
    first = frames[0]
    deep = f"{first.bit_depth}le" if first.bit_depth > 8 else ""
    source = ffmpeg.raw_input(f"yuv420p{deep}", first.width, first.height)
    feature = r"\:".join(["name=cambi", *options])
    samples = -(-first.width // 2) * -(-first.height // 2) * 2
    chroma = np.full(samples, 1 << first.bit_depth - 1, first.luma.dtype).tobytes()
    graph = (
        "[0:v]split[a][b];[a][b]"
        f"libvmaf=model='':feature='{feature}':n_threads=2:log_fmt=json:log_path={_LOG}"
    )
    ffmpeg.run(
        [*source, "-lavfi", graph, "-f", "null", "-"],
        stdin=(frame.luma.tobytes() + chroma for frame in frames),
        cancellation=cancellation,
        folder=folder,
    )


def _scores(folder: Path, count: int) -> list[float]:
    """Read the scores; libvmaf names them by what is not at its default.

    Raises ResultsMissing when there are fewer than `count`: ffmpeg may end without an error though
    libvmaf refused the picture.
    """
    log = folder / _LOG
    frames = json.loads(log.read_text(encoding="utf-8"))["frames"] if log.exists() else []
    scores = [value for frame in frames for value in list(frame["metrics"].values())[:1]]
    if len(scores) != count:
        raise ResultsMissing(
            f"libvmaf measured banding (CAMBI) in {len(scores)} of {count} frames: "
            f"install the ffmpeg program that this version was tested with ({ffmpeg.HOW_TO_GET_IT})"
        )
    return scores


def is_halved(width: int, height: int) -> bool:
    """Return whether CAMBI measures a picture of this size at half its size.

    >>> is_halved(3840, 2160), is_halved(4096, 2160), is_halved(7680, 4320)
    (False, True, True)
    """
    return _window(width, height) > _WINDOW and width * height >= _LARGE


def _window(width: int, height: int, window: int = _WINDOW) -> int:
    """Return the side of the window in pixels, as libvmaf fits it to a picture (cambi.c)."""
    return (window * (width + height) // 375) >> 4


def _fitted(width: int, height: int) -> int:
    """Return the largest setting of the window that libvmaf takes for a picture of this size."""
    most = 2 * _WINDOW if is_halved(width, height) else _WINDOW
    return next(one for one in range(_WINDOW, 0, -1) if _window(width, height, one) <= most)


def _size_options(frame: Frame) -> list[str]:
    """Return the options without which libvmaf refuses a picture as large."""
    fitted = _fitted(frame.width, frame.height)
    return [
        *(["cambi_high_res_speedup=2160"] if is_halved(frame.width, frame.height) else []),
        *([f"window_size={fitted}"] if fitted < _WINDOW else []),
    ]


def is_measurable(width: int, height: int) -> bool:
    """Return whether CAMBI can look at a picture of this size.

    libvmaf refuses what has no side of 216 pixels. And it crashes where its window, which grows
    with the picture, does not fit into the height of the smallest of its five scales (cambi.c).
    """
    half = int(is_halved(width, height))
    window = _window(width, height, _fitted(width, height)) >> half
    return max(width, height) >= _SMALLEST and height >> 4 + half >= window // 2


def _require(frame: Frame) -> None:
    ffmpeg.require(filters=["libvmaf"])
    if not is_measurable(frame.width, frame.height):
        raise UnsupportedClip(
            f"a picture of {frame.width}x{frame.height} is too small or too flat to measure "
            f"banding in: CAMBI needs {_SMALLEST} pixels in one direction, and some height"
        )
