"""Preset: what is done to the picture, as one frozen, validated value that is kept in a TOML file.

What its stages can be is in stages.py. Presets of a person's own live in the folder `presets` of
their project and are found by name, as the shipped ones are.
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

from workbench.arguments import check_flag, check_type, shown
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
from workbench.model import Model, limits

BUILTIN_FOLDER = Path(__file__).parent / "presets"
_OWN = "presets"
_NAME_LENGTH = 80
_CHANGED = ", changed"


@dataclass(frozen=True)
class NumberParameter:
    """One number of a preset that a person can turn."""

    name: str  # such as deband.strength
    value: float
    description: str
    low: float
    high: float
    whole: bool


@dataclass(frozen=True)
class ChoiceParameter:
    """One word of a preset that a person can choose."""

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
        None, description="What the matrix of an untagged clip is taken for; bt709 if not said."
    )
    deband: AnyDeband = NoDeband()
    tone: AnyTone = NoTone()
    dither: AnyDither = NoDither()

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        if not re.search(r"^\w[\w ,.+-]*\Z", name):
            allowed = "letters, digits, spaces and , . + - _"
            raise ValueError(f"{name!r} has other characters than {allowed}")
        return name

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Return the stages that do something, in order."""
        every: tuple[Stage, ...] = (self.deband, self.tone, self.dither)
        return tuple(
            stage for stage in every if not isinstance(stage, NoDeband | NoTone | NoDither)
        )

    @property
    def bit_depth(self) -> int:
        """Return how many bits the picture has at its poorest between source and encoder."""
        return min((stage.bit_depth for stage in self.stages), default=16)

    @property
    def hash(self) -> str:
        """Return 12 hex digits that name what is done to the picture, whatever it is called."""
        stages = self.model_dump(mode="json", include={"deband", "tone"})
        # What came later counts where it does something, or old hashes would mean nothing.
        if self.dither != NoDither():
            stages["dither"] = self.dither.model_dump(mode="json")
        if self.assume_matrix == "bt601":
            stages["assume_matrix"] = self.assume_matrix
        return hashlib.sha256(json.dumps(stages, sort_keys=True).encode()).hexdigest()[:12]

    def facts(self) -> dict[str, Any]:
        """Return all that it says, and its hash and bit depth, in plain JSON types."""
        return {**self.model_dump(mode="json"), "hash": self.hash, "bit_depth": self.bit_depth}

    def override(self, overrides: Mapping[str, Any]) -> "Preset":
        """Return this preset with some parameters changed, named as "deband.strength".

        Another filter, as "tone.filter", begins with its own defaults. The name says that it was
        changed; the description, which was of the look before, goes. Raises PresetError for an
        unknown name or bad value, ParameterError for what is no mapping.
        """
        check_type("overrides", overrides, Mapping, "names and values, as {'deband.strength': 2}")
        if not overrides:
            return self
        values = self.model_dump(exclude={"description"})
        # Filters first, or what was given beside them would be lost.
        for key in overrides:
            check_type("a parameter", key, str, "its name, such as deband.strength")
        for key, value in sorted(overrides.items(), key=lambda item: not _is_filter(item[0])):
            stage, _, parameter = key.partition(".")
            if stage not in FILTERS or not parameter:
                raise PresetError(
                    f"preset {self.name}: there is no parameter {key}; "
                    f"it has {', '.join(self.parameters())}"
                )
            if _is_filter(key) and value != values[stage]["filter"]:
                values[stage] = {}
            values[stage][parameter] = value
        changed = Preset.validated(values)
        name = self.name.removesuffix(_CHANGED)[: _NAME_LENGTH - len(_CHANGED)]
        return changed.renamed(f"{name}{_CHANGED}")

    def with_matrix(self, matrix: str | None) -> "Preset":
        """Return this preset with an untagged clip's matrix taken for this; None changes nothing.

        Raises PresetError.
        """
        if matrix is None:
            return self
        values = {**self.model_dump(), "assume_matrix": matrix}
        return Preset.validated(values)

    def renamed(self, name: str) -> "Preset":
        """Return this preset under another name. Raises PresetError for one that cannot be."""
        return Preset.validated({**self.model_dump(), "name": name})

    def parameters(self) -> dict[str, Any]:
        """Return every parameter by its full name, such as {"deband.strength": 1.1}."""
        return {
            f"{stage}.{key}": value
            for stage in FILTERS
            for key, value in getattr(self, stage).model_dump().items()
        }

    def adjustable(self) -> tuple[NumberParameter | ChoiceParameter, ...]:
        """Return what a person can turn or choose within the filters that are on, in order."""
        found: list[NumberParameter | ChoiceParameter] = []
        for stage in FILTERS:
            filter_ = getattr(self, stage)
            for key, field in type(filter_).model_fields.items():
                name, value, words = f"{stage}.{key}", getattr(filter_, key), field.description
                range_ = limits(field)
                if range_:
                    whole = field.annotation is int
                    found.append(NumberParameter(name, value, words or "", *range_, whole))
                elif key != "filter":
                    found.append(
                        ChoiceParameter(name, value, words or "", get_args(field.annotation))
                    )
        return tuple(found)


