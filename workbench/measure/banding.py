"""Measure banding with CAMBI (Contrast-Aware Multiscale Banding Index), using libvmaf in ffmpeg.

0 means no banding. From about 5 on, it annoys viewers. 24 is the highest score in the paper:
Tandon et al., "CAMBI: Contrast-aware Multiscale Banding Index", PCS 2021. CAMBI measures luma
only, frame by frame.

libvmaf refuses pictures above UHD (more than 6092 pixels of width plus height), because its window
is too large for one of its tables. There, CAMBI is measured at half size, with libvmaf's own option
cambi_high_res_speedup=2160. libvmaf then finds smooth areas at full size, and looks for bands in
every second row and column, in a window half as large. On real 3840x2160 pictures this score is
within 4 % of the usual one. A window that is still too large is reduced.

A picture with the transfer PQ is scored with libvmaf's option eotf=pq, all others as BT.1886.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench import ffmpeg
from workbench.errors import ResultsMissing, UnsupportedClip
from workbench.media.frames import Frame
from workbench.temporary import tool_folder

_MIN_SIDE = 216  # pixels, of the longer side
_WINDOW = 65  # pixels at 3840x2160: libvmaf's default, and the largest that fits into its table
_LARGE = 3840 * 2160  # pixels: libvmaf does not halve smaller pictures
FINE, COARSE = 2, 5
"""Values of max_log_contrast: libvmaf's default, and one that also detects larger steps."""
_LOG = "cambi.json"
_MAPS = "maps"


def cambi(
    frames: Sequence[Frame],
    max_log_contrast: int = FINE,
    cancellation: ffmpeg.Cancellation | None = None,
    chain: str | None = None,
) -> list[float]:
    """Score frames of one size and pixel format, in one run of ffmpeg.

    With a `chain` of filters, the frames are scored after these. Pictures above UHD are measured at
    half size; see `is_halved`. Raises UnsupportedClip when they are too small, FfmpegMissing
    without libvmaf, ResultsMissing, FfmpegFailed, Cancelled.
    """
    _require(frames[0])
    with tool_folder() as folder:
        threads = 2 if len(frames) > 1 else 1
        options = [_contrast(max_log_contrast)]
        _run(frames, options, folder, cancellation, threads=threads, chain=chain)
        return [fine for (fine,) in _scores(folder, len(frames), 1)]


def cambi_fine_and_coarse(
    frames: Sequence[Frame], cancellation: ffmpeg.Cancellation | None = None
) -> list[tuple[float, float]]:
    """Score frames as `cambi` does, at FINE and at COARSE.

    One run for both takes a fifth less CPU time than two runs. Raises the same as `cambi`.
    """
    _require(frames[0])
    with tool_folder() as folder:
        _run(frames, [_contrast(FINE), _contrast(COARSE)], folder, cancellation)
        return [(fine, coarse) for fine, coarse in _scores(folder, len(frames), 2)]


def _contrast(max_log_contrast: int) -> str:
    return f"max_log_contrast={max_log_contrast}"


