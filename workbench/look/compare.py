"""Compare: measure the same frames before and after a look."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from workbench import ffmpeg
from workbench.argument_checks import check_flag, check_optional, check_type
from workbench.errors import ParameterError
from workbench.look.curves import tone_slope
from workbench.look.filter_chain import inverse_tone_chain
from workbench.look.filter_graph import filter_names
from workbench.look.preset import Preset
from workbench.look.render import render_frames
from workbench.look.stages import NoDeband, NoTone
from workbench.measure.banding import FINE, cambi, cambi_fine_and_coarse, is_measurable
from workbench.measure.code_values import (
    effective_bit_depth,
    eight_bit_grid,
    histogram,
    ten_bit_equivalents,
    to_ten_bit_luma,
)
from workbench.measure.contour import contour
from workbench.measure.detail_change import detail_change
from workbench.measure.frame_match import Difference, frame_difference
from workbench.measure.gamut import outside_r103
from workbench.measure.regions import Luma, Regions
from workbench.measure.rounding import Rounding
from workbench.measure.shading_error import changed_contour, shading_error, smooth_share
from workbench.measure.texture import ssim, texture_change
from workbench.media.frames import Frame, Plane, check_frames
from workbench.media.picture_format import PRORES_422, PictureFormat
from workbench.model import Seconds

_LARGE = 16  # rows and columns at half size: the least for measures of a pixel's neighbourhood


@dataclass(frozen=True)
class Comparison:
    """One frame before and after a look. A value that was not or cannot be measured is None.

    `workbench.measure.metrics` gives the name, the unit and the meaning of each value.
    """

    index: int
    time: Seconds  # after the clip's first frame
    contour_before: float | None  # with the tone but no deband; None where nothing is smooth
    contour_after: float | None
    texture_change: float | None  # 10-bit code values; None where the source has no texture
    effective_bit_depth_before: float | None  # of the source's luma
    effective_bit_depth: float | None  # of luma, before any encoder; None for an unknown look
    grid: float | None  # of the picture after; see measure.code_values.eight_bit_grid
    outside_r103: float  # share of the picture after, 0 to 1
    ssim: float | None = None  # of luma, against the same tone without deband
    difference: Difference | None = None  # from the look's rendering, where the look is known
    cambi_before: float | None = None  # of the source's code values; None for a picture too small
    cambi_after: float | None = None
    coarse_before: float | None = None  # CAMBI at the wider contrast setting
    coarse_after: float | None = None
    cambi_graded: float | None = None  # of the picture after, with the tone inverted
    detail_change: float | None = None  # None for an unknown look, and where all is texture
    shading_error: float | None = None  # all errors together; see measure.shading_error


def compare(
    sources: Sequence[Frame],
    preset: Preset | None,
    delivered: Sequence[Frame] | None = None,
    *,
    coarse: bool = True,
    target: PictureFormat = PRORES_422,
    cancellation: ffmpeg.Cancellation | None = None,
) -> list[Comparison]:
    """Measure frames of one clip before and after a look.

    `delivered` are the same frames from a delivered file; without them, the look's own output is
    measured. A `preset` of None is an unknown look. CAMBI at the wider contrast setting costs more
    than all other measures; without `coarse`, it is left out.
    Raises ParameterError, UnsupportedClip, FfmpegFailed, Cancelled, FfmpegMissing, ResultsMissing.
    """
    _check(sources, preset, delivered, coarse)
    check_type("target", target, PictureFormat, "a PictureFormat, such as PRORES_422")
    check_optional(
        "cancellation", cancellation, ffmpeg.Cancellation, "a workbench.ffmpeg.Cancellation"
    )
    looked = plain = None
    if preset:
        looked = render_frames(sources, preset, cancellation, target)
        tone_alone = preset.model_copy(update={"deband": NoDeband()})
        plain = render_frames(sources, tone_alone, cancellation, target)
    after = delivered or looked
    if after is None:
        raise ParameterError(
            "there is nothing to compare with: give a preset, or the delivered frames"
        )
    with ThreadPoolExecutor() as pool:  # several ffmpeg processes at a time
        scoring = [pool.submit(_scores, some, coarse, cancellation) for some in (sources, after)]
        grading = pool.submit(_graded, after, preset, cancellation)
        similar = ssim(after, plain) if plain else None
        pictures = [
            replace(
                measures_of(
                    source=sources[at],
                    after=after[at],
                    plain=(
                        Untreated.of(plain[at], sources[at], preset) if plain and preset else None
                    ),
                    looked=looked[at] if looked else None,
                ),
                ssim=similar[at] if similar else None,
                difference=frame_difference(looked[at], after[at], target) if looked else None,
            )
            for at in range(len(sources))
        ]
        before_scores, after_scores = (scores.result() for scores in scoring)
        graded = grading.result()
    return [
        replace(
            picture,
            cambi_before=old[0],
            cambi_after=new[0],
            coarse_before=old[1],
            coarse_after=new[1],
            cambi_graded=new[0] if graded is None else graded[at],
        )
        for at, (picture, old, new) in enumerate(
            zip(pictures, before_scores, after_scores, strict=True)
        )
    ]


def _check(
    sources: Sequence[Frame],
    preset: Preset | None,
    delivered: Sequence[Frame] | None,
    coarse: bool,
) -> None:
    """Raise ParameterError for frames that cannot be compared."""
    check_frames("sources", sources)
    check_optional("preset", preset, Preset, "a Preset, as load_preset returns it")
    check_flag("coarse", coarse)
    if delivered is None:
        return
    check_frames("delivered", delivered)
    if len(delivered) != len(sources):
        raise ParameterError(
            f"{len(sources)} frames cannot be compared with {len(delivered)}: give the same frames"
        )
    sizes = [(one[0].width, one[0].height) for one in (sources, delivered)]
    if sizes[0] != sizes[1]:
        before, after = (f"{width}x{height}" for width, height in sizes)
        raise ParameterError(f"frames of {before} cannot be compared with frames of {after}")


def sampled(numbers: Sequence[int], total: int) -> str:
    """Return the sentence that names the sampled frames of a clip.

    >>> sampled([3, 9, 15, 21], 24)
    'Measured in 4 of 24 frames: 3, 9, 15, 21.'
    """
    if len(numbers) == total:
        return "Measured in every frame."
    measured = f"Measured in {len(numbers)} of {total} frames"
    if len(numbers) <= _LISTED:
        return f"{measured}: {', '.join(map(str, numbers))}."
    return f"{measured}, evenly spread from {numbers[0]} to {numbers[-1]}."


_LISTED = 8  # frame numbers at most


@dataclass(frozen=True, eq=False)
class Untreated:
    """A frame with a look's tone but no deband, its regions, and what rounding explains.

    What rounding explains is None for an unknown look, and computed when it is needed.
    """

    luma: Luma  # 10-bit code values
    surface: Regions
    source: Plane  # luma in the source's bit depth
    steps: Luma | None  # 10-bit code values from one source code value to the next; see _steps

    @classmethod
    def of(cls, frame: Frame, source: Frame, preset: Preset | None) -> "Untreated":
        """Prepare `frame`, which is the source frame under the preset's tone alone."""
        luma = to_ten_bit_luma(frame)
        large = min(luma.shape) // 2 >= _LARGE
        steps = _steps(source, preset) if preset and large else None
        return cls(luma, Regions.of(luma), source.luma, steps)

    @cached_property
    def limit(self) -> Luma | None:
        """See measure.rounding.Rounding.limit."""
        return None if self.steps is None else self._rounding.limit(self.steps)

    @cached_property
    def expected(self) -> float | None:
        """See measure.rounding.Rounding.contour; None also where all is texture."""
        if self.steps is None:
            return None
        return self._rounding.contour(self.steps, self.surface.calm)

    @cached_property
    def _rounding(self) -> Rounding:
        return Rounding.of(self.source)


