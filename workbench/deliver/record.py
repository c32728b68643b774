"""Record: all that is known of a delivered file, as NAME.qc.json beside NAME.mov.

Its keys are described in qc.schema.json.
"""

import json
from dataclasses import asdict, dataclass, fields
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from workbench import ffmpeg
from workbench.arguments import check_type
from workbench.deliver.format import Encoder
from workbench.deliver.inspect import Inspection
from workbench.deliver.settings import Settings
from workbench.deliver.verify import Delivery
from workbench.files import write_text
from workbench.look.preset import Preset

VERSION = 3
"""Raised when a key changes its meaning or goes away."""

SCHEMA = Path(__file__).with_name("qc.schema.json")


def record(delivery: Delivery) -> dict[str, Any]:
    """Return all that is known of a delivery, in plain JSON types."""
    settings, preset = delivery.settings, delivery.settings.look
    return {
        "schema": VERSION,
        "verdict": delivery.verdict,
        "source": delivery.source.facts(),
        "destination": {
            "path": str(delivery.destination),
            "size": delivery.size,
            "sha256": delivery.sha256,
        },
        "preset": preset.facts() if preset else None,
        "encoder": settings.encoder if delivery.command else None,
        "frame_rate": str(settings.frame_rate) if settings.frame_rate else None,
        "audio_rate": settings.audio_rate,
        "command": list(delivery.command) or None,
        "policy": settings.rules.model_dump(),
        "findings": [asdict(finding) for finding in delivery.findings],
        "measures": _measures(delivery.inspection) if delivery.inspection else None,
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Return what made the file: this package, the ffmpeg program, the libraries that measured."""
    libraries = ("av", "numpy", "scipy")
    return {
        "workbench": version("workbench"),
        "ffmpeg": ffmpeg.program().version,
        **{name: version(name) for name in libraries},
    }


def record_path(delivered: Path) -> Path:
    """Return where the record of a delivered file goes: NAME.qc.json beside NAME.mov."""
    return delivered.with_suffix(".qc.json")


def write_record(delivery: Delivery) -> Path:
    """Write the record beside the delivered file, whole or not at all; return its path.

    Raises DestinationUnusable, ParameterError.
    """
    check_type("delivery", delivery, Delivery, "a Delivery, as convert returns it")
    path = record_path(delivery.destination)
    write_text(path, record_text(delivery), overwrite=True)
    return path


def record_text(delivery: Delivery) -> str:
    """Return the record as it is written."""
    return json.dumps(record(delivery), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


_ENCODERS: dict[str, Encoder] = {"finest": "finest", "search": "search", "prores_ks": "search"}
"""What a record calls an encoder; records up to version 2 call `search` prores_ks."""


@dataclass(frozen=True)
class Recorded:
    """What the record beside a file says of it."""

    settings: Settings
    command: tuple[str, ...]
    sha256: str
    ffmpeg: str  # version


def recorded(delivered: Path) -> Recorded | None:
    """Return how a file was made, if its record lies beside it and can be read."""
    try:
        values = json.loads(record_path(delivered).read_text(encoding="utf-8"))
        facts = values["preset"].items()
        stages = {key: value for key, value in facts if key in Preset.model_fields}
        rate = values["frame_rate"]
        settings = Settings(
            preset=Preset.model_validate(stages),
            encoder=_ENCODERS.get(values["encoder"]),
            frame_rate=Fraction(rate) if rate else None,
            audio_rate=values["audio_rate"],
        )
        sha256, program = values["destination"]["sha256"], values["versions"]["ffmpeg"]
        command = tuple(map(str, values["command"]))
        return Recorded(settings, command, str(sha256), str(program))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ValidationError):
        return None  # a file from elsewhere, or with the record of another version


def completed(settings: Settings, record: Recorded | None) -> Settings:
    """Fill what the settings leave open with what the record says."""
    if record is None:
        return settings
    known = record.settings
    look = settings.look or known.look
    if look and known.look and look.assume_matrix is None:
        look = look.with_matrix(known.look.assume_matrix)
    return settings.changed(
        preset=look,
        overrides={},
        assume_matrix=None,
        encoder=known.encoder,
        frame_rate=settings.frame_rate or known.frame_rate,
        audio_rate=settings.audio_rate or known.audio_rate,
    )


def _measures(inspection: Inspection) -> dict[str, Any]:
    levels, traces = inspection.levels, inspection.traces
    return {
        "seconds": [round(float(time), 6) for time in inspection.times],
        "end": round(float(inspection.end), 6),
        "black_limit": inspection.black_limit,
        "levels": {
            # Six digits, wherever the point is: code values and small shares alike
            field.name: [float(f"{value:.6g}") for value in getattr(levels, field.name)]
            for field in fields(levels)
        },
        "match": {
            "left": [round(match.rms_residual, 4) for match in traces.matches],
            "worst": [round(match.max_residual, 4) for match in traces.matches],
            "alike": [
                None if match.correlation is None else round(match.correlation, 4)
                for match in traces.matches
            ],
            "offset": [match.offset for match in traces.matches],
            "shift": traces.mapping.mean_error.round(3).tolist(),
            "apart": traces.mapping.rms_error.round(3).tolist(),
            "sharpness": traces.sharpness.round(4).tolist(),
            "combing": traces.combing.round(4).tolist(),
        },
        "encoded_again": (
            _plain(asdict(inspection.encoded_again)) if inspection.encoded_again else None
        ),
        "corrupt": list(inspection.corrupt),
        "damaged": list(inspection.damaged),
        "frames": [_plain(asdict(one)) for one in inspection.comparisons],
        "worst": {
            "frame": inspection.before.index,
            "frame_after": inspection.after.index,
            "time": round(float(inspection.before.time), 6),
            "window": list(inspection.bands.worst_window()) if inspection.bands else None,
        },
        "loudness": [_plain(asdict(one)) for one in inspection.loudness],
    }


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Round what was measured, and let a time be a float of seconds."""
    return {
        key: _plain(value)
        if isinstance(value, dict)
        else round(float(value), 6)
        if isinstance(value, float | Fraction)
        else value
        for key, value in values.items()
    }
