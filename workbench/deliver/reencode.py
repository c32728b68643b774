"""Re-encode one frame of the source through the look, and compare it with the delivered frame.

The encoder is deterministic, so both frames are identical. This detects faults within the coding
error of ProRes, such as a soft blur of a nearly flat picture.
"""

from dataclasses import dataclass

import numpy as np

from workbench import ffmpeg
from workbench.deliver.format import PRORES_422_HQ, Encoder, Format
from workbench.deliver.qc import Finding, Level
from workbench.errors import ResultsMissing
from workbench.look.filter_chain import encoder_input_chain, filter_chain
from workbench.look.preset import Preset
from workbench.look.render import rawvideo_size
from workbench.measure.frame_match import frame_difference
from workbench.media.colour import delivered_colour
from workbench.media.frames import Frame

_SAME = 0.1  # code values RMS: decoders of the source may round a few samples differently
_DETAIL = 0.05  # log ratio: other encoders at this data rate stay within 0.02
_FLOOR = 0.01  # code values squared, added to both sides of the ratio: a picture without detail


def reencode(
    source: Frame,
    preset: Preset,
    encoder: Encoder,
    cancellation: ffmpeg.Cancellation | None = None,
    format: Format = PRORES_422_HQ,
) -> Frame:
    """Render a source frame with a look, encode it, and return the decoded result.

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
            f"ffmpeg returned no frame for a re-encoded {size[0]}x{size[1]} picture: install the "
            f"ffmpeg program that this version was tested with ({ffmpeg.HOW_TO_GET_IT})"
        )
    return Frame.frombytes(raw, *size, target.pixel_format, delivered_colour(source.colour, target))


@dataclass(frozen=True)
class ReencodeDifference:
    """The difference of a delivered frame from the re-encoded frame of the source."""

    rms: float  # 10-bit code values, of the plane that differs most
    detail: float  # log ratio of delivered to re-encoded detail: squared luma differences


def compare_reencoded(
    source: Frame,
    frame: Frame,
    preset: Preset,
    encoder: Encoder,
    cancellation: ffmpeg.Cancellation | None = None,
    format: Format = PRORES_422_HQ,
) -> ReencodeDifference:
    """Re-encode a source frame and compare the delivered frame with it.

    Raises the same as `reencode`.
    """
    expected = reencode(source, preset, encoder, cancellation, format)
    ratio = (_roughness(frame) + _FLOOR) / (_roughness(expected) + _FLOOR)
    return ReencodeDifference(
        rms=frame_difference(expected, frame, format.picture).rms, detail=float(np.log(ratio))
    )


def _roughness(frame: Frame) -> float:
    luma = frame.luma.astype(np.float32)
    steps = [np.diff(luma, axis=axis) for axis in (0, 1) if luma.shape[axis] > 1]
    return sum(float(np.square(step).mean()) for step in steps)


def check_reencoded(found: ReencodeDifference | None, *, certain: bool) -> list[Finding]:
    """Check that the re-encoded frame equals the delivered one.

    If the encoder and the version of ffmpeg are `certain`, any difference is a fault of the file.
    Otherwise another encoder may have made the file; it keeps the detail. Returns no finding if no
    frame was re-encoded.
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
    measured = "identical" if same else f"{found.rms:.2f} code values RMS difference"
    return [Finding("re-encoded frame", level, measured, "identical", sentence)]
