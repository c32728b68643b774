"""An S3 bucket as a storage: Cloudflare R2 or any other S3 service.

The settings here suit R2: the region `auto`, checksum headers only where a request requires them,
and multipart parts of equal size. R2's ETags are not MD5 sums, so every object carries its own
SHA-256 in its metadata.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
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
from workbench.storage.base import OnBytes, Stored, safe_name

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

_SCHEME = "s3://"
_PART = 16 << 20  # bytes; s3transfer uses larger, equal parts for files of more than 10,000 parts
_TRANSFER = TransferConfig(
    multipart_threshold=_PART,
    multipart_chunksize=_PART,
    max_concurrency=4,
    num_download_attempts=5,  # for each part: a lost connection repeats one part, not the file
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
_SHA256 = "sha256"  # the key in an object's metadata
_BLOCK = 1 << 20  # bytes hashed at once
_NO_UPLOAD = "NoSuchUpload"
_NOT_IMPLEMENTED = ("NotImplemented", "MethodNotAllowed")  # some servers cannot list uploads
_R2_VARIABLES = ("R2_ENDPOINT_URL", "R2_ACCESS_KEY_ID", "R2_SECRET_ACCESS_KEY")
_CONTENT_TYPES = {
    ".mov": "video/quicktime",
    ".json": "application/json",
    ".html": "text/html; charset=utf-8",
    ".ipynb": "application/x-ipynb+json",
    ".csv": "text/csv; charset=utf-8",
}


@dataclass(frozen=True)
class Bucket:
    """The objects of a bucket whose keys start with a prefix, which is "" or ends in "/"."""

    client: "S3Client"
    bucket: str
    prefix: str

    def __repr__(self) -> str:
        return f"Bucket({self.url('')})"

    def url(self, name: str) -> str:
        return f"{_SCHEME}{self.bucket}/{self.prefix}{name}"

    def files(self, prefix: str = "") -> Iterator[Stored]:
        pages = self.client.get_paginator("list_objects_v2")
        with self._errors_explained(prefix):
            for page in pages.paginate(Bucket=self.bucket, Prefix=self.prefix + prefix):
                for entry in page.get("Contents", ()):
                    if not entry["Key"].endswith("/"):  # some programs create these as folders
                        name = entry["Key"].removeprefix(self.prefix)
                        yield Stored(name, entry["Size"], entry["ETag"].strip('"'))

    def find(self, name: str) -> Stored | None:
        try:
            return self._head(name)[0]
        except ObjectMissing:
            return None

    def fetch(self, name: str, folder: Path, on_bytes: OnBytes | None = None) -> Path:
        stored, expected = self._head(name)
        path = folder / safe_name(PurePosixPath(name).name)
        with self._errors_explained(name):
            self.client.download_file(
                self.bucket, self.prefix + name, str(path), Callback=on_bytes, Config=_TRANSFER
            )
        if path.stat().st_size != stored.size:
            raise ObjectDamaged(f"{self.url(name)} changed during the download: try again")
        if expected is not None and expected != sha256_of(path):
            raise ObjectDamaged(
                f"{self.url(name)} is damaged: its SHA-256 differs from the one in its metadata; "
                "upload it again"
            )
        return path

    def store(self, file: Path, name: str, sha256: str, on_bytes: OnBytes | None = None) -> Stored:
        options = {"Metadata": {_SHA256: sha256}}
        content_type = _CONTENT_TYPES.get(file.suffix)
        with self._errors_explained(name):
            self.client.upload_file(
                str(file),
                self.bucket,
                self.prefix + name,
                ExtraArgs={**options, "ContentType": content_type} if content_type else options,
                Callback=on_bytes,
                Config=_TRANSFER,
            )
        return self._head(name)[0]

    def sha256(self, name: str) -> str | None:
        try:
            known = self._head(name)[1]
            return known if known is not None else self._sha256_of_contents(name)
        except ObjectMissing:
            return None

    def _sha256_of_contents(self, name: str) -> str:
        """Download an object and hash it, for servers that keep no metadata."""
        found = hashlib.sha256()
        with self._errors_explained(name):
            answer = self.client.get_object(Bucket=self.bucket, Key=self.prefix + name)
            with closing(answer["Body"]) as body:
                for block in body.iter_chunks(_BLOCK):
                    found.update(block)
        return found.hexdigest()

    def read(self, name: str) -> bytes | None:
        try:
            with self._errors_explained(name):
                found = self.client.get_object(Bucket=self.bucket, Key=self.prefix + name)
                with found["Body"] as body:
                    return body.read()
        except ObjectMissing:
            return None

    def _head(self, name: str) -> tuple[Stored, str | None]:
        """Return an object and the SHA-256 in its metadata. Raises ObjectMissing."""
        key = self.prefix + name
        with self._errors_explained(name):
            try:
                found = self.client.head_object(Bucket=self.bucket, Key=key)
            except ClientError as error:
                if _status(error) == 404:  # a GET tells a missing bucket from a missing key
                    self.client.get_object(Bucket=self.bucket, Key=key)["Body"].close()
                raise
        stored = Stored(name, found["ContentLength"], found["ETag"].strip('"'))
        # Header names have no case, and some servers return the keys capitalized.
        metadata = {key.lower(): value for key, value in found["Metadata"].items()}
        return stored, metadata.get(_SHA256)

    def abort_uploads(self, name: str) -> None:
        key = self.prefix + name
        with self._errors_explained(name):
            for upload in self._unfinished_uploads(key):
                with _ignored(_NO_UPLOAD):  # another process may abort it first
                    self.client.abort_multipart_upload(Bucket=self.bucket, Key=key, UploadId=upload)

    def _unfinished_uploads(self, key: str) -> list[str]:
        """Return the ids of the unfinished uploads of a key."""
        with _ignored(_NO_UPLOAD, *_NOT_IMPLEMENTED):
            found = self.client.list_multipart_uploads(Bucket=self.bucket, Prefix=key)
            return [one["UploadId"] for one in found.get("Uploads", ()) if one["Key"] == key]
        return []

    @contextmanager
    def _errors_explained(self, name: str) -> Iterator[None]:
        """Raise errors of boto3 as StorageError. Messages of boto3 may contain a key: drop them."""
        try:
            yield
        except (ClientError, BotoCoreError, Boto3Error, RetriesExceededError) as error:
            raise _explained(error, self.url(name), self.bucket) from None


def open_bucket(url: str, profile: str | None = None) -> Bucket:
    """Open s3://bucket/prefix. If the bucket is omitted, as in s3:///prefix, R2_BUCKET names it.

    Credentials come from `profile` if it is given, else from R2_ENDPOINT_URL, R2_ACCESS_KEY_ID and
    R2_SECRET_ACCESS_KEY, else from the places where boto3 looks for AWS credentials.

    Raises StorageRefused.
    """
    bucket, _, prefix = url.removeprefix(_SCHEME).partition("/")
    bucket = bucket or os.environ.get("R2_BUCKET", "")
    if not bucket:
        raise StorageRefused(f"{url} names no bucket, and R2_BUCKET is not set")
    if set(bucket) & set("@:") and not bucket.startswith("arn:"):
        # It may hold a password, so the message does not repeat it.
        raise StorageRefused("the bucket name after s3:// must not contain @ or :")
    prefix = f"{prefix.rstrip('/')}/" if prefix.strip("/") else ""
    return Bucket(_client(profile), bucket, prefix)


def _client(profile: str | None) -> "S3Client":
    """Return a client with the credentials of a profile, of the R2 variables, or of AWS."""
    values = tuple(os.environ.get(name, "") for name in _R2_VARIABLES)
    if profile is not None or not any(values):
        return _aws_client(profile)
    missing = [name for name, value in zip(_R2_VARIABLES, values, strict=True) if not value]
    if missing:
        raise StorageRefused(f"R2 also needs {' and '.join(missing)}: set them")
    return _r2_client(*values)


@cache  # creating a client takes longer than most requests
def _r2_client(endpoint: str, key: str, secret: str) -> "S3Client":
    refusal = StorageRefused("R2_ENDPOINT_URL is not a plain URL: give one such as https://host")
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
    except ValueError:  # its message repeats the URL, which may hold a password
        raise refusal from None


def _is_plain(endpoint: str) -> bool:
    """Return whether a URL is HTTP or HTTPS without user name, password, query or fragment."""
    try:
        found = urlsplit(endpoint)
        port = found.port
    except ValueError:
        return False
    extra = "@" in found.netloc or found.query or found.fragment or port == 0
    return found.scheme in ("http", "https") and bool(found.hostname) and not extra


def _aws_client(profile: str | None) -> "S3Client":
    try:
        session = boto3.Session(profile_name=profile)
        client = session.client("s3", session.region_name or "us-east-1", config=_CONFIG)
        if session.region_name is None and "amazonaws" not in client.meta.endpoint_url:
            client = session.client("s3", "auto", config=_CONFIG)
    except ProfileNotFound:
        raise StorageRefused(f"the AWS configuration has no profile {profile}") from None
    except (BotoCoreError, ValueError) as error:
        name = type(error).__name__
        raise StorageRefused(f"cannot use the AWS configuration ({name})") from None
    return client


def _explained(error: Exception, url: str, bucket: str) -> StorageError:
    """Return the StorageError for an error of boto3, without boto3's own message."""
    found: BaseException | None = error
    if isinstance(error, Boto3Error):
        found = error.__context__  # the reason why the upload failed
    if isinstance(found, NoCredentialsError):
        return StorageRefused(
            f"cannot access {url} without credentials: set R2_ENDPOINT_URL, R2_ACCESS_KEY_ID and "
            "R2_SECRET_ACCESS_KEY, or name a profile"
        )
    if not isinstance(found, ClientError):
        name = type(found or error).__name__
        return StorageDown(f"{url}: the storage does not answer ({name})")
    code, status = _code(found), _status(found)
    if code == "NoSuchBucket":
        return StorageRefused(f"{url}: the bucket {bucket} does not exist")
    if code == _NO_UPLOAD:  # another process that starts the same upload aborted this one
        return StorageDown(f"{url}: another process aborted the upload")
    if code in ("PreconditionFailed", "412"):
        return ObjectDamaged(f"{url} changed during the download: try again")
    if status == 404:
        return ObjectMissing(f"{url} does not exist")
    if status in (401, 403) or code in ("InvalidAccessKeyId", "SignatureDoesNotMatch"):
        return StorageRefused(
            f"{url}: the storage rejected the credentials, or they do not allow this"
        )
    if status >= 500 or status == 429 or code == "RequestTimeout":
        return StorageDown(f"{url}: the storage failed after several retries (status {status})")
    return StorageError(f"{url}: the storage rejected the request (status {status})")


@contextmanager
def _ignored(*codes: str) -> Iterator[None]:
    """Ignore error responses with one of these codes."""
    try:
        yield
    except ClientError as error:
        if _code(error) not in codes:
            raise


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _status(error: ClientError) -> int:
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
