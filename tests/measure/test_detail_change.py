"""Detail change: shading that rounding does not explain counts, and nothing else."""

import numpy as np
import pytest
from scipy import ndimage

from workbench.measure.contour import contour, contour_error
from workbench.measure.detail_change import detail_change
from workbench.measure.regions import Luma, Regions
from workbench.measure.rounding import Rounding

HEIGHT, WIDTH = 270, 480


def gradient() -> Luma:
    """Return a shallow gradient in 8-bit code values, unrounded."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.asarray(60 + x / 40 + y / 60, np.float32)


def shading(amplitude: float, size: float = 8) -> Luma:
    """Return soft shading of this standard deviation, in 8-bit code values."""
    noise = np.random.default_rng(2).standard_normal((HEIGHT, WIDTH))
    soft = ndimage.gaussian_filter(noise, size)
    return np.asarray(soft * (amplitude / soft.std()), np.float32)


def grain(amplitude: float) -> Luma:
    noise = np.random.default_rng(3).normal(0, amplitude, (HEIGHT, WIDTH))
    return np.asarray(noise, np.float32)


def changed(picture: Luma, true: Luma) -> float:
    """Return the detail change from the rounded truth to a picture, both in 8-bit code values."""
    source = true.round().astype(np.uint8)
    plain = Regions.of(4 * source.astype(np.float32))
    found = detail_change(Regions.of(4 * picture), plain, Rounding.of(source).limit(4))
    assert found is not None
    return found


def test_the_truth_is_within_what_rounding_explains() -> None:
    for true in (gradient(), gradient() + shading(1), gradient() + grain(0.7)):
        assert changed(true, true) < 0.5


def test_no_change_is_0() -> None:
    true = gradient() + shading(2)
    assert changed(true.round(), true) == 0


@pytest.mark.parametrize("noise", [0, 0.7])
def test_lost_shading_counts_the_more_is_lost(noise: float) -> None:
    true = gradient() + shading(2) + grain(noise)
    found = [changed(ndimage.gaussian_filter(true, sigma), true) for sigma in (2, 6, 10, 20)]
    assert found == sorted(found)
    assert found[0] < found[2] / 2
    assert found[2] > 4


def test_under_grain_less_is_explained_than_in_flat_stretches() -> None:
    """A change of half a step may remove a band, but not shading that grain preserves."""
    lost = shading(0.3)
    flat, grainy = gradient(), gradient() + grain(0.7)
    assert changed(grainy, grainy + lost) > 5
    assert changed(flat, flat + lost) < changed(grainy, grainy + lost) / 1.4


def test_a_constant_offset_does_not_count() -> None:
    true = gradient()
    assert changed(true + 3, true) == pytest.approx(changed(true, true), abs=0.05)


def test_a_source_of_10_bits_explains_a_quarter() -> None:
    true, lost = gradient(), shading(0.3)
    source = (4 * (true + lost)).round().astype(np.uint16)
    plain = Regions.of(source.astype(np.float32))
    found = detail_change(Regions.of(4 * true), plain, Rounding.of(source).limit(1))
    assert found is not None
    assert found > 1.5


def test_texture_does_not_count_and_a_picture_of_texture_has_no_result() -> None:
    true = gradient() + grain(12)
    true[:, WIDTH // 2 :] = gradient()[:, WIDTH // 2 :]
    smoothed = true.copy()
    smoothed[:, : WIDTH // 2 - 20] = gradient()[:, : WIDTH // 2 - 20]
    assert changed(smoothed, true) < 0.5
    source = (gradient() + grain(12)).round().clip(0, 255).astype(np.uint8)
    plain = Regions.of(4 * source.astype(np.float32))
    assert detail_change(plain, plain, Rounding.of(source).limit(4)) is None


def test_contour_alone_rewards_over_smoothing_and_both_together_do_not() -> None:
    true = gradient() + shading(1.2, 10)
    source = true.round().astype(np.uint8)
    plain = Regions.of(4 * source.astype(np.float32))
    gentle, strong = true + 0.1 * shading(1, 3), ndimage.gaussian_filter(true, 30)
    exact = [contour_error(4 * one, 4 * true) for one in (gentle, strong)]
    assert exact[0] < exact[1] / 2
    bands = [contour(Regions.of(4 * one), plain.smooth) or 0.0 for one in (gentle, strong)]
    assert bands[0] > bands[1]
    assert changed(gentle, true) < changed(strong, true) / 4
