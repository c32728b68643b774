"""Convert: a clip becomes a ProRes 422 HQ file. A pure argument builder, then a run to a temporary
file, a check of that file, and only then the final name."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, cast

from workbench import ffmpeg
from workbench.clip import Clip
from workbench.deliver.qc import Finding, Level, Promise, check, verdict
from workbench.deliver.quicktime import read_movie
from workbench.errors import (
    DamagedClip,
    DestinationUnusable,
    FfmpegFailed,
    ParameterError,
    VerificationFailed,
    WorkbenchError,
)
from workbench.files import refuse_existing, replacing
from workbench.look.chain import PIXEL_FORMAT, clip_chain, filter_names
from workbench.look.preset import Preset, load_preset
from workbench.probe import open_clip

Encoder = Literal["prores_ks", "prores"]

_ENCODER_OPTIONS: dict[Encoder, tuple[str, ...]] = {
    "prores_ks": ("-profile:v", "3", "-vendor", "apl0", "-bits_per_mb", "8000"),
    "prores": ("-profile:v", "3", "-vendor", "apl0"),
}


@dataclass(frozen=True)
class Recipe:
    """How a clip is to be converted. Raises ParameterError for a value that makes no sense."""

    preset: Preset
    encoder: Encoder = "prores_ks"  # prores: about four times as fast, a little less exact
    frame_rate: Fraction | None = None  # frames per second; None keeps the source's timing
    audio_rate: int | None = None  # Hz; None keeps the source's

    def __post_init__(self) -> None:
        if self.encoder not in _ENCODER_OPTIONS:
            raise ParameterError(
                f"there is no encoder {self.encoder}: take {' or '.join(_ENCODER_OPTIONS)}"
            )
        if self.frame_rate is not None and not 1 <= self.frame_rate <= 240:
            raise ParameterError(f"a frame rate of {self.frame_rate} is not between 1 and 240")
        if self.audio_rate is not None and not 8000 <= self.audio_rate <= 192000:
            raise ParameterError(f"an audio rate of {self.audio_rate} Hz is not 8000 to 192000")


def read_recipe(
    preset: str,
    overrides: Mapping[str, Any],
    encoder: str = "prores_ks",
    frame_rate: str | float | None = None,
    audio_rate: str | int | None = None,
) -> Recipe:
    """Make a recipe of what a person wrote: names, numbers, a frame rate such as "24000/1001".

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
        rate = Fraction(text)
    if audio_rate is not None and not re.fullmatch(r"\d{1,9}", str(audio_rate)):
        raise ParameterError(f"{audio_rate!r} is not an audio rate: give Hz, such as 48000")
    if not isinstance(overrides, Mapping):
        raise ParameterError(
            f"overrides are {overrides!r}: give names and values, such as {{'deband.strength': 2}}"
        )
    samples = None if audio_rate is None else int(audio_rate)
    look = load_preset(preset).override(overrides)
    return Recipe(look, cast(Encoder, encoder), rate, samples)


@dataclass(frozen=True)
class Delivery:
    """A file that was encoded, verified, and only then given its name."""

    source: Clip
    destination: Path
    recipe: Recipe
    command: tuple[str, ...]  # as a person would run it, with the destination's own name
    findings: tuple[Finding, ...]
    size: int  # bytes

    @property
    def verdict(self) -> Level:
        return verdict(self.findings)


def encode_arguments(clip: Clip, recipe: Recipe, destination: Path) -> list[str]:
    """Return ffmpeg's arguments for a conversion, the program itself left out."""
    arguments = [
        "-xerror",  # a frame that does not decode ends the run; it is not painted over
        *("-i", ffmpeg.file_url(clip.path)),
        *("-map", f"0:{clip.stream}", "-map", "0:a?"),
        *("-c:v", recipe.encoder, *_ENCODER_OPTIONS[recipe.encoder]),
        *("-pix_fmt", PIXEL_FORMAT),
        *("-vf", clip_chain(recipe.preset, clip, recipe.frame_rate)),
        *("-c:a", "pcm_s16le"),
    ]
    if keeps_time(clip, recipe):
        # Otherwise ffmpeg rounds each timestamp to a multiple of the average frame duration.
        arguments += ["-fps_mode", "passthrough", "-enc_time_base", "demux"]
    arguments += _sound_options(clip, recipe)
    return [*arguments, "-f", "mov", ffmpeg.file_url(destination)]


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


def _sound_options(clip: Clip, recipe: Recipe) -> list[str]:
    options = []
    if any(stream.gap > _GAP for stream in clip.audio):
        # Silence where the timestamps leave a hole, or all sound after it would come early.
        options += ["-af", f"aresample=async=1:min_hard_comp={_GAP}"]
    if recipe.audio_rate:
        options += ["-ar", str(recipe.audio_rate)]
    return options


_GAP = 0.02  # seconds; a shorter hole is rounding


