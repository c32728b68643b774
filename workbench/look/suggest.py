"""Suggest a look for a clip: the gentlest deband that removes the banding and keeps the texture."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from workbench import ffmpeg
from workbench.argument_checks import check_callbacks, check_optional, check_type
from workbench.errors import ParameterError, UnsupportedClip
from workbench.look.compare import Comparison, compare, sampled
from workbench.look.preset import Preset, load_preset
from workbench.look.render import render_frames
from workbench.look.stages import NoDeband, NoDither, Smooth
from workbench.measure.banding import COARSE as COARSE_SETTING
from workbench.measure.banding import cambi, is_measurable
from workbench.media.clip import Clip

CAMBI, COARSE = 0.5, 5.0
"""Highest CAMBI of the worst frame without visible banding, at the default and the wider setting.

The wider contrast setting also counts shading and texture as steps.
"""
STEPS = 0.55
"""Ratio of coarse CAMBI with deband to without, both undithered: 10-bit steps alone give this."""
CONTOUR = 4.0
"""10-bit code values per pixel, times 100: a quarter of the contour of an untreated 8-bit clip."""
TEXTURE = 1.5
"""10-bit code values: the change of texture by the deband of the preset `classic`."""

FRAMES = 4
CANDIDATES = tuple(
    Smooth(radius=72, strength=strength, texture=round(strength / 3, 2))
    for strength in (1, 1.2, 1.5, 2, 3, 4.5)
)
"""Debands from weak to strong. With so few, a binary search would not be faster."""


@dataclass(frozen=True)
class Trial:
    """The result of one deband on the sampled frames: the worst value of each measure."""

    deband: Smooth | NoDeband
    cambi: float  # with tone and dither, or after the inverse tone, whichever is higher
    coarse: float  # CAMBI at the wider contrast setting, without dither
    contour: float | None  # None without smooth areas
    texture: float | None  # None without textured areas

    @property
    def name(self) -> str:
        if isinstance(self.deband, NoDeband):
            return "no deband"
        return f"strength {self.deband.strength:g}"

    @property
    def no_visible_banding(self) -> bool:
        return self.cambi <= CAMBI and self.coarse <= COARSE

    def removes_banding(self, plain: "Trial") -> bool:
        """Return whether no banding returns in a grade. `plain` is the look without deband.

        CAMBI with dither does not count, because a dither always lowers it to about 0.
        """
        smooth = self.contour is None or self.contour <= CONTOUR
        return smooth and self.coarse <= STEPS * plain.coarse

    @property
    def preserves_texture(self) -> bool:
        return self.texture is None or self.texture <= TEXTURE


@dataclass(frozen=True)
class Suggestion:
    """A look for a clip, with the measures that justify it."""

    preset: Preset
    before: Trial  # the source
    plain: Trial  # the look without deband
    tried: tuple[Trial, ...]  # from weak to strong, up to the first that ends the search
    reason: str  # one or two sentences
    sampled: str = ""  # one sentence about the measured frames

    def facts(self) -> dict[str, Any]:
        """Return all fields and the limits in JSON types."""
        return {
            "preset": self.preset.facts(),
            "reason": self.reason,
            "sampled": self.sampled,
            "limits": {
                "cambi": CAMBI,
                "coarse": COARSE,
                "steps": STEPS,
                "contour": CONTOUR,
                "texture": TEXTURE,
            },
            "before": _facts(self.before),
            "plain": _facts(self.plain),
            "tried": [_facts(step) for step in self.tried],
        }


def suggest(
    clip: Clip,
    base: Preset | None = None,
    *,
    on_progress: Callable[[int], None] | None = None,
    cancellation: ffmpeg.Cancellation | None = None,
) -> Suggestion:
    """Find the gentlest deband of CANDIDATES that removes a clip's banding and keeps its texture.

    It is measured in FRAMES frames at full size. The rest of the look comes from `base`, by
    default the preset `smooth`. A clip without visible banding gets NoDeband. `on_progress`
    receives the number of finished candidates, up to len(CANDIDATES). The result is deterministic.

    Raises UnsupportedClip for a picture too small for CAMBI, ParameterError for a base that works
    in 8 bits and for wrong types, ClipError, FfmpegFailed, Cancelled.
    """
    check_type("clip", clip, Clip, "a Clip, as open_clip returns it")
    check_optional("base", base, Preset, "a Preset, as load_preset returns it")
    check_optional(
        "cancellation", cancellation, ffmpeg.Cancellation, "a workbench.ffmpeg.Cancellation"
    )
    check_callbacks(on_progress=on_progress)
    if not is_measurable(clip.width, clip.height):
        raise UnsupportedClip(
            f"{clip.path.name}: a {clip.width}x{clip.height} picture is too small to measure "
            "banding, so no look can be suggested: choose a preset instead"
        )
    base = (base or load_preset("smooth")).model_copy(update={"deband": NoDeband()})
    if base.bit_depth == 8:
        raise ParameterError(
            f"preset {base.name} works in 8 bits, which adds banding after any deband: choose a "
            "preset with the tone flat, such as smooth"
        )
    report = on_progress or (lambda _: None)
    frames = list(clip.sample(FRAMES))

    def trial(deband: Smooth | NoDeband) -> tuple[Trial, list[Comparison]]:
        look = base.model_copy(update={"deband": deband})
        found = compare(frames, look, coarse=False, cancellation=cancellation)
        undithered = look.model_copy(update={"dither": NoDither()})
        coarse = cambi(
            render_frames(frames, undithered, cancellation), COARSE_SETTING, cancellation
        )
        return _after(deband, found, max(coarse)), found

    plain, found = trial(NoDeband())
    before = _before(found, max(cambi(frames, COARSE_SETTING, cancellation)))
    tried: list[Trial] = []
    if not before.no_visible_banding:
        for done, deband in enumerate(CANDIDATES, start=1):
            tried.append(trial(deband)[0])
            report(done)
            if tried[-1].removes_banding(plain) or not tried[-1].preserves_texture:
                break
    report(len(CANDIDATES))
    measured = sampled([frame.index for frame in frames], clip.frame_count)
    return replace(choose(base, before, plain, tried), sampled=measured)


def choose(base: Preset, before: Trial, plain: Trial, tried: Sequence[Trial]) -> Suggestion:
    """Choose among the trials, ordered from weak to strong, and state the reason."""
    gentle = [trial for trial in tried if trial.preserves_texture]
    effective = [trial for trial in gentle if trial.removes_banding(plain)]
    least = min((trial.coarse for trial in gentle), default=0.0)
    chosen = plain
    if before.no_visible_banding:
        reason = (
            f"No deband needed: CAMBI is {before.cambi:.2f}, and banding shows only above {CAMBI}."
        )
        if before.contour is not None and before.contour > CONTOUR:
            reason += (
                " Noise hides some banding, which a strong grade may reveal (contour "
                f"{before.contour:.1f}). For such a grade, use a deband such as smooth."
            )
    elif effective:
        chosen = effective[0]
        reason = f"The gentlest setting that removes the banding: {_change(plain, chosen)}."
    elif not gentle:
        reason = (
            "No deband: even the gentlest setting changes texture by more than "
            f"{TEXTURE} code values."
        )
    elif least > _NO_EFFECT * plain.coarse:
        reason = (
            "No deband: the steps are too high for it (coarse CAMBI "
            f"{plain.coarse:.1f}, and {least:.1f} after it). Only a better source helps."
        )
    else:
        enough = least + _TOLERATED * (plain.coarse - least)
        chosen = next(trial for trial in gentle if trial.coarse <= enough)
        reason = (
            "No setting removes all banding. This is the gentlest that comes close to the best: "
            f"{_change(plain, chosen)}."
        )
    preset = base.model_copy(
        update={"name": "suggested", "description": reason, "deband": chosen.deband}
    )
    return Suggestion(preset, before, plain, tuple(tried), reason)


_NO_EFFECT = 0.9  # of coarse CAMBI: a deband that leaves more has no effect
_TOLERATED = 0.3  # of the strongest candidate's effect: a gentler one may lack this much


def _change(before: Trial, after: Trial) -> str:
    parts = [f"steps without dither, coarse CAMBI {before.coarse:.1f} to {after.coarse:.1f}"]
    if before.contour is not None and after.contour is not None:
        parts.append(f"contour {before.contour:.1f} to {after.contour:.1f}")
    if after.texture is not None:
        parts.append(f"texture changed by {after.texture:.1f} code values")
    return ", ".join(parts)


def _before(found: Sequence[Comparison], coarse: float) -> Trial:
    fine = _worst([one.cambi_before for one in found]) or 0.0
    return Trial(NoDeband(), fine, coarse, _worst([one.contour_before for one in found]), None)


def _after(deband: Smooth | NoDeband, found: Sequence[Comparison], coarse: float) -> Trial:
    scores = [*(one.cambi_after for one in found), *(one.cambi_graded for one in found)]
    return Trial(
        deband,
        _worst(scores) or 0.0,
        coarse,
        _worst([one.contour_after for one in found]),
        _worst([one.texture_change for one in found]),
    )


def _facts(step: Trial) -> dict[str, Any]:
    figures = ("cambi", "coarse", "contour", "texture")
    return {
        "deband": step.deband.model_dump(),
        **{name: getattr(step, name) for name in figures},
    }


def _worst(values: Sequence[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)
