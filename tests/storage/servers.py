"""Other S3 servers on loopback, to show that the storage depends on none in particular.

SeaweedFS and rclone come as programs in PyPI packages. Each serves one bucket named `clips`, from a
folder of its own, until the block ends.
"""

import json
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

_HERE = "127.0.0.1"
_BUCKET = "clips"
_START = 60  # seconds that a server may take to start


@contextmanager
def rclone(folder: Path) -> Iterator[dict[str, str]]:
    """Serve a folder with rclone; yield the environment variables that name its bucket.

    rclone returns metadata keys capitalized, and NoSuchUpload where no upload is unfinished.
    """
    key, secret = secrets.token_hex(8), secrets.token_hex(16)
    (port,) = _free_ports(1)
    (folder / _BUCKET).mkdir(parents=True)
    argv = [
        *(_program("rclone"), "serve", "s3", "--config", "", "--vfs-cache-mode", "off"),
        *("--addr", f"{_HERE}:{port}", "--auth-key", f"{key},{secret}", str(folder)),
    ]
    with _running(argv, folder, port, key, secret) as environment:
        yield environment


@contextmanager
def seaweedfs(folder: Path) -> Iterator[dict[str, str]]:
    """Serve a folder with SeaweedFS; yield the environment variables that name its bucket."""
    key, secret = secrets.token_hex(8), secrets.token_hex(16)
    identity = {
        "name": "workbench",
        "credentials": [{"accessKey": key, "secretKey": secret}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    folder.mkdir(parents=True)
    (folder / "identities.json").write_text(json.dumps({"identities": [identity]}))
    names = ("master", "volume", "filer", "s3")
    ports = _free_ports(2 * len(names))
    argv = [
        *(_program("weed"), "server", f"-dir={folder}", f"-ip={_HERE}", f"-ip.bind={_HERE}"),
        *("-filer", "-s3", f"-s3.config={folder / 'identities.json'}", "-s3.port.iceberg=0"),
        *("-master.volumeSizeLimitMB=64", "-volume.max=8", "-s3.port.lance=0"),
        *(f"-{name}.port={port}" for name, port in zip(names, ports, strict=False)),
        *(f"-{name}.port.grpc={port}" for name, port in zip(names, ports[4:], strict=True)),
    ]
    with _running(argv, folder, ports[3], key, secret) as environment:
        yield environment


def _program(name: str) -> str:
    """Return the path of a program that a PyPI package installed beside this Python."""
    found = shutil.which(name, path=str(Path(sys.executable).parent))
    assert found, f"{name} is missing: install the development requirements"
    return found


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((_HERE, 0))
        return [one.getsockname()[1] for one in sockets]


@contextmanager
def _running(
    argv: Sequence[str], folder: Path, port: int, key: str, secret: str
) -> Iterator[dict[str, str]]:
    """Run a server, and yield the environment variables once its bucket takes an object."""
    environment = {
        "R2_ENDPOINT_URL": f"http://{_HERE}:{port}",
        "R2_ACCESS_KEY_ID": key,
        "R2_SECRET_ACCESS_KEY": secret,
        "R2_BUCKET": _BUCKET,
    }
    with (
        (folder / "server.log").open("wb") as log,
        subprocess.Popen(argv, cwd=folder, stdout=log, stderr=log) as server,
    ):
        try:
            _wait_until_ready(environment, server, folder / "server.log")
            yield environment
        finally:
            server.kill()  # its objects go with the folder


def _wait_until_ready(
    environment: dict[str, str], server: "subprocess.Popen[bytes]", log: Path
) -> None:
    client = boto3.client(
        "s3",
        endpoint_url=environment["R2_ENDPOINT_URL"],
        aws_access_key_id=environment["R2_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["R2_SECRET_ACCESS_KEY"],
        region_name="auto",
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )
    until = time.monotonic() + _START
    while True:
        try:
            if _BUCKET not in [one["Name"] for one in client.list_buckets()["Buckets"]]:
                client.create_bucket(Bucket=_BUCKET)
            client.put_object(Bucket=_BUCKET, Key="ready", Body=b"x")
            client.delete_object(Bucket=_BUCKET, Key="ready")
        except (BotoCoreError, ClientError):
            assert server.poll() is None, log.read_text(errors="replace")[-2000:]
            assert time.monotonic() < until, log.read_text(errors="replace")[-2000:]
            time.sleep(0.1)
        else:
            return
