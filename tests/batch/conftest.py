"""A bucket, started once a run and empty for every test."""

from collections.abc import Iterator

import pytest

from tests.bucket import Bucket, serving


@pytest.fixture(scope="session")
def bucket_server() -> Iterator[Bucket]:
    with serving() as bucket:
        yield bucket


@pytest.fixture
def bucket(bucket_server: Bucket) -> Bucket:
    bucket_server.empty()
    return bucket_server
