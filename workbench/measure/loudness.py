"""Loudness: integrated loudness and true peak of a sound track (EBU R128, by FFmpeg's ebur128)."""

import math
from dataclasses import dataclass
from pathlib import Path

from workbench import ffmpeg
from workbench.opening import file_input
from workbench.owned import temporary_folder


@dataclass(frozen=True)
class Loudness:
    """One sound track's loudness; None where there is too little sound to say, or only silence."""

    integrated: float | None  # LUFS
    true_peak: float | None  # dBTP


def loudness(
    path: Path, track: int = 0, cancellation: ffmpeg.Cancellation | None = None
) -> Loudness:
    """Measure a file's sound track, counted from 0. Raises FfmpegFailed, Cancelled."""
    keys = {name: f"{name}.txt" for name in ("I", "true_peak")}
    printed = ",".join(
        f"ametadata=mode=print:key=lavfi.r128.{key}:file={log}" for key, log in keys.items()
    )
    chain = f"ebur128=peak=true:metadata=1,{printed}"
    with temporary_folder() as folder:
        ffmpeg.run(
            [*file_input(path), "-map", f"0:a:{track}", "-af", chain, "-f", "null", "-"],
            file=path,
            cancellation=cancellation,
            folder=folder,
        )
        integrated, peak = (_last(folder / log) for log in keys.values())
    return Loudness(
        integrated=None if integrated is None or integrated <= _SILENCE else integrated,
        true_peak=20 * math.log10(peak) if peak else None,
    )


_SILENCE = -70.0  # LUFS; the gate below which R128 counts nothing


def _last(log: Path) -> float | None:
    """Return the last value that ametadata printed: both run from the start of the sound."""
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    return float(lines[-1].partition("=")[2]) if lines else None
