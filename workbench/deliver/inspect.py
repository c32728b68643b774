"""Inspect: a delivered file's picture and sound, measured against its source.

Every delivered frame is decoded and put beside its source frame. What costs more - banding,
contour, texture, gamut - is measured in one frame a second, or in every one, while the next frames
are decoded. No more than a few frames are held at a time, however long the clip is.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import floor

from workbench import ffmpeg
from workbench.clip import Clip, sample_indices
from workbench.frames import Frame
from workbench.look.compare import Comparison, compare
from workbench.look.preset import Preset
from workbench.measure.banding import SMALLEST, CambiMap, cambi_map
from workbench.measure.levels import Levels, LevelsTimeline, levels
from workbench.measure.loudness import Loudness, loudness
from workbench.measure.match import Match, Means, block_means, matches

_FEWEST = 4  # frames compared, of a clip shorter than as many seconds
_AT_ONCE = 4  # frames compared in one go
_WAITING = 2


@dataclass(frozen=True, eq=False)
class Inspection:
    """What was measured of a delivered file, frame by frame."""

    times: tuple[Fraction, ...]  # of every delivered frame, seconds after the first
    levels: LevelsTimeline  # of every delivered frame
    matches: tuple[Match, ...]  # of every delivered frame
    corrupt: tuple[int, ...]  # delivered frames that did not decode cleanly
    comparisons: tuple[Comparison, ...]  # of the frames that were sampled
    loudness: tuple[Loudness, ...]  # of each sound track
    before: Frame  # the sampled frame that is banded most in the source
    after: Frame  # the same, as delivered

    @cached_property
    def bands(self) -> CambiMap | None:
        """Where the source's bands are in the worst frame; ffmpeg is run when first asked.

        None for a picture too small for CAMBI.
        """
        if max(self.before.width, self.before.height) < SMALLEST:
            return None
        return cambi_map(self.before)


def inspect(
    clip: Clip,
    delivered: Clip,
    preset: Preset | None,
    *,
    frame_rate: Fraction | None = None,
    every_frame: bool = False,
    on_progress: Callable[[int], None] | None = None,
    cancellation: ffmpeg.Cancellation | None = None,
) -> Inspection:
    """Measure a delivered file against the clip that it was made of.

    With a `preset` of None its look is taken as unknown. `frame_rate` is what its timing was made
    even to, if it was. `on_progress` is told how many frames are done. Raises DamagedClip,
    FfmpegFailed, Cancelled, FfmpegMissing.
    """
    places = source_places(clip, delivered, frame_rate)
    count = len(places) if every_frame else max(_FEWEST, round(clip.duration))
    samples = sample_indices(len(places), count)
    chosen = set(samples)
    stop = ffmpeg.Cancellation(parent=cancellation)
    watched: list[Levels] = []
    corrupt: list[int] = []
    found = _Found()

    def means() -> Iterator[tuple[Means, Means]]:
        """Watch every pair of frames go by, and hand on those that are to be compared."""
        before: Frame | None = None
        held: list[_Pair] = []
        for number, (source, frame) in enumerate(_pairs(clip, delivered, places)):
            stop.raise_if_requested(clip.path)
            watched.append(levels(frame, before))
            if frame.corrupt:
                corrupt.append(number)
            before = frame
            if number in chosen:
                held.append((source, frame))
            if len(held) == _AT_ONCE or (held and number == samples[-1]):
                found.expect(pool.submit(_compare, held, preset, every_frame, stop), held)
                held = []
            yield block_means(source), block_means(frame)
            if on_progress:
                on_progress(number + 1)

    with ThreadPoolExecutor(_WAITING) as pool:
        tracks = range(len(delivered.audio))
        listening = pool.submit(lambda: [loudness(delivered.path, i, stop) for i in tracks])
        try:
            matched = tuple(matches(means()))
            found.take_all()
            heard = listening.result()
        except BaseException:
            stop.request()
            raise
    assert found.worst is not None
    return Inspection(
        times=delivered.times[: len(places)],
        levels=LevelsTimeline.of(watched),
        matches=matched,
        corrupt=tuple(corrupt),
        comparisons=tuple(found.comparisons),
        loudness=tuple(heard),
        before=found.worst[0],
        after=found.worst[1],
    )


_Pair = tuple[Frame, Frame]


class _Found:
    """Comparisons as they come in; of their frames, only the worst pair is kept."""

    def __init__(self) -> None:
        self.comparisons: list[Comparison] = []
        self.worst: _Pair | None = None
        self._most = -1.0
        self._expected: deque[tuple[Future[list[Comparison]], list[_Pair]]] = deque()

    def expect(self, comparing: Future[list[Comparison]], pairs: list[_Pair]) -> None:
        """Take these when they are done; wait when too many are under way."""
        self._expected.append((comparing, pairs))
        while len(self._expected) > _WAITING:
            self._take()

    def take_all(self) -> None:
        while self._expected:
            self._take()

    def _take(self) -> None:
        comparing, pairs = self._expected.popleft()
        for comparison, pair in zip(comparing.result(), pairs, strict=True):
            self.comparisons.append(comparison)
            banding = comparison.cambi_before or comparison.contour_before or 0.0
            if banding > self._most:
                self._most, self.worst = banding, pair


def _compare(
    pairs: Sequence[_Pair], preset: Preset | None, coarse: bool, stop: ffmpeg.Cancellation
) -> list[Comparison]:
    sources, frames = zip(*pairs, strict=True)
    return compare(sources, preset, frames, coarse=coarse, cancellation=stop)


def source_places(clip: Clip, delivered: Clip, frame_rate: Fraction | None) -> list[int]:
    """Return the index of the source frame that each delivered frame should be.

    Delivered frames past the source's end are left out.
    """
    if frame_rate is None:
        return list(range(min(clip.frame_count, delivered.frame_count)))
    # As FFmpeg's fps filter rounds: each source frame to the nearest step of the grid.
    steps = [floor(time * frame_rate + Fraction(1, 2)) for time in clip.times]
    places, at = [], 0
    for number in range(delivered.frame_count):
        while at + 1 < len(steps) and steps[at + 1] <= number:
            at += 1
        places.append(at)
    return places


def _pairs(clip: Clip, delivered: Clip, places: Sequence[int]) -> Iterator[_Pair]:
    """Yield each delivered frame with the source frame that it should be."""
    sources = clip.frames(sorted(set(places)))
    source = next(sources)
    for place, frame in zip(places, delivered.frames(range(len(places))), strict=True):
        while source.index != place:
            source = next(sources)
        yield source, frame
