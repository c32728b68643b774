"""JupyterLab and the desk's page answer only requests that carry their token."""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.browser.servers import free_port
from workbench.notebook_server.token_check import (
    NO_TOKEN,
    WRONG_HOST,
    WRONG_ORIGIN,
    Answer,
    Asked,
    Keys,
    answer_to,
)

SECONDS = 120.0
KERNEL = "/api/kernels/00000000-0000-0000-0000-000000000000"
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
KEYS = Keys("the-token", "the-cookie")
HERE = "127.0.0.1:8866"
PAGE = {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


@pytest.mark.parametrize(
    ("uri", "headers", "redirect"),
    [
        ("/?token=the-token", {}, "/"),
        ("/lab/tree/a%20b.ipynb?reset&token=the-token", {}, "/lab/tree/a%20b.ipynb?reset="),
        ("//evil.example/?token=the-token", {}, "/"),
        ("/?token=the-token", PAGE, "/"),
        ("/?token=old", {"cookie": "the-cookie"}, "/"),
        ("/lab", {"cookie": "the-cookie"}, ""),
        ("/lab", {"cookie": "the-cookie", **PAGE}, ""),
        ("/lab", {"cookie": "the-cookie", "Origin": f"http://{HERE}"}, ""),
        ("/lab", {"Authorization": "token the-token"}, ""),
        ("/lab", {"Authorization": "Bearer the-token", "Host": "localhost:1"}, ""),
        ("/lab", {"Authorization": "Bearer the-token", "Host": "[::1]:1"}, ""),
        ("/channels?token=the-token", {**UPGRADE, "Origin": f"http://{HERE}"}, ""),
    ],
)
def test_requests_with_the_token_or_its_cookie_pass(
    uri: str, headers: dict[str, str], redirect: str
) -> None:
    assert answer_to(asked("GET", uri, headers), KEYS) == Answer(redirect=redirect)


@pytest.mark.parametrize(
    ("method", "uri", "headers", "reason"),
    [
        ("GET", "/", {}, NO_TOKEN),
        ("GET", "/?token=", {}, NO_TOKEN),
        ("GET", "/?token=the-toke", {}, NO_TOKEN),
        ("GET", "/?token=the-token&token=x", {}, NO_TOKEN),
        ("GET", "/", {"cookie": "the-token"}, NO_TOKEN),
        ("GET", "/", {"Authorization": "Bearer the-cookie"}, NO_TOKEN),
        ("GET", "/", {"Authorization": "Basic the-token"}, NO_TOKEN),
        ("GET", "/", {"cookie": "the-cookie", "Host": "evil.example"}, WRONG_HOST),
        ("GET", "/?token=the-token", {"Host": ""}, WRONG_HOST),
        ("GET", "/", {"cookie": "the-cookie", "Origin": "http://127.0.0.1:1"}, WRONG_ORIGIN),
        ("GET", "/", {"cookie": "the-cookie", "Origin": "null"}, WRONG_ORIGIN),
        ("GET", "/", {"cookie": "the-cookie", **PAGE, "Sec-Fetch-Mode": "no-cors"}, WRONG_ORIGIN),
        ("GET", "/", {"cookie": "the-cookie", **PAGE, "Sec-Fetch-Dest": "iframe"}, WRONG_ORIGIN),
        ("GET", "/x", {"cookie": "the-cookie", **UPGRADE}, WRONG_ORIGIN),
        ("POST", "/x", {"cookie": "the-cookie"}, WRONG_ORIGIN),
        ("POST", "/x", {"cookie": "the-cookie", "Origin": f"https://{HERE}"}, WRONG_ORIGIN),
        ("POST", "/x", {"cookie": "the-cookie", **PAGE}, WRONG_ORIGIN),
    ],
)
def test_other_requests_are_refused(
    method: str, uri: str, headers: dict[str, str], reason: str
) -> None:
    assert answer_to(asked(method, uri, headers), KEYS) == Answer(refusal=reason)


def asked(method: str, uri: str, headers: dict[str, str]) -> Asked:
    headers = {"Host": HERE, **headers}
    return Asked(method, uri, headers, headers.pop("cookie", ""))


@dataclass(frozen=True)
class Running:
    """A server that a command started."""

    address: str  # as printed, with its token
    folder: Path  # that other users may enter, with its home and temporary files

    @property
    def root(self) -> str:
        return f"http://{urlsplit(self.address).netloc}"

    @property
    def token(self) -> str:
        return urlsplit(self.address).query.removeprefix("token=")


@contextmanager
def running(command: str, folder: Path) -> Iterator[Running]:
    folder.mkdir(mode=0o755)
    (temp := folder / "temp").mkdir()
    log = folder.with_name(f"{folder.name}.log")
    options = ["--no-browser", "--port", str(free_port())]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "workbench", command, str(folder / "project"), *options],
            env={**os.environ, "HOME": str(folder), "TMPDIR": str(temp)},
            cwd=folder,
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
        )
    try:
        deadline = time.monotonic() + SECONDS
        while not (address := re.search(rb"http://\S+", log.read_bytes())):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield Running(address[0].decode(), folder)
    finally:
        process.terminate()
        process.wait(SECONDS)