def builtin_presets() -> tuple[str, ...]:
    """Return the names of the presets that come with the package."""
    return tuple(sorted(path.stem for path in BUILTIN_FOLDER.glob("*.toml")))


def user_preset_folder() -> Path:
    """Return the folder of a person's own presets: `presets` here, or in the nearest folder above.

    Where there is none, it is to be made: beside the nearest folder `notebooks`, else here.
    """
    here = Path.cwd()
    above = (here, *here.parents)
    there = [folder for folder in above if (folder / _OWN).is_dir()]
    beside = [folder for folder in above if (folder / "notebooks").is_dir()]
    return (*there, *beside, here)[0] / _OWN


def user_presets() -> dict[str, Path]:
    """Return the files of a person's own presets by name; a shipped name means the shipped one."""
    found = {
        path.stem: path for path in sorted(user_preset_folder().glob("*.toml")) if path.is_file()
    }
    return {name: path for name, path in found.items() if name not in builtin_presets()}


def load_preset(name: str | Path) -> Preset:
    """Load a preset by its name, a shipped one or one's own, or by the path of its TOML file.

    A shipped name always means the shipped look, on every machine. Raises PresetError, naming the
    key and the allowed range where a value is wrong.
    """
    if not isinstance(name, str | Path) or not str(name).strip():
        raise PresetError(f"a preset is {shown(name)}: give a name, or the path of a .toml file")
    if str(name) in builtin_presets():
        return _read(BUILTIN_FOLDER / f"{name}.toml")
    path = expanded(name)
    if path.suffix == ".toml":
        return _read(path)
    mine = user_presets()
    if str(name) in mine:
        found = _read(mine[str(name)])
        # A file that was copied by hand may say another name within.
        return found if found.name == str(name) else found.renamed(str(name))
    raise PresetError(
        f"there is no preset {name}: take one of {', '.join((*builtin_presets(), *mine))}, "
        "or the path of a .toml file"
    )


def save_preset(preset: Preset, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write the preset as TOML, whole or not at all; return its full path.

    Raises PresetError for a name that it could not be loaded by, DestinationExists,
    DestinationUnusable.
    """
    check_type("preset", preset, Preset, "a Preset, as load_preset returns it")
    check_flag("overwrite", overwrite)
    destination = expanded(path, "the preset's file").absolute()
    if destination.suffix != ".toml":
        raise PresetError(f"{destination.name}: a preset's file ends in .toml")
    write_text(destination, preset_text(preset), overwrite=overwrite)
    return destination


def preset_text(preset: Preset) -> str:
    """Return the preset as its TOML file holds it."""
    return tomli_w.dumps(preset.model_dump(exclude_none=True))


def _read(path: Path) -> Preset:
    return Preset.validated(read_toml(path, PresetError), path.name)


def _is_filter(key: str) -> bool:
    return key.endswith(".filter")
