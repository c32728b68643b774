"""The storage works with S3 servers that are not each other, and so does a whole batch."""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.batch.running import batch
from tests.storage import servers
from tests.storage.bucket import Bucket
from workbench.storage import s3
from workbench.storage.locations import open_storage

Environment = dict[str, str]
SERVERS: Mapping[str, Callable[[Path], AbstractContextManager[Environment]]] = {
    "rclone": servers.rclone,
    "seaweedfs": servers.seaweedfs,
}


@pytest.fixture(scope="module", params=["moto", *SERVERS])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Environment]:
    """Give the environment variables for the bucket of one server."""
    if request.param == "moto":
        bucket: Bucket = request.getfixturevalue("bucket_server")
        bucket.empty()
        yield bucket.environment
    else:
        folder = tmp_path_factory.mktemp(request.param) / "served"
        with SERVERS[request.param](folder) as environment:
            yield environment


@pytest.fixture
def opened(server: Environment, monkeypatch: pytest.MonkeyPatch) -> s3.Bucket:
    """Open the folder `in` of the bucket."""
    for name, value in server.items():
        monkeypatch.setenv(name, value)
    storage = open_storage("s3:///in")
    assert isinstance(storage, s3.Bucket)
    return storage


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_six_parts_are_stored_and_fetched(opened: s3.Bucket, tmp_path: Path) -> None:
    data = os.urandom(5 * s3._PART + 12345)
    (file := tmp_path / "large.mov").write_bytes(data)
    stored = opened.store(file, "multipart/a b.mov", sha256(data))
    assert (stored.name, stored.size) == ("multipart/a b.mov", len(data))
    assert opened.find("multipart/a b.mov") == stored
    assert list(opened.files("multipart/")) == [stored]
    (folder := tmp_path / "here").mkdir()
    assert opened.fetch("multipart/a b.mov", folder).read_bytes() == data
    assert opened.sha256("multipart/a b.mov") == sha256(data)


def test_a_small_file_is_replaced(opened: s3.Bucket, tmp_path: Path) -> None:
    (file := tmp_path / "a.json").write_bytes(b"{}")
    first = opened.store(file, "small/a.json", sha256(b"{}"))
    file.write_bytes(b"{1}")
    assert opened.store(file, "small/a.json", sha256(b"{1}")) != first
    assert opened.read("small/a.json") == b"{1}"


def test_missing_files_are_none(opened: s3.Bucket) -> None:
    assert opened.find("none.mov") is None
    assert opened.read("none.mov") is None
    assert opened.sha256("none.mov") is None
    assert list(opened.files("none/")) == []


def test_a_stored_checksum_is_read_from_the_metadata(opened: s3.Bucket, tmp_path: Path) -> None:
    """The checksum given here is wrong, so that hashing the contents would show."""
    (file := tmp_path / "a.mov").write_bytes(b"abc")
    opened.store(file, "checksum/a.mov", "0" * 64)
    assert opened.sha256("checksum/a.mov") == "0" * 64


def test_a_file_without_metadata_is_hashed(opened: s3.Bucket) -> None:
    key = f"{opened.prefix}plain/a.mov"
    opened.client.put_object(Bucket=opened.bucket, Key=key, Body=b"abc")
    assert opened.sha256("plain/a.mov") == sha256(b"abc")


def test_unfinished_uploads_are_aborted(opened: s3.Bucket) -> None:
    """An aborted upload accepts no further part. Without one, there is nothing to abort."""
    opened.abort_uploads("unfinished/a.mov")
    where = {"Bucket": opened.bucket, "Key": f"{opened.prefix}unfinished/a.mov"}
    upload = opened.client.create_multipart_upload(**where)["UploadId"]
    opened.client.upload_part(**where, UploadId=upload, PartNumber=1, Body=b"abc")
    opened.abort_uploads("unfinished/a.mov")
    with pytest.raises(opened.client.exceptions.ClientError, match="NoSuchUpload"):
        opened.client.complete_multipart_upload(
            **where, UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": "x"}]}
        )
    assert opened.find("unfinished/a.mov") is None


@pytest.mark.parametrize("server", SERVERS, indirect=True)
def test_a_batch_delivers_and_resumes(
    server: Environment, opened: s3.Bucket, banded: Path, tmp_path: Path
) -> None:
    opened.store(banded, "clips/x/a.mp4", sha256(banded.read_bytes()))
    arguments = ("s3:///in/clips", "--out", "s3:///out", "--temp", tmp_path, "--workers", "1")
    (first,) = batch(*arguments, environment=server)
    assert (first["state"], first["delivered"]) == ("delivered", "s3://clips/out/x/a_prores.mov")
    (second,) = batch(*arguments, environment=server)
    assert second["state"] == "unchanged"
