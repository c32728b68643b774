"""Shading error: the distance from the true picture, estimated without it."""

import numpy as np
import pytest
from scipy import ndimage

from workbench.measure.contour import contour, contour_error
from workbench.measure.detail_change import detail_change
from workbench.measure.regions import Luma, Regions
from workbench.measure.rounding import Rounding
from workbench.measure.shading_error import changed_contour, shading_error, smooth_share

HEIGHT, WIDTH = 270, 480
WEIGHTS = np.array([0.2126, 0.7152, 0.0722])


def scene(slope: float, noise: float = 0) -> tuple[Luma, Luma]:
    """Return a gradient with white noise, true and rounded to R'G'B' and then to 8-bit luma."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    grey = 60 + slope * (0.9 * x + 0.44 * y) + rng.normal(0, 1, x.shape) * noise
    colours = 255 / 219 * grey[..., None] * (0.9, 1.02, 1.1)
    true = 16 + 219 / 255 * (colours @ WEIGHTS)
    rounded = np.round(16 + 219 / 255 * (np.round(colours) @ WEIGHTS))
    return true.astype(np.float32), rounded.astype(np.float32)


def estimate(picture: Luma, source: Luma) -> float:
    """Return the shading error of a picture in 8-bit code values."""
    before, after = Regions.of(4 * source), Regions.of(4 * picture)
    expected = Rounding.of(source.astype(np.uint8)).contour(4, before.calm)
    detail = detail_change(after, before, Rounding.of(source.astype(np.uint8)).limit(4))
    changed = changed_contour(after, before, before.calm)
    assert expected is not None
    assert detail is not None
    assert changed is not None
    return shading_error(
        before=contour(before, before.smooth),
        after=contour(after, before.smooth),
        share=smooth_share(before.smooth, before.calm),
        detail_change=detail,
        expected=expected,
        changed=changed,
    )


@pytest.mark.parametrize(
    ("slope", "noise"), [(0.01, 0), (0.04, 0), (0.02, 0.3), (0.04, 0.5), (0.1, 0.3)]
)
def test_what_rounding_leaves_follows_from_slope_and_noise(slope: float, noise: float) -> None:
    true, source = scene(slope, noise)
    expected = Rounding.of(source.astype(np.uint8)).contour(4, Regions.of(4 * source).calm)
    assert expected == pytest.approx(contour_error(4 * source, 4 * true), rel=0.25)


def test_the_estimate_ranks_pictures_as_the_truth_does() -> None:
    true, source = scene(0.02)
    half, lost = (true + source) / 2, true + 3 * np.sin(np.arange(WIDTH) / 20)
    pictures = [true, half, source, lost.astype(np.float32)]
    exact = [contour_error(4 * one, 4 * true) for one in pictures]
    assert exact == sorted(exact)
    found = [estimate(one, source) for one in pictures]
    assert found == sorted(found)
    assert found[0] < 0.3 * found[2]


def test_faint_grain_needs_no_deband() -> None:
    """Under grain, rounding leaves no bands, so every change is loss."""
    _, source = scene(0.01, 0.7)
    smoothed = [source, *(ndimage.gaussian_filter(source, sigma) for sigma in (1, 3, 6))]
    found = [estimate(one, source) for one in smoothed]
    assert found == sorted(found)


def test_texture_alone_has_no_result() -> None:
    luma = np.random.default_rng(1).normal(400, 40, (HEIGHT, WIDTH)).astype(np.float32)
    area = Regions.of(luma).calm
    assert Rounding.of((luma / 4).astype(np.uint8)).contour(4, area) is None
    assert changed_contour(Regions.of(luma), Regions.of(luma), area) is None


def test_the_smooth_share_is_a_share() -> None:
    half = np.zeros((20, 20), np.bool_)
    half[:10] = True
    assert smooth_share(half, np.ones_like(half)) == 0.5
    assert smooth_share(half, np.zeros_like(half)) == 1
