"""Check the measures that need no truth against the truth, on photographs: `make bench`.

Contour and detail change together must rank looks as the true error does, and the deband that
`suggest` would choose must be close to the best. The true error is counted where the truth is
smooth: where its standard deviation over 9x9 pixels is below 0.75 of an 8-bit code value.

When a scene is made a fraction of a code value brighter, it is rounded in other places, and the
ratio of two looks' true errors changes by 1.8 % RMS (0.5 to 4 % by scene). Looks that are nearer to
each other than that are tied: the truth does not rank them, and neither may the measure.

Held-out scenes are variants of the procedural ones, with other random numbers and contrasts, which
were not looked at while the measures were made.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.stats import spearmanr

from tests.benchmarks import photographs
from tests.benchmarks.chains import FLAT, LOOKS, toned
from workbench.look.compare import Comparison, Untreated, measures_of
from workbench.look.preset import Preset, load_preset
from workbench.look.render import render
from workbench.look.stages import NoDeband, Smooth
from workbench.look.suggest import CANDIDATES, choose, worst_of
from workbench.measure.code_values import to_ten_bit_luma
from workbench.measure.regions import Luma
from workbench.media.frames import Frame

BASE = load_preset("smooth").model_copy(update={"deband": NoDeband()})
_SPREAD = 0.75
_REPEATABLE = 1.018  # ratio of true errors below which two looks are tied
_HELD_OUT = (3, 4, 5)  # variants


@dataclass(frozen=True)
class Ranked:
    """The measures of one scene."""

    scene: str
    kind: str  # photographs, scenes or held out
    contour: float  # rank correlation with the true error, -1 to 1
    both: float  # the same of contour and detail change together
    chosen: float  # true error of what suggest chooses
    best: float  # lowest true error of no deband and all of suggest's candidates
    none: float  # true error without deband


def rank(crf: int) -> Iterator[Ranked]:
    """Measure every photograph and every scene that is like one."""
    held_out = (scene for variant in _HELD_OUT for scene in photographs.scenes(variant))
    with tempfile.TemporaryDirectory() as folder:
        for kind, found in (
            ("photographs", photographs.photographs()),
            ("scenes", photographs.scenes()),
            ("held out", held_out),
        ):
            for name, truth in found:
                source = photographs.decoded(truth, Path(folder), crf)
                yield _ranked(name, kind, source, photographs.luma(truth))


def _ranked(name: str, kind: str, source: Frame, truth: Luma) -> Ranked:
    smooth = photographs.spread(truth) < _SPREAD
    expected = toned(truth, FLAT.contrast, FLAT.brightness)
    plain = Untreated.of(render(source, BASE), source, BASE)

    def measured(look: Preset) -> tuple[float, Comparison]:
        picture = render(source, look)
        down, across = np.gradient(gaussian_filter(to_ten_bit_luma(picture) - expected, 3))
        true = 100 * float(np.sqrt((down**2 + across**2)[smooth].mean()))
        return true, measures_of(source, picture, plain, None)

    # Only looks with a tone in 16 bits, of which the deband is the only difference, each once.
    others = (one for one in LOOKS if one.bit_depth == 16 and not isinstance(one.deband, Smooth))
    looks = [measured(look) for look in (BASE, *others)]
    rungs = [measured(BASE.model_copy(update={"deband": one})) for one in CANDIDATES]
    trials = [worst_of(one, [rung[1]]) for one, rung in zip(CANDIDATES, rungs, strict=True)]
    chosen = choose(BASE, worst_of(NoDeband(), [looks[0][1]]), trials).preset.deband
    debands = (NoDeband(), *CANDIDATES)
    errors = dict(zip(debands, (looks[0][0], *(one[0] for one in rungs)), strict=True))
    true = [one for one, _ in looks + rungs]
    return Ranked(
        name,
        kind,
        contour=_rho(true, [one.contour_after or 0.0 for _, one in looks + rungs]),
        both=_rho(true, [one.shading_error or 0.0 for _, one in looks + rungs]),
        chosen=errors[chosen],
        best=min(errors.values()),
        none=errors[NoDeband()],
    )


def _rho(true: list[float], guessed: list[float]) -> float:
    """Return the rank correlation, with the looks tied that the truth does not tell apart."""
    order = np.argsort(true)
    values = np.array([true, guessed])
    start = 0
    for end in range(1, len(order) + 1):
        if end == len(order) or true[order[end]] > _REPEATABLE * true[order[start]]:
            tied = order[start:end]
            values[:, tied] = values[:, tied].mean(axis=1, keepdims=True)
            start = end
    found = float(spearmanr(*values).statistic)
    return found if np.isfinite(found) else 0.0  # all the same


def table(rates: tuple[int, ...] = (8, 18)) -> Iterator[str]:
    """Yield the lines of a table, with the means."""
    yield "\nrank correlation with the true contour | true contour of suggest's choice"
    yield f"{'':14} crf  contour  with detail change | chosen   best   none"
    for crf in rates:
        found = list(rank(crf))
        for one in found:
            yield (
                f"{one.scene:14} {crf:3} {one.contour:8.2f} {one.both:19.2f} | "
                f"{one.chosen:6.2f} {one.best:6.2f} {one.none:6.2f}"
            )
        for kind in ("photographs", "scenes", "held out"):
            some = [one for one in found if one.kind == kind]
            if some:
                ratios = [one.chosen / one.best for one in some]
                worst, far = max(ratios), sum(ratio > 1.1 for ratio in ratios)
                yield (
                    f"mean, {kind:11} {fmean(one.contour for one in some):5.2f} "
                    f"{fmean(one.both for one in some):19.2f} | "
                    f"worst choice {worst:.2f} times the best, {far} of {len(some)} above 1.1"
                )
