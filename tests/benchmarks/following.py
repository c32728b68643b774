"""Measure how well contour, which knows no truth, follows the error against it: `make bench`.

The scenes are those of scenes.py, whose truth is known, through chains that leave bands of many
strengths. Both are measured in the same smooth areas.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from tests.benchmarks import scenes
from workbench import ffmpeg
from workbench.measure.contour import contour, contour_error
from workbench.measure.surface import Surface
from workbench.probe import open_clip

TONE = "lutyuv=y='val*0.9+17*256'"
"""eq's contrast and lift of the preset classic, in 16 bits: truth goes the same way."""
DEEP = "format=yuv420p16le"
CHAINS = {
    "eq alone": "eq=contrast=0.9:brightness=0.03",
    "classic": "gradfun=1.1:20,eq=contrast=0.9:brightness=0.03",
    "no deband, 16 bits": f"{DEEP},{TONE}",
    "gradfun, then 16 bits": f"gradfun=1.1:20,{DEEP},{TONE}",
    "deband, 16 bits": f"{DEEP},deband=1thr=0.02:range=16,{TONE}",
    "two debands, 16 bits": f"{DEEP},deband=1thr=0.015:range=8,deband=1thr=0.015:range=24,{TONE}",
}


@dataclass(frozen=True)
class Followed:
    """One chain on one scene."""

    scene: str
    crf: int
    chain: str
    guessed: float
    exact: float


def follow(width: int = 1280, height: int = 720, frame: int = 2) -> Iterator[Followed]:
    """Measure every chain on every scene, encoded well and less well."""
    with tempfile.TemporaryDirectory() as folder:
        for name, scene in scenes.SCENES.items():
            truth = 0.9 * 4 * scenes.picture(scene, width, height, frame).luma + 68
            for crf in (4, 18):
                path = scenes.encode(scene, Path(folder) / "scene.mp4", width, height, crf, 4)
                results = {chain: luma(path, chain, frame) for chain in CHAINS.values()}
                area = Surface.of(results[CHAINS["no deband, 16 bits"]]).smooth
                for title, chain in CHAINS.items():
                    guessed = contour(Surface.of(results[chain]), area)
                    if guessed is not None:
                        exact = contour_error(results[chain], truth, area)
                        yield Followed(name, crf, title, guessed, exact)


def luma(path: Path, chain: str, frame: int) -> NDArray[np.float32]:
    """One frame of a clip through a chain, at the encoder's door."""
    graph = f"select='eq(n,{frame})',setparams=range=tv:colorspace=bt709,{chain},format=yuv422p10le"
    raw = ffmpeg.run(
        ["-i", ffmpeg.file_url(path), "-vf", graph, "-frames:v", "1", "-f", "rawvideo", "pipe:1"]
    )
    with open_clip(path) as clip:
        shape = clip.height, clip.width
    return np.frombuffer(raw, "<u2", shape[0] * shape[1]).reshape(shape).astype(np.float32)


def rank_correlation(found: list[Followed]) -> tuple[float, float]:
    """Return Spearman's rho over everything, and the median of the scenes' own."""
    names = {one.scene for one in found}
    return _rho(found), median(_rho([one for one in found if one.scene == name]) for name in names)


def _rho(found: list[Followed]) -> float:
    return float(spearmanr([one.guessed for one in found], [one.exact for one in found]).statistic)
