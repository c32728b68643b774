"""Inspect: measure a delivered file's picture and audio against its source.

Every delivered frame is decoded once and compared with its source frame. The costly measures, such
as banding and texture, are applied to one frame every two seconds and to the one with the most
banding, or to every frame. Only a few frames are in memory at a time.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import astuple, dataclass
from fractions import Fraction
from functools import cached_property
from itertools import islice
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
from workbench.deliver.source_frames import (
    SourceFrame,
    SourceRecording,
    decoded_frames,
    sampled_indices,
)
from workbench.errors import ResultsMissing
from workbench.look.compare import Comparison, compare
from workbench.look.curves import black_limit
from workbench.look.preset import Preset
from workbench.look.render import render_frames
from workbench.measure import look_fit
from workbench.measure.banding import CambiMap, cambi, cambi_map, is_measurable
from workbench.measure.detail import combing_change, detail, sharpness_change
from workbench.measure.frame_match import BlockMeans, block_means, frame_difference, match_frames
from workbench.measure.levels import BLACK_LIMIT, LevelsTimeline, levels
from workbench.measure.loudness import Loudness, loudness
from workbench.measure.motion import Motion
from workbench.measure.worst_frame import BandingCandidates, band_edges
from workbench.media.clip import Clip
from workbench.media.frames import Frame

_BATCH = 4  # frame pairs compared together while the next ones are decoded


@dataclass(frozen=True, eq=False)
class Inspection:
    """The measures of a delivered file."""

    times: tuple[Fraction, ...]  # of every delivered frame, seconds from the first
    end: Fraction  # when the last of these frames ends, seconds
    levels: LevelsTimeline  # of every delivered frame
    black_limit: int  # 10-bit luma up to which this look's pixels count as nearly black
    frame_measures: FrameMeasures  # of every delivered frame
    corrupt: tuple[int, ...]  # delivered frames with decoding errors
    damaged: tuple[int, ...]  # delivered frames that differ from the look's rendering
    comparisons: tuple[Comparison, ...]  # of the sampled frames
    loudness: tuple[Loudness, ...]  # of each audio track
    encoded_again: ReencodeDifference | None  # of one frame; None for unknown settings
    before: Frame  # the sampled source frame with the most banding, by banding_rank
    after: Frame  # the same, as delivered

    @property
    def bounds(self) -> tuple[Fraction, ...]:
        """The start time of each delivered frame, and the end of the last one, in seconds."""
        return (*self.times, self.end)

    @cached_property
    def bands(self) -> CambiMap | None:
        """The banding map of the worst source frame, computed on first use.

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
    recording: SourceRecording | None = None,
    on_progress: Callable[[int], None] | None = None,
    cancellation: ffmpeg.Cancellation | None = None,
) -> Inspection:
    """Measure a delivered file against its source clip.

    A `preset` of None is an unknown look. Where the `encoder` is known too, one frame is encoded
    again. `frame_rate` is the constant frame rate that the clip was converted to, if any. A
    complete `recording` of the source, with these settings, saves decoding it. `on_progress`
    receives the number of frames done. Raises DamagedClip, FfmpegFailed, Cancelled, FfmpegMissing,
    ResultsMissing.
    """
    places = source_indices(clip, delivered, frame_rate)
    samples = sampled_indices(clip, len(places), every_frame=every_frame)
    recorded = recording if recording and len(places) == clip.frame_count else None
    sources = recorded.frames() if recorded else decoded_frames(clip, places)
    nearly_black = black_limit(preset.tone) if preset else BLACK_LIMIT
    stop = ffmpeg.Cancellation(parent=cancellation)
    with ThreadPoolExecutor() as pool:
        loudness_task = pool.submit(
            lambda: [loudness(delivered.path, i, stop) for i in range(len(delivered.audio))]
        )
        comparing = _SampleComparer(pool, preset, format, encoder, stop)
        comparing.look_for_worst(len(places), recorded.candidates.kept() if recorded else None)
        pairs = zip(sources, delivered.frames(range(len(places))), strict=True)
        try:
            passing = comparing.passed(pairs, samples)
            measured = _measured(clip, passing, nearly_black, on_progress, stop)
            compared = comparing.result()
            again = comparing.again()
            heard = loudness_task.result()
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
        levels=measured.levels,
        black_limit=nearly_black,
        frame_measures=measured.frame_measures,
        corrupt=measured.corrupt,
        damaged=_damaged(
            clip, delivered, places, measured.frame_measures, preset, format, cancellation
        ),
        comparisons=compared.comparisons,
        loudness=tuple(heard),
        encoded_again=None
        if any(match.offset for match in measured.frame_measures.matches)
        else again,
        before=source.with_matrix(preset.assume_matrix if preset else None),
        after=frame,
    )


