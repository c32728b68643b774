"""Suggest: the weakest deband that leaves no bands in a clip and takes no texture from it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from workbench import ffmpeg
from workbench.clip import Clip
from workbench.errors import UnsupportedClip
from workbench.look.compare import Comparison, compare
from workbench.look.preset import Preset, load_preset
from workbench.look.stages import NoDeband, Smooth
from workbench.measure.banding import measurable

CAMBI, COARSE = 0.5, 5.0
"""Of the worst frame, at the usual contrast setting and at the wider one, which takes shading and
texture for steps as well: below these no band is seen, even by who looks for it."""
CONTOUR = 4.0
"""10-bit code values per pixel, times 100: a quarter of what 8 bits leave untreated."""
TEXTURE = 1.5
"""10-bit code values: what classic's own deband changes where there is texture."""

FRAMES = 4
LADDER = tuple(
    Smooth(radius=72, strength=strength, texture=round(strength / 3, 2))
    for strength in (1, 1.2, 1.5, 2, 3, 4.5)
)
"""Debands from weak to strong. With so few that can be told apart, a search has nothing to gain."""


@dataclass(frozen=True)
class Step:
    """What one deband did to the sampled frames: the worst of each figure."""

    deband: Smooth | NoDeband
    cambi: float  # with the tone, or with it taken back
    coarse: float  # CAMBI at the wider contrast setting
    contour: float | None  # None where nothing is smooth
    texture: float | None  # None where nothing has texture

    @property
    def shows_no_band(self) -> bool:
        return self.cambi <= CAMBI and self.coarse <= COARSE

    @property
    def closes_the_bands(self) -> bool:
        """Whether a grade will not bring them out again, either."""
        return self.shows_no_band and (self.contour is None or self.contour <= CONTOUR)

    @property
    def spares_texture(self) -> bool:
        return self.texture is None or self.texture <= TEXTURE


@dataclass(frozen=True)
class Suggestion:
    """A look for a clip, and the figures that speak for it."""

    preset: Preset
    before: Step  # the clip as it is
    tried: tuple[Step, ...]  # from weak to strong, as far as was needed
    reason: str  # one sentence

    def facts(self) -> dict[str, Any]:
        """Return all of it in plain JSON types."""
        return {
            "preset": self.preset.facts(),
            "reason": self.reason,
            "limits": {"cambi": CAMBI, "coarse": COARSE, "contour": CONTOUR, "texture": TEXTURE},
            "before": _plain(self.before),
            "tried": [_plain(step) for step in self.tried],
        }


def suggest(
    clip: Clip,
    base: Preset | None = None,
    *,
    on_progress: Callable[[int], None] | None = None,
    cancellation: ffmpeg.Cancellation | None = None,
) -> Suggestion:
    """Find the weakest deband of LADDER that meets the three limits, over FRAMES frames.

    The rest of the look is that of `base`, the preset `smooth` unless given. A clip without bands
    to be seen needs none: then it is NoDeband. `on_progress` hears how many of len(LADDER) debands
    are done. The same clip always gets the same answer.

    Raises UnsupportedClip for a picture too small for CAMBI, DamagedClip, FfmpegFailed, Cancelled.
    """
    if not measurable(clip.width, clip.height):
        raise UnsupportedClip(
            f"{clip.path.name}: a picture of {clip.width}x{clip.height} is too small to measure "
            "banding in, so there is nothing to suggest"
        )
    base = base or load_preset("smooth")
    tell = on_progress or (lambda _: None)
    frames = list(clip.sample(FRAMES))
    tried: list[Step] = []
    for done, deband in enumerate(LADDER, start=1):
        look = base.model_copy(update={"deband": deband})
        found = compare(frames, look, cancellation=cancellation)
        tried.append(_after(deband, found))
        tell(done)
        before = _before(found)
        if before.shows_no_band or tried[-1].closes_the_bands or not tried[-1].spares_texture:
            break
    tell(len(LADDER))
    return decide(base, before, tried)


def decide(base: Preset, before: Step, tried: Sequence[Step]) -> Suggestion:
    """Choose among the steps that were tried, weakest first, and say why."""
    gentle = [step for step in tried if step.spares_texture]
    closing = [step for step in gentle if step.closes_the_bands]
    if before.shows_no_band:
        chosen = before
        reason = f"It needs none: CAMBI is {before.cambi:.2f}, and up to {CAMBI} no band is seen."
    elif closing:
        chosen = closing[0]
        reason = f"The weakest that closes the bands: {_change(before, chosen)}."
    elif gentle:
        chosen = min(gentle, key=lambda step: (step.cambi, step.contour or 0.0))
        reason = (
            f"None closes the bands altogether; this comes nearest without harm: "
            f"{_change(before, chosen)}."
        )
    else:
        chosen = before
        reason = f"None: the weakest changes texture by more than {TEXTURE} code values already."
    preset = base.model_copy(
        update={"name": "suggested", "description": reason, "deband": chosen.deband}
    )
    return Suggestion(preset, before, tuple(tried), reason)


def _change(before: Step, after: Step) -> str:
    parts = [f"CAMBI {before.cambi:.1f} to {after.cambi:.1f}"]
    if before.contour is not None and after.contour is not None:
        parts.append(f"contour {before.contour:.1f} to {after.contour:.1f}")
    if after.texture is not None:
        parts.append(f"texture changed by {after.texture:.1f} code values")
    return ", ".join(parts)


def _before(found: Sequence[Comparison]) -> Step:
    return Step(
        NoDeband(),
        _worst([one.cambi_before for one in found]) or 0.0,
        _worst([one.coarse_before for one in found]) or 0.0,
        _worst([one.contour_before for one in found]),
        None,
    )


def _after(deband: Smooth, found: Sequence[Comparison]) -> Step:
    scores = [*(one.cambi_after for one in found), *(one.cambi_graded for one in found)]
    return Step(
        deband,
        _worst(scores) or 0.0,
        _worst([one.coarse_after for one in found]) or 0.0,
        _worst([one.contour_after for one in found]),
        _worst([one.texture_change for one in found]),
    )


def _plain(step: Step) -> dict[str, Any]:
    figures = ("cambi", "coarse", "contour", "texture")
    return {
        "deband": step.deband.model_dump(),
        **{name: getattr(step, name) for name in figures},
    }


def _worst(values: Sequence[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)