def destination_for(
    source: Path, destination: str | Path | None = None, *, overwrite: bool = False
) -> Path:
    """Return where a conversion goes: beside the source as NAME_prores.mov unless told otherwise.

    A folder gets a file of that name. Raises DestinationExists, and DestinationUnusable for
    another kind of file and for the source itself.
    """
    name = f"{source.stem}_prores.mov"
    path = source.with_name(name) if destination is None else Path(destination).expanduser()
    if os.path.isdir(path):  # noqa: PTH112 - unlike Path.is_dir, no error for a name too long
        path /= name
    if path.suffix.lower() != ".mov":
        raise DestinationUnusable(f"{path} does not end in .mov: ProRes goes into a .mov file")
    if os.path.realpath(path) == os.path.realpath(source):
        raise DestinationUnusable(f"{path} is the source itself: give another destination")
    refuse_existing(path, overwrite)
    return path


def convert(
    source: Clip | str | Path,
    destination: str | Path | None,
    recipe: Recipe,
    *,
    overwrite: bool = False,
    on_progress: Callable[[ffmpeg.Progress], None] | None = None,
    cancellation: ffmpeg.Cancellation | None = None,
) -> Delivery:
    """Encode a clip as ProRes 422 HQ, verify the file, and give it its name.

    The destination is either what it was before or the whole verified new file, whatever happens;
    no other file is left. Raises ClipError, DeliveryError, FfmpegError; VerificationFailed names
    what was found.
    """
    if not isinstance(overwrite, bool):  # "no" from a command line would count as true
        raise ParameterError(f"overwrite is {overwrite!r}: it must be True or False")
    clip = source if isinstance(source, Clip) else open_clip(source)
    destination = destination_for(clip.path, destination, overwrite=overwrite)
    cancellation = cancellation or ffmpeg.Cancellation()
    filters = filter_names(clip_chain(recipe.preset, clip, recipe.frame_rate))
    ffmpeg.require(filters, encoders=[recipe.encoder, "pcm_s16le"])
    with replacing(destination, overwrite=overwrite) as temporary:
        try:
            ffmpeg.run(
                encode_arguments(clip, recipe, temporary),
                file=clip.path,
                on_progress=on_progress,
                cancellation=cancellation,
            )
        except FfmpegFailed as error:
            raise _explained(error, clip, destination) from error
        findings = _verify(clip, recipe, temporary, cancellation)
        size = temporary.stat().st_size
        cancellation.raise_if_requested(clip.path)
    return Delivery(
        source=clip,
        destination=destination,
        recipe=recipe,
        command=tuple(encode_command(clip, recipe, destination, overwrite=overwrite)),
        findings=findings,
        size=size,
    )


def _verify(
    clip: Clip, recipe: Recipe, encoded: Path, cancellation: ffmpeg.Cancellation
) -> tuple[Finding, ...]:
    try:
        movie = read_movie(encoded)
    except DamagedClip as error:
        raise VerificationFailed(
            f"{clip.path.name}: what was encoded is not usable: {error}"
        ) from error
    as_promised = ["-c:a", "pcm_s16le", *_sound_options(clip, recipe)]
    promise = Promise(
        frame_rate=recipe.frame_rate,
        keeps_time=keeps_time(clip, recipe),
        audio_rate=recipe.audio_rate,
        sound=_sound(clip.path, as_promised, cancellation) if clip.audio else (),
    )
    sound = _sound(encoded, ["-c:a", "copy"], cancellation) if movie.audio else ()
    findings = check(clip, movie, promise, sound)
    failed = [finding for finding in findings if finding.level == "fail"]
    if failed:
        raise VerificationFailed(
            f"{clip.path.name} was encoded, but the file is not what was promised "
            "and was not kept: "
            + "; ".join(f"{f.id} is {f.measured}, not {f.limit}" for f in failed)
        )
    return findings


def _sound(path: Path, codec: list[str], cancellation: ffmpeg.Cancellation) -> tuple[str, ...]:
    """Return a SHA-256 of the samples of each sound track."""
    arguments = ["-i", ffmpeg.file_url(path), "-map", "0:a", *codec]
    lines = ffmpeg.run(
        [*arguments, "-f", "streamhash", "-hash", "sha256", "pipe:1"],
        file=path,
        cancellation=cancellation,
    )
    return tuple(line.rpartition("=")[2] for line in lines.decode().splitlines())


def _explained(error: FfmpegFailed, clip: Clip, destination: Path) -> WorkbenchError:
    """Name the two failures that have a plain cause: a full disk, and a source that is damaged."""
    log = "\n".join(error.log)
    if "No space left on device" in log:
        return DestinationUnusable(
            f"{destination} cannot be written: the disk of {destination.parent.absolute()} is full"
        )
    if any(sign in log for sign in ("/dec:", "[dec:", "corrupt", "Error during demuxing")):
        return DamagedClip(
            f"{clip.path.name} is damaged: ffmpeg could not decode it to the end ({error.cause}); "
            "download or generate the clip again"
        )
    return error