_Pair = tuple[Frame, Frame]


@dataclass(frozen=True, eq=False)
class _FrameResults:
    """The measures that are taken of every frame."""

    levels: LevelsTimeline
    frame_measures: FrameMeasures
    corrupt: tuple[int, ...]


def _measured(
    clip: Clip,
    pairs: Iterable[tuple[SourceFrame, Frame]],
    nearly_black: int,
    on_progress: Callable[[int], None] | None,
    stop: ffmpeg.Cancellation,
) -> _FrameResults:
    """Measure every pair of source and delivered frames."""
    found = array("d")
    corrupt: list[int] = []
    frames: list[look_fit.Moments] = []
    details = array("d")
    motion = Motion()

    def means() -> Iterator[tuple[BlockMeans, BlockMeans]]:
        for number, (source, frame) in enumerate(pairs):
            stop.raise_if_requested(clip.path)
            found.extend(astuple(levels(frame, motion.add(frame), nearly_black)))
            if frame.corrupt:
                corrupt.append(number)
            now, finer = block_means(frame), detail(frame)
            frames.append(look_fit.moments(source.means, now))
            change = sharpness_change(source.detail, finer)
            details.extend((*change, combing_change(source.detail, finer)))
            yield source.means, now
            if on_progress:
                on_progress(number + 1)

    matched = tuple(match_frames(means()))
    detailed = np.array(details).reshape(-1, 3)
    frame_measures = FrameMeasures(
        matched, look_fit.fit_look(frames), detailed[:, :2], detailed[:, 2]
    )
    return _FrameResults(LevelsTimeline.of_values(found), frame_measures, tuple(corrupt))


def _damaged(
    clip: Clip,
    delivered: Clip,
    places: Sequence[int],
    frame_measures: FrameMeasures,
    preset: Preset | None,
    format: Format,
    cancellation: ffmpeg.Cancellation | None,
) -> tuple[int, ...]:
    """Return the outliers among the delivered frames that are damaged.

    A known look is rendered, to tell damage from the effect of a strong look.
    """
    if preset is None:
        return tuple(frames_with_damaged_blocks(frame_measures.matches))

    target = format.picture

    def differing(numbers: Sequence[int]) -> list[int]:
        found = []
        pairs = zip(numbers, _pairs(clip, delivered, places, numbers), strict=True)
        while some := list(islice(pairs, _BATCH)):
            sources = [source for _, (source, _) in some]
            rendered = render_frames(sources, preset, cancellation, target)
            found += [
                number
                for (number, (_, frame)), expected in zip(some, rendered, strict=True)
                if not frame_difference(expected, frame, target).is_coding_error(target)
            ]
        return found

    found = outlier_frames(frame_measures)
    return tuple(confirm_outliers(frame_measures, found, differing)) if found else ()


@dataclass(frozen=True, eq=False)
class _SampleResults:
    """The comparisons of the sampled frames, and the pair with the most banding."""

    comparisons: tuple[Comparison, ...]
    worst: _Pair


