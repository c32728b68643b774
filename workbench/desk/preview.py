"""Preview: shows a frame of a clip under a look, in three steps.

1. Lossy: the look at preview size, as a JPEG. The user sees this while a slider moves.
2. Measured: scopes, banding and the other figures of the picture that the encoder receives.
3. Exact: the code values of that picture. They go to the browser last, because sending them
   occupies a core for as long as measuring does. They are sent even if measuring fails.

A newer request lets the first step finish and cancels the others.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from workbench import ffmpeg
from workbench.desk.scopes import Scopes
from workbench.desk.stills import Still
from workbench.desk.viewer import Side, Viewer, jpeg
from workbench.errors import Cancelled, FfmpegMissing, WorkbenchError
from workbench.look.compare import Comparison, Untreated, measures_of, own_measures
from workbench.look.preset import Preset
from workbench.look.proxy import proxy
from workbench.look.render import render
from workbench.look.stages import NoDeband
from workbench.measure.banding import CambiMap, cambi, cambi_map, is_measurable
from workbench.measure.code_values import CodeValueCounts, count_code_values
from workbench.media.clip import Clip
from workbench.media.frames import Frame

PREVIEW_SIZE = 720
"""Longer side of a lossy picture in pixels."""
_DEBOUNCE = 0.02  # seconds without a newer request; a moving slider sends one sooner
_SCOPES_EVERY = 0.15  # seconds between scopes while a slider moves: the picture comes first
_MAX_CACHED = 6  # exact pictures, so that a flip between A and B shows them at once
_MAX_OPACITY = 205  # of the banding map, from 0 to 255


@dataclass(frozen=True)
class PreviewRequest:
    """The clip, frame, look and views that the viewer should show."""

    clip: Clip
    index: int  # frame number
    preset: Preset
    still: Still | None = None  # shown in place of the source
    banding_map: bool = False
    difference: bool = False

    @property
    def after_key(self) -> tuple[object, ...]:
        """The cache key of the picture after."""
        return self.clip, self.index, self.preset.hash, self.preset.assume_matrix

    @property
    def comparable_still(self) -> Still | None:
        """The still, if its picture has the clip's size, so that pixels can be subtracted."""
        size = self.clip.height, self.clip.width
        return self.still if self.still and self.still.picture.luma.shape == size else None


@dataclass(frozen=True, eq=False)
class FrameMeasurements:
    """Figures of one picture, before and after."""

    before: CodeValueCounts
    after: CodeValueCounts
    comparison: Comparison


