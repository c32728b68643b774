"""Search the files, logs, responses and output of runs for credentials, however the runs end."""

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from tests.batch.running import SECONDS, command, started
from tests.faults.credentials import files_below, forms, refuse, watched
from tests.service.served import environment, serving
from tests.storage.bucket import Bucket
from workbench.batch.kernel import WITHHELD_VARIABLES, Kernel
from workbench.cli import main
from workbench.errors import NotebookFailed, StorageRefused
from workbench.storage import s3

TOKEN = "session/token+of=a kind that is escaped"


def test_the_search_finds_every_form_of_a_secret() -> None:
    for before in range(4):
        text = b"x" * before + b"AKIA/secret+word" + b"yy"
        for coded in (text, base64.b64encode(text), base64.urlsafe_b64encode(text)):
            with pytest.raises(AssertionError, match="here holds a credential"):
                refuse(["AKIA/secret+word"], "here", coded)
    refuse(["AKIA/secret+word"], "here", b"AKIA/secret word")
    assert b"AKIA%2Fsecret%2Bword" in forms("AKIA/secret+word")


def ran(
    arguments: list[str], variables: Mapping[str, str], secrets: list[str], temp: Path, code: int
) -> str:
    """Run a batch; search its command lines, temporary files and output for secrets."""
    temp.mkdir(exist_ok=True)
    whole = {**environment(**variables), "DASK_LOGGING__DISTRIBUTED": "info"}
    argv = command(*arguments, "--temp", temp, "--workers", "1")
    with started(argv, whole) as process, watched(process, temp) as seen:
        said, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == code, said
    refuse(secrets, "what it says", said)
    for where, data in (*seen.items(), *files_below(temp)):
        refuse(secrets, where, data)
    assert any(b"workbench" in data for where, data in seen.items() if where.startswith("process"))
    return str(said)


def test_a_batch_with_good_credentials(bucket: Bucket, banded: Path, tmp_path: Path) -> None:
    """Of three clips one is good, one damaged and one refused. The search covers every file."""
    bucket.put("in/a.mp4", banded)
    bucket.put("in/cut.mp4", banded.read_bytes()[:20000])
    bucket.put("in/locked.mp4", banded)
    bucket.answer(403, method="GET", where="locked.mp4", count=None)
    secrets = [bucket.key, bucket.secret, TOKEN]
    variables = {**bucket.environment, "AWS_SESSION_TOKEN": TOKEN, "WORKBENCH_TOKEN": TOKEN}
    said = ran(["s3:///in", "--out", "s3:///out"], variables, secrets, tmp_path / "temp", 1)
    assert "cut.mp4" in said
    assert "rejected the credentials" in said
    keys = bucket.keys("out/")
    assert any(key.endswith("a_prores_convert.ipynb") for key in keys)
    assert any(".batch/" in key for key in keys)
    for key in keys:
        refuse([*secrets, bucket.endpoint.removeprefix("http://")], key, bucket.get(key))


@pytest.mark.parametrize("fault", ["wrong", "down"])
def test_a_batch_that_cannot_start(bucket: Bucket, tmp_path: Path, fault: str) -> None:
    given = ["otherkey0123456789", "othersecret/0123456789+"]
    variables = {**bucket.environment, "R2_ACCESS_KEY_ID": given[0]}
    variables["R2_SECRET_ACCESS_KEY"] = given[1]
    if fault == "down":
        variables["R2_ENDPOINT_URL"] = "http://127.0.0.1:9"
    arguments = ["s3:///in", "--out", str(tmp_path / "out")]
    said = ran(arguments, variables, [bucket.key, bucket.secret, *given], tmp_path / "temp", 1)
    assert "Traceback" not in said
    for where, data in files_below(tmp_path):
        refuse([bucket.key, bucket.secret, *given], where, data)


