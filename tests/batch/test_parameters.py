import pytest

from workbench.batch.parameters import refuse_unknown_parameters
from workbench.errors import ParameterError

ASKS = "clip = 1\nrefuse_unknown_parameters(In)"
KNOWN = "source = ''  # the clip\npreset = 'classic'\nframe_rate = None"


@pytest.mark.parametrize(
    "cells",
    [
        ["", KNOWN, ASKS],
        ["", KNOWN, "# Parameters\nsource = 'x.mp4'\n", ASKS],
        ["", KNOWN, "%matplotlib inline", "anything = 1", ASKS],
    ],
)
def test_known_parameters_pass(cells: list[str]) -> None:
    refuse_unknown_parameters(cells)


def test_a_misspelled_parameter_raises_with_the_known_names() -> None:
    with pytest.raises(
        ParameterError, match=r"no parameter sourse \(it has frame_rate, preset, source\)"
    ):
        refuse_unknown_parameters(["", KNOWN, "# Parameters\nsourse = 'x.mp4'\npreset = 'y'", ASKS])


def test_a_later_variable_is_not_a_parameter() -> None:
    with pytest.raises(ParameterError, match="no parameter clip"):
        refuse_unknown_parameters(["", KNOWN, "# Parameters\nclip = 'x.mp4'", ASKS])
