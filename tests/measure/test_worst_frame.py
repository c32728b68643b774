"""The quick search for the frame with the most banding agrees with CAMBI."""

import numpy as np

from tests.benchmarks import scenes
from workbench.measure.banding import cambi
from workbench.measure.worst_frame import BandingCandidates, band_edges
from workbench.media.colour import Colour
from workbench.media.frames import Frame


def frame(luma: np.ndarray, bit_depth: int = 8) -> Frame:
    kind = np.uint8 if bit_depth == 8 else np.uint16
    grey = np.full((luma.shape[0] // 2, luma.shape[1] // 2), 128 << bit_depth - 8, kind)
    name = "yuv420p" if bit_depth == 8 else "yuv420p10le"
    return Frame(luma.astype(kind), grey, grey, name, bit_depth, Colour())


def test_pictures_are_ranked_as_cambi_ranks_them() -> None:
    """Noise hides bands, and a picture of noise, of flat tones or of shapes has none."""
    sky = scenes.picture(scenes.dark_sky, 640, 360, 0).luma
    rng = np.random.default_rng(1)
    noisy = [sky + rng.normal(0, amount, sky.shape) for amount in (0, 0.3, 3)]
    shapes = np.where(np.indices(sky.shape)[1] // 40 % 2, 60, 180)
    pictures = [frame(np.round(one)) for one in (*noisy, shapes, sky * 0 + 80)]
    found = [band_edges(one) for one in pictures]
    assert found == sorted(found, reverse=True)
    assert found[0] > 2 * found[1] > 10 * found[2]
    assert found[3:] == [0, 0]
    scores = cambi(pictures[:3])
    assert scores == sorted(scores, reverse=True)


def test_a_source_of_10_bits_counts_the_same_steps() -> None:
    sky = np.round(scenes.picture(scenes.dark_sky, 320, 180, 0).luma)
    assert band_edges(frame(4 * sky, 10)) == band_edges(frame(sky))


def test_a_tiny_picture_has_no_bands() -> None:
    assert band_edges(frame(np.arange(8).reshape(2, 4))) == 0


def test_each_part_of_a_clip_has_its_best_frame() -> None:
    candidates = BandingCandidates[str](9)
    for number, score in enumerate([1, 3, 2, 0, 0, 0, 5, 6, 4]):
        candidates.add(number, score, f"frame {number}")
    assert candidates.kept() == {1: "frame 1", 3: "frame 3", 7: "frame 7"}
