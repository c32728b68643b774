"""Test the test bucket: it is as strict as R2, and each fault takes effect."""

import io
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    IncompleteReadError,
    ReadTimeoutError,
)

from tests.storage.bucket import Bucket

MIB = 2**20
Connect = Callable[..., Any]


@pytest.fixture
def connect(bucket: Bucket) -> Iterator[Connect]:
    """Return a function that makes a client for R2 without retries; arguments change it."""
    with ExitStack() as stack:

        def give(config: Config | None = None, **changes: str) -> Any:
            wanted = Config(
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                retries={"total_max_attempts": 1},
                s3={"addressing_style": "path"},
                proxies={},
            )
            arguments: dict[str, Any] = {
                "endpoint_url": bucket.endpoint,
                "region_name": "auto",
                "aws_access_key_id": bucket.key,
                "aws_secret_access_key": bucket.secret,
            } | changes
            client = boto3.client("s3", **arguments, config=wanted.merge(config or Config()))
            return stack.enter_context(closing(client))

        yield give


@pytest.fixture
def s3(connect: Connect) -> Any:
    return connect()


def refused(call: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[int, str]:
    """Return the status and the code of the error that a call raises."""
    with pytest.raises(ClientError) as caught:
        call(*args, **kwargs)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


def upload(s3: Any, sizes: list[int], numbers: list[int] | None = None) -> dict[str, Any]:
    """Upload parts of these sizes in bytes; return the arguments that complete the upload."""
    where = {"Bucket": "clips", "Key": "parts"}
    where["UploadId"] = s3.create_multipart_upload(**where)["UploadId"]
    parts = []
    for number, size in zip(numbers or range(1, 99), sizes, strict=False):
        made = s3.upload_part(**where, PartNumber=number, Body=bytes(size))
        parts.append({"PartNumber": number, "ETag": made["ETag"]})
    return {**where, "MultipartUpload": {"Parts": parts}}


# Refusals of R2.


def test_an_object_keeps_its_metadata(bucket: Bucket, s3: Any) -> None:
    key = "a folder/clip ä+%25.mp4"
    s3.put_object(Bucket="clips", Key=key, Body=b"frames", Metadata={"sha256": "ab", "a_b": "c"})
    assert bucket.keys() == [key]
    assert bucket.get(key) == b"frames"
    found = s3.head_object(Bucket="clips", Key=key)
    assert found["Metadata"] == {"sha256": "ab", "a_b": "c"}
    assert found["ContentLength"] == 6
    assert s3.get_object(Bucket="clips", Key=key)["Body"].read() == b"frames"
    listed = s3.list_objects_v2(Bucket="clips", Prefix="a folder/")["Contents"]
    assert [(item["Key"], item["Size"]) for item in listed] == [(key, 6)]
    s3.delete_object(Bucket="clips", Key=key)
    assert bucket.keys() == []
    assert refused(s3.get_object, Bucket="clips", Key=key) == (404, "NoSuchKey")
    assert refused(s3.head_object, Bucket="clips", Key=key) == (404, "404")
    made = [(r.method, r.path, r.status, r.received, r.sent) for r in bucket.requests]
    assert made[:3] == [
        ("PUT", f"/clips/{key}", 200, 6, 0),
        ("HEAD", f"/clips/{key}", 200, 0, 0),
        ("GET", f"/clips/{key}", 200, 0, 6),
    ]


def test_a_range_request_checks_the_etag(bucket: Bucket, s3: Any) -> None:
    bucket.put("clip", bytes(range(100)))
    where = {"Bucket": "clips", "Key": "clip"}
    etag = s3.head_object(**where)["ETag"]
    tail = s3.get_object(**where, Range="bytes=90-", IfMatch=etag)
    assert tail["Body"].read() == bytes(range(90, 100))
    assert tail["ContentRange"] == "bytes 90-99/100"
    assert refused(s3.get_object, **where, Range="bytes=100-") == (416, "InvalidRange")
    bucket.put("clip", bytes(100))
    late = refused(s3.get_object, **where, Range="bytes=90-", IfMatch=etag)
    assert late == (412, "PreconditionFailed")
    assert [r.range for r in bucket.requests[1:]] == ["bytes=90-", "bytes=100-", "bytes=90-"]
    there = refused(s3.put_object, **where, Body=b"x", IfNoneMatch="*")
    assert there == (412, "PreconditionFailed")


def test_a_client_with_default_checksums_is_refused(bucket: Bucket, connect: Connect) -> None:
    usual = Config(
        request_checksum_calculation="when_supported",
        response_checksum_validation="when_supported",
    )
    s3 = connect(usual)
    bucket.put("clip", b"x")
    where = {"Bucket": "clips", "Key": "clip"}
    assert refused(s3.put_object, **where, Body=b"y") == (501, "NotImplemented")
    assert refused(s3.get_object, **where) == (501, "NotImplemented")
    assert refused(s3.create_multipart_upload, **where, ChecksumAlgorithm="CRC32")[0] == 501
    assert bucket.get("clip") == b"x"


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({"aws_access_key_id": "nobody"}, (403, "InvalidAccessKeyId")),
        ({"aws_secret_access_key": "guessed"}, (403, "SignatureDoesNotMatch")),
        ({"region_name": "eu-west-1"}, (400, "InvalidRegionName")),
    ],
)
def test_credentials_are_checked(
    connect: Connect, changes: dict[str, str], answer: tuple[int, str]
) -> None:
    s3 = connect(**changes)
    assert refused(s3.list_objects_v2, Bucket="clips") == answer
    assert refused(s3.put_object, Bucket="clips", Key="clip", Body=b"x") == answer
    assert refused(s3.head_object, Bucket="clips", Key="clip")[0] == answer[0]


