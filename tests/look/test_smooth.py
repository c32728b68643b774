"""The recommended deband, held against the truth: what a colorist would see, and what must stay."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests import clips
from tests.benchmarks import photographs, scenes, truth
from tests.benchmarks.chains import Measured, measure
from workbench.look.filter_chain import encoder_input_chain, filter_chain
from workbench.look.preset import load_preset
from workbench.look.render import render, render_frames
from workbench.look.smooth import NOISE
from workbench.look.stages import NoDeband, NoDither
from workbench.measure.code_values import to_ten_bit_luma
from workbench.measure.regions import gaussian
from workbench.media.colour import Colour
from workbench.media.frames import Frame
from workbench.media.probe import open_clip

SMOOTH, CLASSIC = load_preset("smooth"), load_preset("classic")
SIZE = 1280, 720


def filmed(name: str, folder: Path, indices: tuple[int, ...] = (2,), crf: int = 18) -> list[Frame]:
    path = folder / f"{name}.mp4"
    scenes.encode(scenes.SCENES[name], path, *SIZE, crf, max(indices) + 1)
    with open_clip(path) as clip:
        return list(clip.frames(indices))


def both(name: str, folder: Path) -> tuple[Measured, Measured]:
    frames = filmed(name, folder)
    true = [scenes.picture(scenes.SCENES[name], *SIZE, 2)]
    return measure(frames, true, CLASSIC), measure(frames, true, SMOOTH)


@pytest.mark.parametrize(
    ("name", "times", "chroma_times"),
    [("dark_sky", 4, 5), ("vignette", 8, 4), ("sunset", 4, 3), ("near_black", 5, 5)],
)
def test_gradients_are_several_times_nearer_to_the_truth(
    tmp_path: Path, name: str, times: float, chroma_times: float
) -> None:
    classic, smooth = both(name, tmp_path)
    assert smooth.contour < classic.contour / times
    assert smooth.contour_chroma < classic.contour_chroma / chroma_times
    assert smooth.rms < 0.75
    assert smooth.cambi <= 0.05
    assert smooth.coarse <= 0.05
    assert smooth.occupied >= 3.5 * classic.occupied


@pytest.mark.parametrize(("name", "times"), [("fog", 5), ("face", 2)])
def test_gradients_beside_texture_and_edges_are_too(
    tmp_path: Path, name: str, times: float
) -> None:
    classic, smooth = both(name, tmp_path)
    assert smooth.contour_smooth < classic.contour_smooth / times
    assert smooth.rms_smooth < 0.8
    assert smooth.texture <= classic.texture
    assert smooth.contour <= classic.contour
    assert smooth.contour_chroma <= classic.contour_chroma


def test_grain_is_not_smoothed_away(tmp_path: Path) -> None:
    (frame,) = filmed("grain", tmp_path, crf=4)
    plain = render(frame, SMOOTH.model_copy(update={"deband": NoDeband()}))
    assert fine_detail(render(frame, SMOOTH)) > 0.92 * fine_detail(plain)


def fine_detail(frame: Frame) -> float:
    luma = to_ten_bit_luma(frame)
    return float((luma - gaussian(luma, 3)).std())


def test_a_still_picture_does_not_crawl(tmp_path: Path) -> None:
    """What is left when noise is blurred away hardly differs between frames of a still scene."""
    frames = filmed("dark_sky", tmp_path, (2, 9, 16))
    pictures = [gaussian(to_ten_bit_luma(render(frame, SMOOTH)), 6) for frame in frames]
    for picture in pictures[1:]:
        assert float((picture - pictures[0]).std()) < 0.1  # 10-bit code values
    again = render(frames[0], SMOOTH)
    assert again.tobytes() == render(frames[0], SMOOTH).tobytes()


def painted(luma: NDArray[np.float32]) -> Frame:
    height, width = luma.shape
    chroma = np.full((height // 2, width // 2), 128, np.uint8)
    rounded = np.clip(luma + 0.5, 0, 255).astype(np.uint8)
    return Frame(rounded, chroma, chroma, "yuv420p", 8, Colour())


def test_stars_and_hairlines_stay_to_the_pixel() -> None:
    y = np.mgrid[0:360, 0:640][0].astype(np.float32)
    sky = 24 + 12 * (y / 360)
    stars = sky.copy()
    stars[40::80, 40::80] += 30
    stars[:, 300] += 12
    plain = render(painted(stars), SMOOTH.model_copy(update={"deband": NoDeband()}))
    luma, expected = to_ten_bit_luma(render(painted(stars), SMOOTH)), to_ten_bit_luma(plain)
    lit = stars > sky + 5
    assert np.abs(luma - expected)[lit].max() <= 3  # 10-bit code values; the star is 108 of them


def test_the_border_of_the_picture_is_as_smooth_as_its_middle() -> None:
    """A gradient that runs into every border must not turn level there."""
    y, x = np.mgrid[0:480, 0:640].astype(np.float32)
    exact = 40 + 0.05 * x + 0.04 * y
    error = to_ten_bit_luma(render(painted(exact), SMOOTH)) - (3.6 * exact + 68)
    smoothed = gaussian(error, 3)
    for edge in (smoothed[:12], smoothed[-12:], smoothed[:, :12], smoothed[:, -12:]):
        assert np.abs(edge).max() < 1.5  # 10-bit code values; half a band is 1.8


def test_the_picture_is_the_same_on_any_number_of_cores(tmp_path: Path) -> None:
    path = scenes.encode(scenes.face, tmp_path / "face.mp4", 322, 182, 18, 2)
    with open_clip(path) as clip:
        chain = encoder_input_chain(filter_chain(SMOOTH, clip))
    pictures = {
        tuple(clips.frame_hashes(path, "-filter_threads", str(threads), "-vf", chain))
        for threads in (1, 2, 5, 16)
    }
    assert len(pictures) == 1


def test_regular_detail_is_seen_wherever_it_lies() -> None:
    """Lines every four pixels stay, whichever of the four they are on."""
    for phase in range(4):
        luma = np.full((240, 320), 80, np.float32)
        luma[:, phase::4] += 4
        picture = to_ten_bit_luma(render(painted(luma), SMOOTH))
        assert float(picture[60:180, 60:260].std()) > 5  # 10-bit code values; untouched 6.2


def test_more_strength_changes_more_and_leaves_fewer_steps(tmp_path: Path) -> None:
    """Over the whole range, on a gradient beside fine texture."""
    (frame,) = filmed("fog", tmp_path)
    undithered = SMOOTH.model_copy(update={"dither": NoDither()})
    plain = to_ten_bit_luma(render(frame, undithered.model_copy(update={"deband": NoDeband()})))
    changes, steps = [], []
    for strength in (0.5, 0.7, 1, 2, 4, 8):
        luma = to_ten_bit_luma(render(frame, undithered.override({"deband.strength": strength})))
        changes.append(float((luma - plain).std()))
        steps.append(float(np.abs(np.diff(gaussian(luma, 3)[:300], axis=0)).std()))
    assert changes == sorted(changes)
    assert changes[-1] > 1.1 * changes[0]
    for weaker, stronger in pairwise(steps):
        assert stronger < 1.02 * weaker


@pytest.mark.parametrize("name", ["smooth-fine", "smooth", "smooth-strong"])
def test_faint_shading_that_rounding_dithers_stays(name: str) -> None:
    """Faint grain keeps the local means of a picture exact: nothing may be smoothed away there."""
    rng = np.random.default_rng(4)
    exact = 90 + gaussian(rng.standard_normal((360, 640), np.float32), 12) * 30
    noisy = exact + rng.standard_normal(exact.shape, np.float32) * 0.6
    preset = load_preset(name)
    plain = preset.model_copy(update={"deband": NoDeband()})
    inside = np.s_[40:-40, 40:-40]
    errors = [
        (gaussian(to_ten_bit_luma(render(painted(noisy), look)), 3) - (3.6 * exact + 68))[inside]
        for look in (plain, preset)
    ]
    assert 0.5 < float(3.6 * exact[inside].std()) < 4  # 10-bit code values: it is faint
    assert float(errors[1].std()) < 1.25 * float(errors[0].std())


@pytest.mark.parametrize(
    ("name", "times"), [("haze", 0.5), ("cloth", 0.6), ("dark sky", 0.15), ("soft grain", 1.08)]
)
def test_scenes_like_photographs_come_nearer_to_the_truth(
    tmp_path: Path, name: str, times: float
) -> None:
    """Along the path of real clips: rounded to 8-bit RGB, then to Y'CbCr, then encoded."""
    (scene,) = (scene for scene in truth.scenes() if scene.name == name)
    path = photographs.encode_frames(scene.encoded, tmp_path / "scene.mp4", 8)
    with open_clip(path) as clip:
        frames = [clip.frame(1), clip.frame(2)]
    plain = SMOOTH.model_copy(update={"deband": NoDeband()})
    before, after = (truth.errors(render_frames(frames, look), scene) for look in (plain, SMOOTH))
    assert after.contour < times * before.contour
    assert after.rms < before.rms
    assert after.flicker < 0.1


