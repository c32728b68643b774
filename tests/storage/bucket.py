"""A real bucket on this machine for the tests: as strict as Cloudflare R2, and faulty when told.

moto's server keeps the objects, in a process of its own, and takes much that R2 refuses. Clients
see only the gate in front of it; what a test sets up and looks at goes past the gate.
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

logging.getLogger("werkzeug").setLevel(logging.ERROR)  # no line for each request
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdout = sys.stderr
sys.stdin.read()  # until the tests have ended, in whatever way
"""

_CODES = {403: "AccessDenied", 404: "NoSuchKey", 429: "TooManyRequests", 503: "SlowDown"}


class Bucket:
    """A bucket, its credentials, the faults on the way to it, and every request that was made.

    Each fault says which requests it hits: of one method, or of any; with a text anywhere in the
    unquoted path and the query ("/clips/a.mp4?partNumber=2"); not the first `skip` of them; and
    then `count` of them, or all until `clear` when that is None. A request takes the first delay
    that fits it, the first slowness, and then the first of the answers and cuts.
    """

    def __init__(self, name: str, moto: int) -> None:
        self.name = name
        # As long as R2's own are, and easy to find where they should not be.
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
        """The variables that a batch finds its bucket by."""
        return {
            "R2_ENDPOINT_URL": self.endpoint,
            "R2_ACCESS_KEY_ID": self.key,
            "R2_SECRET_ACCESS_KEY": self.secret,
            "R2_BUCKET": self.name,
        }

    def profile(self, path: Path, name: str) -> Path:
        """Write an AWS configuration that has a profile for this bucket."""
        path.write_text(
            f"[profile {name}]\nendpoint_url = {self.endpoint}\n"
            f"aws_access_key_id = {self.key}\naws_secret_access_key = {self.secret}\n"
        )
        return path

    @property
    def requests(self) -> list[Request]:
        """Every request since the bucket was emptied, in the order in which they arrived."""
        return self._gate.requests

    # To set up and look: past the gate, its faults and its notes.

    def put(
        self,
        key: str,
        data: bytes | Path,
        metadata: Mapping[str, str] | None = None,
        bucket: str | None = None,
    ) -> None:
        """Store an object; in this bucket, as everywhere here, unless another is named."""
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
        """Give the key and the id of each upload that was neither completed nor aborted."""
        pages = self._behind.get_paginator("list_multipart_uploads")
        found = pages.paginate(Bucket=bucket or self.name)
        return [(up["Key"], up["UploadId"]) for page in found for up in page.get("Uploads", [])]

    def part_sizes(self, key: str, upload_id: str, bucket: str | None = None) -> dict[int, int]:
        """Give the size in bytes of each part that an open upload has, by the part's number."""
        pages = self._behind.get_paginator("list_parts")
        found = pages.paginate(Bucket=bucket or self.name, Key=key, UploadId=upload_id)
        return {p["PartNumber"]: p["Size"] for page in found for p in page.get("Parts", [])}

    def make(self, name: str) -> None:
        """Make a bucket beside this one."""
        self._behind.create_bucket(Bucket=name)

    def empty(self) -> None:
        """Begin anew: one empty bucket, no faults, no requests, none of them still under way."""
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
        """Answer with an error, and pass nothing on."""
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
        """Break the connection after so many bytes of a body.

        When a request has a body, that one counts: it is read so far, and nothing is passed on.
        Of any other request, the answer's counts. With None the request is carried out whole,
        and nothing of its answer arrives.
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
        """Wait before anything is done about a request."""
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
        """Wait so many seconds before each piece (tests.storage.gate.PIECE) of an answer's body."""
        self._gate.fail(Slow(method, where, skip, count, pause))

    def clear(self) -> None:
        """Have no more faults; a delay that has begun goes on."""
        self._gate.clear()

    def down(self) -> None:
        """Break every connection and refuse new ones; the objects stay."""
        self._gate.shut()

    def up(self) -> None:
        """Take connections again, at the same address."""
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
            moto.kill()  # it has nothing to keep