@dataclass(frozen=True, eq=False)
class CambiMap:
    """The positions of the bands of a frame."""

    score: float  # CAMBI of the frame
    c_values: NDArray[np.float32]  # (height, width), 0 to 1: the largest c-value of all five scales

    def worst_window(self, width: int = 480, height: int = 360) -> tuple[int, int, int, int]:
        """Return the (x, y, width, height) in pixels of the window with the most banding.

        The window is at most as large as the picture.
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
    """Return a heat map of the bands of a frame: libvmaf's maps of five scales, merged.

    Each scale has half the width and height of the one before. Values are repeated up to full
    size, and each pixel gets the largest of the five. 1 is libvmaf's theoretical maximum (65535 in
    its files), and real bands are far below it: stretch the map for display.
    Raises the same as `cambi`.
    """
    _require(frame)
    with tool_folder() as folder:
        (folder / _MAPS).mkdir()
        _run([frame], [f"heatmaps_path={_MAPS}"], folder)
        score = _scores(folder, 1, 1)[0][0]
        merged = np.zeros((frame.height, frame.width), np.uint16)
        for path in (folder / _MAPS).iterdir():
            columns, rows = map(int, path.stem.split("_")[4].split("x"))
            if is_halved(frame.width, frame.height):  # the file's name states the full size
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
    *,
    threads: int = 1,
    chain: str | None = None,
) -> None:
    """Run CAMBI on the luma of the frames, once with each of these options.

    Without a `chain`, the input is 4:2:0 with neutral chroma. ffmpeg would take a grey picture for
    full range and stretch it, and other formats hold more data. CAMBI needs no reference, but the
    filter has two inputs. Without model='' it would also run the whole VMAF model. Each of
    the `threads` measures another frame. Two take more CPU time than one. Without any, libvmaf's
    refusal of a picture would be ffmpeg's error and not a missing score.
    """
    first = frames[0]
    common = [*_size_options(first), *_light_options(first)]
    features = "|".join(r"\:".join(["name=cambi", option, *common]) for option in options)
    graph = (
        f"[0:v]{f'{chain},' if chain else ''}split[a][b];[a][b]"
        f"libvmaf=model='':feature='{features}':n_threads={threads}:"
        f"log_fmt=json:log_path={_LOG}"
    )
    ffmpeg.run(
        [*_raw_input(first, whole=chain is not None), "-lavfi", graph, "-f", "null", "-"],
        stdin=(frame.tobytes() for frame in frames) if chain else _with_neutral_chroma(frames),
        cancellation=cancellation,
        folder=folder,
    )


def _raw_input(frame: Frame, *, whole: bool) -> list[str]:
    deep = f"{frame.bit_depth}le" if frame.bit_depth > 8 else ""
    pixel_format = frame.pixel_format if whole else f"yuv420p{deep}"
    return ffmpeg.raw_input(pixel_format, frame.width, frame.height)


def _with_neutral_chroma(frames: Sequence[Frame]) -> Iterator[bytes]:
    """Yield the luma of each frame, and 4:2:0 chroma without colour."""
    first = frames[0]
    samples = -(-first.width // 2) * -(-first.height // 2) * 2
    chroma = np.full(samples, 1 << first.bit_depth - 1, first.luma.dtype).tobytes()
    for frame in frames:
        yield frame.luma.tobytes()
        yield chroma


def _scores(folder: Path, count: int, each: int) -> list[list[float]]:
    """Read the `each` scores of every frame from libvmaf's log, the one at FINE first.

    The keys in the log depend on the options. Raises ResultsMissing when there are fewer than
    `count` frames: ffmpeg may exit without an error even if libvmaf refused the picture.
    """
    log = folder / _LOG
    frames = json.loads(log.read_text(encoding="utf-8"))["frames"] if log.exists() else []
    metrics = [sorted(frame["metrics"].items(), key=_is_coarse) for frame in frames]
    scores = [[value for _, value in one] for one in metrics if len(one) == each]
    if len(scores) != count:
        raise ResultsMissing(
            f"libvmaf measured banding (CAMBI) in {len(scores)} of {count} frames: "
            f"install the ffmpeg program that this version was tested with ({ffmpeg.HOW_TO_GET_IT})"
        )
    return scores


def _is_coarse(metric: tuple[str, float]) -> bool:
    return "_mlc_" in metric[0]  # as in cambi_mlc_5; libvmaf adds no text for its default


def is_halved(width: int, height: int) -> bool:
    """Return whether CAMBI measures a picture of this size at half size.

    >>> is_halved(3840, 2160), is_halved(4096, 2160), is_halved(7680, 4320)
    (False, True, True)
    """
    return _window(width, height) > _WINDOW and width * height >= _LARGE


def _window(width: int, height: int, window: int = _WINDOW) -> int:
    """Return the side in pixels of the window that libvmaf uses for a picture (cambi.c)."""
    return (window * (width + height) // 375) >> 4


def _largest_window_size(width: int, height: int) -> int:
    """Return the largest window_size option that libvmaf accepts for a picture of this size."""
    most = 2 * _WINDOW if is_halved(width, height) else _WINDOW
    return next(one for one in range(_WINDOW, 0, -1) if _window(width, height, one) <= most)


def _size_options(frame: Frame) -> list[str]:
    """Return the options that libvmaf needs to accept a picture of this size."""
    window_size = _largest_window_size(frame.width, frame.height)
    return [
        *(["cambi_high_res_speedup=2160"] if is_halved(frame.width, frame.height) else []),
        *([f"window_size={window_size}"] if window_size < _WINDOW else []),
    ]


def _light_options(frame: Frame) -> list[str]:
    """Return the option that names the display's curve, which decides what steps are visible.

    libvmaf knows BT.1886, its default, and PQ. HLG is nearer to BT.1886 in the dark half.
    """
    return ["eotf=pq"] if frame.colour.transfer == "smpte2084" else []


def is_measurable(width: int, height: int) -> bool:
    """Return whether CAMBI can measure a picture of this size.

    libvmaf refuses pictures whose longer side is below 216 pixels. It crashes where its window,
    which grows with the picture, exceeds the height of the smallest of its five scales (cambi.c).
    """
    half = int(is_halved(width, height))
    window = _window(width, height, _largest_window_size(width, height)) >> half
    return max(width, height) >= _MIN_SIDE and height >> 4 + half >= window // 2


def _require(frame: Frame) -> None:
    ffmpeg.require(filters=["libvmaf"])
    if not is_measurable(frame.width, frame.height):
        raise UnsupportedClip(
            f"a {frame.width}x{frame.height} picture is too small to measure banding: CAMBI needs "
            f"{_MIN_SIDE} pixels on the longer side, and enough height for its window"
        )
