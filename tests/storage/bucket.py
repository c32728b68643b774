"""A local S3 bucket for tests that is as strict as Cloudflare R2 and injects faults on request.

moto's server stores the objects in a process of its own, but accepts much that R2 refuses. Clients
reach it only through the proxy in gate.py. Tests set up and inspect objects behind the proxy.
"""

import io
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from tests.storage.gate import HERE, SECONDS, Answer, Cut, Delay, Gate, Request, Slow

_MOTO = """
import logging, sys
from moto.server import ThreadedMotoServer

logging.getLogger("werkzeug").setLevel(logging.ERROR)  # do not log each request
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdout = sys.stderr
sys.stdin.read()  # ends when the test process ends, even if it is killed
"""

_CODES = {403: "AccessDenied", 404: "NoSuchKey", 429: "TooManyRequests", 503: "SlowDown"}


class Bucket:
    """A bucket with its credentials, the faults to inject, and the requests received.

    A fault applies to requests of one method, or of any, whose unquoted path and query contain the
    text `where` ("/clips/a.mp4?partNumber=2"). It skips the first `skip` of them and applies to
    `count` of them; None means all until `clear`. A request gets the first matching delay, the
    first matching slow response, and then the first matching error or cut.
    """

    def __init__(self, name: str, moto: int) -> None:
        self.name = name
        # As long as those of R2, and easy to search for.
        self.key = f"testkey0{secrets.token_hex(12)}"
        self.secret = f"testsecret000000{secrets.token_hex(24)}"
        self._gate = Gate(self.key, self.secret, moto, self.part_sizes)
        self.endpoint = f"http://{HERE}:{self._gate.port}"
        self._behind = boto3.client(
            "s3",
            endpoint_url=f"http://{HERE}:{moto}",
            region_name="us-east-1",
            aws_access_key_id="moto",
            aws_secret_access_key="moto",
            config=Config(
                proxies={},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                s3={"addressing_style": "path", "payload_signing_enabled": False},
            ),
        )

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that name this bucket."""
        return {
            "R2_ENDPOINT_URL": self.endpoint,
            "R2_ACCESS_KEY_ID": self.key,
            "R2_SECRET_ACCESS_KEY": self.secret,
            "R2_BUCKET": self.name,
        }

    def profile(self, path: Path, name: str) -> Path:
        """Write an AWS configuration with a profile for this bucket."""
        path.write_text(
            f"[profile {name}]\nendpoint_url = {self.endpoint}\n"
            f"aws_access_key_id = {self.key}\naws_secret_access_key = {self.secret}\n"
        )
        return path

    @property
    def requests(self) -> list[Request]:
        """The requests since `empty`, in order of arrival."""
        return self._gate.requests

    # Setup and inspection, behind the proxy.

    def put(
        self,
        key: str,
        data: bytes | Path,
        metadata: Mapping[str, str] | None = None,
        bucket: str | None = None,
    ) -> None:
        """Store an object, by default in this bucket."""
        with data.open("rb") if isinstance(data, Path) else io.BytesIO(data) as body:
            self._behind.put_object(
                Bucket=bucket or self.name, Key=key, Body=body, Metadata=dict(metadata or {})
            )

    def get(self, key: str, bucket: str | None = None) -> bytes:
        with self._behind.get_object(Bucket=bucket or self.name, Key=key)["Body"] as body:
            return body.read()

    def head(self, key: str, bucket: str | None = None) -> dict[str, Any]:
        """Give boto3's HeadObject: ContentLength, Metadata, ETag and so on."""
        return dict(self._behind.head_object(Bucket=bucket or self.name, Key=key))

    def keys(self, prefix: str = "", bucket: str | None = None) -> list[str]:
        pages = self._behind.get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=bucket or self.name, Prefix=prefix)
        return [item["Key"] for page in found for item in page.get("Contents", [])]

    def delete(self, key: str, bucket: str | None = None) -> None:
        self._behind.delete_object(Bucket=bucket or self.name, Key=key)

    def multipart_uploads(self, bucket: str | None = None) -> list[tuple[str, str]]:
        """Return the key and the id of each upload that is neither completed nor aborted."""
        pages = self._behind.get_paginator("list_multipart_uploads")
        found = pages.paginate(Bucket=bucket or self.name)
        return [(up["Key"], up["UploadId"]) for page in found for up in page.get("Uploads", [])]

    def part_sizes(self, key: str, upload_id: str, bucket: str | None = None) -> dict[int, int]:
        """Return the size in bytes of each part of an open upload, by part number."""
        pages = self._behind.get_paginator("list_parts")
        found = pages.paginate(Bucket=bucket or self.name, Key=key, UploadId=upload_id)
        return {p["PartNumber"]: p["Size"] for page in found for p in page.get("Parts", [])}

    def make(self, name: str) -> None:
        """Create another bucket."""
        self._behind.create_bucket(Bucket=name)

    def empty(self) -> None:
        """Reset the server to one empty bucket, without faults, requests or open connections."""
        self._gate.shut()
        self._gate.clear()
        self._gate.forget()
        with closing(HTTPConnection(HERE, self._gate.moto, timeout=SECONDS)) as moto:
            moto.request("POST", "/moto-api/reset")
            moto.getresponse().close()
        self.make(self.name)
        self._gate.open()

    # Faults.

    def answer(
        self,
        status: int,
        code: str | None = None,
        *,
        retry_after: int | None = None,
        method: str | None = None,
        where: str = "",
        skip: int = 0,
        count: int | None = 1,
    ) -> None:
        """Respond with an error and forward nothing."""
        code = code or _CODES.get(status, "InternalError")
        self._gate.fail(Answer(method, where, skip, count, status, code, retry_after))

    def cut(
        self,
        after: int | None,
        *,
        method: str | None = None,
        where: str = "",
        skip: int = 0,
        count: int | None = 1,
    ) -> None:
        """Close the connection after `after` bytes of a body.

        The bytes are those of the request body, if there is one; nothing is then forwarded.
        Otherwise they are those of the response body. With None, the request is carried out and
        the client gets no response.
        """
        self._gate.fail(Cut(method, where, skip, count, after))

    def delay(
        self,
        seconds: float,
        *,
        method: str | None = None,
        where: str = "",
        skip: int = 0,
        count: int | None = 1,
    ) -> None:
        """Wait before handling a request."""
        self._gate.fail(Delay(method, where, skip, count, seconds))

    def slow(
        self,
        pause: float,
        *,
        method: str | None = None,
        where: str = "",
        skip: int = 0,
        count: int | None = 1,
    ) -> None:
        """Wait `pause` seconds before each piece of a response body; see PIECE in gate.py."""
        self._gate.fail(Slow(method, where, skip, count, pause))

    def clear(self) -> None:
        """Remove all faults. A delay that has begun continues."""
        self._gate.clear()

    def down(self) -> None:
        """Close every connection and refuse new ones. The objects stay."""
        self._gate.shut()

    def up(self) -> None:
        """Accept connections again, at the same address."""
        self._gate.open()

    def close(self) -> None:
        self._gate.close()
        self._behind.close()


@contextmanager
def serving(name: str = "clips") -> Iterator[Bucket]:
    """Run a server with one bucket."""
    argv = [sys.executable, "-c", _MOTO]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as moto:
        try:
            assert moto.stdout
            port = moto.stdout.readline()
            assert port, "moto's server did not start"
            with closing(Bucket(name, int(port))) as bucket:
                bucket.empty()
                yield bucket
        finally:
            moto.kill()  # its objects are in memory only
