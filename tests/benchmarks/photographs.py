"""Photographs whose truth is known, and scenes like them, along the path that real clips take:
float R'G'B', rounded to 8 bits as generators write frames, converted to 8-bit 4:2:0, encoded.

The scenes are procedural, so that they can be shipped. Photographs in 16 bits are read from
TRUTH, where that folder is beside the project.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from workbench import ffmpeg
from workbench.media.frames import Frame
from workbench.media.probe import open_clip

Picture = NDArray[np.float64]
"""R'G'B' in 8-bit code values, 0 to 255, unrounded: (height, width, 3)."""
TRUTH = Path(__file__).parents[3] / "shared" / "truth"
HEIGHT, WIDTH = 540, 960
FRAMES = 3
_TINTS = {"cool": (0.95, 1.0, 1.08), "warm": (1.1, 0.95, 0.82), "neutral": (1.02, 1.0, 0.97)}


def _plane(seed: int) -> tuple[np.random.Generator, Picture, Picture]:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.random.default_rng(seed), x / WIDTH, y / HEIGHT


def _octaves(rng: np.random.Generator, largest: float, count: int, fall: float) -> Picture:
    """Return noise over several octaves, with a standard deviation of 1."""
    total = np.zeros((HEIGHT, WIDTH))
    for octave in range(count):
        size = largest / 2**octave
        grid = rng.standard_normal((int(HEIGHT / size) + 3, int(WIDTH / size) + 3))
        total += fall**octave * ndimage.zoom(grid, size, order=3)[:HEIGHT, :WIDTH]
    return np.asarray(total / total.std())


def clouds() -> Picture:
    rng, _, v = _plane(1)
    return 170 - 50 * v + 7 * _octaves(rng, 256, 7, 0.5)


def haze() -> Picture:
    rng, u, v = _plane(2)
    return 120 + 25 * u - 18 * v + 2.5 * _octaves(rng, 200, 4, 0.45)


def skin() -> Picture:
    """A cheek with pores: shading that a deband must keep."""
    rng, u, v = _plane(3)
    pores = ndimage.gaussian_filter(rng.standard_normal((HEIGHT, WIDTH)), 1.2)
    away = np.hypot(u - 0.5, (v - 0.5) * 0.56)
    shape = 150 - 110 * away**1.5 + 3 * _octaves(rng, 128, 3, 0.5)
    return np.asarray(shape + pores * (1.2 / pores.std()))


def out_of_focus() -> Picture:
    """Discs of light in a blurred background."""
    rng, u, v = _plane(4)
    discs = np.zeros((HEIGHT, WIDTH))
    for _ in range(60):
        x, y, radius, light = rng.uniform((0, 0, 20, -14), (WIDTH, HEIGHT, 80, 20))
        away = np.hypot(u * WIDTH - x, v * HEIGHT - y)
        discs += light / (1 + np.exp((away - radius) / 3))
    return np.asarray(60 + 20 * v + ndimage.gaussian_filter(discs, 8))


def dark_noise() -> Picture:
    rng, u, v = _plane(5)
    noise = ndimage.gaussian_filter(rng.standard_normal((HEIGHT, WIDTH)), 0.7)
    glow = 24 + 14 * np.exp(-((u - 0.6) ** 2 + (v - 0.5) ** 2) / 0.15)
    return np.asarray(glow + noise * (0.7 / noise.std()))


SCENES: dict[str, tuple[Callable[[], Picture], str]] = {
    "clouds": (clouds, "cool"),
    "haze": (haze, "neutral"),
    "skin": (skin, "warm"),
    "out of focus": (out_of_focus, "warm"),
    "dark noise": (dark_noise, "neutral"),
}


def scenes() -> Iterator[tuple[str, Picture]]:
    """Yield the name and the truth of each procedural scene."""
    for name, (scene, tint) in SCENES.items():
        yield name, scene()[..., None] * np.array(_TINTS[tint])


def photographs() -> Iterator[tuple[str, Picture]]:
    """Yield the name and the truth of each photograph; none where TRUTH is missing."""
    for path in sorted(TRUTH.glob("*.png")):
        width, height = (int.from_bytes(path.read_bytes()[at : at + 4]) for at in (16, 20))
        raw = ffmpeg.run(
            ["-i", ffmpeg.file_url(path), "-f", "rawvideo", "-pix_fmt", "rgb48le", "-"]
        )
        yield path.stem, np.frombuffer(raw, "<u2").reshape(height, width, 3) / 65535 * 255


def luma(truth: Picture) -> NDArray[np.float32]:
    """Return the true BT.709 luma in 8-bit legal code values, unrounded."""
    return np.asarray(16 + 219 / 255 * (truth @ np.array([0.2126, 0.7152, 0.0722])), np.float32)


def encode(truth: Picture, path: Path, crf: int) -> Path:
    """Encode a still of FRAMES frames as a generator's pipeline does, tagged BT.709."""
    height, width, _ = truth.shape
    raw = np.round(truth).clip(0, 255).astype(np.uint8).tobytes()
    names = ("colorspace", "color_primaries", "color_trc")
    tags = [word for name in names for word in (f"-{name}", "bt709")]
    ffmpeg.run(
        [
            *("-framerate", "24", *ffmpeg.raw_input("rgb24", width, height)),
            *("-vf", "scale=out_color_matrix=bt709:flags=accurate_rnd+full_chroma_int"),
            *("-c:v", "libx264", "-crf", str(crf), "-pix_fmt", "yuv420p", *tags),
            *("-color_range", "tv"),
            ffmpeg.file_url(path),
        ],
        stdin=(raw for _ in range(FRAMES)),
    )
    return path


def decoded(truth: Picture, folder: Path, crf: int) -> Frame:
    """Return the last frame of an encoded still."""
    with open_clip(encode(truth, folder / "still.mp4", crf)) as clip:
        return clip.frame(FRAMES - 1)
