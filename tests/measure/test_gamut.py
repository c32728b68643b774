"""Test the share of pixels outside EBU R103, which is exact at every position."""

from dataclasses import replace

import numpy as np
import pytest

from workbench.errors import UnsupportedClip
from workbench.measure.gamut import outside_r103
from workbench.media.colour import Colour
from workbench.media.frames import Frame

STEPS = {
    "yuv444p10le": (1, 1),
    "yuv422p10le": (1, 2),
    "yuv420p10le": (2, 2),
    "yuv411p10le": (1, 4),
    "yuv410p10le": (4, 4),
}
"""Rows and columns of luma that one chroma sample covers."""


def picture(
    luma: int = 500, cb: int = 512, cr: int = 512, *, size: tuple[int, int] = (100, 100),
    pixel_format: str = "yuv444p10le", matrix: str = "bt709",
) -> Frame:  # fmt: skip
    """Return 100x100 pixels of one 10-bit colour; each pixel is 0.01 %."""
    high, wide = STEPS[pixel_format]
    small = (-(-size[0] // high), -(-size[1] // wide))
    planes = (
        np.full(shape, value, np.uint16)
        for shape, value in ((size, luma), (small, cb), (small, cr))
    )
    return Frame(*planes, pixel_format, 10, Colour(range="legal", matrix=matrix))


def one_by_one(frame: Frame) -> float:
    """Compute the share from the formula of ITU-R BT.709, in floating point for every pixel."""
    high, wide = STEPS[frame.pixel_format]
    luma = frame.luma.astype(float)
    cb, cr = (
        plane.astype(float).repeat(high, 0).repeat(wide, 1)[: luma.shape[0], : luma.shape[1]] - 512
        for plane in (frame.cb, frame.cr)
    )
    red = luma + 2 * (1 - 0.2126) * 876 / 896 * cr
    blue = luma + 2 * (1 - 0.0722) * 876 / 896 * cb
    green = (luma - 0.2126 * red - 0.0722 * blue) / 0.7152
    rounded = np.stack([luma, red, green, blue]).round()
    return float(((rounded < 20) | (rounded > 984)).any(axis=0).mean())


@pytest.mark.parametrize(("value", "outside"), [(19, 1), (20, 0), (984, 0), (985, 1)])
def test_luma_has_limits(value: int, outside: int) -> None:
    assert outside_r103(picture(luma=value)) == outside


@pytest.mark.parametrize(
    ("cb", "cr", "outside"),
    [
        # R' = Y + 1.5396 (Cr - 512): 984 is reached at Cr = 826.4 from a luma of 500.
        (512, 826, 0),
        (512, 827, 1),
        # B' = Y + 1.8142 (Cb - 512): 984 is reached at Cb = 778.8, and 20 at Cb = 247.4.
        (778, 512, 0),
        (780, 512, 1),
        (248, 512, 0),
        (247, 512, 1),
    ],
)
def test_rgb_has_limits_even_if_luma_is_legal(cb: int, cr: int, outside: int) -> None:
    assert outside_r103(picture(500, cb, cr)) == outside


@pytest.mark.parametrize(("luma", "outside"), [(798, 0), (799, 1)])
def test_green_has_limits(luma: int, outside: int) -> None:
    """G' = Y - 0.18313 (Cb - 512) - 0.45768 (Cr - 512): 186.2 above luma here."""
    assert outside_r103(picture(luma, 300, 190)) == outside


def test_the_result_is_a_share_of_the_area() -> None:
    luma = np.full((100, 100), 500, np.uint16)
    luma[:2, :50] = 1000
    assert outside_r103(replace(picture(), luma=luma)) == 0.01


@pytest.mark.parametrize("pixel_format", STEPS)
@pytest.mark.parametrize("size", [(8, 8), (17, 33), (16, 16), (31, 64), (50, 47)])
@pytest.mark.parametrize("corner", [(0, 0), (0, -1), (-1, 0), (-1, -1)])
def test_one_pixel_in_a_corner_is_counted(
    pixel_format: str, size: tuple[int, int], corner: tuple[int, int]
) -> None:
    frame = picture(size=size, pixel_format=pixel_format)
    frame.luma[corner] = 985
    assert outside_r103(frame) == 1 / frame.luma.size


@pytest.mark.parametrize("row", [0, 23, 24, 47])
@pytest.mark.parametrize(
    ("luma", "cb", "cr", "outside"),
    [
        (500, 512, 826, 0), (500, 512, 827, 1),  # red, above 984
        (500, 512, 200, 0), (500, 512, 199, 1),  # red, below 20
        (500, 779, 512, 0), (500, 780, 512, 1),  # blue, above
        (500, 248, 512, 0), (500, 247, 512, 1),  # blue, below
        (798, 300, 190, 0), (799, 300, 190, 1),  # green, above
        (206, 724, 834, 0), (205, 724, 834, 1),  # green, below
    ],
)  # fmt: skip
def test_one_coloured_pixel_in_a_grey_picture_is_counted(
    row: int, luma: int, cb: int, cr: int, outside: int
) -> None:
    frame = picture(luma, size=(48, 64))
    frame.cb[row, 40], frame.cr[row, 40] = cb, cr
    assert outside_r103(frame) * frame.luma.size == outside


@pytest.mark.parametrize("pixel_format", STEPS)
@pytest.mark.parametrize("size", [(8, 8), (17, 33), (64, 48)])
@pytest.mark.parametrize("contrast", [40, 120, 250])
def test_random_pictures_equal_the_formula(
    pixel_format: str, size: tuple[int, int], contrast: int
) -> None:
    random = np.random.default_rng(contrast)
    frame = picture(size=size, pixel_format=pixel_format)
    for plane in (frame.luma, frame.cb, frame.cr):
        plane[:] = random.normal(512, contrast, plane.shape).clip(0, 1023).astype(np.uint16)
    expected = one_by_one(frame)
    assert outside_r103(frame) == expected
    assert contrast < 100 or 0 < expected < 1


def test_a_matrix_without_a_formula_raises_an_error() -> None:
    with pytest.raises(UnsupportedClip, match="matrix ycgco"):
        outside_r103(picture(matrix="ycgco"))
