"""Startup, access by token, the log, and the documentation pages."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.service.served import Served, environment, serving, until
from workbench.service import problems

SKY = "/convert/prores/shots/sky.mp4"


def refusal(*options: str | Path, **env: str) -> str:
    """Run `workbench serve` with a setup that it must refuse; return its error message."""
    done = subprocess.run(
        [sys.executable, "-m", "workbench", "serve", *map(str, options)],
        capture_output=True,
        text=True,
        env=environment(**env),
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_it_requires_a_token_for_an_address_that_others_can_reach(storage: Path) -> None:
    for host in ("0.0.0.0", "::"):
        said = refusal("--source", storage, "--host", host)
        assert "can be reached from other machines: set WORKBENCH_TOKEN" in said
    assert "WORKBENCH_TOKEN" in refusal(
        "--source", storage, "--host", "0.0.0.0", WORKBENCH_TOKEN=" "
    )


def test_a_setup_in_which_every_request_would_fail_is_refused(
    storage: Path, tmp_path: Path
) -> None:
    assert "R2_BUCKET is not set" in refusal()
    assert "none is not a folder" in refusal("--source", tmp_path / "none")
    assert "cannot hold temporary files" in refusal("--source", storage, "--temp", tmp_path / "no")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refusal("--source", storage, "--port", str(port))
    assert said.startswith(f"Error: the service cannot listen on 127.0.0.1, port {port}: ")


def test_without_its_extra_packages_it_names_what_to_install() -> None:
    code = "import sys; sys.modules['fastapi'] = None; from workbench.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "serve"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr == (
        "Error: serve needs fastapi, which is not installed: run "
        'pip install "prores-workbench[serve]"\n'
    )


def test_other_commands_do_not_import_it() -> None:
    code = (
        "import sys, workbench, workbench.cli as cli\n"
        "cli.main(['--help'], standalone_mode=False)\n"
        "print([name for name in ('fastapi', 'uvicorn', 'prometheus_client', 'boto3')"
        " if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "  serve  " in done.stdout


def test_all_but_health_and_docs_require_the_token(storage: Path, tmp_path: Path) -> None:
    secret = "sésame"
    with serving(
        storage, tmp_path / "temp", "--host", "0.0.0.0", WORKBENCH_TOKEN="sesame"
    ) as service:
        anonymous = Served(service.process, service.url, service.temp, service.log_file, {})
        for given in ("", "Bearer", "Bearer wrong", "Basic sesame", "Bearer sesame2", "sesame"):
            answer = anonymous.ask(SKY, Authorization=given)
            assert answer.status_code == 401
            assert answer.json()["type"] == problems.UNAUTHORIZED.type
            assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert anonymous.ask(SKY, "HEAD").status_code == 401
        assert anonymous.ask("/metrics").status_code == 401
        assert anonymous.ask(f"{SKY}?preset={'a' * 99}").status_code == 401
        assert anonymous.ask("/healthz").status_code == 200
        assert anonymous.ask("/docs").status_code == 200
        assert service.ask(SKY, "HEAD").status_code == 200
        assert service.ask("/metrics").status_code == 200
        assert "sesame" not in service.log
        assert secret not in service.log


def test_by_default_only_this_user_has_the_token(storage: Path, tmp_path: Path) -> None:
    (home := tmp_path / "home").mkdir()
    with started(storage, home) as (url, log):
        path = Path(re.search(r"header that (.+) holds", log.read_text())[1])  # type: ignore[index]
        assert path.stat().st_mode & 0o077 == 0
        header = path.read_text()
        token = header.removeprefix("Authorization: Bearer ").strip()
        assert len(token) > 40
        for given in ("", "Bearer x", f"Bearer {token[:-1]}"):
            answer = httpx.head(url + SKY, headers={"Authorization": given})
            assert answer.status_code == 401
        assert (
            httpx.head(url + SKY, headers={"Authorization": f"Bearer {token}"}).status_code == 200
        )
        assert token not in log.read_text()
        if os.name == "posix" and os.geteuid() == 0:
            for folder in list(path.parents)[:-2]:
                folder.chmod(0o755)  # so that only the file's own mode protects it
            options = ["-s", "-o", os.devnull, "-w", "%{http_code}", "-H", f"@{path}"]
            for user, status in (("nobody", "401"), ("root", "200")):
                done = subprocess.run(
                    ["curl", *options, "-I", url + SKY],
                    user=user,
                    capture_output=True,
                    text=True,
                    check=False,
                )
                assert done.stdout[-3:] == status, done.stderr
    with started(storage, home) as (url, _):
        assert (
            httpx.head(url + SKY, headers={"Authorization": f"Bearer {token}"}).status_code == 200
        )
    path.chmod(0o644)
    assert "can be read by other users: delete it" in refusal("--source", storage, **at(home))
    path.write_text("Authorization: Bearer short\n")
    assert "holds no token: delete it" in refusal("--source", storage, **at(home))


def at(home: Path) -> dict[str, str]:
    """Return the variables that put a user's configuration into a folder."""
    names = ("HOME", "XDG_CONFIG_HOME", "LOCALAPPDATA", "APPDATA")
    return dict.fromkeys(names, str(home))


