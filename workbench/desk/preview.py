"""Preview: what is shown of a clip under a look, in three steps, each as soon as it is there.

1. Lossy: the look at display size, as JPEG. This is what is seen while a slider moves.
2. Measured: scopes, banding and the other figures of the picture that the encoder is fed with.
3. Exact: that picture, its very code values. They go to the browser last, because it needs a core
   for as long as the measuring does, and they go whatever became of that.

A newer request lets the first step finish and breaks off the others.
"""

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from workbench import ffmpeg
from workbench.desk.scopes import Scopes
from workbench.desk.viewer import Side, Viewer, jpeg
from workbench.errors import Cancelled, FfmpegMissing, WorkbenchError
from workbench.look.compare import Comparison, Untreated, figures
from workbench.look.preset import Preset
from workbench.look.proxy import proxy
from workbench.look.render import render
from workbench.look.stages import NoDeband
from workbench.measure.banding import CambiMap, cambi, cambi_map, is_measurable
from workbench.measure.code_values import CodeValueCounts, count_code_values
from workbench.media.clip import Clip
from workbench.media.frames import Frame

DISPLAY = 720
"""Pixels: the longer side of a lossy picture."""
_REST = 0.02  # seconds without a newer request: a hand that moves asks sooner
_KEPT = 6  # exact pictures, so that a flip between A and B shows them at once


@dataclass(frozen=True, eq=False)
class Still:
    """A picture that was kept, with the look that made it."""

    number: int
    preset: Preset
    picture: Frame  # as delivered
    jpeg: bytes

    @property
    def name(self) -> str:
        return f"still {self.number}"


@dataclass(frozen=True)
class PreviewRequest:
    """What is to be shown."""

    clip: Clip
    index: int
    preset: Preset
    against: Still | None = None  # in the place of the source
    bands: bool = False  # the map of the bands is wanted, too
    difference: bool = False  # and what a difference is taken from

    @property
    def key(self) -> tuple[object, ...]:
        """What names the picture after."""
        return self.clip, self.index, self.preset.hash, self.preset.assume_matrix


@dataclass(frozen=True, eq=False)
class FrameMeasurements:
    """The figures of one picture, before and after."""

    before: CodeValueCounts
    after: CodeValueCounts
    comparison: Comparison  # its contour is the clip's, also where a still is in its place


