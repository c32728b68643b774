"""Record: everything known about a delivered file, as NAME.qc.json beside NAME.mov.

record_model.py holds the model and its JSON schema.
"""

import json
from dataclasses import fields, is_dataclass, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from workbench import __version__, ffmpeg
from workbench.argument_checks import check_type
from workbench.deliver.inspection import Inspection
from workbench.deliver.record_model import VERSION, Measures, Record
from workbench.deliver.record_versions import upgraded
from workbench.deliver.settings import RecordedSettings, Settings
from workbench.deliver.verify import Delivery
from workbench.errors import RecordError, WorkbenchError
from workbench.files import write_text
from workbench.look.preset import Preset

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Measured = TypeVar("Measured", bound=DataclassInstance)


def record(delivery: Delivery) -> Record:
    """Return the record of a delivery."""
    settings, preset = delivery.settings, delivery.settings.look
    return Record.model_validate(
        {
            "version": VERSION,
            "verdict": delivery.verdict,
            "source": delivery.source.facts(),
            "destination": {
                "path": str(delivery.destination),
                "size": delivery.size,
                "sha256": delivery.sha256,
            },
            "format": settings.format.name,
            "preset": preset.facts() if preset else None,
            "encoder": settings.encoder if delivery.command else None,
            **{name: getattr(settings, name) for name in RecordedSettings.model_fields},
            "command": list(delivery.command) or None,
            "policy": delivery.settings.rules,
            "findings": list(delivery.findings),
            "measures": _measures(delivery.inspection) if delivery.inspection else None,
            "versions": versions(),
        }
    )


def versions() -> dict[str, str]:
    """Return the versions of this package, the ffmpeg program and the measuring libraries."""
    libraries = ("av", "numpy", "scipy")
    return {
        "workbench": __version__,
        "ffmpeg": ffmpeg.program().version,
        **{name: _version(name) for name in libraries},
    }


_version = cache(version)  # reading a package's metadata takes 5 ms


def record_path(delivered: Path) -> Path:
    """Return the path of a delivered file's record: NAME.qc.json beside NAME.mov."""
    return delivered.with_suffix(".qc.json")


def write_record(delivery: Delivery) -> Path:
    """Write the record beside the delivered file, atomically, and return its path.

    Raises DestinationUnusable, ParameterError.
    """
    check_type("delivery", delivery, Delivery, "a Delivery, as convert returns it")
    path = record_path(delivery.destination)
    write_text(path, record_text(delivery), overwrite=True)
    return path


def record_text(delivery: Delivery) -> str:
    """Return the text of a delivery's record."""
    return record(delivery).text()


def read_record(delivered: Path) -> Record | None:
    """Read the record beside a delivered file, in this version or an earlier one.

    Returns None where there is none. Raises RecordError for a file that is not a readable record.
    """
    path = record_path(delivered)
    try:
        return Record.model_validate(upgraded(json.loads(path.read_text(encoding="utf-8"))))
    except FileNotFoundError:
        return None
    except RecordError as error:
        raise RecordError(f"{path.name} cannot be read: {error}") from error
    except OSError as error:
        raise RecordError(f"{path.name} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RecordError(f"{path.name} is not a record that the workbench wrote") from error


def recorded_settings(record: Record) -> Settings:
    """Return the settings that made a file, from its record. Raises RecordError."""
    preset = record.preset
    try:
        stages = preset and preset.model_dump(include=set(Preset.model_fields))
        return Settings(
            preset=Preset.model_validate(stages) if stages else None,
            encoder=record.encoder,
            **{name: getattr(record, name) for name in RecordedSettings.model_fields},
        )
    except (ValueError, ZeroDivisionError, WorkbenchError) as error:
        raise RecordError(f"its settings cannot be used: {error}") from error


def completed(settings: Settings, known: Settings) -> Settings:
    """Replace settings of None, and the encoder, with those that are known of a file."""
    look = settings.look or known.look
    if look and known.look and look.assume_matrix is None:
        look = look.with_matrix(known.look.assume_matrix)
    return settings.changed(
        preset=look,
        overrides={},
        assume_matrix=None,
        encoder=known.encoder,
        **{
            name: getattr(settings if name in settings.given() else known, name)
            for name in RecordedSettings.model_fields
        },
    )


def _measures(inspection: Inspection) -> Measures:
    levels, frame_measures = inspection.levels, inspection.frame_measures
    matches = frame_measures.matches
    return Measures.model_validate(
        {
            "times": [round(float(time), 6) for time in inspection.times],
            "end": round(float(inspection.end), 6),
            "black_limit": inspection.black_limit,
            "levels": {
                # Six significant digits, for code values and small shares alike
                field.name: [float(f"{value:.6g}") for value in getattr(levels, field.name)]
                for field in fields(levels)
            },
            "match": {
                "rms_residual": [round(match.rms_residual, 4) for match in matches],
                "max_residual": [round(match.max_residual, 4) for match in matches],
                "correlation": [
                    None if match.correlation is None else round(match.correlation, 4)
                    for match in matches
                ],
                "better_neighbour": [match.offset for match in matches],
                "mean_error": frame_measures.look_fit.mean_error.round(3).tolist(),
                "rms_error": frame_measures.look_fit.rms_error.round(3).tolist(),
                "sharpness": frame_measures.sharpness.round(4).tolist(),
                "combing": frame_measures.combing.round(4).tolist(),
            },
            "encoded_again": inspection.encoded_again and _rounded(inspection.encoded_again),
            "corrupt_frames": list(inspection.corrupt),
            "damaged_frames": list(inspection.damaged),
            "frames": [_rounded(one) for one in inspection.comparisons],
            "most_banded": {
                "frame": inspection.before.index,
                "delivered_frame": inspection.after.index,
                "time": round(float(inspection.before.time), 6),
                "window": inspection.bands.worst_window() if inspection.bands else None,
            },
            "loudness": [_rounded(one) for one in inspection.loudness],
        }
    )


def _rounded(measured: "Measured") -> "Measured":
    """Round the floats of a dataclass, and of dataclasses within it, to six decimals."""

    def rounded(value: Any) -> Any:
        if isinstance(value, float):
            return round(float(value), 6)
        nested = is_dataclass(value) and not isinstance(value, type)
        return _rounded(value) if nested else value

    values = {field.name: rounded(getattr(measured, field.name)) for field in fields(measured)}
    return replace(measured, **values)
