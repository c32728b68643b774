"""Preset: what is done to the picture, as one frozen, validated value that is kept in a TOML file.

A preset has two stages, deband and tone. The filters in them bear ffmpeg's names, and their
parameters ffmpeg's names and ranges.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from workbench.errors import PresetError
from workbench.files import expanded, read_toml, write_text

STAGES = ("deband", "tone")
"""The stages that a picture goes through, in this order; each is a field of Preset."""

SHIPPED = Path(__file__).parent / "presets"


class _Stage(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class NoDeband(_Stage):
    """Leave the bands as they are."""

    filter: Literal["none"] = "none"


class Gradfun(_Stage):
    """Fill the steps of a band with a gradient (FFmpeg's gradfun; it works in 8 bits)."""

    filter: Literal["gradfun"] = "gradfun"
    strength: float = Field(
        1.2, ge=0.51, le=64, description="Most that one pixel may change, in 8-bit code values."
    )
    radius: int = Field(
        16, ge=4, le=32, description="How far it looks around, in pixels: wider bands want more."
    )


class NoTone(_Stage):
    """Leave the tones as they are."""

    filter: Literal["none"] = "none"


class Eq(_Stage):
    """Lower or raise contrast, saturation and level (FFmpeg's eq; it works in 8 bits)."""

    filter: Literal["eq"] = "eq"
    contrast: float = Field(1, ge=-1000, le=1000, description="Below 1 flattens, above 1 steepens.")
    saturation: float = Field(1, ge=0, le=3, description="Below 1 mutes colour, 0 removes it.")
    brightness: float = Field(0, ge=-1, le=1, description="Lifts (+) or lowers (-) every tone.")


@dataclass(frozen=True)
class Parameter:
    """One number of a preset that a person can turn."""

    name: str  # such as deband.strength
    value: float
    low: float
    high: float
    whole: bool
    description: str


class Preset(BaseModel):
    """A look with a name. Two presets with the same stages have the same hash."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str = Field(min_length=1, max_length=80, pattern=r"^\w[\w ,.+-]*$")
    description: str = ""
    deband: Annotated[NoDeband | Gradfun, Field(discriminator="filter")] = NoDeband()
    tone: Annotated[NoTone | Eq, Field(discriminator="filter")] = NoTone()

    @property
    def hash(self) -> str:
        """Return 12 hex digits that name what is done to the picture, whatever it is called."""
        stages = self.model_dump(mode="json", include=set(STAGES))
        return hashlib.sha256(json.dumps(stages, sort_keys=True).encode()).hexdigest()[:12]

    def override(self, overrides: Mapping[str, Any]) -> "Preset":
        """Return this preset with some parameters changed, named as "deband.strength".

        The name says that it was changed. Raises PresetError for an unknown name or bad value.
        """
        if not overrides:
            return self
        values = self.model_dump()
        for key, value in overrides.items():
            stage, _, parameter = key.partition(".")
            if stage not in STAGES or not parameter:
                raise PresetError(
                    f"preset {self.name}: there is no parameter {key}; "
                    f"it has {', '.join(self.parameters())}"
                )
            values[stage][parameter] = value
        changed = _validated(values, f"preset {self.name}")
        return changed.model_copy(update={"name": f"{self.name}, changed"})

    def parameters(self) -> dict[str, Any]:
        """Return every parameter by its full name, such as {"deband.strength": 1.1}."""
        return {
            f"{stage}.{key}": value
            for stage in STAGES
            for key, value in getattr(self, stage).model_dump().items()
        }

    def numbers(self) -> tuple[Parameter, ...]:
        """Return the parameters that a person can turn, with their ranges."""
        found = []
        for stage in STAGES:
            filter_ = getattr(self, stage)
            for key, field in type(filter_).model_fields.items():
                limits = _limits(field)
                if limits:
                    found.append(
                        Parameter(
                            name=f"{stage}.{key}",
                            value=getattr(filter_, key),
                            low=limits[0],
                            high=limits[1],
                            whole=field.annotation is int,
                            description=field.description or "",
                        )
                    )
        return tuple(found)


def shipped() -> tuple[str, ...]:
    """Return the names of the presets that come with the package."""
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.toml")))


def load_preset(name: str | Path) -> Preset:
    """Load a shipped preset by its name, or any preset by the path of its TOML file.

    Raises PresetError, naming the key and the allowed range where a value is wrong.
    """
    if str(name) in shipped():
        return _read(SHIPPED / f"{name}.toml")
    path = expanded(name)
    if path.suffix == ".toml":
        return _read(path)
    raise PresetError(
        f"there is no preset {name}: take one of {', '.join(shipped())}, "
        "or the path of a .toml file"
    )


def save_preset(preset: Preset, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write the preset as TOML, whole or not at all; return its full path.

    Raises DestinationExists, DestinationUnusable.
    """
    destination = expanded(path).absolute()
    write_text(destination, tomli_w.dumps(preset.model_dump()), overwrite=overwrite)
    return destination


def _read(path: Path) -> Preset:
    return _validated(read_toml(path, PresetError), path.name)


def _validated(values: Mapping[str, Any], source: str) -> Preset:
    try:
        return Preset.model_validate(values)
    except ValidationError as error:
        problems = "; ".join(_problem(detail) for detail in error.errors())
        raise PresetError(f"{source}: {problems}") from error


def _problem(detail: Mapping[str, Any]) -> str:
    """Say one thing that pydantic found wrong: the key, its value, and what is allowed."""
    where = [str(step) for step in detail["loc"]]
    model: type[BaseModel] = Preset
    if len(where) > 1:  # pydantic names the stage and then its filter
        model = _FILTERS[where[0]][where.pop(1)]
    key, kind, value = ".".join(where), detail["type"], detail["input"]
    if kind == "extra_forbidden":
        return f"{key} is not known here (known: {', '.join(model.model_fields)})"
    if kind.startswith("union_tag"):
        return f"{key}.filter must be one of {', '.join(_FILTERS[key])}"
    if kind == "missing":
        return f"{key} is missing"
    field = model.model_fields.get(where[-1])
    limits = _limits(field) if field else None
    if field and limits:
        whole = "whole " if field.annotation is int else ""
        return f"{key} is {value!r}; allowed is a {whole}number from {limits[0]} to {limits[1]}"
    return f"{key} is {value!r}: {detail['msg'].lower()}"


def _limits(field: FieldInfo) -> tuple[float, float] | None:
    low = [limit.ge for limit in field.metadata if hasattr(limit, "ge")]
    high = [limit.le for limit in field.metadata if hasattr(limit, "le")]
    return (low[0], high[0]) if low and high else None


_FILTERS: dict[str, dict[str, type[_Stage]]] = {
    "deband": {"none": NoDeband, "gradfun": Gradfun},
    "tone": {"none": NoTone, "eq": Eq},
}