class PreviewPipeline:
    """Brings what is asked for on screen. One thread at a time may call it."""

    def __init__(
        self,
        viewer: Viewer,
        scopes: Scopes,
        on_measured: Callable[[FrameMeasurements | None], None],
        on_trouble: Callable[[str], None],
    ) -> None:
        """`on_measured` hears None while the figures are not of the picture that is shown."""
        self._viewer, self._scopes = viewer, scopes
        self._on_measured, self._on_trouble = on_measured, on_trouble
        self._generation: dict[Side, int] = {"before": 0, "after": 0}
        self._left: object = None  # what names the picture before that is on screen
        self._before: tuple[object, Frame] | None = None  # the last, with its key
        self._after: object = None  # and the one after
        self._exact: OrderedDict[tuple[object, ...], Frame] = OrderedDict()
        self._plain: tuple[object, Frame, Untreated] | None = None  # the last, with its key
        self._maps: OrderedDict[tuple[object, ...], CambiMap] = OrderedDict()
        self.shown: tuple[PreviewRequest, Frame] | None = (
            None  # the last one that was shown exactly
        )

    def __call__(self, request: PreviewRequest, overtaken: ffmpeg.Cancellation) -> None:
        """Show it; what goes wrong is said, and the last good picture stays."""
        try:
            self._show(request, overtaken)
        except Cancelled:
            pass
        except WorkbenchError as error:
            self._on_trouble(str(error))
        except Exception as error:  # a desk that died would take the colorist's work with it
            self._on_trouble(f"the picture could not be made: {type(error).__name__}: {error}")

    def _show(self, request: PreviewRequest, overtaken: ffmpeg.Cancellation) -> None:
        source = request.clip.frame(request.index)
        before = source.with_matrix(request.preset.assume_matrix)
        left = request.against.picture if request.against else before
        left_key = (request.clip, request.index, before.colour, request.against)
        if self._before and self._before[0] == left_key:
            left = self._before[1]  # itself, of which the figures are known
        self._before = left_key, left
        if (left_key, request.key) != (self._left, self._after):
            self._show_lossy(request, source, left, left_key)
            self._on_measured(None)
            self._scopes.stale = True
            if overtaken.wait(_REST):
                return
        after = self._picture(request, source, overtaken)
        try:
            self._measure(request, source, left, after, overtaken)
        finally:
            if not overtaken.requested:
                self._show_exact(request, left, after)

    def _show_lossy(
        self, request: PreviewRequest, source: Frame, left: Frame, left_key: tuple[object, ...]
    ) -> None:
        known = self._exact.get(request.key)
        if known is None:
            after = render(*proxy(source, request.preset, DISPLAY))
        else:
            after = known.downscaled(DISPLAY)
        pictures: dict[Side, bytes] = {"after": jpeg(after)}
        if left_key != self._left:
            pictures["before"] = jpeg(left.downscaled(DISPLAY))
        self._on_trouble("")
        self._left, self._after = left_key, request.key
        for side in pictures:
            self._generation[side] += 1
        self._viewer.labels = {
            "before": request.against.name if request.against else "before",
            "after": "after",
            "difference": f"after less {request.against.name}"
            if request.against
            else "changed by the deband",
        }
        self._viewer.show((left.width, left.height), self._generation, pictures)

    def _picture(
        self, request: PreviewRequest, source: Frame, overtaken: ffmpeg.Cancellation
    ) -> Frame:
        if request.key not in self._exact:
            self._exact[request.key] = render(source, request.preset, overtaken)
        self._exact.move_to_end(request.key)
        while len(self._exact) > _KEPT:
            self._exact.popitem(last=False)
        return self._exact[request.key]

    def _show_exact(self, request: PreviewRequest, left: Frame, after: Frame) -> None:
        pictures: dict[Side, Frame] = {"before": left, "after": after}
        for side, picture in pictures.items():
            if self._viewer.exact_generation(side) != self._generation[side]:
                self._viewer.show_exact(side, picture, self._generation[side])
        self.shown = request, after

    def _measure(
        self,
        request: PreviewRequest,
        source: Frame,
        left: Frame,
        after: Frame,
        overtaken: ffmpeg.Cancellation,
    ) -> None:
        with ThreadPoolExecutor() as pool:  # CAMBI is a process of its own
            scoring = pool.submit(self._scores, request, left, after, overtaken)
            plain, untreated = self._undebanded(request, source, overtaken)
            if request.difference:
                reference = request.against.picture if request.against else plain
                self._viewer.show_exact("reference", reference, self._generation["after"])
            overtaken.raise_if_requested()
            self._scopes.show(left, after, self._viewer.labels["before"])
            found = figures(source, after, untreated, after)
            overtaken.raise_if_requested()
            try:
                before_map, cambi_after, after_map = scoring.result()
            except FfmpegMissing as error:  # libvmaf: the other figures need none
                before_map = cambi_after = after_map = None
                self._on_trouble(str(error))
        found = replace(
            found, cambi_before=before_map.score if before_map else None, cambi_after=cambi_after
        )
        self._on_measured(FrameMeasurements(_codes(left), _codes(after), found))
        if request.bands and before_map and after_map:
            # One scale for both, so that they can be compared.
            top = max(float(np.quantile(before_map.c_values, 0.99)), 1e-6)
            maps: dict[Side, CambiMap] = {"before": before_map, "after": after_map}
            for side, bands in maps.items():
                self._viewer.show_banding_map(side, _strength(bands, top), self._generation[side])

    def _undebanded(
        self, request: PreviewRequest, source: Frame, overtaken: ffmpeg.Cancellation
    ) -> tuple[Frame, Untreated]:
        plain = request.preset.model_copy(update={"deband": NoDeband()})
        key = replace(request, preset=plain).key
        if self._plain is None or self._plain[0] != key:
            picture = render(source, plain, overtaken)
            self._plain = key, picture, Untreated.of(picture)
        return self._plain[1:]

    def _scores(
        self, request: PreviewRequest, left: Frame, after: Frame, overtaken: ffmpeg.Cancellation
    ) -> tuple[CambiMap | None, float | None, CambiMap | None]:
        """Score the bands before and after; a picture can be too small for it."""
        if not is_measurable(left.width, left.height):
            return None, None, None
        if request.bands:
            after_map = cambi_map(after)
            return self._map_before(request, left), after_map.score, after_map
        return self._map_before(request, left), cambi([after], cancellation=overtaken)[0], None

    def _map_before(self, request: PreviewRequest, left: Frame) -> CambiMap:
        key = request.clip, request.index, request.against
        if key not in self._maps:
            self._maps[key] = cambi_map(left)
        while len(self._maps) > _KEPT:
            self._maps.popitem(last=False)
        return self._maps[key]


@lru_cache(maxsize=2)  # the picture before is the same as long as a slider moves
def _codes(frame: Frame) -> CodeValueCounts:
    return count_code_values(frame)


def _strength(bands: CambiMap, top: float) -> NDArray[np.uint8]:
    """Return a map as opacity, at half size: that is enough to lay over a picture."""
    half = bands.c_values[::2, ::2]
    return np.asarray(np.clip(half / top, 0, 1) * 205, np.uint8)