@pytest.fixture(scope="module", params=["app", "lab"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    with running(request.param, tmp_path_factory.mktemp("server") / request.param) as found:
        yield found


def test_a_browser_with_the_printed_address_gets_the_page_and_a_cookie(server: Running) -> None:
    with httpx.Client(follow_redirects=True, timeout=SECONDS) as browser:
        answer = browser.get(server.address)
        assert answer.status_code == 200
        assert "token=" not in str(answer.url)
        cookie = answer.history[0].headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert server.token not in cookie
        known = browser.get(server.root + KERNEL)
        assert known.status_code in (404, 405), "it reaches Jupyter"
        other = browser.get(server.root + KERNEL, headers={"Origin": "http://127.0.0.1:1"})
        assert other.status_code == 403


@pytest.mark.parametrize(
    "path", ["/", "/lab", "/static/favicon.ico", "/login", "/voila/files/x.png"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_nothing_is_answered_without_the_token(server: Running, path: str, method: str) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Cookie": "workbench-8866=x"}):
        answer = httpx.request(method, server.root + path, headers=headers)
        assert (answer.status_code, answer.text) == (403, f"{NO_TOKEN}\n")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="needs root to be another user")
def test_another_user_of_the_machine_gets_403(server: Running) -> None:
    """With curl, over HTTP and as a websocket. With the token it would get in."""
    websocket = [f"-H{name}: {value}" for name, value in UPGRADE.items()]
    origin = f"-HOrigin: {server.root}"
    for arguments in (["/"], [KERNEL, "-XDELETE"], [f"{KERNEL}/channels", *websocket, origin]):
        assert curl(server, *arguments) == "403"
    channels = f"{KERNEL}/channels?token={server.token}"
    assert curl(server, channels, *websocket, origin) in ("404", "101")
    assert curl(server, channels, *websocket, "-HOrigin: http://127.0.0.1:1") == "403"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="needs root to be another user")
def test_another_user_cannot_read_the_token_anywhere(server: Running) -> None:
    for parent in server.folder.parents:  # pytest's own folders are private
        if parent == Path(tempfile.gettempdir()):
            break
        parent.chmod(0o755)
    (bait := server.folder / "bait").write_text(server.token)
    search = f"grep -rlsI -f - {server.folder} /proc/[0-9]*/cmdline /proc/[0-9]*/environ"
    done = subprocess.run(
        ["sh", "-c", search],
        input=server.token,
        user="nobody",
        group="nogroup",
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines() == [str(bait)]


def curl(server: Running, path: str, *arguments: str) -> str:
    """Return the status code that curl gets as another user."""
    done = subprocess.run(
        [
            "curl",
            "-s",
            "-m",
            "5",
            "-o",
            os.devnull,
            "-w",
            "%{http_code}",
            *arguments,
            server.root + path,
        ],
        user="nobody",
        group="nogroup",
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout
