from hypothesis import given
from hypothesis import strategies as st

from tests.clips import SEED
from workbench.colour import Colour
from workbench.look.chain import filter_chain
from workbench.look.preset import load_preset

TAGGED = Colour("legal", "bt709", "bt709", "bt709")


def test_classic_is_the_seed_s_chain_after_a_declaration() -> None:
    declaration, _, chain = filter_chain(load_preset("classic"), TAGGED).partition(",")
    assert chain == SEED[SEED.index("-vf") + 1]
    assert declaration == (
        "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
    )


def test_an_untagged_source_is_declared_as_assumed() -> None:
    assert filter_chain(load_preset("classic"), Colour()) == filter_chain(
        load_preset("classic"), TAGGED
    )


def test_a_full_range_source_is_declared_as_what_it_is() -> None:
    full = Colour("full", "bt709", "bt709", "bt709")
    assert filter_chain(load_preset("classic"), full).startswith("setparams=range=pc:")


def test_a_stage_that_does_nothing_is_not_in_the_chain() -> None:
    assert filter_chain(load_preset("untouched"), TAGGED).count(",") == 0


@given(st.floats(-1, 1), st.floats(0.51, 64))
def test_any_number_is_written_as_ffmpeg_reads_it(brightness: float, strength: float) -> None:
    preset = load_preset("classic").override(
        {"tone.brightness": brightness, "deband.strength": strength}
    )
    chain = filter_chain(preset, TAGGED)
    assert float(chain.rpartition("brightness=")[2]) == float(f"{brightness:.9g}")
    assert chain.count(",") == 2
