"""Suggest: the weakest deband that leaves no bands in a clip and takes no texture from it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from workbench import ffmpeg
from workbench.arguments import check_callbacks, check_optional, check_type
from workbench.errors import ParameterError, UnsupportedClip
from workbench.look.compare import Comparison, compare, sampled
from workbench.look.preset import Preset, load_preset
from workbench.look.render import render_frames
from workbench.look.stages import NoDeband, NoDither, Smooth
from workbench.measure.banding import COARSE as COARSE_SETTING
from workbench.measure.banding import cambi, is_measurable
from workbench.media.clip import Clip

CAMBI, COARSE = 0.5, 5.0
"""Of the worst frame, at the usual contrast setting and at the wider one, which takes shading and
texture for steps as well: below these no band is seen, even by who looks for it."""
STEPS = 0.55
"""Of the steps that the picture had, as CAMBI sees them without a dither: about what is left when
only those of 10 bits are."""
CONTOUR = 4.0
"""10-bit code values per pixel, times 100: a quarter of what 8 bits leave untreated."""
TEXTURE = 1.5
"""10-bit code values: what classic's own deband changes where there is texture."""

FRAMES = 4
CANDIDATES = tuple(
    Smooth(radius=72, strength=strength, texture=round(strength / 3, 2))
    for strength in (1, 1.2, 1.5, 2, 3, 4.5)
)
"""Debands from weak to strong. With so few that can be told apart, a search has nothing to gain."""


@dataclass(frozen=True)
class Trial:
    """What one deband did to the sampled frames: the worst of each figure."""

    deband: Smooth | NoDeband
    cambi: float  # with the tone and the dither, or with the tone taken back
    coarse: float  # CAMBI at the wider contrast setting, without a dither
    contour: float | None  # None where nothing is smooth
    texture: float | None  # None where nothing has texture

    @property
    def name(self) -> str:
        if isinstance(self.deband, NoDeband):
            return "no deband"
        return f"strength {self.deband.strength:g}"

    @property
    def no_visible_banding(self) -> bool:
        return self.cambi <= CAMBI and self.coarse <= COARSE

    def removes_banding(self, plain: "Trial") -> bool:
        """Whether a grade will not bring them out again; `plain` is the same without a deband.

        CAMBI is not asked with the dither: that makes it 0, whatever lies beneath.
        """
        smooth = self.contour is None or self.contour <= CONTOUR
        return smooth and self.coarse <= STEPS * plain.coarse

    @property
    def preserves_texture(self) -> bool:
        return self.texture is None or self.texture <= TEXTURE


@dataclass(frozen=True)
class Suggestion:
    """A look for a clip, and the figures that speak for it."""

    preset: Preset
    before: Trial  # the clip as it is
    plain: Trial  # the look without a deband
    tried: tuple[Trial, ...]  # from weak to strong, as far as was needed
    reason: str  # one sentence
    sampled: str = ""  # likewise: in which frames it was measured

    def facts(self) -> dict[str, Any]:
        """Return all of it in plain JSON types."""
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
    """Find the weakest deband of LADDER that closes a clip's bands and spares its texture.

    FRAMES frames are looked at, at full size. The rest of the look is that of `base`, the preset
    `smooth` unless given. A clip in which no band is seen needs none: then it is NoDeband.
    `on_progress` hears how many of len(LADDER) debands are done. The same clip always gets the
    same answer.

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
            f"{clip.path.name}: a picture of {clip.width}x{clip.height} is too small to measure "
            "banding in, so there is nothing to suggest"
        )
    base = (base or load_preset("smooth")).model_copy(update={"deband": NoDeband()})
    if base.bit_depth == 8:
        raise ParameterError(
            f"preset {base.name} works in 8 bits, which brings the bands back whatever the deband: "
            "take one with the tone flat, such as smooth"
        )
    tell = on_progress or (lambda _: None)
    frames = list(clip.sample(FRAMES))

    def step(deband: Smooth | NoDeband) -> tuple[Trial, list[Comparison]]:
        look = base.model_copy(update={"deband": deband})
        found = compare(frames, look, coarse=False, cancellation=cancellation)
        undithered = look.model_copy(update={"dither": NoDither()})
        coarse = cambi(
            render_frames(frames, undithered, cancellation), COARSE_SETTING, cancellation
        )
        return _after(deband, found, max(coarse)), found

    plain, found = step(NoDeband())
    before = _before(found, max(cambi(frames, COARSE_SETTING, cancellation)))
    tried: list[Trial] = []
    if not before.no_visible_banding:
        for done, deband in enumerate(CANDIDATES, start=1):
            tried.append(step(deband)[0])
            tell(done)
            if tried[-1].removes_banding(plain) or not tried[-1].preserves_texture:
                break
    tell(len(CANDIDATES))
    measured = sampled([frame.index for frame in frames], clip.frame_count)
    return replace(choose(base, before, plain, tried), sampled=measured)


def choose(base: Preset, before: Trial, plain: Trial, tried: Sequence[Trial]) -> Suggestion:
    """Choose among the steps that were tried, weakest first, and say why."""
    gentle = [step for step in tried if step.preserves_texture]
    closing = [step for step in gentle if step.removes_banding(plain)]
    least = min((step.coarse for step in gentle), default=0.0)
    chosen = plain
    if before.no_visible_banding:
        reason = f"It needs none: CAMBI is {before.cambi:.2f}, and up to {CAMBI} no band is seen."
        if before.contour is not None and before.contour > CONTOUR:
            reason += (
                f" Noise hides some that a strong grade may bring out (contour "
                f"{before.contour:.1f}), and for those a deband such as smooth is the answer."
            )
    elif closing:
        chosen = closing[0]
        reason = f"The weakest that closes the bands: {_change(plain, chosen)}."
    elif not gentle:
        reason = f"None: the weakest changes texture by more than {TEXTURE} code values already."
    elif least > _HARDLY * plain.coarse:
        reason = (
            f"None: the steps are higher than a deband reaches (coarse CAMBI {plain.coarse:.1f}, "
            f"and still {least:.1f}); only a better source helps."
        )
    else:
        enough = least + _SPARED * (plain.coarse - least)
        chosen = next(step for step in gentle if step.coarse <= enough)
        reason = (
            "None closes the bands altogether; this comes about as near as any: "
            f"{_change(plain, chosen)}."
        )
    preset = base.model_copy(
        update={"name": "suggested", "description": reason, "deband": chosen.deband}
    )
    return Suggestion(preset, before, plain, tuple(tried), reason)


_HARDLY = 0.9  # of the steps that there were: a deband that leaves so many has done nothing
_SPARED = 0.3  # of what the strongest does about them: as much may be left to a weaker one


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