class _SampleComparer:
    """Compares sampled pairs in a thread pool, a few at a time, while the caller decodes more."""

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
        self._waiting: list[_Pair] = []
        self._compared: list[_Pair] = []  # being compared
        self._running: Future[list[Comparison]] | None = None
        self._found: list[Comparison] = []
        self._worst: tuple[tuple[float, float], _Pair] | None = None
        self._known: dict[int, Frame] | None = None  # the sources of the candidates, if known
        self._candidates: BandingCandidates[_Pair] = BandingCandidates(1)

    def look_for_worst(self, count: int, known: dict[int, Frame] | None) -> None:
        """Look for the frame with the most banding among `count` frames.

        `known` are the source frames that probably have it, by number; None if that is to be found.
        """
        self._candidates, self._known = BandingCandidates(count), known

    def passed(
        self, pairs: Iterable[tuple[SourceFrame, Frame]], samples: Sequence[int]
    ) -> Iterator[tuple[SourceFrame, Frame]]:
        """Yield every pair, and compare those with these numbers. Raises as `compare`."""
        wanted, middle = set(samples), samples[len(samples) // 2]
        for number, (source, frame) in enumerate(pairs):
            yield source, frame
            if number not in wanted:
                self._consider(number, source.picture, frame)
                continue
            assert source.picture is not None
            pair = source.picture, frame
            if number == middle and self._preset and self._encoder:
                self._again = self._pool.submit(
                    compare_reencoded, *pair, self._preset, self._encoder, self._stop, self._format
                )
            self._waiting.append(pair)
            if len(self._waiting) == _BATCH:
                self._begin()

    def result(self) -> _SampleResults:
        """Wait for the last comparisons, and return all. Raises as `compare`."""
        if self._waiting:
            self._begin()
        self._collect()
        assert self._worst is not None
        self._compare_worst(self._worst[0])
        found = sorted(self._found, key=lambda one: one.index)
        return _SampleResults(tuple(found), self._worst[1])

    def _consider(self, number: int, source: Frame | None, frame: Frame) -> None:
        """Keep a pair that is not sampled, if it may have the most banding."""
        if self._known is not None:
            if number in self._known:
                self._candidates.add(number, 0.0, (self._known[number], frame))
        elif source is not None:
            self._candidates.add(number, band_edges(source), (source, frame))

    def _compare_worst(self, worst_sample: tuple[float, float]) -> None:
        """Compare the candidate with the highest CAMBI as well, if no sample has a higher one."""
        pairs = list(self._candidates.kept().values())
        if not pairs or not is_measurable(pairs[0][0].width, pairs[0][0].height):
            return
        scores = cambi([source for source, _ in pairs], cancellation=self._stop)
        highest = max(scores)
        if highest > worst_sample[0]:
            self._waiting.append(pairs[scores.index(highest)])
            self._begin()
            self._collect()

    def again(self) -> ReencodeDifference | None:
        """Wait for the re-encoded frame; None where look or encoder is not known."""
        return self._again.result() if self._again else None

    def _begin(self) -> None:
        """Start to compare the waiting pairs, once the previous ones are done."""
        self._collect()
        self._compared, self._waiting = self._waiting, []
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
            if self._worst is None or banding > self._worst[0]:
                self._worst = banding, pair
        self._running = None


def banding_rank(one: Comparison) -> tuple[float, float]:
    """Return the key that ranks source frames by banding: CAMBI, then contour.

    A value that could not be measured counts as 0. CAMBI is measured in all frames or in none.
    """
    return one.cambi_before or 0.0, one.contour_before or 0.0


def source_indices(clip: Clip, delivered: Clip, frame_rate: Fraction | None) -> list[int]:
    """Return the index of the source frame that each delivered frame should show.

    Delivered frames past the end of the source are left out.
    """
    if frame_rate is None:
        return list(range(min(clip.frame_count, delivered.frame_count)))
    # FFmpeg's fps filter rounds each source frame to the nearest step of a grid. The grid starts
    # with the file, which may have audio before the first frame.
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
    """Yield each of these delivered frames after the source frame that it should show."""
    sources = clip.frames(sorted({places[number] for number in numbers}))
    source = next(sources)
    for number, frame in zip(numbers, delivered.frames(numbers), strict=True):
        while source.index != places[number]:
            source = next(sources)
        yield source, frame
