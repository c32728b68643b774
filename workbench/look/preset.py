"""Load, save and change presets: each is a look, as one frozen, validated value in a TOML file.

stages.py defines the stages of a preset. User presets are in the folder `presets` of a project and
are loaded by name, the same as the built-in ones.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

import tomli_w
from pydantic import ConfigDict, Field, field_validator

from workbench.argument_checks import check_flag, check_type, shown
from workbench.errors import PresetError, WorkbenchError
from workbench.files import expanded, read_toml, write_text
from workbench.look.stages import (
    FILTERS,
    AnyDeband,
    AnyDither,
    AnyTone,
    NoDeband,
    NoDither,
    NoTone,
    Stage,
)
from workbench.model import Model, between, field_label, limits

BUILTIN_FOLDER = Path(__file__).parent / "presets"
_USER_FOLDER = "presets"
_NAME_LENGTH = 80
_CHANGED = ", changed"


@dataclass(frozen=True)
class NumberParameter:
    """A number of a preset that a user can change."""

    name: str  # such as deband.strength
    value: float
    description: str
    low: float  # lowest allowed value
    high: float  # highest allowed value
    whole: bool  # only whole numbers are allowed

    @property
    def rule(self) -> str:
        """A sentence on the allowed values, such as "Strength must be between 0.5 and 8."."""
        return f"{field_label(self.name)} must be {between(self.low, self.high, whole=self.whole)}."


@dataclass(frozen=True)
class ChoiceParameter:
    """A parameter of a preset that takes one of several words."""

    name: str  # such as tone.curve
    value: str
    description: str
    options: tuple[str, ...]


class Preset(Model):
    """A look with a name. Two presets with the same stages have the same hash."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    error: ClassVar[type[WorkbenchError]] = PresetError

    name: str = Field(min_length=1, max_length=_NAME_LENGTH)
    description: str = ""
    assume_matrix: Literal["bt601", "bt709"] | None = Field(
        None, description="Assumed matrix of an untagged clip. Default: bt709."
    )
    deband: AnyDeband = NoDeband()
    tone: AnyTone = NoTone()
    dither: AnyDither = NoDither()

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        if not re.search(r"^\w[\w ,.+-]*\Z", name):
            allowed = "letters, digits, spaces and , . + - _"
            raise ValueError(f"{name!r} may contain only {allowed}")
        return name

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages that change the picture, in order."""
        every: tuple[Stage, ...] = (self.deband, self.tone, self.dither)
        return tuple(
            stage for stage in every if not isinstance(stage, NoDeband | NoTone | NoDither)
        )

    @property
    def bit_depth(self) -> int:
        """The lowest bit depth of the picture between the source and the encoder."""
        return min((stage.bit_depth for stage in self.stages), default=16)

    @property
    def hash(self) -> str:
        """12 hex digits that identify the look, independent of its name."""
        stages = self.model_dump(mode="json", include={"deband", "tone"})
        # Later fields count only when they change the picture, so that old hashes stay valid.
        if self.dither != NoDither():
            stages["dither"] = self.dither.model_dump(mode="json")
        if self.assume_matrix == "bt601":
            stages["assume_matrix"] = self.assume_matrix
        return hashlib.sha256(json.dumps(stages, sort_keys=True).encode()).hexdigest()[:12]

    def facts(self) -> dict[str, Any]:
        """Return all fields, the hash and the bit depth, in JSON types."""
        return {**self.model_dump(mode="json"), "hash": self.hash, "bit_depth": self.bit_depth}

    def override(self, overrides: Mapping[str, Any]) -> "Preset":
        """Return a copy with new values for some parameters, such as "deband.strength".

        A new filter, such as "tone.filter", begins with its own defaults. The name of the copy
        ends in "changed", and its description is empty. Raises PresetError for an unknown name or
        an invalid value, ParameterError for anything but a mapping.
        """
        check_type("overrides", overrides, Mapping, "names and values, as {'deband.strength': 2}")
        if not overrides:
            return self
        values = self.model_dump(exclude={"description"})
        for key in overrides:
            check_type("a parameter", key, str, "its name, such as deband.strength")
        # Filters first, because a new filter resets the other parameters of its stage.
        for key, value in sorted(overrides.items(), key=lambda item: not _is_filter(item[0])):
            stage, _, parameter = key.partition(".")
            if stage not in FILTERS or not parameter:
                raise PresetError(
                    f"preset {self.name} has no parameter {key}: use one of "
                    f"{', '.join(self.parameters())}"
                )
            if _is_filter(key) and value != values[stage]["filter"]:
                values[stage] = {}
            values[stage][parameter] = value
        changed = Preset.validated(values)
        name = self.name.removesuffix(_CHANGED)[: _NAME_LENGTH - len(_CHANGED)]
        return changed.renamed(f"{name}{_CHANGED}")

    def with_matrix(self, matrix: str | None) -> "Preset":
        """Return a copy that assumes this matrix for untagged clips; None changes nothing.

        Raises PresetError.
        """
        if matrix is None:
            return self
        values = {**self.model_dump(), "assume_matrix": matrix}
        return Preset.validated(values)

    def renamed(self, name: str) -> "Preset":
        """Return a copy with another name. Raises PresetError for an invalid name."""
        return Preset.validated({**self.model_dump(), "name": name})

    def parameters(self) -> dict[str, Any]:
        """Return every parameter by its full name, such as {"deband.strength": 1.1}."""
        return {
            f"{stage}.{key}": value
            for stage in FILTERS
            for key, value in getattr(self, stage).model_dump().items()
        }

    def adjustable(self) -> tuple[NumberParameter | ChoiceParameter, ...]:
        """Return the parameters of the selected filters that a user can change, in order."""
        found: list[NumberParameter | ChoiceParameter] = []
        for stage in FILTERS:
            filter_ = getattr(self, stage)
            for key, field in type(filter_).model_fields.items():
                name, value = f"{stage}.{key}", getattr(filter_, key)
                description, allowed = field.description or "", limits(field)
                if allowed:
                    whole = field.annotation is int
                    found.append(NumberParameter(name, value, description, *allowed, whole))
                elif key != "filter" and (options := get_args(field.annotation)):
                    found.append(ChoiceParameter(name, value, description, options))
        return tuple(found)


def number_parameter(preset: Preset, name: str) -> NumberParameter | None:
    """Return the adjustable number of a preset that has this full name, or None."""
    numbers = (one for one in preset.adjustable() if isinstance(one, NumberParameter))
    return next((one for one in numbers if one.name == name), None)


def builtin_presets() -> tuple[str, ...]:
    """Return the names of the presets that come with the package."""
    return tuple(sorted(path.stem for path in BUILTIN_FOLDER.glob("*.toml")))


def user_preset_folder() -> Path:
    """Return the folder of the user presets: the nearest `presets`, here or in a folder above.

    If none exists, the folder to create is returned: beside the nearest folder `notebooks`, or
    else in the current folder.
    """
    here = Path.cwd()
    folders = (here, *here.parents)
    existing = [folder for folder in folders if (folder / _USER_FOLDER).is_dir()]
    beside_notebooks = [folder for folder in folders if (folder / "notebooks").is_dir()]
    return (*existing, *beside_notebooks, here)[0] / _USER_FOLDER


def user_presets() -> dict[str, Path]:
    """Return the files of the user presets by name, without names of built-in presets."""
    found = {
        path.stem: path for path in sorted(user_preset_folder().glob("*.toml")) if path.is_file()
    }
    return {name: path for name, path in found.items() if name not in builtin_presets()}


def load_preset(name: str | Path) -> Preset:
    """Load a built-in or user preset by its name, or any preset by the path of its TOML file.

    The name of a built-in preset always means that preset, on every machine. Raises PresetError;
    for an invalid value, it states the key and the allowed range.
    """
    if not isinstance(name, str | Path) or not str(name).strip():
        raise PresetError(f"preset is {shown(name)}: give a name, or the path of a .toml file")
    if str(name) in builtin_presets():
        return _read(BUILTIN_FOLDER / f"{name}.toml")
    path = expanded(name)
    if path.suffix == ".toml":
        return _read(path)
    by_name = user_presets()
    if str(name) in by_name:
        found = _read(by_name[str(name)])
        # A copied file may still contain the name of the original.
        return found if found.name == str(name) else found.renamed(str(name))
    raise PresetError(
        f"there is no preset {name}: use one of {', '.join((*builtin_presets(), *by_name))}, "
        "or the path of a .toml file"
    )


def save_preset(preset: Preset, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write a preset to a TOML file atomically, and return its absolute path.

    Raises PresetError for a file name without .toml, DestinationExists, DestinationUnusable.
    """
    check_type("preset", preset, Preset, "a Preset, as load_preset returns it")
    check_flag("overwrite", overwrite)
    destination = expanded(path, "the preset's file").absolute()
    if destination.suffix != ".toml":
        raise PresetError(f"the preset's file {destination.name} must end in .toml")
    write_text(destination, preset_text(preset), overwrite=overwrite)
    return destination


def preset_text(preset: Preset) -> str:
    """Return the text of the preset's TOML file."""
    return tomli_w.dumps(preset.model_dump(exclude_none=True))


def _read(path: Path) -> Preset:
    return Preset.validated(read_toml(path, PresetError), path.name)


def _is_filter(key: str) -> bool:
    return key.endswith(".filter")
