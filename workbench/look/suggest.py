"""Suggest a look for a clip: the gentlest deband that removes the banding and keeps faint shading.

Contour alone would always prefer the strongest deband, and detail change none. The suggestion has
the lowest shading error, which adds up both; see `workbench.measure.shading_error`.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from workbench import ffmpeg
from workbench.argument_checks import check_callbacks, check_optional, check_type
from workbench.errors import ParameterError, UnsupportedClip
from workbench.look.compare import Comparison, Untreated, measures_of, sampled
from workbench.look.preset import Preset, load_preset
from workbench.look.render import render_frames
from workbench.look.stages import NoDeband, Smooth
from workbench.media.clip import Clip
from workbench.media.frames import Frame
from workbench.model import limits

CONTOUR = 4.0
"""10-bit code values per pixel, times 100: a quarter of the contour of an untreated 8-bit clip."""
TEXTURE = 1.5
"""10-bit code values: the change of texture by the deband of the preset `classic`."""
TOLERANCE = 1.01
"""A gentler deband may have this much of the lowest shading error."""
NO_EFFECT = 0.9
"""Of the shading error without deband: a deband that leaves more is not worth its risk."""

FRAMES = 4
_MIN_SIDE = 64  # pixels: in a smaller picture, no area is far enough from its borders
_FACTORS = (0.5, 0.7, 1, 1.4, 2, 3)  # of the default strength


def _candidates() -> tuple[Smooth, ...]:
    usual = Smooth.model_validate({})  # its defaults
    low, high = limits(Smooth.model_fields["strength"]) or (0, 0)
    strengths = {min(high, max(low, round(usual.strength * factor, 2))) for factor in _FACTORS}
    return tuple(usual.model_copy(update={"strength": one}) for one in sorted(strengths))


CANDIDATES = _candidates()
"""Debands from gentle to strong, around the default."""


@dataclass(frozen=True)
class Trial:
    """The result of one deband on the sampled frames: the worst value of each measure."""

    deband: Smooth | NoDeband
    contour: float | None  # None without smooth areas
    detail: float | None  # detail change; None where all is texture
    texture: float | None  # None without textured areas
    error: float  # shading error: contour and detail change together; 0 without either

    @property
    def name(self) -> str:
        if isinstance(self.deband, NoDeband):
            return "no deband"
        return f"strength {self.deband.strength:g}"

    @property
    def is_free_of_bands(self) -> bool:
        return self.contour is None or self.contour <= CONTOUR

    @property
    def preserves_texture(self) -> bool:
        return self.texture is None or self.texture <= TEXTURE


@dataclass(frozen=True)
class Suggestion:
    """A look for a clip, with the measures that justify it."""

    preset: Preset
    plain: Trial  # the look without deband
    tried: tuple[Trial, ...]  # from gentle to strong; empty if no deband is needed
    reason: str  # one or two sentences
    sampled: str = ""  # one sentence about the measured frames

    def facts(self) -> dict[str, Any]:
        """Return all fields and the limits in JSON types."""
        return {
            "preset": self.preset.facts(),
            "reason": self.reason,
            "sampled": self.sampled,
            "limits": {"contour": CONTOUR, "texture": TEXTURE, "tolerance": TOLERANCE},
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
    """Find the deband of CANDIDATES with the lowest shading error that keeps the clip's texture.

    It is measured in FRAMES frames at full size. The rest of the look comes from `base`, by
    default the preset `smooth`. A clip without banding, and one that every deband harms, gets
    NoDeband. `on_progress` receives the number of finished candidates, up to len(CANDIDATES). The
    result is deterministic.

    Raises UnsupportedClip for a picture below 64 pixels, ParameterError for a base that works in
    8 bits and for wrong types, ClipError, FfmpegFailed, Cancelled.
    """
    check_type("clip", clip, Clip, "a Clip, as open_clip returns it")
    check_optional("base", base, Preset, "a Preset, as load_preset returns it")
    check_optional(
        "cancellation", cancellation, ffmpeg.Cancellation, "a workbench.ffmpeg.Cancellation"
    )
    check_callbacks(on_progress=on_progress)
    if min(clip.width, clip.height) < _MIN_SIDE:
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
    rendered = render_frames(frames, base, cancellation)
    untreated = [
        Untreated.of(picture, frame, base) for picture, frame in zip(rendered, frames, strict=True)
    ]

    def trial(deband: Smooth | NoDeband, pictures: Sequence[Frame]) -> Trial:
        found = [
            measures_of(frame, picture, plain, None)
            for frame, picture, plain in zip(frames, pictures, untreated, strict=True)
        ]
        return worst_of(deband, found)

    plain = trial(NoDeband(), rendered)
    tried: list[Trial] = []
    if not plain.is_free_of_bands:
        for done, deband in enumerate(CANDIDATES, start=1):
            look = base.model_copy(update={"deband": deband})
            tried.append(trial(deband, render_frames(frames, look, cancellation)))
            report(done)
    report(len(CANDIDATES))
    measured = sampled([frame.index for frame in frames], clip.frame_count)
    return replace(choose(base, plain, tried), sampled=measured)


def choose(base: Preset, plain: Trial, tried: Sequence[Trial]) -> Suggestion:
    """Choose among the trials, ordered from gentle to strong, and state the reason."""
    gentle = [trial for trial in tried if trial.preserves_texture]
    lowest = min((trial.error for trial in gentle), default=0.0)
    chosen = plain
    if plain.contour is None:
        reason = "No deband needed: the picture has no smooth areas, where banding shows."
    elif plain.is_free_of_bands:
        reason = (
            f"No deband needed: contour is {plain.contour:.1f}, and up to {CONTOUR:g} counts as "
            "free of banding."
        )
    elif not gentle:
        reason = (
            "No deband: even the gentlest setting changes texture by more than "
            f"{TEXTURE} code values."
        )
    elif lowest >= plain.error:
        best = min(gentle, key=lambda trial: trial.error)
        reason = (
            "No deband: every setting alters more shading than it removes banding. The best, "
            f"{best.name}: {_change(plain, best)}."
        )
    elif lowest > NO_EFFECT * plain.error:
        best = min(gentle, key=lambda trial: trial.error)
        reason = f"No deband: no setting has much effect. {_sentence(plain, best)}"
    else:
        chosen = next(trial for trial in gentle if trial.error <= TOLERANCE * lowest)
        if chosen.is_free_of_bands:
            reason = "Gentlest setting that removes the banding. " + _sentence(plain, chosen)
        else:
            reason = (
                "No setting removes all banding without altering more shading. This one balances "
                "both. " + _sentence(plain, chosen)
            )
    preset = base.model_copy(
        update={"name": "suggested", "description": reason, "deband": chosen.deband}
    )
    return Suggestion(preset, plain, tuple(tried), reason)


def _sentence(before: Trial, after: Trial) -> str:
    text = _change(before, after)
    return f"{text[0].upper()}{text[1:]}."


def _change(before: Trial, after: Trial) -> str:
    return f"contour {before.contour or 0:.1f} to {after.contour or 0:.1f}, detail change " + (
        "not measured" if after.detail is None else f"{after.detail:.1f}"
    )


def worst_of(deband: Smooth | NoDeband, found: Sequence[Comparison]) -> Trial:
    """Return the trial of a deband, from the measures of the sampled frames."""
    return Trial(
        deband,
        contour=_worst([one.contour_after for one in found]),
        detail=_worst([one.detail_change for one in found]),
        texture=_worst([one.texture_change for one in found]),
        error=_worst([one.shading_error for one in found]) or 0.0,
    )


def _facts(step: Trial) -> dict[str, Any]:
    return {**asdict(step), "deband": step.deband.model_dump()}


def _worst(values: Sequence[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)
