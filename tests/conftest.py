"""What many tests share, made once a run: clips, and a bucket that is empty for every test."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests import clips

if TYPE_CHECKING:
    from tests.bucket import Bucket

# A job in the background of a shell does not hear Ctrl-C, nor what it starts: many tests send it.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


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


@pytest.fixture(scope="session")
def bucket_server() -> "Iterator[Bucket]":
    from tests.bucket import serving  # takes a while

    with serving() as bucket:
        yield bucket


@pytest.fixture(scope="session")
def scheduler(bucket_server: "Bucket", tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a Dask scheduler with one worker, which knows the bucket.

    Batches that are not about starting and stopping workers share it.
    """
    from tests.batch.running import dask_workers  # slow to import

    folder = tmp_path_factory.mktemp("scheduler")
    with dask_workers(folder, ("worker",), bucket_server.environment) as cluster:
        yield cluster.address


@pytest.fixture
def bucket(bucket_server: "Bucket") -> "Bucket":
    bucket_server.empty()
    return bucket_server
