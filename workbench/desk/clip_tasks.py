"""Clip tasks: background work on a clip that takes longer than one picture."""

from collections.abc import Sequence

from workbench.deliver.source_frames import sampled_indices
from workbench.desk.preview import PREVIEW_SIZE
from workbench.desk.viewer import jpeg
from workbench.errors import UnsupportedClip, WorkbenchError
from workbench.ffmpeg import Cancellation
from workbench.look.preset import Preset
from workbench.look.proxy import proxy
from workbench.look.render import render_frames
from workbench.measure.banding import cambi, is_measurable
from workbench.measure.worst_frame import BandingCandidates, band_edges
from workbench.media.clip import Clip
from workbench.media.frame_reader import CACHE_BYTES
from workbench.media.frames import Frame

MAX_PLAYED = 720
"""Frames that playback caches in the browser, at most: about 70 MB."""
PLAYED_AT_ONCE = 8
"""Frames of one message: more render faster, fewer start sooner."""


def worst_frame(clip: Clip, cancellation: Cancellation) -> int:
    """Return the index of the source frame with the most banding, as a report does.

    A quick pass over all frames finds candidates. CAMBI decides between them and a few samples.

    Raises UnsupportedClip for a picture too small for CAMBI, DamagedClip, FfmpegFailed, Cancelled.
    """
    if not is_measurable(clip.width, clip.height):
        raise UnsupportedClip(
            f"{clip.path.name}: the picture is too small to measure banding "
            f"({clip.width}x{clip.height})"
        )
    candidates = BandingCandidates[Frame](clip.frame_count)
    samples = set(sampled_indices(clip, clip.frame_count, every_frame=False))
    found: dict[int, Frame] = {}
    for frame in clip.frames(range(clip.frame_count)):
        cancellation.raise_if_requested()
        if frame.index in samples:
            found[frame.index] = frame
        else:
            candidates.add(frame.index, band_edges(frame), frame)
    frames = [*found.values(), *candidates.kept().values()]
    scores = cambi(frames, cancellation=cancellation)
    return frames[scores.index(max(scores))].index


def playback_order(first: int, last: int, start: int) -> list[int]:
    """Return the frames from `first` to `last` in the order in which playback needs them.

    >>> playback_order(2, 6, 5)
    [5, 6, 2, 3, 4]
    """
    if not first <= start <= last:
        start = first
    return [*range(start, last + 1), *range(first, start)][:MAX_PLAYED]


def render_playback(
    clip: Clip, indices: Sequence[int], preset: Preset, cancellation: Cancellation
) -> tuple[list[bytes], list[bytes]]:
    """Return frames before and after a look as JPEGs, at preview size.

    Raises DamagedClip, UnsupportedClip, FfmpegFailed, Cancelled.
    """
    before = []
    for index in indices:
        cancellation.raise_if_requested()
        before.append(clip.frame(index).downscaled(PREVIEW_SIZE))
    look = proxy(clip.frame(indices[0]), preset, PREVIEW_SIZE)[1]
    after = render_frames(before, look, cancellation)
    return (
        [jpeg(frame.with_matrix(preset.assume_matrix)) for frame in before],
        [jpeg(frame) for frame in after],
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
