"""Frames through a chain, in the same ffmpeg binary that encodes."""

from dataclasses import replace

from workbench import ffmpeg
from workbench.colour import delivered
from workbench.frames import Frame
from workbench.look.chain import PIXEL_FORMAT, as_encoded, filter_chain, filter_names
from workbench.look.preset import Preset


def render(frame: Frame, preset: Preset, cancellation: ffmpeg.Cancellation | None = None) -> Frame:
    """Return the picture that the encoder is fed for this frame, byte for byte, in 10 bits.

    Raises UnsupportedClip, FfmpegFailed, Cancelled, FfmpegMissing.
    """
    chain = as_encoded(filter_chain(preset, frame.colour))
    ffmpeg.require(filters=filter_names(chain))
    raw = ffmpeg.run(
        [
            *ffmpeg.raw_input(frame.pixel_format, frame.width, frame.height),
            *("-vf", chain, "-f", "rawvideo", "pipe:1"),
        ],
        stdin=[frame.tobytes()],
        cancellation=cancellation,
    )
    colour = delivered(frame.colour)
    picture = Frame.frombytes(raw, frame.width, frame.height, PIXEL_FORMAT, colour)
    return replace(picture, index=frame.index, time=frame.time)