def test_a_source_of_10_bits_is_changed_by_a_quarter_as_much() -> None:
    """Shading of half an 8-bit code value is real in 10 bits, and only steps of 10 bits go."""
    x = np.mgrid[0:240, 0:640][1].astype(np.float32)
    grey = np.full((120, 320), 512, np.uint16)

    def error(exact: NDArray[np.float32]) -> float:
        frame = Frame(exact.round().astype(np.uint16), grey, grey, "yuv420p10le", 10, Colour())
        luma = gaussian(to_ten_bit_luma(render(frame, SMOOTH)), 4)
        return float(np.abs(luma - (0.9 * exact + 68))[40:-40, 40:-40].max())

    assert error(300 + 2 * np.sin(x / 24)) < 0.5  # 10-bit code values
    assert error(300 + x / 100) < 0.25  # half a band is 0.45


def test_a_flat_area_between_rare_steps_becomes_a_gradient() -> None:
    """The counterpart: a band of 100 pixels, which only a wide neighbourhood can smooth."""
    x = np.mgrid[0:240, 0:640][1].astype(np.float32)
    exact = 40 + x / 100
    luma = to_ten_bit_luma(render(painted(exact), SMOOTH))
    error = (gaussian(luma, 4) - (3.6 * exact + 68))[:, 100:-100]
    assert float(np.abs(error).max()) < 0.7  # 10-bit code values; half a band is 1.8


def test_the_noise_of_rounding_is_what_the_filter_takes_it_for() -> None:
    rng = np.random.default_rng(1)
    exact = rng.uniform(16, 235, (3, 400_000))
    weights = np.array([0.2126, 0.7152, 0.0722])
    luma = 16 + 219 / 255 * (weights @ exact)
    rounded = np.round(16 + 219 / 255 * (weights @ np.round(exact)))
    assert float((rounded - luma).var()) == pytest.approx(NOISE, rel=0.01)


@pytest.mark.parametrize("size", [(4, 4), (6, 6), (14, 64), (16, 16), (34, 18), (70, 50)])
def test_a_tiny_picture_is_debanded_without_harm(size: tuple[int, int]) -> None:
    luma = np.tile(np.linspace(60, 66, size[0], dtype=np.float32).round(), (size[1], 1))
    picture = to_ten_bit_luma(render(painted(luma), SMOOTH))
    assert np.abs(picture - (3.6 * luma + 68)).max() < 3.6
