from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.look.preset import load_preset
from workbench.look.render import render
from workbench.measure.codes import histogram, luma_codes
from workbench.probe import open_clip


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


def test_an_eight_bit_chain_leaves_gaps_in_ten_bits(untagged: Path) -> None:
    """classic works in 8 bits, so it fills every fourth code of 10 bits at most."""
    with open_clip(untagged) as clip:
        before = clip.frame(0)
        after = luma_codes(render(before, load_preset("classic")))
    assert after.bit_depth == 10
    assert after.histogram[np.arange(1024) % 4 != 0].sum() == 0
    assert luma_codes(before).occupied == np.unique(before.luma).size
