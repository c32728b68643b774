"""Recipe: how a clip is to be converted, and the ffmpeg arguments for it. Nothing runs here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, cast, get_args

from workbench import ffmpeg
from workbench.arguments import check_optional
from workbench.deliver.format import PRORES_422_HQ, Encoder, Format
from workbench.errors import ParameterError
from workbench.look.chain import clip_filter_chain
from workbench.look.preset import Preset, load_preset
from workbench.media.clip import Clip
from workbench.media.frame_rates import parse_frame_rate
from workbench.media.guards import file_input

_FORMER_ENCODERS = {
    "prores": "it was no faster than finest, and less exact; use finest",
    "prores_ks": "use finest, or search for the same command as before; both write the same file",
}


@dataclass(frozen=True)
class Recipe:
    """How a clip is to be converted. Raises ParameterError for a value that makes no sense."""

    preset: Preset | None  # None: a look that is not known, of a file that was made elsewhere
    encoder: Encoder | None = "finest"  # None: a file made by an encoder that is not offered here
    frame_rate: Fraction | None = None  # frames per second; None keeps the source's timing
    audio_rate: int | None = None  # Hz; None keeps the source's
    format: Format = PRORES_422_HQ

    def __post_init__(self) -> None:
        check_optional("preset", self.preset, Preset, "a Preset, as load_preset returns it")
        check_optional("encoder", self.encoder, str, " or ".join(get_args(Encoder)))
        check_optional("frame_rate", self.frame_rate, (int, Fraction), "a Fraction, such as 24")
        check_optional("audio_rate", self.audio_rate, int, "Hz, such as 48000")
        if self.encoder is not None and self.encoder not in get_args(Encoder):
            if advice := _FORMER_ENCODERS.get(str(self.encoder)):
                raise ParameterError(f"encoder {self.encoder} is no longer offered: {advice}")
            raise ParameterError(
                f"there is no encoder {self.encoder}: use {' or '.join(get_args(Encoder))}"
            )
        if self.frame_rate is not None and not 1 <= self.frame_rate <= 240:
            raise ParameterError(f"a frame rate of {self.frame_rate} is not between 1 and 240")
        if self.audio_rate is not None and not 8000 <= self.audio_rate <= 192000:
            raise ParameterError(f"an audio rate of {self.audio_rate} Hz is not 8000 to 192000")


def read_recipe(
    preset: str | None,
    overrides: Mapping[str, Any],
    encoder: str = "finest",
    frame_rate: str | float | None = None,
    audio_rate: str | int | None = None,
    assume_matrix: str | None = None,
) -> Recipe:
    """Make a recipe of what a person wrote: names, numbers, a frame rate such as "24000/1001".

    A preset of None is a look that is not known. `assume_matrix`, if given, takes the place of the
    preset's own.

    Raises PresetError, ParameterError.
    """
    rate = None
    if frame_rate is not None:
        text = str(frame_rate)
        if not re.fullmatch(r"\d{1,9}(\.\d{1,9}|/0*[1-9]\d{0,8})?", text):
            raise ParameterError(
                f"{frame_rate!r} is not a frame rate: give a number or a fraction, such as 24 or "
                "24000/1001"
            )
        rate = parse_frame_rate(text)
    if audio_rate is not None and not re.fullmatch(r"\d{1,9}", str(audio_rate)):
        raise ParameterError(f"{audio_rate!r} is not an audio rate: give Hz, such as 48000")
    if not isinstance(overrides, Mapping):
        raise ParameterError(
            f"overrides are {overrides!r}: give names and values, such as {{'deband.strength': 2}}"
        )
    samples = None if audio_rate is None else int(audio_rate)
    if preset is None and (overrides or assume_matrix):
        raise ParameterError("overrides and an assumed matrix change a preset: name one")
    look = None
    if preset is not None:
        look = load_preset(preset).override(overrides).with_matrix(assume_matrix)
    return Recipe(look, cast(Encoder, encoder), rate, samples)


def encode_chain(clip: Clip, recipe: Recipe) -> str:
    """Return the filter chain of a conversion; raises ParameterError for one without a look."""
    if recipe.preset is None:
        raise ParameterError(f"{clip.path.name}: a conversion needs a look")
    return clip_filter_chain(recipe.preset, clip, recipe.frame_rate, recipe.format.picture)


def encode_arguments(clip: Clip, recipe: Recipe, destination: Path) -> list[str]:
    """Return ffmpeg's arguments for a conversion, the program itself left out.

    Raises ParameterError for a recipe without a look or an encoder, UnsupportedClip.
    """
    if recipe.encoder is None:
        raise ParameterError(f"{clip.path.name}: a conversion needs an encoder")
    arguments = [
        "-xerror",  # a frame that does not decode ends the run; it is not painted over
        *file_input(clip.path),
        *("-map", f"0:{clip.stream}", "-map", "0:a?"),
        *recipe.format.encode_options(recipe.encoder),
        *("-vf", encode_chain(clip, recipe)),
        *("-c:a", recipe.format.audio_encoder),
    ]
    if keeps_time(clip, recipe):
        # Otherwise ffmpeg rounds each timestamp to a multiple of the average frame duration.
        base = clip.time_base  # said in figures: "demux" gets lost where a graph has branches
        units = f"{base.numerator}/{base.denominator}"
        # Of the picture alone: in units of a frame, samples of sound would share timestamps.
        arguments += ["-fps_mode", "passthrough", "-enc_time_base:v", units, *_held(clip)]
    elif recipe.frame_rate is None:
        # Each timestamp goes back to a multiple of the exact frame duration, which ffmpeg itself
        # would take from the rate that the container rounded.
        duration = 1 / clip.frame_rate
        arguments += ["-enc_time_base:v", f"{duration.numerator}/{duration.denominator}"]
    arguments += sound_options(clip, recipe)
    return [*arguments, "-f", recipe.format.muxer, ffmpeg.file_url(destination)]


def _held(clip: Clip) -> list[str]:
    """Return the option that keeps a last frame which is shown longer than the one before it.

    Only that frame's duration is not told by the next timestamp, and ffmpeg's filters with several
    inputs forget it.
    """
    if clip.frame_count < 2:
        return []
    last = clip.duration - clip.times[-1]
    if last <= clip.times[-1] - clip.times[-2] + clip.time_base:
        return []
    ticks = round(last / clip.time_base)
    return ["-bsf:v", f"setts=duration='if(eq(N,{clip.frame_count - 1}),{ticks},DURATION)'"]


def encode_command(clip: Clip, recipe: Recipe, destination: Path, *, overwrite: bool) -> list[str]:
    """Return the whole command, as a person would run it."""
    return ffmpeg.command(encode_arguments(clip, recipe, destination), overwrite=overwrite)


def keeps_time(clip: Clip, recipe: Recipe) -> bool:
    """Whether every timestamp is kept as it is.

    False when an even grid was asked for, or when the container had rounded a constant rate.
    """
    if recipe.frame_rate:
        return False
    return clip.even_timestamps or not clip.constant_frame_rate


def sound_options(clip: Clip, recipe: Recipe) -> list[str]:
    """Return what is done to the sound, as ffmpeg's arguments; [] leaves it as it is."""
    options = []
    if any(stream.gap > _GAP for stream in clip.audio):
        # Silence where the timestamps leave a hole, or all sound after it would come early.
        options += ["-af", f"aresample=async=1:min_hard_comp={_GAP}"]
    if recipe.audio_rate:
        options += ["-ar", str(recipe.audio_rate)]
    return options


_GAP = 0.02  # seconds; a shorter hole is rounding