class PreviewPipeline:
    """Renders, measures and shows requests. Only one thread may call it at a time."""

    def __init__(
        self,
        viewer: Viewer,
        scopes: Scopes,
        on_measured: Callable[[FrameMeasurements | None], None],
        on_error: Callable[[str], None],
    ) -> None:
        """Create a pipeline.

        It calls `on_measured` with None while the last figures belong to an earlier picture. It
        calls `on_error` with a message, or with an empty one to clear the error.
        """
        self._viewer, self._scopes = viewer, scopes
        self._on_measured, self._on_error = on_measured, on_error
        self._generation: dict[Side, int] = {"before": 0, "after": 0}
        self._shown_before: object = None  # key of the picture before in the viewer
        self._small_before: Frame | None = None  # at preview size
        self._small_after: Frame | None = None
        self._scoped_at = 0.0  # seconds of a monotonic clock: when their scopes were shown
        self._shown_after: object = None
        self._before: tuple[object, Frame] | None = None  # the last one, with its key
        self._exact: OrderedDict[tuple[object, ...], Frame] = OrderedDict()
        self._undebanded: tuple[object, Frame, Untreated] | None = None  # the last one
        self._maps: OrderedDict[tuple[object, ...], CambiMap] = OrderedDict()
        self.shown: tuple[PreviewRequest, Frame] | None = None  # last exact picture after

    def __call__(self, request: PreviewRequest, superseded: ffmpeg.Cancellation) -> None:
        """Show a request. On an error, report it and keep the last picture."""
        try:
            self._show(request, superseded)
        except Cancelled:
            pass
        except WorkbenchError as error:
            self._on_error(str(error))
        except Exception as error:  # an unforeseen error must not end the desk
            self._on_error(f"Rendering the picture failed: {type(error).__name__}: {error}")

    def _show(self, request: PreviewRequest, superseded: ffmpeg.Cancellation) -> None:
        source = request.clip.frame(request.index)
        declared = source.with_matrix(request.preset.assume_matrix)
        before = request.still.picture if request.still else declared
        before_key = (request.clip, request.index, declared.colour, request.still)
        if self._before and self._before[0] == before_key:
            before = self._before[1]  # the same object as last time, for the caches of figures
        self._before = before_key, before
        if (before_key, request.after_key) != (self._shown_before, self._shown_after):
            self._show_lossy(request, source, before, before_key)
            self._on_measured(None)
            self._scopes.stale = True
            newer = superseded.wait(_DEBOUNCE)
            if not newer or time.monotonic() - self._scoped_at > _SCOPES_EVERY:
                self._show_small_scopes()
            if newer:
                return
        after = self._render(request, source, superseded)
        try:
            self._measure(request, source, before, after, superseded)
        finally:
            if not superseded.requested:
                self._show_exact(request, before, after)

    def _show_lossy(
        self, request: PreviewRequest, source: Frame, before: Frame, before_key: tuple[object, ...]
    ) -> None:
        cached = self._exact.get(request.after_key)
        if cached is None:
            after = render(*proxy(source, request.preset, PREVIEW_SIZE))
        else:
            after = cached.downscaled(PREVIEW_SIZE)
        pictures: dict[Side, bytes] = {"after": jpeg(after)}
        if before_key != self._shown_before or self._small_before is None:
            self._small_before = before.downscaled(PREVIEW_SIZE)
            pictures["before"] = jpeg(self._small_before)
        self._on_error("")
        self._shown_before, self._shown_after = before_key, request.after_key
        for side in pictures:
            self._generation[side] += 1
        comparable = request.comparable_still
        self._viewer.labels = {
            "before": request.still.name if request.still else "before",
            "after": "after",
            "difference": f"difference from {comparable.name}"
            if comparable
            else "changed by the deband",
        }
        size = request.clip.width, request.clip.height
        before_size = request.still.shown_size if request.still else None
        self._viewer.show(size, self._generation, pictures, before_size)
        self._small_after = after

    def _show_small_scopes(self) -> None:
        """Show scopes of the small pictures, which follow a moving slider."""
        if self._small_before and self._small_after:
            small = self._small_before, self._small_after
            self._scopes.show(*small, self._viewer.labels["before"], preview=True)
            self._scoped_at = time.monotonic()

    def _render(
        self, request: PreviewRequest, source: Frame, superseded: ffmpeg.Cancellation
    ) -> Frame:
        key = request.after_key
        if key not in self._exact:
            self._exact[key] = render(source, request.preset, superseded)
        self._exact.move_to_end(key)
        while len(self._exact) > _MAX_CACHED:
            self._exact.popitem(last=False)
        return self._exact[key]

    def _show_exact(self, request: PreviewRequest, before: Frame, after: Frame) -> None:
        pictures: dict[Side, Frame] = {"before": before, "after": after}
        for side, picture in pictures.items():
            if self._viewer.exact_generation(side) != self._generation[side]:
                self._viewer.show_exact(side, picture, self._generation[side])
        self.shown = request, after

    def _measure(
        self,
        request: PreviewRequest,
        source: Frame,
        before: Frame,
        after: Frame,
        superseded: ffmpeg.Cancellation,
    ) -> None:
        with ThreadPoolExecutor() as pool:  # CAMBI runs in a separate process meanwhile
            scoring = pool.submit(self._scores, request, before, after, superseded)
            plain, untreated = self._without_deband(request, source, superseded)
            if request.difference:
                still = request.comparable_still
                reference = still.picture if still else plain
                self._viewer.show_exact("reference", reference, self._generation["after"])
            superseded.raise_if_requested()
            self._scopes.show(before, after, self._viewer.labels["before"])
            found = measures_of(source, after, untreated, after)
            if request.still:
                found = self._with_still(found, request.still, request, untreated)
            superseded.raise_if_requested()
            try:
                before_map, cambi_after, after_map = scoring.result()
            except FfmpegMissing as error:  # without libvmaf, the other figures are still shown
                before_map = cambi_after = after_map = None
                self._on_error(str(error))
        found = replace(
            found, cambi_before=before_map.score if before_map else None, cambi_after=cambi_after
        )
        self._on_measured(FrameMeasurements(_codes(before), _codes(after), found))
        if request.banding_map and before_map and after_map:
            # Both maps have the same scale, so that they can be compared.
            top = max(float(np.quantile(before_map.c_values, 0.99)), 1e-6)
            maps: dict[Side, CambiMap] = {"before": before_map, "after": after_map}
            for side, banding in maps.items():
                opacity = _opacity(banding, top)
                self._viewer.show_banding_map(side, opacity, self._generation[side])

    def _with_still(
        self, found: Comparison, still: Still, request: PreviewRequest, untreated: Untreated
    ) -> Comparison:
        """Return the figures with those of the still in place of the source's."""
        same = request.comparable_still is still and still.picture.index == request.index
        same = same and still.clip == str(request.clip.path)
        contour, bit_depth = own_measures(still.picture, untreated if same else None)
        return replace(found, contour_before=contour, effective_bit_depth_before=bit_depth)

    def _without_deband(
        self, request: PreviewRequest, source: Frame, superseded: ffmpeg.Cancellation
    ) -> tuple[Frame, Untreated]:
        plain = request.preset.model_copy(update={"deband": NoDeband()})
        key = replace(request, preset=plain).after_key
        if self._undebanded is None or self._undebanded[0] != key:
            picture = render(source, plain, superseded)
            self._undebanded = key, picture, Untreated.of(picture, source, plain)
        return self._undebanded[1:]

    def _scores(
        self, request: PreviewRequest, before: Frame, after: Frame, superseded: ffmpeg.Cancellation
    ) -> tuple[CambiMap | None, float | None, CambiMap | None]:
        """Return the map before, the score after, and the map after where it is wanted.

        All are None for a picture that is too small for CAMBI.
        """
        if not is_measurable(before.width, before.height):
            return None, None, None
        if request.banding_map:
            after_map = cambi_map(after)
            return self._map_before(request, before), after_map.score, after_map
        score = cambi([after], cancellation=superseded)[0]
        return self._map_before(request, before), score, None

    def _map_before(self, request: PreviewRequest, before: Frame) -> CambiMap:
        key = request.clip, request.index, request.still
        if key not in self._maps:
            self._maps[key] = cambi_map(before)
        while len(self._maps) > _MAX_CACHED:
            self._maps.popitem(last=False)
        return self._maps[key]


@lru_cache(maxsize=2)  # the picture before stays the same while a slider moves
def _codes(frame: Frame) -> CodeValueCounts:
    return count_code_values(frame)


def _opacity(banding: CambiMap, top: float) -> NDArray[np.uint8]:
    """Return a banding map as opacity at half size; `top` is the value of full opacity."""
    half = banding.c_values[::2, ::2]
    return np.asarray(np.clip(half / top, 0, 1) * _MAX_OPACITY, np.uint8)