PASSWORD = "pass/word+0123456789"
ADDRESSES = [
    *(f"http://me:{PASSWORD}@127.0.0.1:9", f"http://127.0.0.1:9?x={PASSWORD}"),
    *(f"http://127.0.0.1:{PASSWORD}", f"http://[{PASSWORD}", f"http://me%3A{PASSWORD}%40x y"),
    *(f"http://x_{PASSWORD}:99999", f"ftp://{PASSWORD}", f"http://127.0.0.1:9#{PASSWORD}"),
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_with_a_password_in_it_is_refused_and_not_repeated(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("R2_ACCESS_KEY_ID", "R2_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("R2_ENDPOINT_URL", address)
    with pytest.raises(StorageRefused, match="is not a plain URL") as caught:
        s3.open_bucket("s3://clips/in")
    refuse([PASSWORD], "the error", str(caught.value))
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("place", [f"s3://me:{PASSWORD}@clips/in", f"https://me:{PASSWORD}@host/a"])
def test_a_place_with_a_password_in_it_is_refused_and_not_repeated(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("R2_ENDPOINT_URL", "R2_ACCESS_KEY_ID", "R2_SECRET_ACCESS_KEY", "R2_BUCKET"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.chdir(tmp_path)
    asked = (["batch", place, "--out", "out"], ["batch", "*", "--out", place])
    for arguments in (*asked, ["serve", "--source", place]):
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code == 1
        assert done.output.startswith("Error: ")
        assert done.output.count("\n") == 1
        refuse([PASSWORD, "pass/word"], " ".join(arguments), done.output)
    assert list(tmp_path.iterdir()) == []


def test_a_service_with_a_token_and_a_bucket(
    bucket: Bucket, untagged: Path, tmp_path: Path
) -> None:
    """Searches for the tokens; tests/service searches for the credentials of the bucket."""
    bucket.put("sky.mp4", untagged)
    bucket.put("text.mp4", b"no video")
    variables = {**bucket.environment, "WORKBENCH_TOKEN": TOKEN, "AWS_SESSION_TOKEN": TOKEN}
    secrets = [TOKEN, bucket.key, bucket.secret]
    with serving("s3:///", tmp_path / "temp", **variables) as service:
        with watched(psutil.Process(service.process.pid), service.temp) as seen:
            for path in ("sky.mp4", "text.mp4", "none.mp4", "sky.mp4?preset=none"):
                answer = service.ask(f"/convert/prores/{path}")
                refuse(secrets, path, f"{answer.headers}".encode() + answer.content)
            bucket.answer(403, count=None)
            refuse(secrets, "the refusal", service.ask("/convert/prores/sky.mp4").text)
            for path in ("/metrics", "/docs", "/openapi.json", "/healthz"):
                refuse(secrets, path, service.ask(path).text)
        refuse(secrets, "the log", service.log)
        for where, data in seen.items():
            refuse(secrets, where, data)


def test_a_kernel_has_no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell prints its whole environment and fails with it in a variable."""
    for name in ("R2_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECRET_ACCESS_KEY"):
        assert name.startswith(WITHHELD_VARIABLES)
    for name in ("R2_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "WORKBENCH_TOKEN"):
        monkeypatch.setenv(name, PASSWORD)
    source = (
        "import os, psutil\nprint(dict(os.environ), *psutil.Process().cmdline())\n"
        "everything = dict(os.environ)\nraise ValueError(everything)"
    )
    cell = {"cell_type": "code", "source": source, "metadata": {}, "outputs": []}
    spec = {"name": "python3", "display_name": "", "language": "python"}
    book = {"cells": [{**cell, "execution_count": None}], "metadata": {"kernelspec": spec}}
    path = tmp_path / "book.ipynb"
    path.write_text(json.dumps({**book, "nbformat": 4, "nbformat_minor": 4}))
    with Kernel() as kernel, pytest.raises(NotebookFailed) as caught:
        kernel.run(path, tmp_path / "done.ipynb", {})
    refuse([PASSWORD], "the error", str(caught.value))
    told = (tmp_path / "done.ipynb").read_bytes()
    assert b"PATH" in told
    refuse([PASSWORD], "the notebook", told)
    assert os.environ["WORKBENCH_TOKEN"] == PASSWORD
