"""Test contour, in particular where CAMBI can be fooled."""

import numpy as np
import pytest

from workbench.measure.banding import cambi
from workbench.measure.contour import contour, contour_error
from workbench.measure.regions import Luma, Regions
from workbench.media.colour import Colour
from workbench.media.frames import Frame

HEIGHT, WIDTH = 360, 640


def ramp(step: int) -> Luma:
    """Return a shallow gradient in steps of this number of 10-bit code values."""
    slope = np.linspace(300, 340, WIDTH, dtype=np.float32)
    return np.tile(np.round(slope / step) * step, (HEIGHT, 1)).astype(np.float32)


def truth() -> Luma:
    return np.tile(np.linspace(300, 340, WIDTH, dtype=np.float32), (HEIGHT, 1))


def noise(amplitude: float) -> Luma:
    return np.random.default_rng(1).normal(0, amplitude, (HEIGHT, WIDTH)).astype(np.float32)


def estimate(luma: Luma) -> float:
    surface = Regions.of(luma)
    found = contour(surface, surface.smooth)
    assert found is not None
    return found


def as_frame(luma: Luma) -> Frame:
    grey = np.full((HEIGHT, WIDTH // 2), 512, np.uint16)
    return Frame(luma.round().astype(np.uint16), grey, grey, "yuv422p10le", 10, Colour())


def test_larger_steps_have_a_higher_contour() -> None:
    exact = [contour_error(ramp(step), truth()) for step in (1, 2, 4)]
    guessed = [estimate(ramp(step)) for step in (1, 2, 4)]
    assert exact[0] * 1.5 < exact[1] < exact[2] / 1.5
    assert guessed == pytest.approx(exact, rel=0.25)


def test_the_true_picture_has_no_contour() -> None:
    assert contour_error(truth(), truth()) == 0
    assert estimate(truth()) < 1


def test_noise_hides_steps_from_cambi_but_not_from_contour() -> None:
    stepped = as_frame(ramp(4))
    noisy = as_frame(ramp(4) + noise(1.0))
    assert cambi([noisy])[0] < cambi([stepped])[0] / 4
    clean, hidden = (estimate(one.luma.astype(np.float32)) for one in (stepped, noisy))
    assert hidden == pytest.approx(clean, rel=0.15)


def test_noise_alone_has_no_contour() -> None:
    assert estimate(truth() + noise(1.2)) < estimate(ramp(4)) / 3


def slope(direction: str) -> Luma:
    """Return a gradient of about a quarter of a code value per pixel."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    shapes = {
        "across": 300 + 0.234 * x,
        "down": 300 + 0.3 * y,
        "diagonal": 300 + 0.15 * x + 0.2 * y,
        "falling": 500 - 0.234 * x,
    }
    return np.asarray(shapes[direction], np.float32)


def stepped(luma: Luma, step: float) -> Luma:
    return np.asarray(np.round(luma / step) * step, np.float32)


@pytest.mark.parametrize("direction", ["across", "down", "diagonal", "falling"])
def test_coarser_steps_are_worse_with_noise_as_well(direction: str) -> None:
    true = slope(direction)
    steps = (4, 8, 16, 24)
    exact = [contour_error(stepped(true, step), true) for step in steps]
    found = [estimate(stepped(true, step) + noise(2.2)) for step in steps]
    assert found == pytest.approx(exact, rel=0.2)
    assert found == sorted(found)
    assert estimate(true + noise(2.2)) < 2


def test_a_deband_that_removes_coarse_steps_lowers_the_contour() -> None:
    true = slope("across")
    before = Regions.of(stepped(true, 24) + noise(1))
    closed, kept = Regions.of(true + noise(1)), Regions.of(stepped(true, 24))
    after = [contour(one, before.smooth, before.posterization) or 0.0 for one in (closed, kept)]
    assert after[0] < 4
    assert after[1] > 50


def test_three_steps_are_posterization_and_two_are_edges() -> None:
    """The rest of the picture is flat, so only the third step decides."""
    levels = np.full((HEIGHT, WIDTH), 400, np.float32)
    for count, start in enumerate((160, 240, 320), start=1):
        levels[:, start:] += 16
        assert Regions.of(levels).posterization.area.any() == (count == 3)
    levels[:, 240:] -= 32  # up, down, up: a stripe
    assert not Regions.of(levels).posterization.area.any()


@pytest.mark.parametrize(("height", "found"), [(40, True), (60, False)])
def test_very_high_steps_are_edges(height: int, found: bool) -> None:
    levels = np.full((HEIGHT, WIDTH), 200, np.float32)
    for start in (120, 200, 280, 360):
        levels[:, start:] += height
    assert Regions.of(levels).posterization.area.any() == found


def test_texture_and_edges_do_not_count() -> None:
    luma = ramp(4)
    luma[:, : WIDTH // 2] += noise(20)[:, : WIDTH // 2]
    luma[HEIGHT // 2 :, WIDTH * 3 // 4] += 300
    surface = Regions.of(luma)
    assert not surface.smooth[:, : WIDTH // 4].any()
    assert not surface.smooth[HEIGHT // 4 + 8 :, WIDTH * 3 // 8].any()
    assert surface.smooth[: HEIGHT // 4 - 8, WIDTH // 4 + 24 : WIDTH // 2 - 24].any()
    assert surface.textured[:, 16 : WIDTH // 4 - 16].mean() > 0.99


def test_a_picture_without_smooth_areas_has_no_contour() -> None:
    surface = Regions.of(noise(30) + 500)
    assert contour(surface, surface.smooth) is None


def test_a_picture_of_an_odd_size_is_measured() -> None:
    odd = ramp(4)[: HEIGHT - 1, : WIDTH - 1]
    surface = Regions.of(odd)
    assert contour_error(odd, truth()[: HEIGHT - 1, : WIDTH - 1], surface.smooth) > 0
