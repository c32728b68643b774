from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from workbench.look.preset import load_preset
from workbench.look.render import render
from workbench.measure.code_values import (
    CodeValueCounts,
    count_code_values,
    effective_bit_depth,
    eight_bit_grid,
    histogram,
    legal_chroma,
    legal_luma,
)
from workbench.media.probe import open_clip


@given(st.lists(st.integers(0, 1023), min_size=1))
def test_every_pixel_is_counted_once(values: list[int]) -> None:
    counts = histogram(np.array([values], np.uint16), 10)
    assert counts.shape == (1024,)
    assert counts.sum() == len(values)
    assert np.count_nonzero(counts) == len(set(values))


@pytest.mark.parametrize(("depth", "codes"), [(8, 256), (10, 1024)])
def test_the_histogram_covers_the_whole_bit_depth(depth: int, codes: int) -> None:
    plane = np.array([[0, codes - 1]], np.uint8 if depth == 8 else np.uint16)
    assert histogram(plane, depth)[[0, -1]].tolist() == [1, 1]


def test_an_8_bit_chain_leaves_gaps_in_10_bits(untagged: Path) -> None:
    """The preset classic works in 8 bits, so it uses at most every fourth 10-bit code value."""
    with open_clip(untagged) as clip:
        before = clip.frame(0)
        after = count_code_values(render(before, load_preset("classic")))
    assert after.bit_depth == 10
    assert after.luma[np.arange(1024) % 4 != 0].sum() == 0
    assert count_code_values(before).occupied == np.unique(before.luma).size


def test_the_bit_depth_follows_from_the_codes_in_use() -> None:
    smooth = np.random.default_rng(3).normal(400, 60, 200_000).round().astype(int)
    deep = np.bincount(np.clip(smooth, 0, 1023), minlength=1024)
    assert effective_bit_depth(deep) == pytest.approx(10, abs=0.1)
    eight = np.bincount(np.clip(smooth // 4 * 4, 0, 1023), minlength=1024)
    assert effective_bit_depth(eight) == pytest.approx(8, abs=0.02)
    nine = np.bincount(np.clip(smooth // 2 * 2, 0, 1023), minlength=1024)
    assert effective_bit_depth(nine) == pytest.approx(9, abs=0.02)


def test_stray_pixels_do_not_count_as_bit_depth() -> None:
    comb = np.zeros(1024, np.int64)
    comb[100:900:4] = 10_000
    comb[101:900:7] += 3
    assert effective_bit_depth(comb) == pytest.approx(8, abs=0.02)


def test_the_8_bit_grid_is_detected_below_encoder_noise() -> None:
    rng = np.random.default_rng(4)
    smooth = rng.normal(400, 60, 500_000)
    eight = (smooth / 4).round() * 4 + rng.normal(0, 0.7, smooth.size)
    noisy = np.bincount(eight.round().astype(int), minlength=1024)
    assert (effective_bit_depth(noisy) or 0) > 9.5  # so counting codes does not detect it
    assert (eight_bit_grid(noisy) or 0) > 0.28
    full_range = 64 + (smooth / 4).round() * (876 / 255)
    made_legal = full_range + rng.normal(0, 0.7, smooth.size)
    assert (eight_bit_grid(np.bincount(made_legal.round().astype(int), minlength=1024)) or 0) > 0.2
    assert eight_bit_grid(np.bincount(smooth.round().astype(int), minlength=1024)) == pytest.approx(
        0, abs=0.1
    )


def counted(values: NDArray[Any]) -> NDArray[np.int64]:
    return np.bincount(np.round(values).ravel().astype(int), minlength=1024)


@pytest.mark.parametrize("reach", [16, 20, 40])
def test_an_8_bit_picture_of_a_small_range_has_8_bits(reach: int) -> None:
    ramp = np.repeat(np.arange(400, 400 + reach + 1, 4), 500)
    assert effective_bit_depth(counted(ramp)) == pytest.approx(8)
    deep = np.repeat(np.arange(400, 400 + reach + 1), 500)
    assert effective_bit_depth(counted(deep)) == pytest.approx(10)


def test_a_picture_of_few_tones_has_no_bit_depth() -> None:
    for tones in ([500], [64, 500, 940], [400, 404, 408, 412]):
        found = counted(np.repeat(tones, 500))
        assert effective_bit_depth(found) is None
    assert eight_bit_grid(counted(np.repeat([64, 500, 940], 500))) is None
    assert eight_bit_grid(counted(np.repeat(np.arange(400, 417), 500))) is None


@pytest.mark.parametrize("side", [32, 64, 256])
@pytest.mark.parametrize(("bits", "step"), [(8, 4), (9, 2), (10, 1)])
def test_a_small_picture_has_the_bit_depth_of_a_large_one(side: int, bits: int, step: int) -> None:
    """In 32x32 pixels of noise, most code values are missing by chance."""
    rng = np.random.default_rng(6)
    for noise in (rng.uniform(64, 940, (side, side)), rng.normal(500, 100, (side, side))):
        found = effective_bit_depth(counted((noise / step).round() * step))
        assert found == pytest.approx(bits, abs=0.15)


def test_a_title_has_no_grid() -> None:
    """Three flat tones have a spectrum like that of a grid; their edges have a few other tones."""
    tones = np.repeat([64, 502, 940], 50_000) + np.random.default_rng(7).normal(0, 0.5, 150_000)
    assert eight_bit_grid(counted(tones)) in (None, pytest.approx(0, abs=0.1))


@pytest.mark.parametrize("depth", [8, 10, 12])
def test_one_code_outside_legal_range_counts(depth: int) -> None:
    black, white = legal_luma(depth)
    low, high = legal_chroma(depth)
    counts = np.zeros((3, 1 << depth), np.int64)
    counts[0, [black - 1, black, white, white + 1]] = 1
    counts[1:, [low - 1, low, high, high + 1]] = 1
    found = CodeValueCounts(*counts, depth)
    assert (found.outside_legal, found.outside_legal_chroma) == (0.5, 0.5)
    assert legal_luma(depth)[0] == 64 * 2 ** (depth - 10)
