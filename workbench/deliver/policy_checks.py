"""Check the measures of a delivered file's picture and sound against a policy.

A policy sets the limits, because the acceptable amount of banding depends on taste and on the use
of the file. frame_checks.py checks the promises that every delivery must keep.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from workbench.deliver.inspection import Inspection
from workbench.deliver.policy import Policy, Rule
from workbench.deliver.qc import Finding
from workbench.deliver.quicktime import Movie
from workbench.look.compare import Comparison, sampled
from workbench.measure.banding import is_halved
from workbench.measure.levels import FrameRange


def check_policy(inspection: Inspection, movie: Movie, policy: Policy) -> Iterator[Finding]:
    """Yield a finding for each rule of a policy, and for each measure without a rule."""
    yield from _depth(inspection, policy)
    yield from _banding(inspection, policy)
    yield from _texture(inspection, policy)
    yield from _levels(inspection, policy)
    yield from _loudness(inspection, policy)
    megabits = movie.size * 8 / 1e6 / float(movie.duration)
    yield _judged(
        "data rate",
        policy.data_rate,
        megabits,
        f"{_shown(policy.data_rate, megabits, 0)} Mb/s, {movie.size / 1e6:.1f} MB",
        "Average data rate of the whole file.",
        "Mb/s",
    )


def _judged(
    id: str, rule: Rule | None, value: float, measured: str, sentence: str, unit: str = ""
) -> Finding:
    if rule is None:
        return Finding(id, "pass", measured, "", sentence)
    level = "pass" if rule.allows(value) else rule.level
    return Finding(id, level, measured, f"{rule} {unit}".rstrip(), sentence)


def _shown(rule: Rule | None, value: float, digits: int = 1) -> str:
    return rule.shown(value, digits) if rule else f"{value:.{digits}f}"


@dataclass(frozen=True)
class _Worst:
    """The worst value of one measure, over the compared frames."""

    value: float
    frame: int  # of the source


def _worst(
    inspection: Inspection, measure: Callable[[Comparison], float | None], *, lowest: bool = False
) -> _Worst | None:
    """Return the highest, or the `lowest`, value of a measure; None when no frame has a value."""
    known = [
        _Worst(value, one.index)
        for one in inspection.comparisons
        if (value := measure(one)) is not None
    ]
    return (min if lowest else max)(known, key=lambda one: one.value, default=None)


def _sampled(inspection: Inspection) -> str:
    return sampled([one.index for one in inspection.comparisons], len(inspection.times))


def _depth(inspection: Inspection, policy: Policy) -> Iterator[Finding]:
    bits = _worst(inspection, lambda one: one.effective_bit_depth, lowest=True)
    if bits:
        yield _judged(
            "bit depth",
            policy.bit_depth,
            bits.value,
            f"{_shown(policy.bit_depth, bits.value)} bits, frame {bits.frame}",
            "Bits of luma in use before the encoder. An 8-bit preset leaves 8-bit steps, "
            "which a grade brings out. " + _sampled(inspection),
            "bits",
        )
        return
    grid = _worst(inspection, lambda one: one.grid)
    look_is_unknown = all(one.difference is None for one in inspection.comparisons)
    if grid and look_is_unknown:
        yield _judged(
            "bit depth",
            policy.grid,
            grid.value,
            f"{_shown(policy.grid, grid.value, 2)} on the 8-bit grid, frame {grid.frame}",
            "Share of luma on steps of four code values, as 8-bit video in a 10-bit file has: 0 is "
            "none, 1 is all. " + _sampled(inspection),
        )
        return
    yield Finding(
        "bit depth",
        "pass",
        "too few tones to tell",
        "",
        "The picture has too few tones to measure its bit depth. " + _sampled(inspection),
    )


def _banding(inspection: Inspection, policy: Policy) -> Iterator[Finding]:
    frames = _sampled(inspection)
    if is_halved(inspection.before.width, inspection.before.height):
        frames += " The picture is above UHD, so CAMBI is measured at half size."
    for name, before, after, rule, sentence in (
        (
            "banding",
            _worst(inspection, lambda one: one.cambi_before),
            _worst(inspection, lambda one: one.cambi_after),
            policy.cambi,
            "Banding in the worst frame: 0 is none, and from about 5 on viewers notice it. Dither "
            "hides banding from CAMBI, but not from contour.",
        ),
        (
            "banding after grading",
            _worst(inspection, lambda one: one.cambi_before),
            _worst(inspection, lambda one: one.cambi_graded),
            policy.cambi_graded,
            "Banding after a grade that undoes the flat look, which makes bands stronger.",
        ),
        (
            "coarse banding",
            _worst(inspection, lambda one: one.coarse_before),
            _worst(inspection, lambda one: one.coarse_after),
            policy.cambi_coarse,
            "Banding at a wider contrast setting, which also finds larger steps.",
        ),
    ):
        if before and after:
            measured = (
                f"CAMBI {before.value:.1f} before, {_shown(rule, after.value)} after, "
                f"frame {after.frame}"
            )
            yield _judged(name, rule, after.value, measured, f"{sentence} {frames}")
    before = _worst(inspection, lambda one: one.contour_before)
    after = _worst(inspection, lambda one: one.contour_after)
    bands = _worst(inspection, _certain_contour)
    if before and after and bands:
        shown = _shown(policy.contour, bands.value)
        measured = f"{before.value:.1f} before, {shown} after, frame {bands.frame}"
        if bands.value < after.value:
            measured = (
                f"{before.value:.1f} before, {after.value:.1f} after, frame {after.frame}; "
                f"shading error {shown}"
            )
        yield _judged(
            "contour",
            policy.contour,
            bands.value,
            measured,
            "Edges of bands in smooth areas, under the noise. Noise can hide bands from "
            "CAMBI until a grade brings them out. Faint clouds and grain look like bands; the "
            "shading error, which knows what rounding leaves, must exceed the limit as well. "
            + _sampled(inspection),
        )


def _certain_contour(one: Comparison) -> float | None:
    """Return the lower of contour and shading error: faint clouds and grain raise contour alone."""
    if one.contour_after is None or one.shading_error is None:
        return one.contour_after
    return min(one.contour_after, one.shading_error)


def _texture(inspection: Inspection, policy: Policy) -> Iterator[Finding]:
    shading = _worst(inspection, lambda one: one.detail_change)
    if shading:
        yield _judged(
            "detail change",
            policy.detail_change,
            shading.value,
            f"{_shown(policy.detail_change, shading.value)}, frame {shading.frame}",
            "Faint shading that debanding altered by more than rounding of the source explains. "
            "A gentler deband alters less. " + _sampled(inspection),
        )
    change = _worst(inspection, lambda one: one.texture_change)
    similarity = _worst(inspection, lambda one: one.ssim, lowest=True)
    if change:
        yield _judged(
            "texture",
            policy.texture,
            change.value,
            f"{_shown(policy.texture, change.value)} code values, frame {change.frame}, "
            f"SSIM {similarity.value if similarity else 1.0:.4f}",
            "How far debanding changes fine detail. " + _sampled(inspection),
            "code values",
        )


def _loudness(inspection: Inspection, policy: Policy) -> Iterator[Finding]:
    """Check the true peak of each track; less than 0.4 s of sound has a peak but no loudness."""
    for number, loudness in enumerate(inspection.loudness):
        if loudness.true_peak is None:
            continue
        track = f" {number + 1}" if len(inspection.loudness) > 1 else ""
        integrated = (
            "no integrated loudness"
            if loudness.integrated is None
            else f"{loudness.integrated:.1f} LUFS"
        )
        yield _judged(
            f"loudness{track}",
            policy.true_peak,
            loudness.true_peak,
            f"{_shown(policy.true_peak, loudness.true_peak)} dBTP, {integrated}",
            "True peak and integrated loudness (EBU R128). Audio under 0.4 s, or nearly silent, "
            "has no integrated loudness.",
            "dBTP",
        )


def _levels(inspection: Inspection, policy: Policy) -> Iterator[Finding]:
    levels, bounds = inspection.levels, inspection.bounds
    most = int(levels.outside_r103.argmax())
    outside = float(levels.outside_r103[most]) * 100
    yield _judged(
        "gamut",
        policy.r103,
        outside,
        f"{_shown(policy.r103, outside, 2)} %" + (f" at frame {most}" if outside >= 0.005 else ""),
        "Share of the worst frame outside EBU R103 in luma or RGB.",
        "%",
    )
    for name, ranges, rule, sentence in (
        (
            "black",
            levels.black_ranges(),
            policy.black,
            "Longest run of black frames: at least 98 % of their luma is at most "
            f"{inspection.black_limit}.",
        ),
        (
            "freeze",
            levels.frozen_ranges(bounds),
            policy.freeze,
            "Longest run of frames in which nothing moves.",
        ),
    ):
        longest = max(
            ranges,
            key=lambda one: bounds[one.end] - bounds[one.start],
            default=FrameRange(0, 0),
        )
        seconds = float(bounds[longest.end] - bounds[longest.start])
        where = f"{_shown(rule, seconds, 2)} s from frame {longest.start}" if seconds else "none"
        yield _judged(name, rule, seconds, where, sentence, "s")
    jump = levels.largest_jump()
    if jump:
        at, largest = jump
        yield _judged(
            "luma jump",
            policy.luma_jump,
            largest,
            f"{_shown(policy.luma_jump, largest, 0)} code values at frame {at}",
            "Largest step of mean luma between two frames: a cut or a flash.",
            "code values",
        )
