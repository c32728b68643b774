"""Find the frames of a clip that probably have the most banding, at about 1 ms a frame.

CAMBI takes 50 ms for a frame of 1080p, so a check cannot score every frame. Instead, every frame's
luma is searched for edges of bands along a few rows: a step of one to three code values of 8 bits,
between stretches without any step. CAMBI then decides between the best candidates.
"""

from typing import Generic, TypeVar

import numpy as np

from workbench.media.frames import Frame

_ROWS = 48  # rows that are searched, evenly spread
_STRETCHES = (4, 8, 16)  # pixels on either side of a step; edges of wide bands count several times
_HIGHEST = 3  # code values of 8 bits: a higher step is an edge of a shape
_PARTS = 3  # of a clip; each has one candidate, because neighbouring frames are alike

Kept = TypeVar("Kept")


def band_edges(frame: Frame) -> float:
    """Return the share of edges of bands along a few rows; 0 for a picture of a few columns."""
    rows = frame.luma[:: max(1, frame.height // _ROWS)].astype(np.int32)
    steps = np.abs(np.diff(rows, axis=1))
    unit = 1 << frame.bit_depth - 8
    low = (steps >= 1) & (steps <= _HIGHEST * unit)
    changes = np.cumsum(steps != 0, axis=1, dtype=np.int32)
    changes = np.concatenate([np.zeros((len(rows), 1), np.int32), changes], axis=1)
    found = 0.0
    for stretch in _STRETCHES:
        if steps.shape[1] <= 2 * stretch:
            break
        in_stretch = changes[:, stretch:] - changes[:, :-stretch]
        flat = (in_stretch[:, : -stretch - 1] == 0) & (in_stretch[:, stretch + 1 :] == 0)
        found += float((flat & low[:, stretch:-stretch]).mean())
    return found


class BandingCandidates(Generic[Kept]):
    """The frame with the most edges of bands in each part of a clip, and a value kept for it."""

    def __init__(self, frame_count: int) -> None:
        self._count = max(1, frame_count)
        self._best: dict[int, tuple[float, int]] = {}  # score and frame number, by part
        self._kept: dict[int, Kept] = {}

    def add(self, number: int, score: float, kept: Kept) -> None:
        """Add a frame, and keep a value for it as long as it is the best of its part."""
        part = number * _PARTS // self._count
        if part not in self._best or score > self._best[part][0]:
            self._best[part] = score, number
            self._kept[part] = kept

    def kept(self) -> dict[int, Kept]:
        """Return the kept values by frame number, in order."""
        return {self._best[part][1]: self._kept[part] for part in sorted(self._best)}
