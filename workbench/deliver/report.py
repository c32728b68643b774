"""Report: what was made of a clip, as one JSON file beside it."""

import json
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from workbench import ffmpeg
from workbench.deliver.encode import Delivery
from workbench.files import write_text
from workbench.look.compare import Comparison

SCHEMA = 1
"""Raised when a key changes its meaning or goes away."""


def record(delivery: Delivery, comparison: Comparison | None = None) -> dict[str, Any]:
    """Return all that is known of a delivery, in plain JSON types."""
    recipe = delivery.recipe
    return {
        "schema": SCHEMA,
        "verdict": delivery.verdict,
        "source": delivery.source.facts(),
        "destination": {"path": str(delivery.destination), "size": delivery.size},
        "preset": {**recipe.preset.model_dump(), "hash": recipe.preset.hash},
        "encoder": recipe.encoder,
        "frame_rate": str(recipe.frame_rate) if recipe.frame_rate else None,
        "audio_rate": recipe.audio_rate,
        "command": ffmpeg.pasteable(delivery.command),
        "findings": [asdict(finding) for finding in delivery.findings],
        "measures": _measures(comparison) if comparison else None,
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Return what made the file: this package, the ffmpeg program, the libraries that measured."""
    return {
        "workbench": version("workbench"),
        "ffmpeg": ffmpeg.program().version,
        **{name: version(name) for name in ("av", "numpy", "pymediainfo")},
    }


def qc_path(destination: Path) -> Path:
    """Return where the record of a delivered file goes: NAME.qc.json beside NAME.mov."""
    return destination.with_suffix(".qc.json")


def write_qc(delivery: Delivery, comparison: Comparison | None = None) -> Path:
    """Write the record beside the delivered file, whole or not at all; return its path.

    Raises DestinationUnusable.
    """
    path = qc_path(delivery.destination)
    text = json.dumps(record(delivery, comparison), indent=2, ensure_ascii=False)
    write_text(path, text + "\n", overwrite=True)
    return path


def _measures(comparison: Comparison) -> dict[str, Any]:
    banding = comparison.banding
    return {
        "cambi": {
            "frames": list(banding.indices),
            "seconds": [float(time) for time in banding.times],
            "before": list(banding.before),
            "after": list(banding.after),
        },
        "occupied_luma_codes": {
            "frame": comparison.before.index,
            "before": comparison.codes_before.occupied,
            "after": comparison.codes_after.occupied,
        },
    }
