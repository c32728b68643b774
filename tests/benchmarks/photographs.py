"""Photographs whose truth is known, and scenes like them, along the paths that real clips take:
float R'G'B', rounded to 8 bits as generators write frames, converted to 8-bit 4:2:0, encoded.

The scenes are procedural, so that they can be shipped. Photographs in 16 bits are read from
TRUTH, where that folder is beside the project.
"""

from collections.abc import Callable, Iterator, Sequence
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


def _plane(number: int, variant: int) -> tuple[np.random.Generator, Picture, Picture, float]:
    """Return the random numbers of a scene, places from 0 to 1, and a factor for its contrast.

    Variant 0 is the scene as listed; others have other random numbers and another contrast.
    """
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    rng = np.random.default_rng((number, variant) if variant else number)
    return rng, x / WIDTH, y / HEIGHT, rng.uniform(0.7, 1.4) if variant else 1.0


def _octaves(rng: np.random.Generator, largest: float, count: int, fall: float) -> Picture:
    """Return noise over several octaves, with a standard deviation of 1."""
    total = np.zeros((HEIGHT, WIDTH))
    for octave in range(count):
        size = largest / 2**octave
        grid = rng.standard_normal((int(HEIGHT / size) + 3, int(WIDTH / size) + 3))
        total += fall**octave * ndimage.zoom(grid, size, order=3)[:HEIGHT, :WIDTH]
    return np.asarray(total / total.std())


def clouds(variant: int = 0) -> Picture:
    rng, _, v, times = _plane(1, variant)
    return 170 - 50 * v + times * 7 * _octaves(rng, 256, 7, 0.5)


def haze(variant: int = 0) -> Picture:
    rng, u, v, times = _plane(2, variant)
    return 120 + 25 * u - 18 * v + times * 2.5 * _octaves(rng, 200, 4, 0.45)


def skin(variant: int = 0) -> Picture:
    """A cheek with pores: shading that a deband must keep."""
    rng, u, v, times = _plane(3, variant)
    pores = ndimage.gaussian_filter(rng.standard_normal((HEIGHT, WIDTH)), 1.2)
    away = np.hypot(u - 0.5, (v - 0.5) * 0.56)
    shape = 150 - 110 * away**1.5 + 3 * _octaves(rng, 128, 3, 0.5)
    return np.asarray(shape + pores * (times * 1.2 / pores.std()))


def out_of_focus(variant: int = 0) -> Picture:
    """Discs of light in a blurred background."""
    rng, u, v, times = _plane(4, variant)
    discs = np.zeros((HEIGHT, WIDTH))
    for _ in range(60):
        x, y, radius, light = rng.uniform((0, 0, 20, -14), (WIDTH, HEIGHT, 80, 20))
        away = np.hypot(u * WIDTH - x, v * HEIGHT - y)
        discs += light / (1 + np.exp((away - radius) / 3))
    return np.asarray(60 + 20 * v + times * ndimage.gaussian_filter(discs, 8))


def dark_noise(variant: int = 0) -> Picture:
    rng, u, v, times = _plane(5, variant)
    noise = ndimage.gaussian_filter(rng.standard_normal((HEIGHT, WIDTH)), 0.7)
    glow = 24 + 14 * np.exp(-((u - 0.6) ** 2 + (v - 0.5) ** 2) / 0.15)
    return np.asarray(glow + noise * (times * 0.7 / noise.std()))


def soft_grain(variant: int = 0) -> Picture:
    """Grain of less than a code value, which a deband must keep."""
    rng, u, v, times = _plane(6, variant)
    noise = ndimage.gaussian_filter(rng.standard_normal((HEIGHT, WIDTH)), 1.1)
    return np.asarray(70 + 50 * v + 12 * np.sin(2.8 * u) + noise * (times * 0.8 / noise.std()))


def faint_shading(variant: int = 0) -> Picture:
    """Shading of less than a code value over 60 to 300 pixels, on a slow gradient."""
    rng, u, _, times = _plane(7, variant)
    return 120 + 18 * u + times * 0.7 * _octaves(rng, 256, 3, 0.6)


def cloth(variant: int = 0) -> Picture:
    """Folds out of focus with a faint weave."""
    rng, u, v, times = _plane(8, variant)
    folds = _octaves(rng, 256, 3, 0.4)
    weave = np.sin(2 * np.pi * u * WIDTH / 9) * np.sin(2 * np.pi * v * HEIGHT / 7)
    return np.asarray(95 + times * 9 * folds + 0.6 * weave * np.clip(folds + 0.5, 0, 1.5))


def dark_sky(variant: int = 0) -> Picture:
    _, u, v, times = _plane(9, variant)
    return np.asarray(22 + times * 34 * v**1.5 + 8 * np.sin(3.5 * u + 0.4))


def glow(variant: int = 0) -> Picture:
    _, u, v, times = _plane(10, variant)
    away = (1.78 * (u - 0.4)) ** 2 + (v - 0.6) ** 2
    return np.asarray(28 + times * 110 * np.exp(-2.5 * away) + 5 * v)


def wall(variant: int = 0) -> Picture:
    _, u, v, times = _plane(11, variant)
    return np.asarray(150 - times * 52 * np.hypot(1.78 * (u - 0.5), v - 0.35))


