import numpy as np
import pytest

from workbench.errors import ResultsMissing
from workbench.measure.regions import Luma, Regions
from workbench.measure.texture import ssim, texture_change
from workbench.media.colour import Colour
from workbench.media.frames import Frame

HEIGHT, WIDTH = 240, 320


def textured() -> Luma:
    """Return a picture with texture on the left and none on the right."""
    luma = np.full((HEIGHT, WIDTH), 400, np.float32)
    luma[:, : WIDTH // 2] += np.random.default_rng(2).normal(0, 24, (HEIGHT, WIDTH // 2))
    return luma


def as_frame(luma: Luma) -> Frame:
    grey = np.full((HEIGHT, WIDTH // 2), 512, np.uint16)
    return Frame(luma.round().astype(np.uint16), grey, grey, "yuv422p10le", 10, Colour())


def test_only_textured_areas_count() -> None:
    plain = textured()
    area = Regions.of(plain).textured
    changed = plain.copy()
    changed[:, WIDTH // 2 + 16 :] += 50
    assert texture_change(changed, plain, area) == 0
    assert texture_change(plain + 3, plain, area) == pytest.approx(3)


def test_a_flat_picture_has_no_texture() -> None:
    flat = np.full((HEIGHT, WIDTH), 400, np.float32)
    assert texture_change(flat + 3, flat, Regions.of(flat).textured) is None


def test_ssim_is_one_for_identical_frames_and_less_for_a_blur() -> None:
    plain = as_frame(textured())
    flat = as_frame(np.full((HEIGHT, WIDTH), 400, np.float32))
    same, blurred = ssim([plain, flat], [plain, plain])
    assert same == 1
    assert blurred < 0.9


def test_missing_ssim_values_raise_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """No picture is known to cause this, so the test replaces ffmpeg."""
    monkeypatch.setattr("workbench.ffmpeg.run", lambda *_, **__: b"")
    plain = as_frame(textured())
    with pytest.raises(ResultsMissing, match="ssim filter compared 0 of 2 frames"):
        ssim([plain, plain], [plain, plain])
