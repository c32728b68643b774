"""Policy: the limits of a delivered file's measures, as a TOML file.

A measure without a rule always passes, and its value is shown. `mezzanine` is built in.
"""

from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from workbench.argument_checks import shown
from workbench.errors import PolicyError, WorkbenchError
from workbench.files import expanded, read_toml
from workbench.model import Model

BUILTIN_FOLDER = Path(__file__).parent / "policies"
_MOST_DIGITS = 9


class Rule(BaseModel):
    """A limit on one measure: either a maximum or a minimum."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    at_most: float | None = None
    at_least: float | None = None
    level: Literal["note", "warn", "fail"] = "warn"

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        if (self.at_most is None) == (self.at_least is None):
            raise ValueError("give either at_most or at_least")
        return self

    def allows(self, value: float) -> bool:
        if self.at_most is not None:
            return value <= self.at_most
        return self.at_least is None or value >= self.at_least

    def shown(self, value: float, digits: int) -> str:
        """Format a value with more decimals where rounding would hide that it misses the limit.

        >>> Rule(at_least=9.5).shown(9.47, 1), Rule(at_least=9.5).shown(9.2, 1)
        ('9.47', '9.2')
        """
        text = f"{value:.{digits}f}"
        if self.allows(float(text)) == self.allows(value) or digits >= _MOST_DIGITS:
            return text
        return self.shown(value, digits + 1)

    def __str__(self) -> str:
        if self.at_most is not None:
            return f"at most {self.at_most:g}"
        return f"at least {self.at_least:g}"


class Policy(Model):
    """The limits of a delivered file's measures; each description names the unit."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    error: ClassVar[type[WorkbenchError]] = PolicyError

    name: str = Field(min_length=1, max_length=80)
    description: str = ""
    bit_depth: Rule | None = Field(None, description="Bits of luma in use before the encoder.")
    grid: Rule | None = Field(
        None, description="Share of luma on 8-bit steps, 0 to 1, of an unknown look."
    )
    cambi: Rule | None = Field(None, description="CAMBI of the worst frame.")
    cambi_coarse: Rule | None = Field(None, description="CAMBI at the wider contrast setting.")
    cambi_graded: Rule | None = Field(
        None, description="CAMBI of the worst frame after a grade that undoes the tone."
    )
    contour: Rule | None = Field(
        None, description="Edges of bands in smooth areas, in 10-bit codes per pixel x 100."
    )
    detail_change: Rule | None = Field(
        None,
        description="Shading altered by more than rounding explains, in 10-bit codes per pixel "
        "x 100.",
    )
    texture: Rule | None = Field(
        None, description="RMS change where there is texture, in 10-bit code values."
    )
    r103: Rule | None = Field(None, description="Share of a frame outside EBU R103, in %.")
    black: Rule | None = Field(None, description="Longest run of black frames, in seconds.")
    freeze: Rule | None = Field(None, description="Longest run of frozen frames, in seconds.")
    luma_jump: Rule | None = Field(
        None, description="Largest step of mean luma from frame to frame, in 10-bit code values."
    )
    true_peak: Rule | None = Field(None, description="True peak of the sound, in dBTP.")
    data_rate: Rule | None = Field(None, description="Mb/s of the whole file.")


def builtin_policies() -> tuple[str, ...]:
    """Return the names of the policies that come with the package."""
    return tuple(sorted(path.stem for path in BUILTIN_FOLDER.glob("*.toml")))


def load_policy(name: str | Path) -> Policy:
    """Load a built-in policy by its name, or another one by the path of its TOML file.

    Raises PolicyError, which names the wrong key.
    """
    if not isinstance(name, str | Path) or not str(name).strip():
        raise PolicyError(f"Policy must be a name or the path of a .toml file, not {shown(name)}")
    path = BUILTIN_FOLDER / f"{name}.toml" if str(name) in builtin_policies() else expanded(name)
    if path.suffix != ".toml":
        raise PolicyError(
            f"there is no policy {name}: use {', '.join(builtin_policies())}, or the path of a "
            ".toml file"
        )
    return Policy.validated(read_toml(path, PolicyError), path.name)