def slow_pan(number: int = 0) -> Picture:
    """Haze that moves by a third of a pixel in each frame."""
    return ndimage.shift(haze(), (0, number / 3), order=3, mode="nearest")


def block_flicker(number: int = 0) -> Picture:
    """A wall whose blocks of 8 by 8 pixels flicker by half a code value, as a codec's may."""
    rng = np.random.default_rng((12, number))
    blocks = 0.5 * rng.standard_normal((-(-HEIGHT // 8), WIDTH // 8))
    return wall() + np.kron(blocks, np.ones((8, 8)))[:HEIGHT]


SCENES: dict[str, tuple[Callable[[int], Picture], str]] = {
    "clouds": (clouds, "cool"),
    "haze": (haze, "neutral"),
    "skin": (skin, "warm"),
    "out of focus": (out_of_focus, "warm"),
    "dark noise": (dark_noise, "neutral"),
    "soft grain": (soft_grain, "neutral"),
    "faint shading": (faint_shading, "neutral"),
    "cloth": (cloth, "warm"),
    "dark sky": (dark_sky, "cool"),
    "glow": (glow, "warm"),
    "wall": (wall, "neutral"),
}
GRADIENTS = ("dark sky", "glow", "wall")
"""The scenes that are nothing but a gradient."""


def _coloured(luma: Picture, tint: str) -> Picture:
    return luma[..., None] * np.array(_TINTS[tint])


def scenes(variant: int = 0) -> Iterator[tuple[str, Picture]]:
    """Yield the name and the truth of each procedural scene.

    Variants above 0 are the same scenes with other random numbers and another contrast.
    """
    for name, (scene, tint) in SCENES.items():
        yield name, _coloured(scene(variant), tint)


def moving_scenes() -> Iterator[tuple[str, list[Picture], list[Picture]]]:
    """Yield the name, the frames to encode and the truth of each frame of the scenes that move.

    The blocks that flicker are an artefact: the truth is the wall behind them.
    """
    pan = [_coloured(slow_pan(number), "neutral") for number in range(FRAMES)]
    yield "slow pan", pan, pan
    blocks = [_coloured(block_flicker(number), "neutral") for number in range(FRAMES)]
    yield "block flicker", blocks, [_coloured(wall(), "neutral")] * FRAMES


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


def chroma(truth: Picture) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the true BT.709 Cb and Cr at half the size, in 8-bit legal code values, unrounded."""
    red, green, blue = np.moveaxis(truth, -1, 0)
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    full = (128 + 224 / 255 * (blue - y) / 1.8556, 128 + 224 / 255 * (red - y) / 1.5748)
    cb, cr = (
        plane[: len(plane) // 2 * 2].reshape(len(plane) // 2, 2, -1, 2).mean((1, 3))
        for plane in full
    )
    return np.asarray(cb, np.float32), np.asarray(cr, np.float32)


def spread(luma: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the standard deviation over 9x9 pixels."""
    mean = ndimage.uniform_filter(luma.astype(np.float64), 9)
    variance = ndimage.uniform_filter(luma.astype(np.float64) ** 2, 9) - mean**2
    return np.asarray(np.sqrt(np.maximum(variance, 0)))


_ACCURATE = "flags=accurate_rnd+full_chroma_int"
ROUTES = {
    "BT.709": ("bt709", f"scale=out_color_matrix=bt709:{_ACCURATE}"),
    "BT.601": ("smpte170m", f"scale=out_color_matrix=bt601:{_ACCURATE}"),
    "full range first": (
        "bt709",
        f"scale=out_color_matrix=bt709:out_range=full:{_ACCURATE},format=yuvj420p,"
        f"scale=in_range=full:out_range=tv:{_ACCURATE}",
    ),
}
"""Ways from 8-bit R'G'B' to 8-bit 4:2:0: the matrix to tag, and the filters.

The last one rounds a second time: to full range, and from there to legal range.
"""


def encode(truth: Picture, path: Path, crf: int) -> Path:
    """Encode a still of FRAMES frames as a generator's pipeline does, tagged BT.709."""
    return encode_frames([truth] * FRAMES, path, crf)


def encode_frames(truths: Sequence[Picture], path: Path, crf: int, route: str = "BT.709") -> Path:
    """Encode a clip along one of ROUTES."""
    height, width, _ = truths[0].shape
    matrix, filters = ROUTES[route]
    tags = {"colorspace": matrix, "color_primaries": "bt709", "color_trc": "bt709"}
    ffmpeg.run(
        [
            *("-framerate", "24", *ffmpeg.raw_input("rgb24", width, height)),
            *("-vf", filters, "-c:v", "libx264", "-crf", str(crf), "-pix_fmt", "yuv420p"),
            *(word for name, value in tags.items() for word in (f"-{name}", value)),
            *("-color_range", "tv"),
            ffmpeg.file_url(path),
        ],
        stdin=(np.round(one).clip(0, 255).astype(np.uint8).tobytes() for one in truths),
    )
    return path


def decoded(truth: Picture, folder: Path, crf: int) -> Frame:
    """Return the last frame of an encoded still."""
    with open_clip(encode(truth, folder / "still.mp4", crf)) as clip:
        return clip.frame(FRAMES - 1)