@contextmanager
def started(storage: Path, home: Path) -> Iterator[tuple[str, Path]]:
    """Run the service without any option on tokens; yield its address and its log."""
    log = home / "log"
    argv = [sys.executable, "-m", "workbench", "serve", "--source", str(storage), "--port", "0"]
    with log.open("wb") as output:
        process = subprocess.Popen(argv, stderr=output, env=environment(**at(home)), cwd=home)
    try:
        until(lambda: b"holds" in log.read_bytes() or process.poll() is not None)
        address = re.search(r"http://\S+:\d+", log.read_text())
        assert address, log.read_text()
        until(lambda: httpx.get(f"{address[0]}/healthz").status_code == 200)
        yield address[0], log
    finally:
        process.terminate()
        process.wait(60)


def test_the_log_has_a_line_for_each_request(served: Served) -> None:
    served.ask("/convert/prores/a%0A%1B%5B31m.mp4?preset=classic&password=secret")
    (line,) = [line for line in served.log.splitlines() if "a%0A" in line]
    assert re.fullmatch(
        r"\S+ \S+ INFO GET /convert/prores/a%0A%1B%5B31m\.mp4 404 \d\.\d{3} s", line
    )
    assert "secret" not in served.log
    assert "\x1b" not in served.log


def test_the_openapi_document_describes_every_response(served: Served) -> None:
    document = served.ask("/openapi.json").json()
    convert = document["paths"]["/convert/prores/{file_key}"]["get"]
    assert list(convert["responses"]["200"]["content"]) == ["video/quicktime"]
    assert {parameter["name"] for parameter in convert["parameters"]} == {"file_key", "preset"}
    for parameter in convert["parameters"]:
        assert parameter["description"]
        assert parameter["schema"]["examples"]
    kinds = {kind.name: kind for kind in problems.KINDS} | {}
    for name in ("nowhere", "method"):  # not on this path
        del kinds[name]
    for status, answer in convert["responses"].items():
        if status < "4":
            continue
        for name, example in answer["content"]["application/problem+json"]["examples"].items():
            assert kinds.pop(name).status == int(status) == example["value"]["status"]
            problems.Problem.model_validate(example["value"], strict=True)
    assert not kinds
    text = json.dumps(document)
    for name in re.findall(r'"#/components/schemas/(\w+)"', text):
        assert name in document["components"]["schemas"]
    assert "HTTPValidationError" not in text


def test_the_page_loads_nothing_from_other_hosts(served: Served) -> None:
    answer = served.ask("/docs")
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert not re.search(r"<script|<link|<img|@import|url\(|src=", answer.text)
    for kind in problems.KINDS:
        assert f'id="{kind.name}"' in answer.text


@pytest.mark.parametrize("path", ["/redoc", "/docs/", "/healthz/"])
def test_other_paths_do_not_exist(served: Served, path: str) -> None:
    assert served.ask(path).status_code == 404
