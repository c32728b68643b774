"""Clips that many tests share, made once a run."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import clips


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Give a clip by the name of its function in tests/clips.py, made when first asked for."""
    folder = tmp_path_factory.mktemp("clips")

    def give(name: str) -> Path:
        path = folder / f"{name}.mp4"
        return path if path.exists() else getattr(clips, name)(path)

    return give


@pytest.fixture(scope="session")
def untagged(made: Callable[[str], Path]) -> Path:
    return made("untagged")


@pytest.fixture(scope="session")
def banded(made: Callable[[str], Path]) -> Path:
    return made("banded")
