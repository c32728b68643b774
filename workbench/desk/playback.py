"""Playback: renders the frames that the browser plays, and knows which ones it has."""

from workbench.desk.clip_tasks import PLAYED_AT_ONCE, playback_order, render_playback
from workbench.desk.status_line import StatusLine
from workbench.desk.viewer import Viewer
from workbench.ffmpeg import Cancellation
from workbench.look.preset import Preset
from workbench.media.clip import Clip


class Playback:
    """The frames that the browser keeps to play, of one clip under one look."""

    def __init__(self, viewer: Viewer, status: StatusLine) -> None:
        self._viewer, self._status = viewer, status
        self._sent: set[int] = set()
        self._key: tuple[object, ...] | None = None  # the clip and the look of these frames
        self._generation = 0

    def forget(self) -> None:
        """Forget the frames: they are of another look, or the page is new and has none."""
        self._sent, self._key = set(), None
        self._generation += 1

    def start(self, clip: Clip, preset: Preset, cancellation: Cancellation) -> None:
        """Play from in to out, from the playhead on, and send the frames that are missing.

        Raises DamagedClip, UnsupportedClip, FfmpegFailed, Cancelled.
        """
        key = (clip, preset.hash, preset.assume_matrix)
        if key != self._key:
            self.forget()
            self._key = key
        sent, generation = self._sent, self._generation
        marks, end = self._viewer.marks, clip.frame_count - 1
        first = marks["in"] or 0
        last = end if marks["out"] is None else min(end, marks["out"])
        order = playback_order(first, last, self._viewer.frame)
        self._viewer.start_playback(generation, first, last, sorted(order))
        missing = [index for index in order if index not in sent]
        with self._status.running("Rendering frames to play"):
            for at in range(0, len(missing), PLAYED_AT_ONCE):
                some = missing[at : at + PLAYED_AT_ONCE]
                before, after = render_playback(clip, some, preset, cancellation)
                cancellation.raise_if_requested()
                self._viewer.send_frames(generation, some, before, after)
                sent.update(some)
