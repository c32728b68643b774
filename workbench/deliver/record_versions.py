"""Convert records of earlier versions to the keys of the current version."""

from collections.abc import Mapping
from typing import Any

from workbench.deliver.record_model import VERSION
from workbench.errors import RecordError

_OLDEST = 2
_ENCODERS = {"finest": "finest", "search": "search", "prores_ks": "search"}
"""Version 2 called `search` prores_ks. Its other encoder, prores, is no longer offered."""
_MEASURES = {
    "seconds": "times",
    "corrupt": "corrupt_frames",
    "damaged": "damaged_frames",
    "worst": "most_banded",
}
_MATCH = {
    "left": "rms_residual",
    "worst": "max_residual",
    "alike": "correlation",
    "offset": "better_neighbour",
    "shift": "mean_error",
    "apart": "rms_error",
}


def upgraded(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record of version 2 or later with the keys of the current version.

    The measures of version 2 are left out: they lack values that later versions hold. Raises
    RecordError for any other version, and KeyError or TypeError for anything but a record.
    """
    if values.get("version") == VERSION:
        return dict(values)
    version = values["schema"]
    if not isinstance(version, int) or not _OLDEST <= version < VERSION:
        raise RecordError(f"it has version {version}, and only {_OLDEST} to {VERSION} can be read")
    preset, measures = values["preset"], values["measures"]
    return {
        "version": VERSION,
        **{key: value for key, value in values.items() if key != "schema"},
        "format": "prores_422_hq",
        "preset": preset and {"assume_matrix": None, **preset},
        "encoder": _ENCODERS.get(values["encoder"]),
        "measures": _measures(measures) if measures and version > _OLDEST else None,
    }


def _measures(earlier: Mapping[str, Any]) -> dict[str, Any]:
    found = _renamed(earlier, _MEASURES)
    return {
        **found,
        "match": _renamed(earlier["match"], _MATCH),
        "frames": [
            {"effective_bit_depth_before": None, **_renamed(frame, {"off": "difference"})}
            for frame in earlier["frames"]
        ],
        "most_banded": _renamed(found["most_banded"], {"frame_after": "delivered_frame"}),
    }


def _renamed(values: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(key, key): value for key, value in values.items()}
