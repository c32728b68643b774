"""One delivery that the tests of this folder look at."""

from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.deliver.encode import convert
from workbench.deliver.recipe import Recipe
from workbench.deliver.verify import Delivery
from workbench.look.preset import load_preset


@pytest.fixture(scope="session")
def delivery(made: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Delivery:
    path = tmp_path_factory.mktemp("delivered") / "shot.v2.mov"
    return convert(made("banded"), path, Recipe(load_preset("classic")))
