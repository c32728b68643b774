"""Settings: everything that a conversion takes besides its source and its destination.

`convert`, `qc`, `batch`, the notebooks and the desk all use this one model.
"""

import re
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    ConfigDict,
    Field,
    PlainSerializer,
    PrivateAttr,
    field_validator,
    model_validator,
)

from workbench.argument_checks import shown
from workbench.deliver.format import PRORES_422_HQ, Encoder, Format
from workbench.deliver.policy import Policy, load_policy
from workbench.errors import ParameterError
from workbench.look.defaults import DEFAULT
from workbench.look.preset import Preset, load_preset
from workbench.media.colour import InputRange
from workbench.media.frame_rates import parse_frame_rate
from workbench.model import Model

FRAME_RATES = (1, 240)  # frames per second: the least and the most
_FORMER_ENCODERS = {
    "prores": "it was no faster than finest, and less exact; use finest",
    "prores_ks": "use finest, or search for the same command as before; both write the same file",
}


FrameRate = Annotated[Fraction, PlainSerializer(str, str)]
"""An exact rate. JSON holds it as text, such as "24000/1001"."""


class RecordedSettings(Model):
    """The settings besides the look that a record stores, so that `qc` can read them back."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    frame_rate: FrameRate | None = Field(
        None, description="Constant frame rate, in frames per second; None keeps the timing."
    )
    audio_rate: int | None = Field(
        None, ge=8000, le=192000, description="Sample rate in Hz; None keeps the source's."
    )

    input_range: InputRange | None = Field(
        None, description="How the source's code values are read; None follows the source's tag."
    )

    @field_validator("frame_rate", mode="plain")
    @classmethod
    def _read_frame_rate(cls, written: object) -> Fraction | None:
        if written is None:
            return None
        text = str(written)
        number = isinstance(written, str | int | float | Fraction) and not isinstance(written, bool)
        if not number or not re.fullmatch(r"\d{1,9}(\.\d{1,9}|/0*[1-9]\d{0,8})?", text):
            raise ParameterError(
                f"Frame rate must be a number or a fraction, such as 24 or 24000/1001, "
                f"not {shown(written)}"
            )
        rate, (low, high) = parse_frame_rate(text), FRAME_RATES
        if not low <= rate <= high:
            raise ParameterError(f"Frame rate must be between {low} and {high}, not {text}")
        return rate


class Settings(RecordedSettings):
    """Everything that a conversion takes, validated when it is created.

    Values may be text as users write it, such as a preset's name or the frame rate "24000/1001".
    Raises PresetError, PolicyError, ParameterError.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    preset: str | Path | Preset | None = Field(
        DEFAULT,
        description="The look: a preset's name, a .toml file, or a Preset. None if it is unknown, "
        "for a file that was made elsewhere.",
    )
    overrides: dict[str, Any] = Field(
        default_factory=dict, description="Changes to the preset, such as {'deband.strength': 2}."
    )
    encoder: Encoder | None = Field(
        "finest", description="None if it is unknown, for a file that was made elsewhere."
    )
    assume_matrix: Literal["bt601", "bt709"] | None = Field(
        None, description="The matrix of an untagged source; None takes the preset's."
    )
    policy: str | Path | Policy = Field(
        "mezzanine", description="The QC limits: a policy's name, a .toml file, or a Policy."
    )
    every_frame: bool = Field(False, description="Measure banding in every frame, not in samples.")

    _base: Preset | None = PrivateAttr(None)
    _look: Preset | None = PrivateAttr(None)
    _rules: Policy = PrivateAttr()

    @property
    def base(self) -> Preset | None:
        """The preset as it was given, without overrides; None if it is unknown."""
        return self._base

    @property
    def look(self) -> Preset | None:
        """The preset with its overrides and the assumed matrix; None if it is unknown."""
        return self._look

    @property
    def rules(self) -> Policy:
        """The policy that the delivered file is judged by."""
        return self._rules

    @property
    def format(self) -> Format:
        """The delivery format; there is only one so far."""
        return PRORES_422_HQ

    def given(self) -> dict[str, Any]:
        """Return only the values that were given, without those left at their defaults."""
        return {name: getattr(self, name) for name in self.model_fields_set}

    def changed(self, **values: Any) -> Self:
        """Return a copy with some values replaced. Raises as the constructor does."""
        return type(self)(**{**self.given(), **values})

    @field_validator("preset", mode="plain")
    @classmethod
    def _check_preset(cls, preset: object) -> object:
        if preset is not None and not isinstance(preset, str | Path | Preset):
            raise ParameterError(
                f"Preset must be a name, the path of a .toml file, or a Preset, not {shown(preset)}"
            )
        return preset

    @field_validator("policy", mode="plain")
    @classmethod
    def _check_policy(cls, policy: object) -> object:
        if not isinstance(policy, str | Path | Policy):
            raise ParameterError(
                f"Policy must be a name, the path of a .toml file, or a Policy, not {shown(policy)}"
            )
        return policy

    @field_validator("encoder", mode="before")
    @classmethod
    def _check_former_encoder(cls, encoder: object) -> object:
        if isinstance(encoder, str) and encoder in _FORMER_ENCODERS:
            raise ParameterError(
                f"encoder {encoder} is no longer offered: {_FORMER_ENCODERS[encoder]}"
            )
        return encoder

    @model_validator(mode="after")
    def _load(self) -> Self:
        if self.preset is None and (self.overrides or self.assume_matrix):
            raise ParameterError("overrides and an assumed matrix change a preset: name a preset")
        if self.preset is not None:
            given = self.preset
            self._base = given if isinstance(given, Preset) else load_preset(given)
            self._look = self._base.override(self.overrides).with_matrix(self.assume_matrix)
        policy = self.policy
        self._rules = policy if isinstance(policy, Policy) else load_policy(policy)
        return self
