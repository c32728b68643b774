from pathlib import Path

from workbench.look.compare import compare
from workbench.look.preset import load_preset
from workbench.look.render import render
from workbench.measure.banding import cambi
from workbench.probe import open_clip


def test_a_comparison_is_of_the_worst_frame(untagged: Path) -> None:
    with open_clip(untagged) as clip:
        comparison = compare(clip, load_preset("classic"), samples=6)
        banding = comparison.banding
        at = banding.indices.index(comparison.before.index)
        assert banding.before[at] == max(banding.before) == comparison.bands.score
        assert (
            comparison.after.tobytes()
            == render(clip.frame(comparison.before.index), load_preset("classic")).tobytes()
        )
        assert cambi(comparison.after) == banding.after[at]
        assert comparison.codes_before.bit_depth == 8
        assert comparison.codes_after.bit_depth == 10
