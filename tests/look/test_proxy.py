"""Test that a proxy is close to the scaled-down rendering at full size."""

from pathlib import Path

import numpy as np
import pytest

from workbench.look.preset import load_preset
from workbench.look.proxy import proxy
from workbench.look.render import render
from workbench.media.frames import Frame
from workbench.media.probe import open_clip


@pytest.fixture
def picture(banded: Path) -> Frame:
    with open_clip(banded) as clip:
        return clip.frame(0)


@pytest.mark.parametrize("name", ["classic", "smooth", "smooth-logc3"])
def test_a_proxy_is_close_to_the_scaled_rendering(picture: Frame, name: str) -> None:
    preset = load_preset(name)
    quick = render(*proxy(picture, preset, 320)).rgb().astype(int)
    whole = render(picture, preset).downscaled(320).rgb().astype(int)
    assert quick.shape == whole.shape == (180, 320, 3)
    assert np.abs(quick - whole).mean() < 1


def test_parameters_in_pixels_are_scaled_within_their_range(picture: Frame) -> None:
    strong = load_preset("smooth").override({"deband.radius": 100.0})
    assert proxy(picture, strong, 320)[1].parameters()["deband.radius"] == 50
    assert proxy(picture, load_preset("smooth"), 64)[1].parameters()["deband.radius"] == 16
    small = proxy(picture, load_preset("classic"), 320)[1].parameters()
    assert (small["deband.radius"], small["deband.strength"]) == (10, 1.1)


def test_a_small_picture_is_unchanged(picture: Frame) -> None:
    preset = load_preset("smooth")
    assert proxy(picture, preset, 960) == (picture, preset)
