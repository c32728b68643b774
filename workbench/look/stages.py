"""Define the stages of a preset: deband, tone and dither, each with a choice of filters.

Filters of ffmpeg keep ffmpeg's own names, and so do their parameters, with ffmpeg's ranges.
Parameters in code values use those of 8 bits, the usual depth of a source, where a band is one
code value high.
"""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from workbench.model import limits


class Stage(BaseModel):
    """One filter of a stage."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    bit_depth: ClassVar[int] = 16
    """The bit depth that the filter works in."""
    pixel_parameters: ClassVar[tuple[str, ...]] = ()
    """The names of the parameters in pixels."""

    def at_scale(self, scale: float) -> Self:
        """Return the filter for a picture of another size, as far as its ranges allow."""
        return self.model_copy(
            update={name: self._scaled(name, scale) for name in self.pixel_parameters}
        )

    def _scaled(self, name: str, scale: float) -> float:
        field = type(self).model_fields[name]
        low, high = limits(field) or (0, 0)
        value = float(min(high, max(low, getattr(self, name) * scale)))
        return round(value) if field.annotation is int else value


class NoDeband(Stage):
    """Do not deband."""

    filter: Literal["none"] = "none"


class Gradfun(Stage):
    """Replace steps by gradients (FFmpeg's gradfun, in 8 bits)."""

    bit_depth: ClassVar[int] = 8

    pixel_parameters: ClassVar[tuple[str, ...]] = ("radius",)

    filter: Literal["gradfun"] = "gradfun"
    strength: float = Field(
        1.2, ge=0.51, le=64, description="Maximum change of a pixel, in 8-bit code values."
    )
    radius: int = Field(
        16, ge=4, le=32, description="Size of the neighbourhood in pixels; wide bands need more."
    )


class Deband(Stage):
    """Replace pixels by similar ones nearby (FFmpeg's deband, in 16 bits)."""

    pixel_parameters: ClassVar[tuple[str, ...]] = ("range",)

    filter: Literal["deband"] = "deband"
    threshold: float = Field(
        0.02, ge=0.00003, le=0.5, description="Maximum difference, as a share of full range."
    )
    range: int = Field(16, ge=1, le=256, description="Maximum distance in pixels.")


class Smooth(Stage):
    """Smooth the picture as far as rounding to its bit depth explains, in 16 bits."""

    pixel_parameters: ClassVar[tuple[str, ...]] = ("radius",)

    filter: Literal["smooth"] = "smooth"
    radius: float = Field(
        72, ge=16, le=256, description="Size of the neighbourhood in pixels; wide bands need more."
    )
    strength: float = Field(
        1,
        ge=0.5,
        le=8,
        description="Rounding noise to remove, in times that of one rounding to RGB and one to "
        "Y'CbCr, at the source's bit depth. More removes higher steps and also faint shading.",
    )
    texture: float = Field(
        0.35,
        ge=0.1,
        le=2,
        description="Grain and detail of a higher RMS than this are kept, in code values of the "
        "source.",
    )


class NoTone(Stage):
    """Do not change the tone."""

    filter: Literal["none"] = "none"


class Eq(Stage):
    """Change contrast, saturation and brightness (FFmpeg's eq, in 8 bits)."""

    bit_depth: ClassVar[int] = 8

    filter: Literal["eq"] = "eq"
    contrast: float = Field(
        1, ge=-1000, le=1000, description="Below 1 lowers contrast, above 1 raises it."
    )
    saturation: float = Field(1, ge=0, le=3, description="Below 1 lowers saturation; 0 is grey.")
    brightness: float = Field(0, ge=-1, le=1, description="Raises (+) or lowers (-) all tones.")


class Flat(Stage):
    """Change contrast, saturation and brightness as eq does, but in 16 bits without rounding."""

    filter: Literal["flat"] = "flat"
    contrast: float = Field(
        0.9,
        ge=0.25,
        le=2,
        description="Below 1 lowers contrast around mid grey, above 1 raises it.",
    )
    saturation: float = Field(
        0.85, ge=0.1, le=2, description="Below 1 lowers saturation, above 1 raises it."
    )
    brightness: float = Field(
        0.03, ge=-0.5, le=0.5, description="Raises (+) or lowers (-) all tones."
    )


class Log(Stage):
    """Encode with a camera's log curve, so that the camera's viewing LUT restores the picture."""

    filter: Literal["log"] = "log"
    curve: Literal["logc3", "logc4", "slog3", "canonlog3", "acescct", "cineon"] = Field(
        "logc3", description="Log curve and primaries of this camera."
    )
    rolloff: float = Field(
        0,
        ge=0,
        le=4,
        description="Stops above white for the brightest tones; 0 turns the roll-off off.",
    )


class LutFile(Stage):
    """Apply a LUT file of another program; `look.lut_file.import_lut` makes this stage."""

    filter: Literal["lut"] = "lut"
    file: str = Field(
        min_length=1, max_length=4096, description="Path of a .cube, CLF or CDL file."
    )
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="Checksum of the file.")


class NoDither(Stage):
    """Let ffmpeg round to 10 bits with its default dither."""

    filter: Literal["none"] = "none"


class Shaped(Stage):
    """Round to 10 bits with a fine pattern and error diffusion, which hide the steps."""

    filter: Literal["shaped"] = "shaped"
    amplitude: float = Field(
        1.1,
        ge=0,
        le=2,
        description="Height of the pattern in 10-bit code values: more hides steps better.",
    )


AnyDeband = Annotated[NoDeband | Gradfun | Deband | Smooth, Field(discriminator="filter")]
AnyTone = Annotated[NoTone | Eq | Flat | Log | LutFile, Field(discriminator="filter")]
AnyDither = Annotated[NoDither | Shaped, Field(discriminator="filter")]

FILTERS: dict[str, dict[str, type[Stage]]] = {
    "deband": {"none": NoDeband, "gradfun": Gradfun, "deband": Deband, "smooth": Smooth},
    "tone": {"none": NoTone, "eq": Eq, "flat": Flat, "log": Log},
    "dither": {"none": NoDither, "shaped": Shaped},
}
"""The stages in the order of the filter chain, and the filters that a user can choose for each.

LutFile is not among them: it comes from an imported file.
"""