def _steps(source: Frame, preset: Preset) -> Luma:
    """Return the height of a source code value after the tone, in 10-bit code values.

    The array has half the size of the picture. A look in 8 bits rounds a second time.
    """
    full = source.colour.range == "full"
    luma, _ = ten_bit_equivalents(source.bit_depth, full=full)
    codes = Regions.of(to_ten_bit_luma(source)).luma.round().astype(np.int16).clip(0, 1023)
    second = 4 if preset.bit_depth == 8 else 0
    steps = (luma[1] - luma[0]) * tone_slope(preset.tone) + second
    return np.asarray(steps.take(codes), np.float32)


def measures_of(
    source: Frame, after: Frame, plain: Untreated | None, looked: Frame | None
) -> Comparison:
    """Measure one frame before and after a look, without the measures that need ffmpeg.

    `looked` is the look's rendering of the source. It and `plain` are None for an unknown look.
    Raises UnsupportedClip.
    """
    treated = to_ten_bit_luma(after)
    untreated = plain or Untreated.of(source, source, None)
    surface, limit = untreated.surface, untreated.limit
    large = min(surface.luma.shape) >= _LARGE
    picture = Regions.of(treated)
    before = contour(surface, surface.smooth) if large else None
    bands = contour(picture, surface.smooth, surface.posterization) if large else None
    detail = detail_change(picture, surface, limit) if limit is not None else None
    changed = changed_contour(picture, surface, surface.calm) if limit is not None else None
    error = None
    if detail is not None and changed is not None and untreated.expected is not None:
        error = shading_error(
            before=before,
            after=bands,
            share=smooth_share(surface.smooth, surface.calm),
            detail_change=detail,
            expected=untreated.expected,
            changed=changed,
        )
    return Comparison(
        index=source.index,
        time=source.time,
        contour_before=before,
        contour_after=bands,
        detail_change=detail,
        shading_error=error,
        texture_change=(
            texture_change(treated, untreated.luma, surface.textured) if plain and large else None
        ),
        effective_bit_depth_before=_bit_depth(source),
        effective_bit_depth=_bit_depth(looked) if looked else None,
        grid=eight_bit_grid(histogram(after.luma, after.bit_depth)),
        outside_r103=outside_r103(after),
    )


