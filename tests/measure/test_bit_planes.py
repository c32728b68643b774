"""Effective bit depth, held against ffmpeg's bitplanenoise: the bit planes that carry a picture."""

import re
from dataclasses import replace

import numpy as np
import pytest

from workbench import ffmpeg
from workbench.look.compare import compare
from workbench.look.preset import Preset, load_preset
from workbench.look.stages import Flat
from workbench.measure.code_values import effective_bit_depth, histogram
from workbench.media.colour import Colour
from workbench.media.frames import Frame

HEIGHT, WIDTH = 240, 320
_NOISE = re.compile(r"lavfi\.bitplanenoise\.0\.(\d+)=([\d.]+)")


def scene() -> np.ndarray:
    """Return soft shading in 10-bit code values, unrounded."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return 300 + 0.9 * x + 0.5 * y + 25 * np.sin(x / 31) * np.cos(y / 47)


def dithered(values: np.ndarray, step: int) -> np.ndarray:
    """Round to a multiple of `step` with a random dither of one step."""
    noise = np.random.default_rng(4).random(values.shape) - 0.5
    return np.round(values / step + noise) * step


SOURCES = {
    "8 bits in 10": (np.round(scene() / 4) * 4, 8),
    "8 bits in 10, dithered": (dithered(scene(), 4), 8),
    "9 bits in 10": (np.round(scene() / 2) * 2, 9),
    "10 bits": (np.round(scene()), 10),
    "10 bits, dithered": (dithered(scene(), 1), 10),
    "8 bits in 10, under noise of 10 bits": (np.round(scene() / 4) * 4 + dithered(scene() * 0, 1)
        + np.random.default_rng(5).integers(-2, 3, (HEIGHT, WIDTH)), 10),
}  # fmt: skip


def as_frame(values: np.ndarray, transfer: str = "bt709") -> Frame:
    grey = np.full((HEIGHT // 2, WIDTH // 2), 512, np.uint16)
    primaries, matrix = ("bt709", "bt709") if transfer == "bt709" else ("bt2020", "bt2020nc")
    colour = Colour("legal", primaries, transfer, matrix)
    return Frame(values.astype(np.uint16), grey, grey, "yuv420p10le", 10, colour)


def used_planes(frame: Frame) -> int:
    """Return how many of the 10 bit planes of luma are in use, by ffmpeg's bitplanenoise."""
    each = ",".join(f"bitplanenoise=bitplane={plane}" for plane in range(1, 11))
    graph = f"{each},metadata=print:file=-"
    text = ffmpeg.run(
        [
            *ffmpeg.raw_input(frame.pixel_format, frame.width, frame.height),
            *("-vf", graph, "-f", "null", "-"),
        ],
        stdin=[frame.tobytes()],
    ).decode()
    noise = {int(plane): float(value) for plane, value in _NOISE.findall(text)}
    assert len(noise) == 10
    lowest = min(plane for plane, value in noise.items() if value > 0.01)  # 1 is the finest
    return 11 - lowest


@pytest.mark.parametrize("name", SOURCES)
def test_effective_bit_depth_agrees_with_the_planes_in_use(name: str) -> None:
    values, bits = SOURCES[name]
    frame = as_frame(values)
    assert used_planes(frame) == bits
    assert effective_bit_depth(histogram(frame.luma, 10)) == pytest.approx(bits, abs=0.1)


@pytest.mark.parametrize("transfer", ["bt709", "smpte2084", "arib-std-b67"])
@pytest.mark.parametrize("look", ["untouched", "smooth", "flat"])
def test_a_10_bit_source_never_passes_through_8_bits(transfer: str, look: str) -> None:
    preset = Preset(name="x", tone=Flat()) if look == "flat" else load_preset(look)
    source = replace(as_frame(SOURCES["10 bits"][0], transfer))
    (found,) = compare([source], preset, coarse=False)
    assert found.effective_bit_depth_before == pytest.approx(10, abs=0.1)
    assert found.effective_bit_depth is not None
    assert found.effective_bit_depth > 9.5
    assert found.grid is not None
    assert found.grid < 0.2
