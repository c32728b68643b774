"""Command: the ffmpeg arguments of a conversion. Nothing runs here."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench import ffmpeg
from workbench.deliver.settings import Settings
from workbench.errors import ParameterError
from workbench.look.filter_chain import clip_filter_chain
from workbench.look.filter_graph import filter_names
from workbench.media.clip import Clip
from workbench.media.guards import file_input

_GAP = 0.02  # seconds; a shorter hole in the sound is rounding


@dataclass(frozen=True)
class Command:
    """The ffmpeg command of one conversion, for any destination."""

    source: tuple[str, ...]  # the arguments up to and including the input file
    options: tuple[str, ...]  # the arguments between input and output file
    filters: tuple[str, ...]  # names of the filters in its chain

    def arguments(self, destination: Path, other_output: Sequence[str] = ()) -> list[str]:
        """Return ffmpeg's arguments, without the program.

        `other_output` are the arguments of a second output, which does not change the first.
        """
        return [*self.source, *other_output, *self.options, ffmpeg.file_url(destination)]

    def line(self, destination: Path, *, overwrite: bool) -> list[str]:
        """Return the complete command, which starts with ffmpeg's path."""
        return ffmpeg.command(self.arguments(destination), overwrite=overwrite)


def encode_command(clip: Clip, settings: Settings) -> Command:
    """Return the command that converts a clip.

    Raises ParameterError for settings without a look or an encoder, UnsupportedClip.
    """
    if settings.look is None:
        raise ParameterError(f"{clip.path.name}: a conversion needs a preset")
    if settings.encoder is None:
        raise ParameterError(f"{clip.path.name}: a conversion needs an encoder")
    chain = clip_filter_chain(settings.look, clip, settings.frame_rate, settings.format.picture)
    # -xerror stops at a frame that does not decode, instead of concealing the damage.
    source = ("-xerror", *file_input(clip.path))
    options = (
        *("-map", f"0:{clip.stream}", "-map", "0:a?"),
        *settings.format.encode_options(settings.encoder),
        *("-vf", chain),
        *("-c:a", settings.format.audio_encoder),
        *_timing_options(clip, settings),
        *sound_options(clip, settings),
        *("-f", settings.format.muxer),
    )
    return Command(source, options, tuple(filter_names(chain)))


def keeps_time(clip: Clip, settings: Settings) -> bool:
    """Return whether the conversion keeps every timestamp.

    False for a conversion to a constant frame rate, and for a source whose container rounded the
    timestamps of a constant rate.
    """
    if settings.frame_rate:
        return False
    return clip.even_timestamps or not clip.constant_frame_rate


def sound_options(clip: Clip, settings: Settings) -> list[str]:
    """Return ffmpeg's options for the sound besides its codec; [] leaves the samples unchanged.

    A hole in the timestamps becomes silence: otherwise all sound after it would come early.
    """
    options = []
    if any(stream.gap > _GAP for stream in clip.audio):
        options += ["-af", f"aresample=async=1:min_hard_comp={_GAP}"]
    if settings.audio_rate:
        options += ["-ar", str(settings.audio_rate)]
    return options


def _timing_options(clip: Clip, settings: Settings) -> list[str]:
    if keeps_time(clip, settings):
        # Otherwise ffmpeg rounds each timestamp to a multiple of the average frame duration. The
        # time base is written as a number: "demux" is lost in a graph with branches. It is set for
        # the picture alone: in units of a frame, samples of sound would share timestamps.
        base = clip.time_base
        units = f"{base.numerator}/{base.denominator}"
        return ["-fps_mode", "passthrough", "-enc_time_base:v", units, *_last_duration(clip)]
    if settings.frame_rate is None:
        # Each timestamp becomes a multiple of the exact frame duration. ffmpeg itself would take
        # the duration from the rate that the container rounded.
        duration = 1 / clip.frame_rate
        return ["-enc_time_base:v", f"{duration.numerator}/{duration.denominator}"]
    return []


def _last_duration(clip: Clip) -> list[str]:
    """Return the option that keeps the duration of a last frame longer than the one before it.

    Every other duration follows from the next timestamp, and ffmpeg's filters with several inputs
    drop the last.
    """
    if clip.frame_count < 2:
        return []
    last = clip.duration - clip.times[-1]
    if last <= clip.times[-1] - clip.times[-2] + clip.time_base:
        return []
    ticks = round(last / clip.time_base)
    return ["-bsf:v", f"setts=duration='if(eq(N,{clip.frame_count - 1}),{ticks},DURATION)'"]
