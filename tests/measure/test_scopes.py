"""Test that scopes count every pixel at its correct position."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import UnsupportedClip
from workbench.measure.code_values import rgb_blocks, to_ten_bit
from workbench.measure.scopes import (
    COLUMNS,
    LEVELS,
    rgb_parade,
    vectorscope,
    vectorscope_targets,
    waveform,
)
from workbench.media.colour import LUMA_WEIGHTS, Colour
from workbench.media.frames import Frame
from workbench.media.probe import open_clip

Made = Callable[[str], Path]
LEGAL = Colour(range="legal", matrix="bt709")


@pytest.mark.parametrize("name", ["untagged", "odd", "full_range", "four_four_four", "ten_bit"])
def test_every_pixel_is_counted(made: Made, name: str) -> None:
    with open_clip(made(name)) as clip:
        frame = clip.frame(0)
    pixels = frame.width * frame.height
    assert waveform(frame).shape == (LEVELS, COLUMNS)
    assert waveform(frame).sum() == pixels
    assert rgb_parade(frame).sum(axis=(1, 2)).tolist() == [pixels] * 3
    assert vectorscope(frame).sum() == frame.cb.size


def flat(luma: int, cb: int, cr: int, height: int = 8, width: int = 12) -> Frame:
    y = np.full((height, width), luma, np.uint16)
    b, r = (np.full((height, width // 2), value, np.uint16) for value in (cb, cr))
    return Frame(y, b, r, "yuv422p10le", 10, LEGAL)


def test_a_bright_column_is_at_its_position_and_level() -> None:
    frame = flat(100, 512, 512)
    frame.luma[:, 3] = 900
    counts = waveform(frame)
    assert counts[900 // 4].nonzero()[0].tolist() == [3]
    assert counts[100 // 4, 3] == 0


def test_colour_bars_are_at_their_targets() -> None:
    for cb, cr in vectorscope_targets("bt709").values():
        counts = vectorscope(flat(500, round(cb), round(cr)))
        row, column = np.argwhere(counts)[0]
        assert abs(row * 4 - cr) < 4
        assert abs(column * 4 - cb) < 4


# 75 % bars in 10-bit BT.709, as SMPTE RP 219 has them.
BARS = {"R": (205, 435, 848), "G": (534, 253, 207), "B": (111, 848, 481), "Y": (674, 176, 543)}


@pytest.mark.parametrize("bar", BARS)
def test_colour_bars_have_their_rgb_values(bar: str) -> None:
    (block,) = rgb_blocks(flat(*BARS[bar]))
    lit = {"R": (1, 0, 0), "G": (0, 1, 0), "B": (0, 0, 1), "Y": (1, 1, 0)}[bar]
    expected = [64 + 0.75 * 876 * channel for channel in lit]
    assert block[:, 0, 0].tolist() == pytest.approx(expected, abs=2)


@given(st.integers(64, 940), st.sampled_from(sorted(LUMA_WEIGHTS)))
def test_neutral_chroma_is_grey_in_every_matrix(luma: int, matrix: str) -> None:
    frame = flat(luma, 512, 512)
    frame = Frame(frame.luma, frame.cb, frame.cr, frame.pixel_format, 10, Colour(matrix=matrix))
    (block,) = rgb_blocks(frame)
    assert (block == luma).all()


@given(
    st.integers(0, 1023), st.integers(0, 1023), st.integers(0, 1023),
    st.sampled_from(sorted(LUMA_WEIGHTS)),
)  # fmt: skip
def test_luma_is_the_weighted_sum_of_rgb(luma: int, cb: int, cr: int, matrix: str) -> None:
    """R', G' and B' with the weights of the matrix give the luma again."""
    frame = flat(luma, cb, cr)
    frame = Frame(frame.luma, frame.cb, frame.cr, frame.pixel_format, 10, Colour(matrix=matrix))
    (block,) = rgb_blocks(frame)
    red, green, blue = (int(value) for value in block[:, 0, 0])
    weight_red, weight_blue = LUMA_WEIGHTS[matrix]
    back = weight_red * red + (1 - weight_red - weight_blue) * green + weight_blue * blue
    assert back == pytest.approx(luma, abs=1)


@given(st.integers(0, 255))
def test_8_bits_are_converted_to_10(value: int) -> None:
    plane = np.full((2, 2), value, np.uint8)
    legal, full = (
        to_ten_bit(Frame(plane, plane, plane, "yuv444p", 8, Colour(range=name)))
        for name in ("legal", "full")
    )
    assert [int(part[0, 0]) for part in legal] == [value * 4] * 3
    assert int(full[0][0, 0]) == round(64 + value * 876 / 255)
    assert int(full[1][0, 0]) == round(512 + (value - 128) * 896 / 255)


def test_a_matrix_without_a_formula_raises_an_error() -> None:
    frame = flat(500, 512, 512)
    odd = Frame(frame.luma, frame.cb, frame.cr, "yuv422p10le", 10, Colour(matrix="ycgco"))
    with pytest.raises(UnsupportedClip, match="matrix ycgco"):
        rgb_parade(odd)
