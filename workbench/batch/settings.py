"""Settings: how a clip is to be converted, checked before anything runs."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import ConfigDict, Field

from workbench.deliver.policy import load_policy
from workbench.deliver.recipe import read_recipe
from workbench.errors import BatchError, WorkbenchError
from workbench.files import expanded
from workbench.look.preset import Preset, builtin_presets, preset_text
from workbench.model import Model


class Settings(Model):
    """How one clip is to be converted: the parameters of convert.ipynb that a batch may set."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    error: ClassVar[type[WorkbenchError]] = BatchError

    preset: str = "classic"
    overrides: dict[str, Any] = Field(default_factory=dict)
    encoder: str = "finest"
    frame_rate: str | float | None = None
    audio_rate: int | None = None
    assume_matrix: str | None = None
    policy: str = "mezzanine"
    every_frame: bool = False


@dataclass(frozen=True)
class Order:
    """Settings that hold, ready to travel to a worker that has none of the caller's files."""

    parameters: Mapping[str, Any]  # of convert.ipynb
    files: Mapping[str, str]  # own presets and policies, by the names that parameters call them
    key: str  # another one when anything about the delivered file or its verdict would be another

    @property
    def overrides(self) -> dict[str, Any]:
        return dict(self.parameters["overrides"])


def read_settings(values: Mapping[str, Any]) -> Settings:
    """Check what a person wrote. Raises BatchError."""
    return Settings(**values)


def make_order(settings: Settings) -> Order:
    """Check settings and pack them. Raises PresetError, PolicyError, ParameterError."""
    recipe = read_recipe(
        settings.preset,
        settings.overrides,
        settings.encoder,
        settings.frame_rate,
        settings.audio_rate,
        settings.assume_matrix,
    )
    policy = load_policy(settings.policy)
    parameters, files = settings.model_dump(), {}
    if settings.preset not in builtin_presets():
        base = read_recipe(settings.preset, {}).preset
        assert isinstance(base, Preset)
        parameters["preset"] = "look.toml"
        files["look.toml"] = preset_text(base)
    if settings.policy.endswith(".toml"):
        parameters["policy"] = "policy.toml"
        files["policy.toml"] = expanded(settings.policy).read_text(encoding="utf-8-sig")
    assert recipe.preset is not None
    parts = {
        "preset": recipe.preset.hash,
        "recipe": [recipe.encoder, str(recipe.frame_rate), recipe.audio_rate],
        "policy": policy.model_dump(mode="json"),
        "every_frame": settings.every_frame,
    }
    return Order(parameters, files, _hash(parts))


def plain_value(text: str) -> Any:
    """Return a number where text is one, and true and false; else the text."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, int | float | bool) else text


def _hash(parts: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
