"""Banding: CAMBI (Contrast-Aware Multiscale Banding Index), as libvmaf computes it in ffmpeg.

0 is none; from about 5 on viewers begin to be annoyed; 24 is the most that was seen (Tandon et al.,
"CAMBI: Contrast-aware Multiscale Banding Index", PCS 2021). It looks at luma, frame by frame.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench import ffmpeg
from workbench.errors import UnsupportedClip
from workbench.frames import Frame
from workbench.owned import temporary_folder

_SMALLEST = 216  # pixels in one direction at least
_WINDOW = 65  # pixels at 3840 x 2160: libvmaf's default
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

    Raises UnsupportedClip when they are too small, FfmpegMissing without libvmaf.
    """
    _require(frames[0])
    feature = rf"name=cambi\:max_log_contrast={max_log_contrast}"
    with temporary_folder() as folder:
        _run(frames, feature, folder, cancellation)
        return _scores(folder)


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
    with temporary_folder() as folder:
        (folder / _MAPS).mkdir()
        _run([frame], rf"name=cambi\:heatmaps_path={_MAPS}", folder)
        merged = np.zeros((frame.height, frame.width), np.uint16)
        for path in (folder / _MAPS).iterdir():
            columns, rows = map(int, path.stem.split("_")[4].split("x"))
            scale = np.fromfile(path, "<u2").reshape(rows, columns)
            y = np.minimum(np.arange(frame.height) * rows // frame.height, rows - 1)
            x = np.minimum(np.arange(frame.width) * columns // frame.width, columns - 1)
            np.maximum(merged, scale[np.ix_(y, x)], out=merged)
        return CambiMap(
            score=_scores(folder)[0],
            c_values=merged.astype(np.float32) / np.float32(65535),
        )


def _run(
    frames: Sequence[Frame],
    feature: str,
    folder: Path,
    cancellation: ffmpeg.Cancellation | None = None,
) -> None:
    """Run one of libvmaf's features over the frames' luma, which is all that CAMBI looks at.

    It goes in as 4:2:0 with neutral chroma: ffmpeg would stretch a grey picture, which it takes for
    full range, and any other format is more to carry. CAMBI needs no reference, but the filter has
    two inputs; without model='' it would run the whole VMAF model too.
    """
    first = frames[0]
    deep = f"{first.bit_depth}le" if first.bit_depth > 8 else ""
    source = ffmpeg.raw_input(f"yuv420p{deep}", first.width, first.height)
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


def _scores(folder: Path) -> list[float]:
    """Read the scores; libvmaf names them by what is not at its default."""
    frames = json.loads((folder / _LOG).read_text(encoding="utf-8"))["frames"]
    return [next(iter(frame["metrics"].values())) for frame in frames]


def measurable(width: int, height: int) -> bool:
    """Whether CAMBI can look at a picture of this size.

    libvmaf refuses what has no side of 216 pixels. And it crashes where its window, which grows
    with the picture, does not fit into the height of the smallest of its five scales (cambi.c).
    """
    window = (_WINDOW * (width + height) // 375) >> 4
    return max(width, height) >= _SMALLEST and height >> 4 >= window // 2


def _require(frame: Frame) -> None:
    ffmpeg.require(filters=["libvmaf"])
    if not measurable(frame.width, frame.height):
        raise UnsupportedClip(
            f"a picture of {frame.width}x{frame.height} is too small or too flat to measure "
            f"banding in: CAMBI needs {_SMALLEST} pixels in one direction, and some height"
        )