def test_an_unknown_access_key_is_named_in_the_response(connect: Connect) -> None:
    with pytest.raises(ClientError) as caught:
        connect(aws_access_key_id="nobody").list_objects_v2(Bucket="clips")
    error: Any = caught.value.response["Error"]
    assert error["AWSAccessKeyId"] == "nobody"


def test_an_unsigned_request_is_refused(bucket: Bucket) -> None:
    answer = httpx.get(f"{bucket.endpoint}/clips", trust_env=False)
    assert answer.status_code == 403
    assert "<Code>AccessDenied</Code>" in answer.text


def test_a_body_with_another_checksum_is_refused(bucket: Bucket, s3: Any) -> None:
    def change(request: Any, **_: object) -> None:
        request.body = b"other"

    s3.meta.events.register("before-send.s3.PutObject", change)
    answer = refused(s3.put_object, Bucket="clips", Key="clip", Body=b"these")
    assert answer == (400, "XAmzContentSHA256Mismatch")
    assert bucket.keys() == []


def test_a_multipart_upload_keeps_its_bytes(bucket: Bucket, s3: Any, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mov"
    clip.write_bytes(bytes(range(256)) * (12 * MIB // 256))
    parts = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)
    s3.upload_file(str(clip), "clips", "clip.mov", Config=parts)
    assert bucket.get("clip.mov") == clip.read_bytes()
    assert bucket.multipart_uploads() == []
    received = [r.received for r in bucket.requests if r.method == "PUT"]
    assert sorted(received) == [2 * MIB, 5 * MIB, 5 * MIB]


@pytest.mark.parametrize(
    ("sizes", "numbers", "answer"),
    [
        ([6, 5, 1], None, (400, "InvalidPart")),
        ([5, 6], None, (400, "InvalidPart")),
        ([4, 4, 1], None, (400, "EntityTooSmall")),
        ([5, 5], [2, 1], (400, "InvalidPartOrder")),
    ],
)
def test_parts_that_r2_refuses(
    bucket: Bucket, s3: Any, sizes: list[int], numbers: list[int] | None, answer: tuple[int, str]
) -> None:
    complete = upload(s3, [size * MIB for size in sizes], numbers)
    assert refused(s3.complete_multipart_upload, **complete) == answer
    assert bucket.keys() == []
    assert bucket.multipart_uploads() == [("parts", complete["UploadId"])]
    assert sorted(bucket.part_sizes("parts", complete["UploadId"]).values()) == sorted(
        size * MIB for size in sizes
    )


def test_an_unknown_upload_is_refused(bucket: Bucket, s3: Any) -> None:
    complete = upload(s3, [1])
    where = {name: complete[name] for name in ("Bucket", "Key", "UploadId")}
    s3.abort_multipart_upload(**where)
    gone = (404, "NoSuchUpload")
    assert refused(s3.upload_part, **where, PartNumber=1, Body=b"x") == gone
    assert refused(s3.complete_multipart_upload, **complete) == gone
    assert refused(s3.list_parts, **where) == gone
    assert refused(s3.abort_multipart_upload, **where) == gone
    assert bucket.keys() == []


# Network faults.


def test_an_error_response(bucket: Bucket, s3: Any) -> None:
    bucket.put("clip", b"x")
    bucket.answer(503, method="GET", where="clip", skip=1, count=2)
    where = {"Bucket": "clips", "Key": "clip"}
    s3.get_object(**where)
    assert refused(s3.get_object, **where) == (503, "SlowDown")
    s3.head_object(**where)
    assert refused(s3.get_object, **where) == (503, "SlowDown")
    s3.get_object(**where)
    bucket.answer(500, count=None)
    assert refused(s3.put_object, **where, Body=b"yy") == (500, "InternalError")
    assert refused(s3.put_object, **where, Body=b"yy") == (500, "InternalError")
    bucket.clear()
    s3.get_object(**where)
    assert bucket.get("clip") == b"x"
    assert [r.status for r in bucket.requests] == [200, 503, 200, 503, 200, 500, 500, 200]


def test_retry_after(bucket: Bucket) -> None:
    bucket.answer(503, retry_after=7)
    answer = httpx.put(f"{bucket.endpoint}/clips/a", content=bytes(MIB), trust_env=False)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")


def test_boto3_retries(bucket: Bucket, connect: Connect) -> None:
    bucket.answer(503)
    s3 = connect(Config(retries={"total_max_attempts": 2, "mode": "standard"}))
    s3.put_object(Bucket="clips", Key="clip", Body=b"x")
    assert [r.status for r in bucket.requests] == [503, 200]


def test_an_interrupted_download(bucket: Bucket, s3: Any) -> None:
    data = bytes(range(256)) * 4096
    bucket.put("clip", data)
    bucket.cut(300_001, method="GET")
    body = s3.get_object(Bucket="clips", Key="clip")["Body"]
    arrived = io.BytesIO()
    with pytest.raises(IncompleteReadError):
        arrived.writelines(iter(lambda: body.read(1000), b""))
    assert arrived.getvalue() == data[:300_001]
    assert [(r.status, r.sent) for r in bucket.requests] == [(200, 300_001)]
    assert s3.get_object(Bucket="clips", Key="clip")["Body"].read() == data


def test_an_interrupted_upload(bucket: Bucket, s3: Any) -> None:
    bucket.cut(MIB, method="PUT")
    with pytest.raises(ConnectionClosedError):
        s3.put_object(Bucket="clips", Key="clip", Body=bytes(9 * MIB))
    assert bucket.keys() == []
    assert [(r.status, r.received) for r in bucket.requests] == [(None, MIB)]


def test_an_upload_without_a_response(bucket: Bucket, s3: Any) -> None:
    bucket.cut(None, method="PUT")
    with pytest.raises(ConnectionClosedError):
        s3.put_object(Bucket="clips", Key="clip", Body=b"x")
    assert bucket.get("clip") == b"x"
    assert [r.status for r in bucket.requests] == [None]


def test_a_client_that_dies_stores_nothing(bucket: Bucket, connect: Connect) -> None:
    class Dying(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() >= MIB:
                raise OSError("the disk is gone")
            return super().read(size)

    s3 = connect(Config(s3={"addressing_style": "path", "payload_signing_enabled": False}))
    with pytest.raises(ConnectionClosedError):
        s3.put_object(Bucket="clips", Key="clip", Body=Dying(bytes(9 * MIB)))
    bucket.down()  # waits for requests in progress
    assert [r.status for r in bucket.requests] == [None]
    assert bucket.keys() == []


def test_a_delay(bucket: Bucket, connect: Connect) -> None:
    bucket.delay(0.3, count=2)
    s3 = connect(Config(read_timeout=60))
    started = time.monotonic()
    s3.list_objects_v2(Bucket="clips")
    assert time.monotonic() - started >= 0.3
    hasty = connect(Config(read_timeout=0.1))
    with pytest.raises(ReadTimeoutError):
        hasty.list_objects_v2(Bucket="clips")


def test_a_slow_response(bucket: Bucket, s3: Any) -> None:
    data = bytes(range(256)) * (MIB // 256)
    bucket.put("clip", data)
    bucket.slow(0.1, method="GET")
    started = time.monotonic()
    assert s3.get_object(Bucket="clips", Key="clip")["Body"].read() == data
    assert time.monotonic() - started >= 0.4


def test_the_end_does_not_wait_for_a_delay(bucket: Bucket, s3: Any) -> None:
    bucket.delay(600)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(s3.list_objects_v2, Bucket="clips")
        until = time.monotonic() + 60
        while not bucket.requests and time.monotonic() < until:
            time.sleep(0.01)
        started = time.monotonic()
        bucket.down()
        with pytest.raises(ConnectionClosedError):
            waiting.result()
    assert time.monotonic() - started < 60


def test_down_and_up(bucket: Bucket, s3: Any) -> None:
    s3.put_object(Bucket="clips", Key="clip", Body=b"x")
    bucket.down()
    with pytest.raises(EndpointConnectionError):
        s3.get_object(Bucket="clips", Key="clip")
    bucket.down()
    bucket.up()
    assert s3.get_object(Bucket="clips", Key="clip")["Body"].read() == b"x"
    assert [r.method for r in bucket.requests] == ["PUT", "GET"]


def test_empty_resets_everything(bucket: Bucket, s3: Any) -> None:
    bucket.make("other")
    bucket.put("clip", b"x", {"a": "b"}, bucket="other")
    assert s3.head_object(Bucket="other", Key="clip")["Metadata"] == {"a": "b"}
    assert (bucket.keys(), bucket.keys(bucket="other")) == ([], ["clip"])
    upload(s3, [1])
    bucket.answer(500, count=None)
    bucket.down()
    bucket.empty()
    assert (bucket.keys(), bucket.multipart_uploads(), bucket.requests) == ([], [], [])
    assert [b["Name"] for b in s3.list_buckets()["Buckets"]] == ["clips"]
