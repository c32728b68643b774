"""Folders and buckets: files are written atomically, and each error is one line."""

import gc
import hashlib
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.storage.bucket import Bucket
from workbench.errors import (
    Cancelled,
    ObjectDamaged,
    ObjectMissing,
    StorageDown,
    StorageError,
    StorageRefused,
)
from workbench.storage import s3
from workbench.storage.base import Storage, safe_name, with_retries
from workbench.storage.folder import Folder
from workbench.storage.locations import open_storage

PART = s3._PART


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def opened(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> Storage:
    """Open the bucket's folder `in`, with the environment variables for R2."""
    for name, value in bucket.environment.items():
        monkeypatch.setenv(name, value)
    return open_storage("s3:///in")


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Return a file of three multipart parts, the last of them shorter."""
    path = tmp_path / "large.mov"
    path.write_bytes(os.urandom(2 * PART + 12345))
    return path


def test_a_bucket_stores_and_fetches_a_file(opened: Storage, bucket: Bucket, large: Path) -> None:
    moved: list[int] = []
    data = large.read_bytes()
    stored = opened.store(large, "a/b.mov", sha256(data), moved.append)
    assert (stored.name, stored.size) == ("a/b.mov", len(data))
    assert sum(moved) == len(data)
    assert bucket.get("in/a/b.mov") == data
    assert bucket.head("in/a/b.mov")["Metadata"] == {"sha256": sha256(data)}
    assert bucket.head("in/a/b.mov")["ContentType"] == "video/quicktime"
    assert opened.find("a/b.mov") == stored
    assert opened.sha256("a/b.mov") == sha256(data)
    moved.clear()
    (folder := large.parent / "here").mkdir()
    assert opened.fetch("a/b.mov", folder, moved.append).read_bytes() == data
    assert sum(moved) == len(data)


def test_more_than_a_thousand_keys_are_listed(opened: Storage, bucket: Bucket) -> None:
    """R2 lists a thousand at a time. Keys that end in a slash are folders, not files."""
    names = sorted(f"{n:04}.mp4" for n in range(1003))
    for name in names:
        bucket.put(f"in/{name}", b"x")
    bucket.put("in/", b"")
    bucket.put("elsewhere/x.mp4", b"x")
    assert [stored.name for stored in opened.files()] == names
    assert [stored.name for stored in opened.files("000")] == names[:10]


def test_a_lost_connection_repeats_one_part(
    opened: Storage, bucket: Bucket, large: Path, tmp_path: Path
) -> None:
    bucket.put("in/a.mov", large)
    bucket.cut(PART // 2, method="GET", where="a.mov", count=2)
    (folder := tmp_path / "here").mkdir()
    assert opened.fetch("a.mov", folder).read_bytes() == large.read_bytes()
    ranges = [one.range for one in bucket.requests if one.method == "GET"]
    assert len(ranges) == 5  # three parts, two of them once more
    assert all(ranges)


def test_a_wrong_checksum_raises(opened: Storage, bucket: Bucket, tmp_path: Path) -> None:
    bucket.put("in/a.mp4", b"abc", {"sha256": sha256(b"abd")})
    with pytest.raises(ObjectDamaged, match=r"in/a\.mp4 is damaged.*upload it again"):
        opened.fetch("a.mp4", tmp_path)


def test_a_failed_upload_leaves_nothing(opened: Storage, bucket: Bucket, large: Path) -> None:
    bucket.put("in/a.mov", b"old")
    bucket.answer(403, "AccessDenied", method="PUT", where="partNumber=2", count=None)
    with pytest.raises(StorageRefused, match=r"in/a\.mov"):
        opened.store(large, "a.mov", "0" * 64)
    assert bucket.get("in/a.mov") == b"old"
    assert bucket.multipart_uploads() == []


@pytest.mark.filterwarnings("ignore:.*large.mov:pytest.PytestUnraisableExceptionWarning")
def test_a_cancelled_upload_leaves_nothing(opened: Storage, bucket: Bucket, large: Path) -> None:
    def stop(_: int) -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        opened.store(large, "a.mov", "0" * 64, stop)
    gc.collect()  # boto3 does not close the part that it was reading
    assert bucket.keys() == []
    assert bucket.multipart_uploads() == []


def test_unfinished_uploads_are_aborted(opened: Storage, bucket: Bucket) -> None:
    client = opened.client  # type: ignore[attr-defined]
    client.create_multipart_upload(Bucket=bucket.name, Key="in/a.mov")
    client.create_multipart_upload(Bucket=bucket.name, Key="in/a.mov.other")
    opened.abort_uploads("a.mov")
    assert [key for key, _ in bucket.multipart_uploads()] == ["in/a.mov.other"]


@pytest.mark.parametrize("status", [500, 503])
def test_a_server_error_is_retried(
    opened: Storage, bucket: Bucket, status: int, tmp_path: Path
) -> None:
    bucket.put("in/a.mp4", b"abc")
    bucket.answer(status, method="HEAD", count=1)
    assert opened.fetch("a.mp4", tmp_path).read_bytes() == b"abc"


def test_a_missing_file(opened: Storage, tmp_path: Path) -> None:
    with pytest.raises(ObjectMissing, match=r"s3://clips/in/none\.mp4 does not exist"):
        opened.fetch("none.mp4", tmp_path)
    assert opened.find("none.mp4") is None
    assert opened.read("none.json") is None
    assert opened.sha256("none.mov") is None


def test_a_missing_bucket_raises(opened: Storage, bucket: Bucket, tmp_path: Path) -> None:
    """A HEAD response alone cannot tell a missing bucket from a missing key."""
    none = open_storage("s3://none/in")
    for ask in (none.find, none.sha256, none.read, lambda name: none.fetch(name, tmp_path)):
        with pytest.raises(StorageRefused, match=r"in/a\.mp4: the bucket none does not exist"):
            ask("a.mp4")
    bucket.put("in/a.mp4", b"abc")
    assert opened.find("a.mp4")
    assert [one.method for one in bucket.requests if one.path.startswith("/clips")] == ["HEAD"]


def test_an_upload_that_another_process_aborts_is_retried(
    opened: Storage, bucket: Bucket, large: Path
) -> None:
    """Two batches that start the same file may each abort the other's upload."""
    ended: list[float] = []

    def end(_: int) -> None:
        if not ended:
            ended.append(0)
            opened.abort_uploads("a.mov")

    data = large.read_bytes()
    stored = with_retries(lambda: opened.store(large, "a.mov", sha256(data), end), ended.append)
    assert stored.size == len(data)
    assert len(ended) == 2
    assert bucket.get("in/a.mov") == data


def test_no_error_contains_a_secret(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in bucket.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("R2_ACCESS_KEY_ID", other := "anothertestkey")
    wrong_key = open_storage("s3:///in")
    monkeypatch.setenv("R2_ACCESS_KEY_ID", bucket.key)
    monkeypatch.setenv("R2_SECRET_ACCESS_KEY", "notthesecret")
    wrong_secret = open_storage("s3:///in")
    bucket.put("in/a.mp4", b"abc")
    for storage in (wrong_key, wrong_secret):
        for act in (lambda: list(storage.files()), lambda: storage.fetch("a.mp4", tmp_path)):  # noqa: B023
            with pytest.raises(StorageRefused, match="rejected the credentials") as caught:
                act()
            texts: list[str] = []
            error: BaseException | None = caught.value
            while error is not None:
                texts += [str(error), repr(error)]
                error = error.__cause__
            for secret in (bucket.key, bucket.secret, other, "notthesecret", bucket.endpoint):
                assert secret not in "".join(texts)


def test_a_server_that_is_down_raises(
    bucket: Bucket, opened: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)  # between retries of boto3
    bucket.down()
    try:
        with pytest.raises(StorageDown, match="the storage does not answer"):
            opened.fetch("a.mp4", tmp_path)
    finally:
        bucket.up()


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"R2_ENDPOINT_URL": "http://127.0.0.1:1"}, "R2_ACCESS_KEY_ID and R2_SECRET_ACCESS_KEY"),
        (
            {
                "R2_ENDPOINT_URL": "http://me:pass@127.0.0.1:1",
                "R2_ACCESS_KEY_ID": "a",
                "R2_SECRET_ACCESS_KEY": "b",
            },
            "not a plain URL",
        ),
    ],
)
def test_incomplete_credentials_raise(
    variables: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("R2_ENDPOINT_URL", "R2_ACCESS_KEY_ID", "R2_SECRET_ACCESS_KEY", "R2_BUCKET"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StorageRefused, match=message):
        open_storage("s3://clips/in")
    with pytest.raises(StorageRefused, match="R2_BUCKET is not set"):
        open_storage("s3:///in")
    with pytest.raises(StorageRefused, match="has no profile missing"):
        open_storage("s3://clips/in", "missing")


def test_a_profile_sets_the_endpoint(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(bucket.profile(tmp_path / "config", "studio")))
    bucket.put("in/a.mp4", b"abc")
    assert [one.name for one in open_storage("s3://clips/in", "studio").files()] == ["a.mp4"]


def test_a_folder_stores_a_file(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "out")
    (made := tmp_path / "made.mov").write_bytes(b"abc")
    stored = folder.store(made, "a/b.mov", sha256(b"abc"))
    assert folder.find("a/b.mov") == stored
    assert [one.name for one in folder.files()] == ["a/b.mov"]
    assert folder.sha256("a/b.mov") == sha256(b"abc")
    assert made.exists(), "it may have to be stored again"
    assert (tmp_path / "out/a/b.mov").read_bytes() == b"abc"


@given(st.text(max_size=300))
def test_no_name_leads_out_of_a_folder(name: str) -> None:
    folder = Folder(Path("/nowhere/root"))
    try:
        path = folder._path(name)
    except StorageError:
        return
    assert Path(os.path.normpath(path)).is_relative_to("/nowhere/root")
    assert path != folder.root


@given(st.text(max_size=400))
def test_a_safe_name_is_one_file_name(name: str) -> None:
    safe = safe_name(name)
    assert safe
    assert safe not in (".", "..")
    assert not set(safe) & set('/\\:*?"<>|\0\n')
    assert len(safe.encode()) <= 200


def test_concurrent_writers_leave_one_complete_file(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "out")
    contents = [bytes([n]) * 200_000 for n in range(8)]
    for n, data in enumerate(contents):
        (tmp_path / f"{n}.mov").write_bytes(data)
    threads = [
        threading.Thread(target=folder.store, args=(tmp_path / f"{n}.mov", "x.mov", "0"))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "out/x.mov").read_bytes() in contents
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["x.mov"]
