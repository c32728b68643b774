"""Pack settings for a worker, which cannot read the caller's preset and policy files."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import tomli_w

from workbench.deliver.policy import Policy, builtin_policies
from workbench.deliver.settings import Settings
from workbench.errors import ParameterError
from workbench.look.preset import builtin_presets, preset_text

_PRESET_FILE = "look.toml"
_POLICY_FILE = "policy.toml"
_FIRST_FIELDS = (
    *("preset", "overrides", "encoder", "frame_rate", "audio_rate"),
    *("assume_matrix", "policy", "every_frame"),
)
"""The fields of `Settings` that are part of every key."""


@dataclass(frozen=True)
class PackedSettings:
    """The settings of one job, as parameters of convert.ipynb and the files they name."""

    parameters: Mapping[str, Any]  # JSON types
    files: Mapping[str, str]  # text of the user's own preset and policy, by file name
    key: str  # hex; differs when anything about the delivered file or its verdict would differ

    @property
    def overrides(self) -> dict[str, Any]:
        return dict(self.parameters["overrides"])


def pack(settings: Settings) -> PackedSettings:
    """Pack settings. Raises ParameterError for settings without a preset or an encoder."""
    if settings.base is None or settings.encoder is None:
        raise ParameterError("a batch needs a preset and an encoder: leave neither at None")
    parameters = {name: getattr(settings, name) for name in type(settings).model_fields}
    files = {}
    if settings.preset not in builtin_presets():
        parameters["preset"] = _PRESET_FILE
        files[_PRESET_FILE] = preset_text(settings.base)
    if settings.policy not in builtin_policies():
        parameters["policy"] = _POLICY_FILE
        files[_POLICY_FILE] = _policy_text(settings.rules)
    if settings.frame_rate is not None:
        parameters["frame_rate"] = str(settings.frame_rate)
    return PackedSettings(parameters, files, _key(settings))


def _policy_text(policy: Policy) -> str:
    """Return a policy as its TOML file holds it."""
    return tomli_w.dumps(policy.model_dump(exclude_none=True))


def _key(settings: Settings) -> str:
    """Return the key of settings.

    A field or a rule of the policy that was added later counts only if it is used, so that the keys
    of earlier batches stay valid.
    """
    parts: dict[str, Any] = {
        "preset": settings.look.hash if settings.look else None,
        "recipe": [settings.encoder, str(settings.frame_rate), settings.audio_rate],
        "policy": settings.rules.model_dump(mode="json", exclude_none=True),
        "every_frame": settings.every_frame,
    }
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        if name not in _FIRST_FIELDS and value != field.get_default(call_default_factory=True):
            parts[name] = str(value)
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
