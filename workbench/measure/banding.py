"""Banding: CAMBI (Contrast-Aware Multiscale Banding Index), as libvmaf computes it in ffmpeg.

0 is none; from about 5 on viewers begin to be annoyed; 24 is the most that was seen (Tandon et al.,
"CAMBI: Contrast-aware Multiscale Banding Index", PCS 2021). It looks at luma, frame by frame.
"""

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench import ffmpeg
from workbench.clip import Clip, sample_indices
from workbench.errors import UnsupportedClip
from workbench.frames import Frame

_SMALLEST = 216  # pixels, in libvmaf
_LOG = "cambi.json"
_MAPS = "maps"


def cambi(frame: Frame) -> float:
    """Return the CAMBI score of one frame.

    Raises UnsupportedClip when it is too small, FfmpegMissing without libvmaf.
    """
    _require(frame.width, frame.height)
    with tempfile.TemporaryDirectory() as folder:
        _run_on(frame, _scored("0:v", _LOG), Path(folder))
        return _scores(Path(folder) / _LOG)[0]


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
    _require(frame.width, frame.height)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / _MAPS).mkdir()
        graph = _scored("0:v", _LOG, rf"\:heatmaps_path={_MAPS}")
        _run_on(frame, graph, folder)
        merged = np.zeros((frame.height, frame.width), np.uint16)
        for path in (folder / _MAPS).iterdir():
            columns, rows = map(int, path.stem.split("_")[4].split("x"))
            scale = np.fromfile(path, "<u2").reshape(rows, columns)
            y = np.minimum(np.arange(frame.height) * rows // frame.height, rows - 1)
            x = np.minimum(np.arange(frame.width) * columns // frame.width, columns - 1)
            np.maximum(merged, scale[np.ix_(y, x)], out=merged)
        return CambiMap(
            score=_scores(folder / _LOG)[0], c_values=merged.astype(np.float32) / np.float32(65535)
        )


@dataclass(frozen=True)
class BandingTimeline:
    """CAMBI of the same frames before and after a filter chain."""

    indices: tuple[int, ...]  # which frames were scored
    times: tuple[Fraction, ...]  # seconds after the clip's first frame
    before: tuple[float, ...]  # of the source's own code values
    after: tuple[float, ...]  # at the chain's output, before any encoder

    @property
    def worst(self) -> int:
        """The index of the frame that is banded most in the source."""
        return self.indices[int(np.argmax(self.before))]


def banding_timeline(
    clip: Clip,
    chain: str,
    samples: int = 12,
    on_progress: Callable[[ffmpeg.Progress], None] | None = None,
) -> BandingTimeline:
    """Score up to `samples` frames, spread evenly over the clip, before and after `chain`.

    Both are scored in one run of ffmpeg, which decodes the clip once. `chain` must end in the
    delivered pixel format. Raises as `cambi`, and FfmpegFailed.
    """
    _require(clip.width, clip.height)
    indices = sample_indices(clip.frame_count, samples)
    with tempfile.TemporaryDirectory() as folder:
        ffmpeg.run(
            timeline_arguments(clip, chain, indices),
            file=clip.path,
            on_progress=on_progress,
            folder=Path(folder),
        )
        before, after = (_scores(Path(folder) / name) for name in ("before.json", "after.json"))
    times = clip.times
    return BandingTimeline(
        indices=tuple(indices),
        times=tuple(times[index] for index in indices),
        before=tuple(before),
        after=tuple(after),
    )


def timeline_arguments(clip: Clip, chain: str, indices: Sequence[int]) -> list[str]:
    """Return the arguments of the run that scores these frames before and after the chain."""
    chosen = "+".join(f"eq(n,{index})" for index in indices)
    graph = (
        f"[0:{clip.stream}]select='{chosen}',format={clip.pixel_format},split[source][look];"
        f"{_scored('source', 'before.json')};"
        f"[look]{chain}[looked];{_scored('looked', 'after.json')}"
    )
    url = ffmpeg.file_url(clip.path)
    return ["-i", url, "-lavfi", graph, "-fps_mode", "passthrough", "-f", "null", "-"]


def _run_on(frame: Frame, graph: str, folder: Path) -> None:
    source = ffmpeg.raw_input(frame.pixel_format, frame.width, frame.height)
    arguments = [*source, "-lavfi", graph, "-f", "null", "-"]
    ffmpeg.run(arguments, stdin=[frame.tobytes()], folder=folder)


def _require(width: int, height: int) -> None:
    ffmpeg.require(filters=["libvmaf"])
    if max(width, height) < _SMALLEST:
        raise UnsupportedClip(
            f"a picture of {width}x{height} is too small to measure banding in: CAMBI needs "
            f"{_SMALLEST} pixels in one direction"
        )


def _scored(label: str, log: str, options: str = "") -> str:
    """Return the part of a filter graph that scores what is at `label`. CAMBI needs no reference,
    but libvmaf has two inputs; without model='' it would run the whole VMAF model too."""
    return (
        f"[{label}]split[{log}.a][{log}.b];[{log}.a][{log}.b]"
        f"libvmaf=model='':feature='name=cambi{options}':log_fmt=json:log_path={log}"
    )


def _scores(log: Path) -> list[float]:
    frames = json.loads(log.read_text(encoding="utf-8"))["frames"]
    return [frame["metrics"]["cambi"] for frame in frames]
