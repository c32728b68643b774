"""One delivery that the tests of this folder look at."""

from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.deliver.encode import convert
from workbench.deliver.settings import Settings
from workbench.deliver.verify import Delivery


@pytest.fixture(scope="session")
def delivery(made: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Delivery:
    path = tmp_path_factory.mktemp("delivered") / "shot.v2.mov"
    return convert(made("banded"), path, Settings(preset="classic"))
