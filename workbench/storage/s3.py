"""A bucket of Cloudflare R2, or of any S3, as a storage.

What R2 wants different is set here: the region `auto`, no checksum headers but those that a request
must have, parts of one size. An ETag is no MD5 there, so each object carries its own SHA-256.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ProfileNotFound
from s3transfer.exceptions import RetriesExceededError

from workbench.errors import (
    ObjectDamaged,
    ObjectMissing,
    StorageDown,
    StorageError,
    StorageRefused,
)
from workbench.files import sha256_of
from workbench.storage.base import S3, Follower, Stored, safe_name

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

_PART = 16 << 20  # bytes; s3transfer makes parts larger, all alike, where they would be over 10,000
_TRANSFER = TransferConfig(
    multipart_threshold=_PART,
    multipart_chunksize=_PART,
    max_concurrency=4,
    num_download_attempts=5,  # of each part: a cut connection costs one part and not the file
    preferred_transfer_client="classic",
)
_CONFIG = Config(
    signature_version="s3v4",
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
    retries={"mode": "standard", "total_max_attempts": 6},
    connect_timeout=10,
    read_timeout=30,
    max_pool_connections=32,
)
_HASH = "sha256"  # the key in an object's metadata
_R2 = ("R2_ENDPOINT_URL", "R2_ACCESS_KEY_ID", "R2_SECRET_ACCESS_KEY")
_KINDS = {
    ".mov": "video/quicktime",
    ".json": "application/json",
    ".html": "text/html; charset=utf-8",
    ".ipynb": "application/x-ipynb+json",
    ".csv": "text/csv; charset=utf-8",
}


@dataclass(frozen=True)
class Bucket:
    """The objects of a bucket whose keys begin with a prefix, which is "" or ends in "/"."""

    client: "S3Client"
    bucket: str
    prefix: str

    def __repr__(self) -> str:
        return f"Bucket({self.url('')})"

    def url(self, name: str) -> str:
        return f"{S3}{self.bucket}/{self.prefix}{name}"

    def files(self, prefix: str = "") -> Iterator[Stored]:
        pages = self.client.get_paginator("list_objects_v2")
        with self._told(prefix):
            for page in pages.paginate(Bucket=self.bucket, Prefix=self.prefix + prefix):
                for entry in page.get("Contents", ()):
                    if not entry["Key"].endswith("/"):  # a folder, as some programs make them
                        name = entry["Key"].removeprefix(self.prefix)
                        yield Stored(name, entry["Size"], entry["ETag"].strip('"'))

    def find(self, name: str) -> Stored | None:
        try:
            return self._head(name)[0]
        except ObjectMissing:
            return None

    def fetch(self, name: str, folder: Path, follow: Follower | None = None) -> Path:
        stored, expected = self._head(name)
        path = folder / safe_name(PurePosixPath(name).name)
        with self._told(name):
            self.client.download_file(
                self.bucket, self.prefix + name, str(path), Callback=follow, Config=_TRANSFER
            )
        if path.stat().st_size != stored.size:
            raise ObjectDamaged(f"{self.url(name)} changed while it was fetched: try again")
        if expected is not None and expected != sha256_of(path):
            raise ObjectDamaged(
                f"{self.url(name)} is damaged: its SHA-256 is not the one in its metadata; "
                "upload it again"
            )
        return path

    def store(self, file: Path, name: str, sha256: str, follow: Follower | None = None) -> Stored:
        options = {"Metadata": {_HASH: sha256}}
        kind = _KINDS.get(file.suffix)
        with self._told(name):
            self.client.upload_file(
                str(file),
                self.bucket,
                self.prefix + name,
                ExtraArgs={**options, "ContentType": kind} if kind else options,
                Callback=follow,
                Config=_TRANSFER,
            )
        return self._head(name)[0]

    def sha256(self, name: str) -> str | None:
        try:
            return self._head(name)[1]
        except ObjectMissing:
            return None

    def read(self, name: str) -> bytes | None:
        try:
            with self._told(name):
                found = self.client.get_object(Bucket=self.bucket, Key=self.prefix + name)
                with found["Body"] as body:
                    return body.read()
        except ObjectMissing:
            return None

    def _head(self, name: str) -> tuple[Stored, str | None]:
        """Return an object and the SHA-256 in its metadata. Raises ObjectMissing."""
        key = self.prefix + name
        with self._told(name):
            try:
                found = self.client.head_object(Bucket=self.bucket, Key=key)
            except ClientError as error:
                if _status(error) == 404:  # without a body, which says if it is the bucket
                    self.client.get_object(Bucket=self.bucket, Key=key)["Body"].close()
                raise
        stored = Stored(name, found["ContentLength"], found["ETag"].strip('"'))
        return stored, found["Metadata"].get(_HASH)

    def clear(self, name: str) -> None:
        key = self.prefix + name
        with self._told(name):
            found = self.client.list_multipart_uploads(Bucket=self.bucket, Prefix=key)
            for upload in found.get("Uploads", ()):
                if upload["Key"] == key:
                    self.client.abort_multipart_upload(
                        Bucket=self.bucket, Key=key, UploadId=upload["UploadId"]
                    )

    @contextmanager
    def _told(self, name: str) -> Iterator[None]:
        """Say what went wrong in one sentence, with nothing of what a server or a library says:
        their words may hold a key."""
        try:
            yield
        except (ClientError, BotoCoreError, Boto3Error, RetriesExceededError) as error:
            raise _explained(error, self.url(name), self.bucket) from None


def open_bucket(place: str, profile: str | None = None) -> Bucket:
    """Open s3://bucket/prefix; a bucket left out, as in s3:///prefix, is R2_BUCKET.

    Credentials come from the profile if one is named, else from R2_ENDPOINT_URL, R2_ACCESS_KEY_ID
    and R2_SECRET_ACCESS_KEY, else from wherever boto3 looks for those of AWS.

    Raises StorageRefused.
    """
    bucket, _, prefix = place.removeprefix(S3).partition("/")
    bucket = bucket or os.environ.get("R2_BUCKET", "")
    if not bucket:
        raise StorageRefused(f"{place} names no bucket, and R2_BUCKET is not set")
    if set(bucket) & set("@:") and not bucket.startswith(
        "arn:"
    ):  # perhaps a password: not repeated
        raise StorageRefused("what follows s3:// is no bucket's name: it has an @ or a : in it")
    prefix = f"{prefix.rstrip('/')}/" if prefix.strip("/") else ""
    return Bucket(_client(profile), bucket, prefix)


def _client(profile: str | None) -> "S3Client":
    """Return what talks with the storage, by a profile, by R2's variables, or by those of AWS."""
    given = tuple(os.environ.get(name, "") for name in _R2)
    if profile is not None or not any(given):
        return _aws_client(profile)
    missing = [name for name, value in zip(_R2, given, strict=True) if not value]
    if missing:
        raise StorageRefused(f"{' and '.join(missing)} must be set as well, for R2")
    return _r2_client(*given)


