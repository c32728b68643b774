"""Frames through a chain, in the same ffmpeg binary that encodes."""

from collections.abc import Sequence
from dataclasses import replace

from workbench import ffmpeg
from workbench.colour import delivered
from workbench.frames import Frame
from workbench.look.chain import PIXEL_FORMAT, as_encoded, filter_chain
from workbench.look.graph import filter_names
from workbench.look.preset import Preset


def render(frame: Frame, preset: Preset, cancellation: ffmpeg.Cancellation | None = None) -> Frame:
    """Return the picture that the encoder is fed for this frame, byte for byte, in 10 bits.

    Raises UnsupportedClip, FfmpegFailed, Cancelled, FfmpegMissing.
    """
    return render_each([frame], preset, cancellation)[0]


def render_each(
    frames: Sequence[Frame], preset: Preset, cancellation: ffmpeg.Cancellation | None = None
) -> list[Frame]:
    """Return the pictures for frames of one clip, in one run of ffmpeg. Raises as `render`."""
    first = frames[0]
    chain = as_encoded(filter_chain(preset, first))
    ffmpeg.require(filters=filter_names(chain))
    raw = ffmpeg.run(
        [
            *ffmpeg.raw_input(first.pixel_format, first.width, first.height),
            *("-vf", chain, "-f", "rawvideo", "pipe:1"),
        ],
        stdin=(frame.tobytes() for frame in frames),
        cancellation=cancellation,
    )
    colour = delivered(first.colour)
    size = len(raw) // len(frames)
    pictures = (
        Frame.frombytes(raw[at : at + size], first.width, first.height, PIXEL_FORMAT, colour)
        for at in range(0, len(raw), size)
    )
    return [
        replace(picture, index=frame.index, time=frame.time)
        for frame, picture in zip(frames, pictures, strict=True)
    ]
