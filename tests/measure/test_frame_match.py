"""Test the match of delivered frames with source frames."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from workbench.look.preset import load_preset
from workbench.look.render import render_frames
from workbench.measure.frame_match import (
    Difference,
    FrameMatch,
    block_means,
    frame_difference,
    match_frames,
)
from workbench.media.colour import Colour
from workbench.media.frames import Frame
from workbench.media.probe import open_clip


@pytest.fixture(scope="module")
def pair(made: Callable[[str], Path]) -> tuple[list[Frame], list[Frame]]:
    with open_clip(made("untagged")) as clip:
        sources = list(clip.frames(range(10)))
    return sources, render_frames(sources, load_preset("classic"))


def matched(sources: list[Frame], delivered: list[Frame]) -> list[FrameMatch]:
    return list(
        match_frames(
            (block_means(one), block_means(other))
            for one, other in zip(sources, delivered, strict=True)
        )
    )


def test_block_means_are_means() -> None:
    luma = np.arange(40 * 50, dtype=np.uint16).reshape(40, 50)
    grey = np.full((40, 25), 512, np.uint16)
    means = block_means(Frame(luma, grey, grey, "yuv422p10le", 10, Colour()))
    assert means.shape == (3, 3 * 4)
    assert means[0, 6] == pytest.approx(luma[16:32, 32:48].mean())
    assert means[1, 6] == 512


@pytest.mark.parametrize("size", [(40, 50), (33, 17), (16, 31), (8, 8), (5, 40), (1080, 48)])
@pytest.mark.parametrize(("step", "sampling"), [((1, 1), "444"), ((1, 2), "422"), ((2, 2), "420")])
def test_every_pixel_is_in_a_block(
    size: tuple[int, int], step: tuple[int, int], sampling: str
) -> None:
    """The last sample of each plane changes the mean of the last block."""
    chroma = tuple(-(-side // by) for side, by in zip(size, step, strict=True))
    planes = [np.full(size, 500, np.uint16), *(np.full(chroma, 512, np.uint16) for _ in range(2))]
    before = block_means(Frame(*planes, f"yuv{sampling}p10le", 10, Colour()))
    assert before.shape == (3, -(-size[0] // 16) * -(-size[1] // 16))
    for plane in planes:
        plane[-1, -1] += 100
    change = block_means(Frame(*planes, f"yuv{sampling}p10le", 10, Colour())) - before
    assert (change[:, -1] > 0.3).all()
    assert not change[:, :-1].any() or min(size) < 16


def test_a_look_leaves_every_frame_in_its_place(pair: tuple[list[Frame], list[Frame]]) -> None:
    found = matched(*pair)
    assert [match.offset for match in found] == [0] * 10
    assert max(match.max_residual for match in found) < 4


def test_a_shift_by_one_frame_is_detected_in_both_directions(
    pair: tuple[list[Frame], list[Frame]],
) -> None:
    sources, delivered = pair
    early = matched(sources, [*delivered[1:], delivered[-1]])
    assert [match.offset for match in early] == [1] * 9 + [0]
    late = matched(sources, [delivered[0], *delivered[:-1]])
    assert [match.offset for match in late] == [0] + [-1] * 9


def test_a_damaged_block_is_detected(pair: tuple[list[Frame], list[Frame]]) -> None:
    sources, delivered = pair
    luma = delivered[4].luma.copy()
    luma[32:48, 64:96] = 700
    found = matched(sources, [*delivered[:4], replace(delivered[4], luma=luma), *delivered[5:]])
    worst = [match.max_residual for match in found]
    assert worst[4] > 50
    assert max(worst[:4] + worst[5:]) < 4


def test_a_picture_smaller_than_a_block_matches() -> None:
    luma = np.full((8, 8), 500, np.uint16)
    tiny = Frame(luma, luma, luma, "yuv444p10le", 10, Colour())
    (match,) = matched([tiny], [tiny])
    assert (match.rms_residual, match.max_residual) == pytest.approx((0, 0), abs=1e-6)
    assert (match.correlation, match.offset) == (None, 0)


def test_a_flat_picture_matches() -> None:
    flat = Frame(
        *(np.full((64, 64), 500, np.uint16) for _ in range(3)), "yuv444p10le", 10, Colour()
    )
    (match,) = matched([flat], [flat])
    assert match.rms_residual == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("plane", ["luma", "cb", "cr"])
@pytest.mark.parametrize(
    ("off", "coding"), [({"mean": 0.19}, True), ({"mean": 0.21}, False), ({"sample": 12}, True),
                        ({"sample": 13}, False), ({"noise": 0.74}, True), ({"noise": 0.76}, False),
                        ({"block": 1.4}, True), ({"block": 1.6}, False)]
)  # fmt: skip
def test_the_coding_error_has_limits(plane: str, off: dict[str, float], coding: bool) -> None:
    """A change of the last sample, the last block or all samples is detected in every plane."""
    grey = Frame(
        *(np.full((160, 160), 500, np.uint16) for _ in range(3)), "yuv444p10le", 10, Colour()
    )
    values = getattr(grey, plane).astype(np.float64)
    ((kind, amount),) = off.items()
    chance = np.random.default_rng(1)
    if kind == "mean":  # that share of the samples is one code value up
        values.ravel()[chance.permutation(values.size)[: round(amount * values.size)]] += 1
    elif kind == "sample":
        values[-1, -1] += amount
    elif kind == "block":
        values[-16:, -16:] += np.where(
            np.arange(256).reshape(16, 16) % 10 < 10 * (amount - 1), 2, 1
        )
    else:  # as many up as down
        signs = np.resize([1, -1], values.shape)
        chosen = chance.permutation(values.size // 2)[: round(amount**2 * values.size / 2)]
        for half in (0, 1):
            values.ravel()[2 * chosen + half] += signs.ravel()[2 * chosen + half]
    made = replace(grey, **{plane: values.astype(np.uint16)})
    assert frame_difference(grey, made).is_coding_error() is coding
    assert frame_difference(grey, grey) == Difference(0, 0, 0, 0)


def test_code_values_that_prores_cannot_store_are_no_difference() -> None:
    black, white = (
        Frame(*(np.full((32, 32), value, np.uint16) for _ in range(3)), "yuv444p10le", 10, Colour())
        for value in (0, 1023)
    )
    lowest, highest = (
        replace(
            black, **{name: np.full((32, 32), value, np.uint16) for name in ("luma", "cb", "cr")}
        )
        for value in (4, 1019)
    )
    assert (
        frame_difference(black, lowest)
        == frame_difference(white, highest)
        == Difference(0, 0, 0, 0)
    )
