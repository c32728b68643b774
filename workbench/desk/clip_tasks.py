"""Clip tasks: background work on a clip that takes longer than one picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from workbench.desk.preview import PREVIEW_SIZE
from workbench.desk.viewer import jpeg
from workbench.errors import UnsupportedClip, WorkbenchError
from workbench.ffmpeg import Cancellation
from workbench.look.preset import Preset
from workbench.look.proxy import proxy
from workbench.look.render import render_frames
from workbench.measure.banding import cambi, is_measurable
from workbench.media.clip import Clip
from workbench.media.frame_reader import CACHE_BYTES

SAMPLED_FRAMES = 24
"""Frames in which `worst_frame` measures banding."""


def worst_frame(clip: Clip, cancellation: Cancellation) -> int:
    """Return the index of the source frame with the most banding in a sample of frames.

    Raises UnsupportedClip for a picture too small for CAMBI, DamagedClip, FfmpegFailed, Cancelled.
    """
    if not is_measurable(clip.width, clip.height):
        raise UnsupportedClip(
            f"{clip.path.name}: the picture is too small to measure banding "
            f"({clip.width}x{clip.height})"
        )
    frames = list(clip.sample(SAMPLED_FRAMES))
    scores = cambi(frames, cancellation=cancellation)
    return frames[scores.index(max(scores))].index


@dataclass(frozen=True)
class VideoLoop:
    """One second of video, before and after, as JPEGs."""

    before: tuple[bytes, ...]
    after: tuple[bytes, ...]
    ends: tuple[float, ...]  # end time of each frame in seconds, from the start of the first


def render_loop(clip: Clip, index: int, preset: Preset, cancellation: Cancellation) -> VideoLoop:
    """Render one second of video from a frame on, or the clip's last second, at preview size.

    Raises DamagedClip, UnsupportedClip, FfmpegFailed, Cancelled.
    """
    times, count, end = clip.times, clip.frame_count, clip.duration
    first = min(index, max((at for at in range(count) if end - times[at] >= 1), default=0))
    chosen = [at for at in range(first, count) if times[at] < times[first] + 1]
    before = []
    for at in chosen:
        cancellation.raise_if_requested()
        before.append(clip.frame(at).downscaled(PREVIEW_SIZE))
    after = render_frames(before, proxy(clip.frame(first), preset, PREVIEW_SIZE)[1], cancellation)
    last_end = times[chosen[-1] + 1] if chosen[-1] + 1 < count else end
    return VideoLoop(
        before=tuple(jpeg(frame.with_matrix(preset.assume_matrix)) for frame in before),
        after=tuple(jpeg(frame) for frame in after),
        ends=tuple(_end_times([times[at] for at in chosen], last_end)),
    )


def decode_ahead(clip: Clip, superseded: Cancellation) -> None:
    """Decode frames into the clip's cache until it is nearly full, so that scrubbing is quick."""
    cached = 0
    for index in range(clip.frame_count):
        if superseded.requested:
            return
        try:
            frame = clip.frame(index)
        except WorkbenchError:
            return  # the desk reports the error when the user goes to this frame
        cached += frame.luma.nbytes + frame.cb.nbytes + frame.cr.nbytes
        if cached > 0.9 * CACHE_BYTES:  # rows may be padded
            return


def _end_times(times: Sequence[Fraction], last_end: Fraction) -> list[float]:
    """Return the end times of frames in seconds, from the start of the first.

    >>> _end_times([Fraction(1), Fraction(3, 2)], Fraction(2))
    [0.5, 1.0]
    """
    return [float(time - times[0]) for time in (*times[1:], last_end)]
