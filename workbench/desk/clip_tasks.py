"""Errands: what takes the desk longer than a picture, as plain functions of a clip."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from workbench.desk.preview import DISPLAY
from workbench.desk.viewer import jpeg
from workbench.errors import UnsupportedClip, WorkbenchError
from workbench.ffmpeg import Cancellation
from workbench.look.preset import Preset
from workbench.look.proxy import proxy
from workbench.look.render import render_frames
from workbench.measure.banding import cambi, is_measurable
from workbench.media.clip import Clip
from workbench.media.frame_reader import CACHE_BYTES

_SAMPLES = 24  # frames in which the worst banding is looked for


def worst_frame(clip: Clip, cancellation: Cancellation) -> int:
    """Return the frame with the most banding in the clip as it is, among frames spread over it.

    Raises UnsupportedClip for a picture too small for CAMBI, DamagedClip, FfmpegFailed, Cancelled.
    """
    if not is_measurable(clip.width, clip.height):
        raise UnsupportedClip(
            f"{clip.path.name}: a picture of {clip.width}x{clip.height} is too small to measure "
            "banding in"
        )
    frames = list(clip.sample(_SAMPLES))
    scores = cambi(frames, cancellation=cancellation)
    return frames[scores.index(max(scores))].index


@dataclass(frozen=True)
class VideoLoop:
    """A second of video, to be played in a loop."""

    before: tuple[bytes, ...]  # JPEGs
    after: tuple[bytes, ...]
    ends: tuple[float, ...]  # seconds after the first came at which each goes


def render_loop(clip: Clip, index: int, preset: Preset, cancellation: Cancellation) -> VideoLoop:
    """Make a second of video from this frame on, or the clip's last, at display size.

    Raises DamagedClip, UnsupportedClip, FfmpegFailed, Cancelled.
    """
    times, count, end = clip.times, clip.frame_count, clip.duration
    first = min(index, max((at for at in range(count) if end - times[at] >= 1), default=0))
    chosen = [at for at in range(first, count) if times[at] < times[first] + 1]
    before = []
    for at in chosen:
        cancellation.raise_if_requested()
        before.append(clip.frame(at).downscaled(DISPLAY))
    after = render_frames(before, proxy(clip.frame(first), preset, DISPLAY)[1], cancellation)
    gone = times[chosen[-1] + 1] if chosen[-1] + 1 < count else end
    return VideoLoop(
        before=tuple(jpeg(frame.with_matrix(preset.assume_matrix)) for frame in before),
        after=tuple(jpeg(frame) for frame in after),
        ends=tuple(_ends([times[at] for at in chosen], gone)),
    )


def decode_ahead(clip: Clip, overtaken: Cancellation) -> None:
    """Decode what fits into the clip's memory, so that scrubbing finds it there."""
    held = 0
    for index in range(clip.frame_count):
        if overtaken.requested:
            return
        try:
            frame = clip.frame(index)
        except WorkbenchError:
            return  # it is said when somebody goes there
        held += frame.luma.nbytes + frame.cb.nbytes + frame.cr.nbytes
        if held > 0.9 * CACHE_BYTES:  # rows may be padded
            return


def _ends(times: Sequence[Fraction], last: Fraction) -> list[float]:
    """Return when each of some frames goes; `last` is when the last of them does.

    >>> _ends([Fraction(1), Fraction(3, 2)], Fraction(2))
    [0.5, 1.0]
    """
    return [float(time - times[0]) for time in (*times[1:], last)]
