"""Encode again: one frame through the look and the encoder, to compare with the delivered one.

The encoder gives the same packet for the same picture, so the two are equal to the sample. This
finds what ProRes's error would hide, such as a soft blur of a picture that is nearly flat.
"""

from dataclasses import dataclass

import numpy as np

from workbench import ffmpeg
from workbench.deliver.format import PRORES_422_HQ, Encoder, Format
from workbench.deliver.qc import Finding, Level
from workbench.errors import ResultsMissing
from workbench.look.chain import encoder_input_chain, filter_chain
from workbench.look.preset import Preset
from workbench.look.render import rawvideo_size
from workbench.measure.frame_match import frame_difference
from workbench.media.colour import delivered_colour
from workbench.media.frames import Frame

_SAME = 0.1  # code values RMS; decoders of the source may round a few samples otherwise
_DETAIL = 0.05  # log ratio; other encoders at this rate stay within 0.02
_LEAST = 0.01  # code values squared: a picture without any detail


def reencode(
    source: Frame,
    preset: Preset,
    encoder: Encoder,
    cancellation: ffmpeg.Cancellation | None = None,
    format: Format = PRORES_422_HQ,
) -> Frame:
    """Return what a decoder gives for a source frame that went through a look and an encoder.

    Raises UnsupportedClip, FfmpegFailed, Cancelled, FfmpegMissing, ResultsMissing.
    """
    size, target = (source.width, source.height), format.picture
    packet = ffmpeg.run(
        [
            *ffmpeg.raw_input(source.pixel_format, *size),
            *("-vf", encoder_input_chain(filter_chain(preset, source, target), target)),
            *(*format.encode_options(encoder), "-f", "nut", "pipe:1"),
        ],
        stdin=[source.tobytes()],
        cancellation=cancellation,
    )
    raw = ffmpeg.run(
        ["-f", "nut", "-i", "pipe:0", "-f", "rawvideo", "-pix_fmt", target.pixel_format, "pipe:1"],
        stdin=[packet],
        cancellation=cancellation,
    )
    if len(raw) != rawvideo_size(target.pixel_format, *size):
        raise ResultsMissing(
            f"ffmpeg encoded a frame of {size[0]}x{size[1]} again and gave none back: install the "
            f"ffmpeg program that this version was tested with ({ffmpeg.HOW_TO_GET_IT})"
        )
    return Frame.frombytes(raw, *size, target.pixel_format, delivered_colour(source.colour, target))


@dataclass(frozen=True)
class ReencodeDifference:
    """How a delivered frame differs from the look's rendering of it, encoded again."""

    rms: float  # 10-bit code values, of the plane that differs most
    detail: float  # log ratio of squared luma differences between neighbours, delivered over again


def compare_reencoded(
    source: Frame,
    frame: Frame,
    preset: Preset,
    encoder: Encoder,
    cancellation: ffmpeg.Cancellation | None = None,
    format: Format = PRORES_422_HQ,
) -> ReencodeDifference:
    """Compare a delivered frame with its source, encoded again. Raises as `encoded`."""
    again = reencode(source, preset, encoder, cancellation, format)
    ratio = (_roughness(frame) + _LEAST) / (_roughness(again) + _LEAST)
    return ReencodeDifference(rms=frame_difference(again, frame).rms, detail=float(np.log(ratio)))


def _roughness(frame: Frame) -> float:
    luma = frame.luma.astype(np.float32)
    steps = [np.diff(luma, axis=axis) for axis in (0, 1) if luma.shape[axis] > 1]
    return sum(float(np.square(step).mean()) for step in steps)


def check_reencoded(found: ReencodeDifference | None, *, certain: bool) -> list[Finding]:
    """Say whether the frame that was encoded again is the delivered one.

    Where it is `certain` which encoder and which ffmpeg made the file, any difference is a fault of
    the file. Else it may be another encoder's work, which keeps the detail. Returns no finding
    where no frame was encoded again.
    """
    if found is None:
        return []
    same = found.rms <= _SAME
    changed = certain or abs(found.detail) > _DETAIL
    if same:
        sentence = "One frame was rendered and encoded again, and equals the delivered one."
    elif changed:
        sentence = (
            "One frame was rendered and encoded again, and differs from the delivered one. The "
            "file was changed after the look, such as blurred, sharpened or scaled."
        )
    else:
        sentence = (
            "One frame was rendered and encoded again, and differs from the delivered one. Another "
            "encoder or another version of ffmpeg made the file."
        )
    level: Level = "pass" if same else "fail" if changed else "warn"
    measured = "the same" if same else f"{found.rms:.2f} code values RMS apart"
    return [Finding("re-encoded frame", level, measured, "the same", sentence)]
