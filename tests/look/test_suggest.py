"""Test the suggestion of a look: the choice from measures, and the measures on real pictures."""

import re
from pathlib import Path

import pytest

from tests import clips
from tests.benchmarks import photographs, scenes
from workbench.errors import ParameterError, UnsupportedClip
from workbench.look.preset import load_preset
from workbench.look.stages import NoDeband, Smooth
from workbench.look.suggest import CANDIDATES, NO_EFFECT, TOLERANCE, Trial, choose, suggest
from workbench.media.probe import open_clip

BASE = load_preset("smooth")
PLAIN = Trial(NoDeband(), contour=16.0, detail=0.0, texture=0.0, error=16.0)


def trial(at: int, contour: float, detail: float, error: float, texture: float = 0.3) -> Trial:
    return Trial(CANDIDATES[at], contour, detail, texture, error)


def test_the_gentlest_deband_near_the_lowest_error_is_chosen() -> None:
    tried = [trial(0, 8.0, 0.1, 8.0), trial(1, 2.0, 0.4, 2.0 * TOLERANCE), trial(2, 2.0, 0.0, 2.0)]
    found = choose(BASE, PLAIN, tried)
    assert found.preset.deband == CANDIDATES[1]
    assert (found.preset.tone, found.preset.dither) == (BASE.tone, BASE.dither)
    assert found.reason == found.preset.description
    assert found.reason == (
        "Gentlest setting that removes the banding. Contour 16.0 to 2.0, detail change 0.4."
    )
    tried[1] = trial(1, 2.0, 0.4, 2.01 * TOLERANCE)
    assert choose(BASE, PLAIN, tried).preset.deband == CANDIDATES[2]


def test_a_stronger_deband_that_costs_more_shading_is_not_chosen() -> None:
    tried = [trial(0, 6.0, 1.0, 6.1), trial(1, 1.0, 9.0, 9.1)]
    found = choose(BASE, PLAIN, tried)
    assert found.preset.deband == CANDIDATES[0]
    assert found.reason.startswith("No setting removes all banding"), "contour is 6"
    assert "Contour 16.0 to 6.0, detail change 1.0." in found.reason


def test_no_deband_is_chosen_where_every_setting_does_harm() -> None:
    found = choose(BASE, PLAIN, [trial(0, 9.0, 14.0, 16.1), trial(1, 2.0, 20.0, 20.1)])
    assert found.preset.deband == NoDeband()
    assert "every setting alters more shading than it removes banding" in found.reason
    assert "contour 16.0 to 9.0, detail change 14.0" in found.reason


def test_no_deband_is_chosen_where_none_has_an_effect() -> None:
    enough = choose(BASE, PLAIN, [trial(0, 14.0, 1.0, NO_EFFECT * 16)])
    assert enough.preset.deband == CANDIDATES[0]
    found = choose(BASE, PLAIN, [trial(0, 14.0, 1.0, NO_EFFECT * 16.01)])
    assert found.preset.deband == NoDeband()
    assert "no setting has much effect" in found.reason


def test_no_deband_that_changes_texture_is_chosen() -> None:
    tried = [trial(0, 8.0, 0.3, 8.0, texture=1.5), trial(1, 2.0, 0.3, 2.0, texture=1.6)]
    assert choose(BASE, PLAIN, tried).preset.deband == CANDIDATES[0]
    found = choose(BASE, PLAIN, tried[1:])
    assert found.preset.deband == NoDeband()
    assert found.reason.startswith("No deband: even the gentlest")


def test_a_base_in_8_bits_raises_an_error(untagged: Path) -> None:
    with open_clip(untagged) as clip, pytest.raises(ParameterError, match="preset classic works"):
        suggest(clip, load_preset("classic"))


def test_steps_too_high_for_a_deband_are_reported(tmp_path: Path) -> None:
    """A 5-bit gradient, whose steps no deband removes."""
    path = tmp_path / "coarse.mp4"
    ends = "x0=200:y0=0:x1=500:y1=359:speed=0:seed=7"  # unset options are random
    ramp = f"gradients=s=640x360:c0=0x101010:c1=0xd0d0d0:{ends}:d=0.2:nb_colors=2"
    steps = f"{ramp},format=yuv420p,lutyuv=y='floor(val/8)*8'"
    clips.run("-f", "lavfi", "-i", steps, "-c:v", "libx264", "-crf", "4", path)
    with open_clip(path) as clip:
        found = suggest(clip)
    assert found.plain.contour is not None
    assert found.plain.contour > 30
    assert found.preset.deband == NoDeband()
    assert found.reason.startswith("No deband: ")


def test_a_banded_clip_gets_the_same_deband_every_time(tmp_path: Path) -> None:
    path = scenes.encode(scenes.dark_sky, tmp_path / "sky.mp4", 640, 360, 18, 4)
    heard: list[int] = []
    with open_clip(path) as clip:
        found = suggest(clip, on_progress=heard.append)
        again = suggest(clip)
    assert isinstance(found.preset.deband, Smooth)
    assert found.plain.contour is not None
    assert found.plain.contour > 8
    chosen = next(one for one in found.tried if one.deband == found.preset.deband)
    assert chosen.is_free_of_bands
    assert re.search(r"removes the banding\. Contour \d+\.\d to \d\.\d, detail", found.reason)
    assert found.preset.hash == again.preset.hash
    assert found.sampled == found.facts()["sampled"] == "Measured in every frame."
    assert heard[-1] == len(CANDIDATES)
    assert heard == sorted(heard)


def test_a_clip_without_banding_needs_no_deband(tmp_path: Path) -> None:
    """Pores on a cheek dither the shading before it is rounded, so it has no bands."""
    path = photographs.encode(
        photographs.skin()[..., None] * (1.1, 0.95, 0.82), tmp_path / "skin.mp4", 8
    )
    with open_clip(path) as clip:
        found = suggest(clip)
    assert found.preset.deband == NoDeband()
    assert found.reason.startswith("No deband needed")
    assert found.tried == ()


def test_a_picture_too_small_to_measure_raises_an_error(tmp_path: Path) -> None:
    path = tmp_path / "small.mp4"
    clips.run("-f", "lavfi", "-i", "testsrc=s=64x62:d=0.2", path)
    with open_clip(path) as clip, pytest.raises(UnsupportedClip, match=r"small\.mp4: .* 64x62"):
        suggest(clip)