@cache  # making one takes longer than most of what it is asked
def _r2_client(endpoint: str, key: str, secret: str) -> "S3Client":
    refusal = StorageRefused("R2_ENDPOINT_URL is not a plain address, such as https://host")
    if not _is_plain(endpoint):
        raise refusal
    try:
        return boto3.client(
            "s3",
            endpoint_url=endpoint,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            region_name="auto",
            config=_CONFIG.merge(Config(s3={"addressing_style": "path"})),
        )
    except ValueError:  # which says the address, and what somebody may have written into it
        raise refusal from None


def _is_plain(endpoint: str) -> bool:
    """Whether an address is one of HTTP that holds no name, password or query."""
    try:
        found = urlsplit(endpoint)
        port = found.port
    except ValueError:
        return False
    odd = "@" in found.netloc or found.query or found.fragment or port == 0
    return found.scheme in ("http", "https") and bool(found.hostname) and not odd


def _aws_client(profile: str | None) -> "S3Client":
    try:
        session = boto3.Session(profile_name=profile)
        client = session.client("s3", session.region_name or "us-east-1", config=_CONFIG)
        if session.region_name is None and "amazonaws" not in client.meta.endpoint_url:
            client = session.client("s3", "auto", config=_CONFIG)
    except ProfileNotFound:
        raise StorageRefused(f"there is no profile {profile} in the AWS configuration") from None
    except (BotoCoreError, ValueError) as error:
        raise StorageRefused(f"the AWS configuration cannot be used ({_kind(error)})") from None
    return client


def _explained(error: Exception, url: str, bucket: str) -> StorageError:
    found: BaseException | None = error
    if isinstance(error, Boto3Error):
        found = error.__context__  # what the failed upload was about
    if isinstance(found, NoCredentialsError):
        return StorageRefused(
            f"{url}: there are no credentials; set R2_ENDPOINT_URL, R2_ACCESS_KEY_ID and "
            "R2_SECRET_ACCESS_KEY, or name a profile"
        )
    if not isinstance(found, ClientError):
        return StorageDown(f"{url}: the storage does not answer ({_kind(found or error)})")
    code = str(found.response.get("Error", {}).get("Code", ""))
    status = _status(found)
    if code == "NoSuchBucket":
        return StorageRefused(f"{url}: there is no bucket {bucket}")
    if code == "NoSuchUpload":  # somebody who begins the same file cleared it away
        return StorageDown(f"{url}: the upload was ended by another")
    if code in ("PreconditionFailed", "412"):
        return ObjectDamaged(f"{url} changed while it was fetched: try again")
    if status == 404:
        return ObjectMissing(f"{url} does not exist")
    if status in (401, 403) or code in ("InvalidAccessKeyId", "SignatureDoesNotMatch"):
        return StorageRefused(
            f"{url}: the storage refused the credentials, or they may not do this"
        )
    if status >= 500 or status == 429 or code == "RequestTimeout":
        return StorageDown(f"{url}: the storage failed, after several tries (status {status})")
    return StorageError(f"{url}: the storage refused the request (status {status})")


def _status(error: ClientError) -> int:
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def _kind(error: BaseException) -> str:
    return type(error).__name__
