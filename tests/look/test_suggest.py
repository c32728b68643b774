"""What is suggested: decided from figures, and found on real pictures."""

from pathlib import Path

import pytest

from tests import clips
from tests.benchmarks import scenes
from workbench.errors import UnsupportedClip
from workbench.look.preset import load_preset
from workbench.look.stages import NoDeband, Smooth
from workbench.look.suggest import LADDER, Step, decide, suggest
from workbench.probe import open_clip

BASE = load_preset("smooth")
BANDED = Step(NoDeband(), cambi=8.0, coarse=9.0, contour=16.0, texture=None)


def step(at: int, cambi: float, contour: float | None, texture: float | None) -> Step:
    return Step(LADDER[at], cambi, 0.0, contour, texture)


def test_the_weakest_that_closes_the_bands_is_taken() -> None:
    tried = [step(0, 2.0, 8.0, 0.3), step(1, 0.1, 3.0, 0.3), step(2, 0.0, 2.0, 0.4)]
    found = decide(BASE, BANDED, tried)
    assert found.preset.deband == LADDER[1]
    assert (found.preset.tone, found.preset.dither) == (BASE.tone, BASE.dither)
    assert found.reason == found.preset.description
    assert "CAMBI 8.0 to 0.1, contour 16.0 to 3.0, texture changed by 0.3" in found.reason


def test_texture_is_not_paid_for_bands() -> None:
    tried = [step(0, 2.0, 8.0, 0.3), step(1, 1.0, 6.0, 1.4), step(2, 0.1, 3.0, 1.6)]
    found = decide(BASE, BANDED, tried)
    assert found.preset.deband == LADDER[1]
    assert found.reason.startswith("None closes the bands altogether")


def test_where_the_weakest_harms_already_there_is_none() -> None:
    found = decide(BASE, BANDED, [step(0, 0.1, 3.0, 2.0)])
    assert found.preset.deband == NoDeband()
    assert found.reason.startswith("None: ")


def test_what_shows_no_band_needs_none() -> None:
    clean = Step(NoDeband(), cambi=0.2, coarse=3.0, contour=19.0, texture=None)
    found = decide(BASE, clean, [step(0, 0.0, 2.0, 0.1)])
    assert found.preset.deband == NoDeband()
    assert found.reason.startswith("It needs none")


def test_coarse_steps_are_bands_though_plain_cambi_sees_none() -> None:
    coarse = Step(NoDeband(), cambi=0.0, coarse=16.0, contour=None, texture=None)
    assert isinstance(decide(BASE, coarse, [step(0, 0.0, None, None)]).preset.deband, Smooth)


def test_a_banded_clip_gets_a_deband_and_the_same_one_again(tmp_path: Path) -> None:
    path = scenes.encode(scenes.dark_sky, tmp_path / "sky.mp4", 640, 360, 18, 4)
    heard: list[int] = []
    with open_clip(path) as clip:
        found = suggest(clip, on_progress=heard.append)
        again = suggest(clip)
    assert isinstance(found.preset.deband, Smooth)
    assert found.before.cambi > 2
    assert found.tried[-1].closes_the_bands
    assert found.preset.hash == again.preset.hash
    assert heard[-1] == len(LADDER)
    assert heard == sorted(heard)


def test_a_clip_of_grain_needs_none(tmp_path: Path) -> None:
    path = scenes.encode(scenes.grain, tmp_path / "grain.mp4", 640, 360, 4, 3)
    with open_clip(path) as clip:
        assert suggest(clip).preset.deband == NoDeband()


def test_a_picture_too_small_to_measure_is_said(tmp_path: Path) -> None:
    path = tmp_path / "small.mp4"
    clips.run("-f", "lavfi", "-i", "testsrc=s=64x64:d=0.2", path)
    with open_clip(path) as clip, pytest.raises(UnsupportedClip, match=r"small\.mp4: .* 64x64"):
        suggest(clip)
