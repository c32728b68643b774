"""Scenes whose truth is known: computed in floating point, then quantized to 8 bits and encoded as
generators do it.

Each is a function of a grid of places and a time; it gives Y'CbCr in 8-bit legal-range code values,
unrounded. Lengths are in picture heights, so that a scene is the same at any size; grain and fine
texture are as large as pixels are.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench import ffmpeg

Plane = NDArray[np.float32]
FRAMES = 24
RATE = 24


@dataclass(frozen=True, eq=False)
class Picture:
    """One frame of truth, in 8-bit code values, unrounded: luma at full size, chroma at half."""

    luma: Plane
    cb: Plane
    cr: Plane

    def rounded(self) -> bytes:
        """Return it as yuv420p, each value rounded to 8 bits: here the bands come from."""
        planes = (self.luma, self.cb, self.cr)
        return b"".join(np.clip(p + 0.5, 0, 255).astype(np.uint8).tobytes() for p in planes)


@dataclass(frozen=True, eq=False)
class Place:
    """Where the samples of a plane are, and which frame it is."""

    x: Plane  # picture heights from the left
    y: Plane  # picture heights from the top, 0 to 1
    number: int
    pixels: int  # of luma, per picture height

    def noise(self, seed: int) -> Plane:
        """Noise with a standard deviation of 1, another in each frame."""
        rng = np.random.default_rng((seed, self.number))
        return rng.standard_normal(self.x.shape, np.float32)

    def still_noise(self, seed: int) -> Plane:
        return np.random.default_rng(seed).standard_normal(self.x.shape, np.float32)


Channels = tuple[Plane | float, Plane | float, Plane | float]
"""Luma, Cb and Cr at the places asked for; the caller takes what it needs."""
Scene = Callable[[Place], Channels]


def dark_sky(at: Place) -> Channels:
    """A night sky that grows lighter towards the horizon: the widest bands."""
    depth = np.clip(at.y, 0, 1) ** 1.6
    luma = 20 + 26 * depth + 3 * at.x
    return luma, 128 + 10 * (1 - depth), 128 - 4 * (1 - depth) + 3 * depth


def vignette(at: Place) -> Channels:
    """A lit wall that falls off to its corners: bands that bend."""
    away = np.hypot(at.x - 0.89, at.y - 0.5)
    return 150 - 62 * away**2, 122 + 3 * away, 134 - 2 * away


def sunset(at: Place) -> Channels:
    """Coloured gradients around a sun: chroma bands as well."""
    glow = np.exp(-((at.x - 1.2) ** 2) / 0.5 - (at.y - 0.75) ** 2 / 0.12)
    luma = 48 + 70 * at.y + 85 * glow
    return luma, 138 - 40 * at.y - 26 * glow, 130 + 26 * at.y + 18 * glow


def fog(at: Place) -> Channels:
    """Fog over texture: what is fine must stay where the fog lets it through."""
    through = np.clip((at.y - 0.45) / 0.4, 0, 1) ** 2
    ground = 14 * at.still_noise(3) * through
    luma = 170 - 60 * at.y + 8 * np.sin(2.2 * at.x) + ground
    return luma, 128 + 2 * at.y, 127 - 2 * at.y


def grain(at: Place) -> Channels:
    """A gradient that moves, under film grain of about one code value."""
    luma = 60 + 40 * at.y + 12 * np.sin(1.5 * at.x + at.number / 24) + 1.1 * at.noise(5)
    return luma, 124 + 4 * at.y, 131 + 2 * at.x


def near_black(at: Place) -> Channels:
    """A dim glow over black: few code values for a whole picture."""
    glow = np.exp(-((at.x - 0.7) ** 2 + (at.y - 0.6) ** 2) / 0.35)
    return 16.5 + 13 * glow, 128 - 3 * glow, 128 + 3 * glow


def face(at: Place) -> Channels:
    """A shaded smooth shape beside fine texture: a cheek and hair."""
    fall = 1 - ((at.x - 0.7) / 0.42) ** 2 - ((at.y - 0.5) / 0.46) ** 2
    cheek = np.sqrt(np.clip(fall, 0, None))
    edge = np.clip(fall * 12, 0, 1)
    hair = np.sin(at.x * 0.9 * at.pixels + 3 * np.sin(9 * at.y)) * 9 + 5 * at.still_noise(8)
    hair = hair * np.clip((at.x - 1.15) * 8, 0, 1)
    luma = 40 + 14 * at.y + hair + edge * (62 + 42 * cheek * (0.6 + 0.4 * at.x))
    return luma, 126 - 12 * edge, 130 + 18 * edge


SCENES: dict[str, Scene] = {
    scene.__name__: scene for scene in (dark_sky, vignette, sunset, fog, grain, near_black, face)
}


def picture(scene: Scene, width: int, height: int, number: int) -> Picture:
    """Compute one frame of a scene."""

    def plane(channel: int, columns: int, rows: int) -> Plane:
        step = height / rows
        y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
        at = Place((x + 0.5) * step / height, (y + 0.5) * step / height, number, height)
        return np.broadcast_to(scene(at)[channel], (rows, columns)).astype(np.float32)

    half = width // 2, height // 2
    return Picture(plane(0, width, height), plane(1, *half), plane(2, *half))


def encode(
    scene: Scene, path: Path, width: int, height: int, crf: int, frames: int = FRAMES
) -> Path:
    """Encode a scene as a generator would: H.264, 8 bits, 4:2:0, untagged."""

    def pictures() -> Iterator[bytes]:
        for number in range(frames):
            yield picture(scene, width, height, number).rounded()

    source = ["-framerate", str(RATE), *ffmpeg.raw_input("yuv420p", width, height)]
    codec = ["-c:v", "libx264", "-crf", str(crf), "-pix_fmt", "yuv420p"]
    ffmpeg.run([*source, *codec, ffmpeg.file_url(path)], stdin=pictures())
    return path
