"""Inspect: a delivered file's picture and sound, measured against its source.

Every delivered frame is decoded, once, and put beside its source frame. What costs more - banding,
contour, texture, gamut - is measured in a frame every two seconds, or in every one, while the next
are decoded. No more than a few frames are held at a time, however long the clip is.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import floor

import numpy as np

from workbench import ffmpeg
from workbench.deliver.format import PRORES_422_HQ, Encoder, Format
from workbench.deliver.outliers import (
    FrameMeasures,
    confirm_outliers,
    frames_with_damaged_blocks,
    outlier_frames,
)
from workbench.deliver.reencode import ReencodeDifference, compare_reencoded
from workbench.errors import DamagedClip, ResultsMissing
from workbench.look.compare import Comparison, compare
from workbench.look.curves import black_limit
from workbench.look.preset import Preset
from workbench.look.render import render
from workbench.measure import look_fit
from workbench.measure.banding import CambiMap, cambi_map, is_measurable
from workbench.measure.detail import combing_change, detail, sharpness_change
from workbench.measure.frame_match import BlockMeans, block_means, frame_difference, match_frames
from workbench.measure.levels import BLACK_LIMIT, Levels, LevelsTimeline, levels
from workbench.measure.loudness import Loudness, loudness
from workbench.measure.motion import Motion
from workbench.media.clip import Clip, sample_indices
from workbench.media.frames import Frame

_FEWEST = 4  # frames compared
_EVERY = 2  # seconds of a longer clip for each frame that is compared
_AT_ONCE = 4  # pairs compared together, while as many are gathered


@dataclass(frozen=True, eq=False)
class Inspection:
    """What was measured of a delivered file, frame by frame."""

    times: tuple[Fraction, ...]  # of every delivered frame, seconds after the first
    end: Fraction  # of the last of these frames, likewise
    levels: LevelsTimeline  # of every delivered frame
    black_limit: int  # 10-bit luma up to which a pixel counts as nearly black, under this look
    traces: FrameMeasures  # of every delivered frame
    corrupt: tuple[int, ...]  # delivered frames that did not decode cleanly
    damaged: tuple[int, ...]  # delivered frames that are not what the look makes of the source's
    comparisons: tuple[Comparison, ...]  # of the frames that were sampled
    loudness: tuple[Loudness, ...]  # of each sound track
    encoded_again: (
        ReencodeDifference | None
    )  # of one frame; None where look or encoder is not known
    before: Frame  # the sampled frame that is banded most in the source, by banding_rank
    after: Frame  # the same, as delivered

    @property
    def bounds(self) -> tuple[Fraction, ...]:
        """When each delivered frame begins, and when the last one ends, in seconds."""
        return (*self.times, self.end)

    @cached_property
    def bands(self) -> CambiMap | None:
        """Where the source's bands are in the worst frame; ffmpeg is run when first asked.

        None for a picture too small for CAMBI.
        """
        can = is_measurable(self.before.width, self.before.height)
        return cambi_map(self.before) if can else None


def inspect(
    clip: Clip,
    delivered: Clip,
    preset: Preset | None,
    format: Format = PRORES_422_HQ,
    *,
    encoder: Encoder | None = None,
    frame_rate: Fraction | None = None,
    every_frame: bool = False,
    on_progress: Callable[[int], None] | None = None,
    cancellation: ffmpeg.Cancellation | None = None,
) -> Inspection:
    """Measure a delivered file against the clip that it was made of.

    With a `preset` of None its look is taken as unknown. Where the `encoder` is known too, one
    frame is encoded again. `frame_rate` is what its timing was made even to, if it was.
    `on_progress` receives the number of frames done. Raises DamagedClip, FfmpegFailed, Cancelled,
    FfmpegMissing, ResultsMissing.
    """
    places = source_places(clip, delivered, frame_rate)
    count = len(places) if every_frame else max(_FEWEST, round(clip.duration / _EVERY))
    samples = sample_indices(len(places), count)
    nearly_black = black_limit(preset.tone) if preset else BLACK_LIMIT
    stop = ffmpeg.Cancellation(parent=cancellation)
    with ThreadPoolExecutor() as pool:  # they work beside each other
        listening = pool.submit(
            lambda: [loudness(delivered.path, i, stop) for i in range(len(delivered.audio))]
        )
        comparing = _Comparing(pool, preset, format, encoder, stop)
        pairs = _pairs(clip, delivered, places, range(len(places)))
        try:
            passing = comparing.passed(pairs, samples)
            watched = _watched(clip, passing, nearly_black, on_progress, stop)
            compared = comparing.result()
            again = comparing.again()
            heard = listening.result()
        except ResultsMissing as error:
            stop.request()
            raise ResultsMissing(f"{clip.path.name}: {error}") from error
        except BaseException:
            stop.request()
            raise
    source, frame = compared.worst
    return Inspection(
        times=delivered.times[: len(places)],
        end=(*delivered.times, delivered.duration)[len(places)],
        levels=watched.levels,
        black_limit=nearly_black,
        traces=watched.traces,
        corrupt=watched.corrupt,
        damaged=_damaged(clip, delivered, places, watched.traces, preset, format, cancellation),
        comparisons=compared.comparisons,
        loudness=tuple(heard),
        encoded_again=None if any(match.offset for match in watched.traces.matches) else again,
        before=source.with_matrix(preset.assume_matrix if preset else None),
        after=frame,
    )


_Pair = tuple[Frame, Frame]


@dataclass(frozen=True, eq=False)
class _Watched:
    """What every frame was looked at for."""

    levels: LevelsTimeline
    traces: FrameMeasures
    corrupt: tuple[int, ...]


def _watched(
    clip: Clip,
    pairs: Iterable[_Pair],
    nearly_black: int,
    on_progress: Callable[[int], None] | None,
    stop: ffmpeg.Cancellation,
) -> _Watched:
    """Watch every pair of frames go by."""
    found: list[Levels] = []
    corrupt: list[int] = []
    frames: list[look_fit.Moments] = []
    details: list[tuple[float, float, float]] = []
    motion = Motion()

    def means() -> Iterator[tuple[BlockMeans, BlockMeans]]:
        for number, (source, frame) in enumerate(pairs):
            stop.raise_if_requested(clip.path)
            if source.corrupt:
                raise DamagedClip(
                    f"{clip.path.name} is damaged: frame {source.index} does not decode cleanly; "
                    "download or generate the clip again"
                )
            found.append(levels(frame, motion.add(frame), nearly_black))
            if frame.corrupt:
                corrupt.append(number)
            expected, now = block_means(source), block_means(frame)
            frames.append(look_fit.moments(expected, now))
            fine, finer = detail(source), detail(frame)
            details.append((*sharpness_change(fine, finer), combing_change(fine, finer)))
            yield expected, now
            if on_progress:
                on_progress(number + 1)

    matched = tuple(match_frames(means()))
    detailed = np.array(details)
    traces = FrameMeasures(matched, look_fit.fit_look(frames), detailed[:, :2], detailed[:, 2])
    return _Watched(LevelsTimeline.of(found), traces, tuple(corrupt))


def _damaged(
    clip: Clip,
    delivered: Clip,
    places: Sequence[int],
    traces: FrameMeasures,
    preset: Preset | None,
    format: Format,
    cancellation: ffmpeg.Cancellation | None,
) -> tuple[int, ...]:
    """Return the frames that are damaged, of those that stand out.

    Where the look is known, it is rendered to tell damage from what a strong look does.
    """
    if preset is None:
        return tuple(frames_with_damaged_blocks(traces.matches))

    def rendered(source: Frame) -> Frame:
        return render(source, preset, cancellation, format.picture)

    def differing(numbers: Sequence[int]) -> list[int]:
        pairs = zip(numbers, _pairs(clip, delivered, places, numbers), strict=True)
        return [
            number
            for number, (source, frame) in pairs
            if not frame_difference(rendered(source), frame).is_coding_error
        ]

    found = outlier_frames(traces)
    return tuple(confirm_outliers(traces, found, differing)) if found else ()


@dataclass(frozen=True, eq=False)
class _Compared:
    """What the sampled frames were looked at for, and the pair that is banded most."""

    comparisons: tuple[Comparison, ...]
    worst: _Pair


class _Comparing:
    """Compares sampled pairs in a thread pool, a few at a time, while the caller reads on."""

    def __init__(
        self,
        pool: Executor,
        preset: Preset | None,
        format: Format,
        encoder: Encoder | None,
        stop: ffmpeg.Cancellation,
    ) -> None:
        self._pool, self._preset, self._format = pool, preset, format
        self._encoder, self._stop = encoder, stop
        self._again: Future[ReencodeDifference] | None = None
        self._held: list[_Pair] = []
        self._compared: list[_Pair] = []  # those that are being compared
        self._running: Future[list[Comparison]] | None = None
        self._found: list[Comparison] = []
        self._most: tuple[tuple[float, float], _Pair] | None = None

    def passed(self, pairs: Iterable[_Pair], samples: Sequence[int]) -> Iterator[_Pair]:
        """Pass every pair on, and compare those of these places. Raises as `compare`."""
        wanted, middle = set(samples), samples[len(samples) // 2]
        for number, pair in enumerate(pairs):
            yield pair
            if number == middle and self._preset and self._encoder:
                self._again = self._pool.submit(
                    compare_reencoded, *pair, self._preset, self._encoder, self._stop, self._format
                )
            if number in wanted:
                self._held.append(pair)
                if len(self._held) == _AT_ONCE:
                    self._begin()

    def result(self) -> _Compared:
        """Wait for what is still being compared. Raises as `compare`."""
        if self._held:
            self._begin()
        self._collect()
        assert self._most is not None
        return _Compared(tuple(self._found), self._most[1])

    def again(self) -> ReencodeDifference | None:
        """Wait for the frame that is encoded again, where look and encoder are known."""
        return self._again.result() if self._again else None

    def _begin(self) -> None:
        """Compare what is held, once the pairs before are done."""
        self._collect()
        self._compared, self._held = self._held, []
        self._running = self._pool.submit(self._compare, self._compared)

    def _compare(self, pairs: Sequence[_Pair]) -> list[Comparison]:
        sources, frames = zip(*pairs, strict=True)
        return compare(
            *(sources, self._preset, frames),
            target=self._format.picture,
            cancellation=self._stop,
        )

    def _collect(self) -> None:
        if self._running is None:
            return
        for one, pair in zip(self._running.result(), self._compared, strict=True):
            self._found.append(one)
            banding = banding_rank(one)
            if self._most is None or banding > self._most[0]:
                self._most = banding, pair
        self._running = None


def banding_rank(one: Comparison) -> tuple[float, float]:
    """Return what source frames are ranked by: CAMBI, then contour where CAMBI is the same.

    What could not be measured counts as 0: no frame of a clip has CAMBI, or all have it.
    """
    return one.cambi_before or 0.0, one.contour_before or 0.0


def source_places(clip: Clip, delivered: Clip, frame_rate: Fraction | None) -> list[int]:
    """Return the index of the source frame that each delivered frame should be.

    Delivered frames past the source's end are left out.
    """
    if frame_rate is None:
        return list(range(min(clip.frame_count, delivered.frame_count)))
    # As FFmpeg's fps filter rounds: each source frame to the nearest step of the grid.
    # Its grid begins with the file, which may be with sound before the first picture.
    late = -min([Fraction(0), *(stream.start for stream in clip.audio)])
    steps = [floor((late + time) * frame_rate + Fraction(1, 2)) for time in clip.times]
    steps = [step - steps[0] for step in steps]
    places, at = [], 0
    for number in range(delivered.frame_count):
        while at + 1 < len(steps) and steps[at + 1] <= number:
            at += 1
        places.append(at)
    return places


def _pairs(
    clip: Clip, delivered: Clip, places: Sequence[int], numbers: Sequence[int]
) -> Iterator[_Pair]:
    """Yield these delivered frames, each with the source frame that it should be."""
    sources = clip.frames(sorted({places[number] for number in numbers}))
    source = next(sources)
    for number, frame in zip(numbers, delivered.frames(numbers), strict=True):
        while source.index != places[number]:
            source = next(sources)
        yield source, frame
