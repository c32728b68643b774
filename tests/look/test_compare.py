from pathlib import Path

import pytest

from workbench.look.compare import compare
from workbench.look.preset import Preset, load_preset
from workbench.look.render import render_frames
from workbench.look.stages import Flat
from workbench.measure.banding import COARSE, cambi
from workbench.media.clip import sample_indices
from workbench.media.probe import open_clip

CLASSIC = load_preset("classic")


def test_a_look_is_compared_with_the_source(untagged: Path) -> None:
    with open_clip(untagged) as clip:
        sources = list(clip.sample(2))
    found = compare(sources, CLASSIC)
    assert [one.index for one in found] == sample_indices(24, 2)
    assert [one.cambi_before for one in found] == cambi(sources)
    assert [one.cambi_after for one in found] == cambi(render_frames(sources, CLASSIC))
    assert [one.coarse_before for one in found] == cambi(sources, COARSE)
    assert None not in [one.coarse_after for one in found]
    for one in found:
        assert one.effective_bit_depth == pytest.approx(8, abs=0.1)
        assert one.contour_before is not None
        assert one.contour_after is not None
        assert one.ssim is not None
        assert 0.98 < one.ssim < 1


def test_a_flat_picture_is_scored_graded_back_as_well(untagged: Path) -> None:
    """Half the contrast hides bands, which grading it back brings out again."""
    very_flat = Preset(name="x", tone=Flat(contrast=0.3, saturation=1, brightness=0.0))
    with open_clip(untagged) as clip:
        sources = list(clip.sample(2))
    for one in compare(sources, very_flat, coarse=False):
        assert one.cambi_before is not None
        assert one.cambi_after is not None
        assert one.cambi_graded is not None
        assert one.cambi_after < 0.7 * one.cambi_graded
        assert one.cambi_graded > 0.8 * one.cambi_before
    (untoned,) = compare(sources[:1], load_preset("untouched"))
    assert untoned.cambi_graded == untoned.cambi_after


def test_no_deband_takes_no_texture(untagged: Path) -> None:
    with open_clip(untagged) as clip:
        (one,) = compare([clip.frame(3)], load_preset("untouched"))
    assert one.ssim == 1
    assert one.contour_after == one.contour_before
    assert one.texture_change in (None, 0)


def test_a_delivered_picture_may_have_an_unknown_look(untagged: Path) -> None:
    with open_clip(untagged) as clip:
        sources = list(clip.sample(2))
    delivered = render_frames(sources, CLASSIC)
    first, second = compare(sources, None, delivered, coarse=False)
    assert first.cambi_after == cambi(delivered)[0]
    assert (first.texture_change, first.ssim, first.effective_bit_depth) == (None, None, None)
    assert first.grid is not None
    assert first.grid > 0.7
    assert (first.coarse_after, second.coarse_after) == (None, None), "it was not asked for"


def test_without_either_there_is_nothing_to_compare(untagged: Path) -> None:
    with open_clip(untagged) as clip, pytest.raises(ValueError, match="nothing to compare"):
        compare([clip.frame(0)], None)
