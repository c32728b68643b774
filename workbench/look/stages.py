"""Stages: what a preset can do to the picture, each as a small validated value.

There are three, deband, tone and dither, and in each of them one filter is chosen. Filters that are
ffmpeg's own bear its names, and their parameters its names and ranges. Where code values are
meant, they are those of 8 bits, in which the sources come and in which bands are a step high.
"""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from workbench.model import limits


class Stage(BaseModel):
    """One filter of a stage."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    bit_depth: ClassVar[int] = 16
    """Bits that it works in."""
    pixel_parameters: ClassVar[tuple[str, ...]] = ()
    """Parameters that are in pixels of the picture."""

    def at_scale(self, scale: float) -> Self:
        """Return it for a picture of another size, as near as its ranges allow."""
        return self.model_copy(
            update={name: self._scaled(name, scale) for name in self.pixel_parameters}
        )

    def _scaled(self, name: str, scale: float) -> float:
        field = type(self).model_fields[name]
        low, high = limits(field) or (0, 0)
        value = float(min(high, max(low, getattr(self, name) * scale)))
        return round(value) if field.annotation is int else value


class NoDeband(Stage):
    """Leave the bands as they are."""

    filter: Literal["none"] = "none"


class Gradfun(Stage):
    """Fill the steps of a band with a gradient (FFmpeg's gradfun; it works in 8 bits)."""

    bit_depth: ClassVar[int] = 8

    pixel_parameters: ClassVar[tuple[str, ...]] = ("radius",)

    filter: Literal["gradfun"] = "gradfun"
    strength: float = Field(
        1.2, ge=0.51, le=64, description="Most that one pixel may change, in 8-bit code values."
    )
    radius: int = Field(
        16, ge=4, le=32, description="How far it looks around, in pixels: wider bands want more."
    )


class Deband(Stage):
    """Swap pixels for others nearby where these hardly differ (FFmpeg's deband, in 16 bits)."""

    pixel_parameters: ClassVar[tuple[str, ...]] = ("range",)

    filter: Literal["deband"] = "deband"
    threshold: float = Field(
        0.02, ge=0.00003, le=0.5, description="Most that they may differ, as a share of full range."
    )
    range: int = Field(16, ge=1, le=256, description="How far away they may be, in pixels.")


class Smooth(Stage):
    """Fit a smooth surface to the picture wherever it is smooth, in 16 bits."""

    pixel_parameters: ClassVar[tuple[str, ...]] = ("radius",)

    filter: Literal["smooth"] = "smooth"
    radius: float = Field(
        72, ge=16, le=256, description="How far it looks around, in pixels: wider bands want more."
    )
    strength: float = Field(
        1.5, ge=0.5, le=8, description="Most that one pixel may change, in 8-bit code values."
    )
    texture: float = Field(
        0.5,
        ge=0.1,
        le=8,
        description="Where detail is on average this strong, in 8-bit code values, it stays.",
    )


class NoTone(Stage):
    """Leave the tones as they are."""

    filter: Literal["none"] = "none"


class Eq(Stage):
    """Lower or raise contrast, saturation and level (FFmpeg's eq; it works in 8 bits)."""

    bit_depth: ClassVar[int] = 8

    filter: Literal["eq"] = "eq"
    contrast: float = Field(1, ge=-1000, le=1000, description="Below 1 flattens, above 1 steepens.")
    saturation: float = Field(1, ge=0, le=3, description="Below 1 mutes colour, 0 removes it.")
    brightness: float = Field(0, ge=-1, le=1, description="Lifts (+) or lowers (-) every tone.")


class Flat(Stage):
    """Do what eq does with the same numbers, in 16 bits, so that no tone is lost to rounding."""

    filter: Literal["flat"] = "flat"
    contrast: float = Field(
        0.9, ge=0.25, le=2, description="Below 1 flattens, above 1 steepens, about mid grey."
    )
    saturation: float = Field(
        0.85, ge=0.1, le=2, description="Below 1 mutes colour, above 1 strengthens it."
    )
    brightness: float = Field(
        0.03, ge=-0.5, le=0.5, description="Lifts (+) or lowers (-) every tone."
    )


class Log(Stage):
    """Encode as a camera's log curve does, so that its own viewing LUT brings the picture back."""

    filter: Literal["log"] = "log"
    curve: Literal["logc3", "logc4", "slog3", "canonlog3", "acescct", "cineon"] = Field(
        "logc3", description="Whose log curve and primaries the picture is encoded with."
    )
    rolloff: float = Field(
        0,
        ge=0,
        le=4,
        description="Stops above white that the brightest tones are spread over; 0 leaves them.",
    )


class NoDither(Stage):
    """Let ffmpeg round to the delivered 10 bits as it likes."""

    filter: Literal["none"] = "none"


class Shaped(Stage):
    """Diffuse what rounding to 10 bits loses, over a fine pattern that hides its steps."""

    filter: Literal["shaped"] = "shaped"
    amplitude: float = Field(
        1.1,
        ge=0,
        le=2,
        description="Height of the pattern in 10-bit code values: more hides steps, less is exact.",
    )


AnyDeband = Annotated[NoDeband | Gradfun | Deband | Smooth, Field(discriminator="filter")]
AnyTone = Annotated[NoTone | Eq | Flat | Log, Field(discriminator="filter")]
AnyDither = Annotated[NoDither | Shaped, Field(discriminator="filter")]

FILTERS: dict[str, dict[str, type[Stage]]] = {
    "deband": {"none": NoDeband, "gradfun": Gradfun, "deband": Deband, "smooth": Smooth},
    "tone": {"none": NoTone, "eq": Eq, "flat": Flat, "log": Log},
    "dither": {"none": NoDither, "shaped": Shaped},
}
"""The stages that a picture goes through, in this order, and the filters of each."""
