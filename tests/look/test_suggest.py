"""Test the suggestion of a look: the choice from measures, and the measures on real pictures."""

from pathlib import Path

import pytest

from tests import clips
from tests.benchmarks import scenes
from workbench.errors import ParameterError, UnsupportedClip
from workbench.look.preset import load_preset
from workbench.look.stages import NoDeband, Smooth
from workbench.look.suggest import CANDIDATES, Trial, choose, suggest
from workbench.media.probe import open_clip

BASE = load_preset("smooth")
BANDED = Trial(NoDeband(), cambi=8.0, coarse=9.0, contour=16.0, texture=None)
PLAIN = Trial(NoDeband(), cambi=0.0, coarse=10.0, contour=16.0, texture=0.0)


def trial(at: int, coarse: float, contour: float | None, texture: float | None) -> Trial:
    return Trial(CANDIDATES[at], 0.0, coarse, contour, texture)


def test_the_gentlest_deband_that_removes_banding_is_chosen() -> None:
    tried = [trial(0, 8.0, 8.0, 0.3), trial(1, 4.0, 3.0, 0.3), trial(2, 3.0, 2.0, 0.4)]
    found = choose(BASE, BANDED, PLAIN, tried)
    assert found.preset.deband == CANDIDATES[1]
    assert (found.preset.tone, found.preset.dither) == (BASE.tone, BASE.dither)
    assert found.reason == found.preset.description
    assert "coarse CAMBI 10.0 to 4.0, contour 16.0 to 3.0, texture changed by 0.3" in found.reason


def test_a_dither_alone_does_not_count() -> None:
    """It lowers CAMBI to 0, but the steps below it are as high as before."""
    tried = [trial(0, 9.9, 15.0, 0.3), trial(1, 9.5, 14.0, 0.3)]
    found = choose(BASE, BANDED, PLAIN, tried)
    assert found.preset.deband == NoDeband()
    assert "the steps are too high for it" in found.reason


def test_no_deband_that_changes_texture_is_chosen() -> None:
    tried = [trial(0, 9.0, 8.0, 0.3), trial(1, 6.5, 6.0, 1.4), trial(2, 4.0, 3.0, 1.6)]
    found = choose(BASE, BANDED, PLAIN, tried)
    assert found.preset.deband == CANDIDATES[1]
    assert found.reason.startswith("No setting removes all banding")


def test_no_deband_is_chosen_if_the_gentlest_changes_texture() -> None:
    found = choose(BASE, BANDED, PLAIN, [trial(0, 1.0, 3.0, 2.0)])
    assert found.preset.deband == NoDeband()
    assert found.reason.startswith("No deband: even the gentlest")


def test_a_clip_without_banding_needs_no_deband_and_hidden_banding_is_reported() -> None:
    clean = Trial(NoDeband(), cambi=0.2, coarse=3.0, contour=19.0, texture=None)
    found = choose(BASE, clean, PLAIN, [])
    assert found.preset.deband == NoDeband()
    assert found.reason.startswith("No deband needed")
    assert "contour 19.0" in found.reason


def test_a_base_in_8_bits_raises_an_error(untagged: Path) -> None:
    with open_clip(untagged) as clip, pytest.raises(ParameterError, match="preset classic works"):
        suggest(clip, load_preset("classic"))


def test_steps_too_high_for_a_deband_are_reported(tmp_path: Path) -> None:
    """A 5-bit gradient: CAMBI scores 0 at its default setting, and no deband removes the steps."""
    path = tmp_path / "coarse.mp4"
    ends = "x0=200:y0=0:x1=500:y1=359:speed=0:seed=7"  # unset options are random
    ramp = f"gradients=s=640x360:c0=0x101010:c1=0xd0d0d0:{ends}:d=0.2:nb_colors=2"
    steps = f"{ramp},format=yuv420p,lutyuv=y='floor(val/8)*8'"
    clips.run("-f", "lavfi", "-i", steps, "-c:v", "libx264", "-crf", "4", path)
    with open_clip(path) as clip:
        found = suggest(clip)
    assert found.before.coarse > 10
    assert found.preset.deband == NoDeband()
    assert "Only a better source helps" in found.reason


def test_a_banded_clip_gets_the_same_deband_every_time(tmp_path: Path) -> None:
    path = scenes.encode(scenes.dark_sky, tmp_path / "sky.mp4", 640, 360, 18, 4)
    heard: list[int] = []
    with open_clip(path) as clip:
        found = suggest(clip, on_progress=heard.append)
        again = suggest(clip)
    assert isinstance(found.preset.deband, Smooth)
    assert found.before.cambi > 2
    assert found.plain.coarse > 2 > found.plain.cambi, "the dither hides the banding from CAMBI"
    assert found.tried[-1].removes_banding(found.plain)
    assert found.preset.hash == again.preset.hash
    assert found.sampled == found.facts()["sampled"] == "Measured in every frame."
    assert heard[-1] == len(CANDIDATES)
    assert heard == sorted(heard)


def test_a_clip_of_grain_needs_no_deband(tmp_path: Path) -> None:
    path = scenes.encode(scenes.grain, tmp_path / "grain.mp4", 640, 360, 4, 3)
    with open_clip(path) as clip:
        assert suggest(clip).preset.deband == NoDeband()


def test_a_picture_too_small_to_measure_raises_an_error(tmp_path: Path) -> None:
    path = tmp_path / "small.mp4"
    clips.run("-f", "lavfi", "-i", "testsrc=s=64x64:d=0.2", path)
    with open_clip(path) as clip, pytest.raises(UnsupportedClip, match=r"small\.mp4: .* 64x64"):
        suggest(clip)
