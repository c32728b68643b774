"""Test the text of the filter chain, and its effect in ffmpeg."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.clips import SEED
from workbench import ffmpeg
from workbench.look.curves import eq_offset
from workbench.look.filter_chain import encoder_input_chain, filter_chain
from workbench.look.preset import Preset, load_preset
from workbench.look.render import render
from workbench.look.stages import Deband, Eq, Flat, Shaped, Smooth
from workbench.media.colour import LUMA_WEIGHTS, Colour
from workbench.media.frames import Frame

TAGGED = Colour("legal", "bt709", "bt709", "bt709")
FULL = Colour("full", "bt709", "bt709", "bt709")
CLASSIC, SMOOTH = load_preset("classic"), load_preset("smooth")


@dataclass(frozen=True)
class Seen:
    colour: Colour = TAGGED
    width: int = 1280
    height: int = 720
    pixel_format: str = "yuv420p"
    bit_depth: int = 8


def test_classic_is_the_original_chain_after_a_declaration() -> None:
    declaration, _, chain = filter_chain(CLASSIC, Seen()).partition(",")
    assert chain == SEED[SEED.index("-vf") + 1]
    assert declaration == (
        "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
    )


def test_an_untagged_source_is_declared_as_assumed() -> None:
    assert filter_chain(CLASSIC, Seen(Colour())) == filter_chain(CLASSIC, Seen())


def test_a_full_range_source_is_declared_as_full_range() -> None:
    assert filter_chain(CLASSIC, Seen(FULL)).startswith("setparams=range=pc:")


def test_a_stage_without_effect_is_not_in_the_chain() -> None:
    assert filter_chain(load_preset("untouched"), Seen()).count(",") == 0


@given(st.floats(-1, 1), st.floats(0.51, 64))
def test_every_number_is_written_in_ffmpeg_s_syntax(brightness: float, strength: float) -> None:
    preset = CLASSIC.override({"tone.brightness": brightness, "deband.strength": strength})
    chain = filter_chain(preset, Seen())
    assert float(chain.rpartition("brightness=")[2]) == float(f"{brightness:.9g}")
    assert chain.count(",") == 2


def ramp() -> Frame:
    """Return a picture of every 8-bit code value of luma, Cb and Cr, in squares of 16x16 pixels."""
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    luma, chroma = values.repeat(16, 0).repeat(16, 1), values.repeat(8, 0).repeat(8, 1)
    return Frame(luma, chroma, chroma.T.copy(), "yuv420p", 8, TAGGED)


def centres(plane: NDArray[np.uint16]) -> NDArray[np.float64]:
    """Return the mean of the middle of each square, in 8-bit code values."""
    rows, columns = plane.shape[0] // 16, plane.shape[1] // 16
    squares = plane.reshape(16, rows, 16, columns)
    return squares[:, rows // 4 : -rows // 4, :, columns // 4 : -columns // 4].mean((1, 3)) / 4


@pytest.mark.parametrize("name", ["smooth", "smooth-strong", "smooth-fine"])
def test_the_tone_equals_that_of_classic_at_every_code_value(name: str) -> None:
    """The limit is one 8-bit code value, plus the rounding to 10 bits."""
    classic = render(ramp(), CLASSIC.model_copy(update={"deband": Preset(name="x").deband}))
    picture = render(ramp(), load_preset(name))
    for ours, theirs in (
        (picture.luma, classic.luma),
        (picture.cb, classic.cb),
        (picture.cr, classic.cr),
    ):
        apart = centres(ours) - centres(theirs)
        assert np.abs(apart).max() <= 1.125
        assert 0 <= apart.mean() <= 1, "eq cuts off what is behind the point; this does not"


@given(
    st.floats(0.25, 2).map(lambda x: round(x, 3)),
    st.floats(0.1, 2).map(lambda x: round(x, 3)),
    st.floats(-0.5, 0.5).map(lambda x: round(x, 3)),
)
def test_the_arithmetic_of_eq_is_reproduced(
    contrast: float, saturation: float, brightness: float
) -> None:
    values = np.arange(256, dtype=np.uint8)
    tone = Eq(contrast=contrast, saturation=saturation, brightness=brightness)
    chain = filter_chain(Preset(name="x", tone=tone), Seen()).partition(",")[2]
    source = ffmpeg.raw_input("yuv444p", 256, 1)
    raw = ffmpeg.run(
        [*source, "-vf", chain, "-f", "rawvideo", "pipe:1"], stdin=[values.tobytes() * 3]
    )
    luma, cb, _ = np.frombuffer(raw, np.uint8).reshape(3, 256)
    expected = np.floor(values * contrast + eq_offset(contrast, brightness)).clip(0, 255)
    assert np.abs(luma - expected).max() <= 1
    expected = np.floor(values * saturation + eq_offset(saturation, 0)).clip(0, 255)
    assert np.abs(cb - expected).max() <= 1


@pytest.mark.parametrize("deband", [Smooth(), Deband()], ids=lambda stage: stage.filter)
@pytest.mark.parametrize("size", [(641, 361), (640, 360), (50, 34), (322, 242)])
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p10le", "yuv444p"])
def test_a_flat_picture_of_any_size_and_format_stays_flat(
    deband: Smooth | Deband, size: tuple[int, int], pixel_format: str
) -> None:
    """Every pixel keeps its value, including the last row and column."""
    frame = grey(*size, pixel_format)
    preset = Preset(name="x", deband=deband, tone=Flat(), dither=Shaped(amplitude=0))
    picture = render(frame, preset)
    assert (picture.width, picture.height) == size
    assert np.abs(picture.luma - (0.9 * 400 + 68)).max() <= 1
    assert np.abs(picture.cb - (0.85 * 520 + 76)).max() <= 1


@pytest.mark.parametrize("pixel_format", ["yuvj411p", "yuv410p", "yuvj440p"])
@pytest.mark.parametrize("size", [(482, 274), (481, 273)])
def test_rare_chroma_subsamplings_of_full_range_are_supported(
    pixel_format: str, size: tuple[int, int]
) -> None:
    seen = Seen(FULL, *size, pixel_format)
    source = f"color=gray:s={size[0]}x{size[1]}:d=0.04:r=25,format={pixel_format}"
    chain = encoder_input_chain(filter_chain(SMOOTH, seen))
    raw = ffmpeg.run(["-f", "lavfi", "-i", source, "-vf", chain, "-f", "rawvideo", "pipe:1"])
    luma = np.frombuffer(raw, np.uint16, size[0] * size[1])
    # A lavfi source declares legal range; ffmpeg converts it to full for full-range formats.
    assert np.ptp(luma) <= 2


def grey(width: int, height: int, pixel_format: str) -> Frame:
    deep = pixel_format.endswith("10le")
    columns = width if "444" in pixel_format else -(-width // 2)
    rows = -(-height // 2) if "420" in pixel_format else height
    dtype, unit = (np.uint16, 4) if deep else (np.uint8, 1)
    luma = np.full((height, width), 100 * unit, dtype)
    cb, cr = (
        np.full((rows, columns), 130 * unit, dtype),
        np.full((rows, columns), 120 * unit, dtype),
    )
    return Frame(luma, cb, cr, pixel_format, 10 if deep else 8, TAGGED)


def test_full_range_is_converted_to_legal_once() -> None:
    """Full-range black and white equal legal black and white under the same tone."""
    full, legal = np.array([0, 128, 255]), np.array([16, 16 + 128 * 219 / 255, 235])
    frame = grey(96, 64, "yuv420p")
    for before, expected in zip(full, legal, strict=True):
        luma = np.full_like(frame.luma, before)
        picture = render(Frame(luma, frame.cb, frame.cr, "yuvj420p", 8, FULL), SMOOTH)
        assert np.median(picture.luma) == pytest.approx(4 * (0.9 * expected + 17), abs=1)
        chroma = 4 * (0.85 * (128 + (130 - 128) * 224 / 255) + 19)
        assert picture.cb.mean() == pytest.approx(chroma, abs=1)


def test_10_bits_stay_10_bits() -> None:
    """A 10-bit ramp keeps all its code values in a 16-bit look without deband."""
    luma = np.tile(np.arange(64, 940, dtype=np.uint16), (64, 1))
    chroma = np.full((32, 438), 512, np.uint16)
    frame = Frame(luma, chroma, chroma, "yuv420p10le", 10, TAGGED)
    flat = Preset(name="x", tone=Flat(contrast=1.0, saturation=1.0, brightness=0.0))
    picture = render(frame, flat)
    assert np.ptp(picture.luma - luma.astype(int)) == 0


def test_the_chain_of_a_file_equals_that_of_its_frames() -> None:
    assert encoder_input_chain(filter_chain(SMOOTH, Seen())).endswith("color_ranges=tv")
    assert filter_chain(SMOOTH, Seen(width=96)) != filter_chain(SMOOTH, Seen())


def test_an_untagged_bt601_clip_is_delivered_as_bt709() -> None:
    """One colour, coded with either matrix, has the same delivered code values."""
    rgb = np.array([200, 60, 40]) / 255
    pictures = []
    for matrix, assumed in (("smpte170m", "bt601"), ("bt709", None)):
        red, blue = LUMA_WEIGHTS[matrix]
        luma = rgb @ [red, 1 - red - blue, blue]
        cb, cr = (rgb[2] - luma) / (2 - 2 * blue), (rgb[0] - luma) / (2 - 2 * red)
        codes = [219 * luma + 16, 224 * cb + 128, 224 * cr + 128]
        frame = replace(grey(96, 64, "yuv420p"), colour=Colour())
        planes = (frame.luma, frame.cb, frame.cr)
        y, u, v = (np.full_like(p, round(c)) for p, c in zip(planes, codes, strict=True))
        frame = replace(frame, luma=y, cb=u, cr=v)
        pictures.append(render(frame, SMOOTH.with_matrix(assumed)))
    ours, theirs = pictures
    assert ours.colour.matrix == "bt709"
    for one, other in ((ours.luma, theirs.luma), (ours.cb, theirs.cb), (ours.cr, theirs.cr)):
        assert one.mean() == pytest.approx(other.mean(), abs=3)  # 8-bit rounding of the sources


def test_a_tagged_clip_keeps_its_own_matrix() -> None:
    tagged = Seen(Colour("legal", "smpte170m", "smpte170m", "smpte170m"))
    assert filter_chain(SMOOTH.with_matrix("bt709"), tagged) == filter_chain(SMOOTH, tagged)
    assert "zscale=matrix" not in filter_chain(SMOOTH.with_matrix("bt601"), tagged)
