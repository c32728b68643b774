"""Define the fixtures that many tests share, and the order of the tests in several processes."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests import clips

if TYPE_CHECKING:
    from tests.storage.bucket import Bucket

# A shell's background job ignores SIGINT, and so do its children. Many tests send SIGINT.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


SLOWEST = (
    *("tests/batch/test_batch.py", "tests/browser/", "tests/faults/test_wrong_frames.py"),
    *("tests/batch/", "tests/faults/", "tests/test_large.py", "tests/service/"),
    *("tests/deliver/", "tests/look/"),
)
"""Folders and files that run first when several processes share the tests, the slowest first."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run the slow files first if several processes share the tests, so that all end together."""

    def rank(item: pytest.Item) -> int:
        names = enumerate(SLOWEST)
        return next((n for n, name in names if item.nodeid.startswith(name)), len(SLOWEST))

    if hasattr(config, "workerinput"):  # in a process of xdist
        items.sort(key=rank)


@pytest.fixture(autouse=True)
def _signal_handlers() -> Iterator[None]:
    """Restore the handlers that a command sets when it runs in the tests' own process."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function that gives a clip by the name of its function in tests/clips.py.

    The clip is made at the first call.
    """
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
    from tests.storage.bucket import serving  # takes a while

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
