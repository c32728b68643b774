"""Render frames through the filter chain, with the same ffmpeg program that encodes."""

from collections.abc import Sequence
from dataclasses import replace

import av

from workbench import ffmpeg
from workbench.argument_checks import check_optional, check_type
from workbench.errors import ResultsMissing
from workbench.look.filter_chain import encoder_input_chain, filter_chain
from workbench.look.filter_graph import filter_names
from workbench.look.preset import Preset
from workbench.media.colour import Colour, delivered_colour
from workbench.media.frames import Frame, check_frames
from workbench.media.picture_format import PRORES_422, PictureFormat


def render(
    frame: Frame,
    preset: Preset,
    cancellation: ffmpeg.Cancellation | None = None,
    target: PictureFormat = PRORES_422,
) -> Frame:
    """Return the encoder's input for this frame, byte for byte, in the target's pixel format.

    Raises ParameterError, UnsupportedClip, FfmpegFailed, Cancelled, FfmpegMissing, ResultsMissing.
    """
    return render_frames([frame], preset, cancellation, target)[0]


def render_frames(
    frames: Sequence[Frame],
    preset: Preset,
    cancellation: ffmpeg.Cancellation | None = None,
    target: PictureFormat = PRORES_422,
) -> list[Frame]:
    """Render frames of one clip in one run of ffmpeg. Raises the same as `render`."""
    check_frames("frames", frames)
    check_type("preset", preset, Preset, "a Preset, as load_preset returns it")
    check_type("target", target, PictureFormat, "a PictureFormat, such as PRORES_422")
    check_optional(
        "cancellation", cancellation, ffmpeg.Cancellation, "a workbench.ffmpeg.Cancellation"
    )
    chain = encoder_input_chain(filter_chain(preset, frames[0], target), target)
    colour = delivered_colour(frames[0].colour, target)
    return render_through(frames, chain, target.pixel_format, colour, cancellation)


def render_through(
    frames: Sequence[Frame],
    chain: str,
    pixel_format: str,
    colour: Colour,
    cancellation: ffmpeg.Cancellation | None = None,
) -> list[Frame]:
    """Render frames through any chain of filters, which ends in this pixel format and colour.

    Raises FfmpegFailed, Cancelled, FfmpegMissing, ResultsMissing.
    """
    first = frames[0]
    ffmpeg.require(filters=filter_names(chain))
    # For one picture, distributing the work to threads takes longer than the work itself.
    threads = ["-filter_threads", "1"] if len(frames) == 1 else []
    raw = ffmpeg.run(
        [
            *threads,
            *ffmpeg.raw_input(first.pixel_format, first.width, first.height),
            *("-vf", chain, "-f", "rawvideo", "pipe:1"),
        ],
        stdin=(frame.tobytes() for frame in frames),
        cancellation=cancellation,
    )
    size = rawvideo_size(pixel_format, first.width, first.height)
    if len(raw) != size * len(frames):
        raise ResultsMissing(
            f"ffmpeg rendered {len(raw) / size:.3g} of {len(frames)} frames through {chain}: "
            f"install the ffmpeg program that this version was tested with "
            f"({ffmpeg.HOW_TO_GET_IT})"
        )
    pictures = (
        Frame.frombytes(raw[at : at + size], first.width, first.height, pixel_format, colour)
        for at in range(0, len(raw), size)
    )
    return [
        replace(picture, index=frame.index, time=frame.time)
        for frame, picture in zip(frames, pictures, strict=True)
    ]


def rawvideo_size(pixel_format: str, width: int, height: int) -> int:
    """Return the size in bytes of one picture in ffmpeg's rawvideo."""
    parts = av.VideoFormat(pixel_format, width, height).components
    return sum(part.width * part.height * -(-part.bits // 8) for part in parts)
