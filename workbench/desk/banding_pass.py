"""Banding pass: measures banding in every frame of a clip, in the background at low priority."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from threading import current_thread, get_native_id, main_thread

import numpy as np
from numpy.typing import NDArray

from workbench.errors import WorkbenchError
from workbench.ffmpeg import Cancellation
from workbench.measure.banding import cambi, is_measurable
from workbench.measure.code_values import to_ten_bit_luma
from workbench.measure.contour import contour
from workbench.measure.regions import Regions
from workbench.media.clip import Clip, sample_indices
from workbench.media.frames import Frame

MAX_FRAMES = 2000
"""The pass measures at most so many frames of a clip, evenly spread."""

_BATCH = 8  # frames that one ffmpeg process measures: more is faster, fewer stop sooner
_DELAY = 1.0  # seconds until the pass starts, so that a clip's first picture comes first
_POLL = 0.05  # seconds between two looks at whether the desk is busy
_THUMBNAIL = 32  # rows and columns at most, for finding cuts
_CUT = 60.0  # 10-bit code values: least mean difference of two frames at a cut
_CUT_RATIO = 3.0  # a cut differs at least so many times as much as the frames before it


@dataclass(frozen=True, eq=False)
class BandingCurve:
    """Banding over a clip, as far as it is measured. Arrays have an element for each frame."""

    clip: Clip
    cambi: NDArray[np.float32]  # of the source; NaN where it is not measured
    contour: NDArray[np.float32]  # of the source, times 100; NaN likewise, or without smooth areas
    cuts: list[int] = field(default_factory=list)  # first frames of new shots
    done: bool = False

    @property
    def worst(self) -> int | None:
        """The frame with the highest CAMBI so far."""
        return None if np.isnan(self.cambi).all() else int(np.nanargmax(self.cambi))


class BandingPass:
    """Measures clips, and lets the desk's own work go first."""

    def __init__(self, is_busy: Callable[[], bool], show: Callable[[BandingCurve], None]) -> None:
        """Create a pass that pauses while `is_busy`. It calls `show` with each part of a curve."""
        self._is_busy, self._show = is_busy, show

    def __call__(self, clip: Clip, superseded: Cancellation) -> None:
        """Measure a clip until it is done or superseded."""
        unknown = np.full(clip.frame_count, np.nan, np.float32)
        curve = BandingCurve(clip, unknown, unknown.copy())
        if superseded.wait(_DELAY) or not is_measurable(clip.width, clip.height):
            return
        lower_priority()
        indices = sample_indices(clip.frame_count, min(clip.frame_count, MAX_FRAMES))
        differences = _Differences()
        try:
            for frames in _batches(clip.frames(indices)):
                while self._is_busy():
                    if superseded.wait(_POLL):
                        return
                scores = cambi(frames, cancellation=superseded)
                for frame, score in zip(frames, scores, strict=True):
                    if superseded.requested:
                        return
                    curve.cambi[frame.index] = score
                    curve.contour[frame.index] = _contour(frame)
                    if differences.is_cut(frame):
                        curve.cuts.append(frame.index)
                self._show(curve)
        except WorkbenchError:
            return  # the desk reports a damaged frame when the user goes to it
        self._show(BandingCurve(clip, curve.cambi, curve.contour, curve.cuts, done=True))


def _contour(frame: Frame) -> float:
    regions = Regions.of(to_ten_bit_luma(frame))
    found = contour(regions, regions.smooth)
    return float("nan") if found is None else found


def _batches(frames: Iterator[Frame]) -> Iterator[Sequence[Frame]]:
    batch: list[Frame] = []
    for frame in frames:
        batch.append(frame)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


class _Differences:
    """Compares each frame with the one before, to find cuts."""

    def __init__(self) -> None:
        self._last: NDArray[np.float32] | None = None
        self._usual = 0.0  # mean difference of the last frames

    def is_cut(self, frame: Frame) -> bool:
        luma = to_ten_bit_luma(frame)
        rows, columns = (max(1, side // _THUMBNAIL) for side in luma.shape)
        small = np.asarray(luma[::rows, ::columns], np.float32)
        last, self._last = self._last, small
        if last is None or last.shape != small.shape:
            return False
        difference = float(np.abs(small - last).mean())
        cut = difference > max(_CUT, _CUT_RATIO * self._usual)
        if not cut:
            self._usual += 0.25 * (difference - self._usual)
        return cut


def lower_priority() -> None:
    """Lower the priority of this thread and of the processes that it starts.

    Only Linux can do so for one thread, and only the main thread's priority is the process's own.
    Elsewhere the pass just pauses while the desk is busy.
    """
    if sys.platform == "linux" and current_thread() is not main_thread():
        os.setpriority(os.PRIO_PROCESS, get_native_id(), 15)