def own_measures(picture: Frame, plain: Untreated | None) -> tuple[float | None, float | None]:
    """Return the contour and the effective bit depth of one picture, such as a grabbed still.

    `plain` is the same frame with a tone and no deband. Without it, the picture's own smooth areas
    are measured.
    """
    regions = Regions.of(to_ten_bit_luma(picture))
    surface = plain.surface if plain else regions
    if min(surface.luma.shape) < _LARGE:
        return None, _bit_depth(picture)
    return contour(regions, surface.smooth, surface.posterization), _bit_depth(picture)


def _bit_depth(frame: Frame) -> float | None:
    return effective_bit_depth(histogram(frame.luma, frame.bit_depth))


def _graded(
    frames: Sequence[Frame], preset: Preset | None, cancellation: ffmpeg.Cancellation | None
) -> Sequence[float | None] | None:
    """Return CAMBI of the frames with their tone inverted; None for a look without a tone.

    A flat look lowers the bands as well, so its banding score is too good until a grade restores
    the contrast.
    """
    if preset is not None and isinstance(preset.tone, NoTone):
        return None
    if preset is None or not is_measurable(frames[0].width, frames[0].height):
        return [None] * len(frames)
    chain = inverse_tone_chain(preset.tone, frames[0].colour.assumed())
    if chain is None:
        return [None] * len(frames)
    ffmpeg.require(filters=filter_names(chain))
    return cambi(frames, FINE, cancellation, chain)


_Scores = tuple[float | None, float | None]
"""CAMBI of one frame, fine and coarse."""


def _scores(
    frames: Sequence[Frame], coarse: bool, cancellation: ffmpeg.Cancellation | None
) -> list[_Scores]:
    if not is_measurable(frames[0].width, frames[0].height):
        return [(None, None)] * len(frames)
    if coarse:
        return list(cambi_fine_and_coarse(frames, cancellation))
    return [(fine, None) for fine in cambi(frames, FINE, cancellation)]
