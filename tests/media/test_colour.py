import pytest

from workbench.errors import UnsupportedClip
from workbench.media.colour import ASSUMED, Colour, delivered_colour


def test_untagged_fields_are_listed_and_never_filled_silently() -> None:
    colour = Colour.from_h273(range=0, primaries=2, transfer=2, matrix=6)
    assert colour.untagged == ("range", "primaries", "transfer")
    assert colour.matrix == "smpte170m"
    assert colour.assumed().primaries == "bt709"


def test_an_unknown_number_is_shown_as_reserved() -> None:
    assert Colour.from_h273(range=1, primaries=1, transfer=99, matrix=1).transfer == "reserved (99)"


def test_an_untagged_source_is_delivered_as_bt709() -> None:
    assert delivered_colour(Colour()) == ASSUMED


@pytest.mark.parametrize(
    ("tagged", "stated"),
    [
        (Colour("legal", "bt470bg", "smpte170m", "bt470bg"), ("bt470bg", "bt709", "smpte170m")),
        (Colour("full", "smpte240m", "bt709", "bt709"), ("smpte170m", "bt709", "bt709")),
        (Colour("legal", "bt2020", "bt2020-10", "bt2020nc"), ("bt2020", "bt709", "bt2020nc")),
        (Colour("legal", "bt709", "iec61966-2-1", "bt709"), ("bt709", "bt709", "bt709")),
        (Colour("legal", "bt2020", "smpte2084", "bt2020nc"), ("bt2020", "smpte2084", "bt2020nc")),
    ],
)
def test_a_tag_that_prores_cannot_state_is_replaced_by_its_equivalent(
    tagged: Colour, stated: tuple[str, str, str]
) -> None:
    colour = delivered_colour(tagged)
    assert (colour.primaries, colour.transfer, colour.matrix) == stated
    assert colour.range == "legal"


def test_a_matrix_without_an_equivalent_raises_an_error() -> None:
    with pytest.raises(UnsupportedClip, match="matrix is tagged ycgco"):
        delivered_colour(Colour(matrix="ycgco"))


def test_setparams_declares_only_tagged_fields() -> None:
    assert Colour().setparams() == ""
    assert Colour(range="full", matrix="bt709").setparams() == "setparams=range=pc:colorspace=bt709"
