"""Frames through a chain, in the same ffmpeg binary that encodes."""

from dataclasses import replace

from workbench import ffmpeg
from workbench.colour import delivered
from workbench.frames import Frame
from workbench.look.chain import ENCODER_FORMAT, filter_chain
from workbench.look.preset import Preset

DELIVERED_FORMAT = "yuv422p10le"


def render(frame: Frame, preset: Preset, cancellation: ffmpeg.Cancellation | None = None) -> Frame:
    """Return the picture that the encoder is fed for this frame, byte for byte, in 10 bits.

    Raises FfmpegFailed, Cancelled, FfmpegMissing.
    """
    raw = ffmpeg.run(
        render_arguments(frame, preset), stdin=[frame.tobytes()], cancellation=cancellation
    )
    picture = Frame.frombytes(
        raw, frame.width, frame.height, DELIVERED_FORMAT, delivered(frame.colour)
    )
    return replace(picture, index=frame.index, time=frame.time)


def render_arguments(frame: Frame, preset: Preset) -> list[str]:
    """Return the arguments that put one raw frame, given on stdin, through the chain."""
    return [
        *("-f", "rawvideo", "-pixel_format", frame.pixel_format),
        *("-video_size", f"{frame.width}x{frame.height}", "-i", "pipe:0"),
        *("-vf", f"{filter_chain(preset, frame.colour)},{ENCODER_FORMAT}"),
        *("-f", "rawvideo", "pipe:1"),
    ]
