from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desk.driver import DeskDriver


@pytest.fixture
def desk(banded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DeskDriver]:
    """A desk with a banded clip, in a project folder of its own."""
    monkeypatch.chdir(tmp_path)
    driver = DeskDriver(banded)
    yield driver
    driver.wait()
