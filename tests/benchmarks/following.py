"""Correlate contour, which is measured without the truth, with the true error: `make bench`.

The scenes of scenes.py have a known truth; the looks leave banding of many strengths. Both are
measured in the same smooth areas.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from scipy.stats import spearmanr

from tests.benchmarks import scenes
from tests.benchmarks.chains import FLAT, LOOKS, toned
from workbench.look.preset import Preset
from workbench.look.render import render
from workbench.measure.code_values import to_ten_bit_luma
from workbench.measure.contour import contour, contour_error
from workbench.measure.regions import Regions
from workbench.media.probe import open_clip

UNTOUCHED = Preset(name="no deband, flat", tone=FLAT)


@dataclass(frozen=True)
class Followed:
    """One look on one scene."""

    scene: str
    crf: int
    look: str
    guessed: float
    exact: float


def follow(width: int = 1280, height: int = 720, frame: int = 2) -> Iterator[Followed]:
    """Measure every look on every scene, at two qualities of encoding."""
    with tempfile.TemporaryDirectory() as folder:
        for name, scene in scenes.SCENES.items():
            seen = scenes.picture(scene, width, height, frame).luma
            truth = toned(seen, FLAT.contrast, FLAT.brightness)
            for crf in (4, 18):
                path = scenes.encode(scene, Path(folder) / "scene.mp4", width, height, crf, 4)
                with open_clip(path) as clip:
                    source = clip.frame(frame)
                area = Regions.of(to_ten_bit_luma(render(source, UNTOUCHED))).smooth
                for look in (UNTOUCHED, *LOOKS):
                    luma = to_ten_bit_luma(render(source, look))
                    guessed = contour(Regions.of(luma), area)
                    if guessed is not None:
                        exact = contour_error(luma, truth, area)
                        yield Followed(name, crf, look.name, guessed, exact)


def rank_correlation(found: list[Followed]) -> tuple[float, float]:
    """Return Spearman's rho over all scenes, and the median of the rho within each scene."""
    names = {one.scene for one in found}
    return _rho(found), median(_rho([one for one in found if one.scene == name]) for name in names)


def _rho(found: list[Followed]) -> float:
    return float(spearmanr([one.guessed for one in found], [one.exact for one in found]).statistic)
