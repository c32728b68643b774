"""Measure the integrated loudness and true peak of a sound track (EBU R128, FFmpeg's ebur128).

The filter works in steps of 100 ms and ignores a shorter last step. For loudness that is correct:
R128 ignores an incomplete block. For the peak it is not. So silence is appended to the sound, which
makes the last samples count.
"""

import math
from dataclasses import dataclass
from pathlib import Path

from workbench import ffmpeg
from workbench.errors import ResultsMissing
from workbench.media.guards import file_input
from workbench.temporary import tool_folder


@dataclass(frozen=True)
class Loudness:
    """The loudness of one sound track."""

    integrated: float | None  # LUFS; None for silence, and for less than 0.4 s (BS.1770)
    true_peak: float | None  # dBTP, of the whole track; None for digital silence


def loudness(
    path: Path, track: int = 0, cancellation: ffmpeg.Cancellation | None = None
) -> Loudness:
    """Measure one sound track of a file; the first `track` is 0.

    Raises FfmpegFailed, Cancelled, ResultsMissing.
    """
    graph = (
        f"[0:a:{track}]asplit[whole][longer];"
        f"[whole]ebur128=metadata=1,{_printed('I')}[loudness];"
        f"[longer]apad=pad_dur={_PADDING},ebur128=peak=true:metadata=1,{_printed('true_peak')}[peak]"
    )
    outputs = ["-map", "[loudness]", "-f", "null", "-", "-map", "[peak]", "-f", "null", "-"]
    with tool_folder() as folder:
        ffmpeg.run(
            [*file_input(path), "-filter_complex", graph, *outputs],
            file=path,
            cancellation=cancellation,
            folder=folder,
        )
        integrated, peak = (_last(folder / _log(key)) for key in ("I", "true_peak"))
    if peak is None:
        raise ResultsMissing(
            f"ffmpeg's ebur128 filter gave no true peak for sound track {track + 1} of "
            f"{path.name}: check that the track plays, then try again"
        )
    return Loudness(
        integrated=None if integrated is None or integrated <= _SILENCE else integrated,
        true_peak=20 * math.log10(peak) if peak else None,
    )


_PADDING = 0.2  # seconds: one step to complete the last, and one for the interpolation's delay
_SILENCE = -70.0  # LUFS: the absolute gate of R128


def _printed(key: str) -> str:
    return f"ametadata=mode=print:key=lavfi.r128.{key}:file={_log(key)}"


def _log(key: str) -> str:
    return f"{key}.txt"


def _last(log: Path) -> float | None:
    """Return the last value in ametadata's log; both values cover the sound from its start."""
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    return float(lines[-1].partition("=")[2]) if lines else None
