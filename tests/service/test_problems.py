"""Errors are application/problem+json, and reveal no paths or credentials."""

import errno
import shutil
import stat
import sys
from pathlib import Path

import httpx
import pytest

from tests.service.served import Served, serving
from workbench import errors, ffmpeg
from workbench.service import problems
from workbench.service.problems import KINDS, Problem, detail_of, kind_of, kind_of_status

SKY = "/convert/prores/shots/sky.mp4"


def problem(answer: httpx.Response, kind: problems.ProblemKind) -> Problem:
    assert answer.headers["Content-Type"] == "application/problem+json"
    found = Problem.model_validate_json(answer.content, strict=True)
    assert (found.type, found.title) == (kind.type, kind.title)
    assert answer.status_code == found.status == kind.status
    for folder in ("/tmp", "workbench-serve", str(Path.home())):
        assert folder not in answer.text
    return found


@pytest.mark.parametrize(
    "key", ["none.mp4", "shots", "shots/", "", "../x.mp4", "/etc/passwd", "a%00"]
)
def test_a_key_that_does_not_exist(served: Served, key: str) -> None:
    path = f"/convert/prores/{key.replace('..', '%2e%2e')}"
    found = problem(served.ask(path), problems.MISSING)
    plain = key.replace("%00", "\\x00")
    assert found.detail == f"the storage has no clip with the key {plain}"
    assert found.instance == path


@pytest.mark.parametrize(
    "name", ["none", "", "/etc/passwd", "../mine", "mine.toml", "classic.toml"]
)
def test_a_preset_that_does_not_exist(served: Served, name: str) -> None:
    own = served.temp / "presets"
    own.mkdir()
    for file in (
        served.temp / "mine.toml",
        own / "mine.toml.toml",
    ):  # the service must not open the first
        file.write_text("this is not read")
    try:
        found = problem(served.ask(f"{SKY}?preset={name}"), problems.BAD_PRESET)
    finally:
        shutil.rmtree(own)
        (served.temp / "mine.toml").unlink()
    assert found.detail.startswith(f"there is no preset {name}: use one of classic, smooth, ")


def test_an_invalid_query(served: Served) -> None:
    found = problem(served.ask(f"{SKY}?preset={'a' * 81}"), problems.BAD_REQUEST)
    assert found.detail == "preset: String should have at most 80 characters"


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("text.mp4", "text.mp4 cannot be opened as video"),
        ("cut.mp4", "cut.mp4 is cut short"),
    ],
)
def test_a_file_that_is_no_video_or_damaged(served: Served, key: str, says: str) -> None:
    found = problem(served.ask(f"/convert/prores/{key}"), problems.NOT_CONVERTIBLE)
    assert found.detail.startswith(says)
    assert not served.files()


def test_an_unknown_path_method_or_range(served: Served) -> None:
    assert problem(served.ask("/convert/mp3/a"), problems.NOWHERE).instance == "/convert/mp3/a"
    posted = served.ask(SKY, "POST")
    problem(posted, problems.METHOD)
    assert posted.headers["Allow"] == "GET, HEAD"
    beyond = served.ask(SKY, Range="bytes=99999999-")
    problem(beyond, problems.RANGE)
    assert beyond.headers["Content-Range"].startswith("bytes */")
    assert not served.files()


def test_a_storage_that_is_down(tmp_path: Path) -> None:
    closed = {"R2_ENDPOINT_URL": "http://127.0.0.1:9", "R2_BUCKET": "clips"}
    keys = {"R2_ACCESS_KEY_ID": "key", "R2_SECRET_ACCESS_KEY": "sesame"}
    with serving("s3:///private", tmp_path / "temp", **closed, **keys) as service:
        found = problem(service.ask("/convert/prores/shots/sky%0A.mp4"), problems.STORAGE)
        assert found.detail.startswith("shots/sky\\n.mp4: the storage does not answer")
        (line,) = [line for line in service.log.splitlines() if found.instance in line]
        assert r"s3://clips/private/shots/sky\n.mp4: the storage does not answer" in line
        assert "sesame" not in service.log


@pytest.mark.skipif(sys.platform == "win32", reason="uses a shell script in place of ffmpeg")
def test_an_ffmpeg_that_fails_and_a_missing_folder(storage: Path, tmp_path: Path) -> None:
    broken = tmp_path / "ffmpeg"
    real = ffmpeg.find()
    broken.write_text(
        f'#!/bin/sh\ncase "$*" in *-i*) echo "boom in $0" >&2; exit 1;; esac\nexec {real} "$@"\n'
    )
    broken.chmod(broken.stat().st_mode | stat.S_IEXEC)
    with serving(storage, tmp_path / "temp", IMAGEIO_FFMPEG_EXE=str(broken)) as service:
        found = problem(service.ask(SKY), problems.FAILED)
        assert found.detail == problems.FAILED.meaning
        assert found.instance.startswith("urn:uuid:")
        assert f"{found.instance}: ffmpeg failed on sky.mp4: boom in {broken}" in service.log
        assert not service.files()

        (temporary,) = service.temp.iterdir()
        shutil.rmtree(temporary)
        problem(service.ask(SKY), problems.DISK_FULL)


def test_each_error_maps_to_a_kind() -> None:
    assert kind_of(errors.ObjectMissing()) is problems.MISSING
    assert kind_of(errors.ClipNotFound()) is problems.MISSING
    assert kind_of(errors.DamagedClip()) is problems.NOT_CONVERTIBLE
    assert kind_of(errors.ClipReplaced()) is problems.STORAGE
    for error in (errors.StorageDown, errors.StorageRefused, errors.ObjectDamaged):
        assert kind_of(error()) is problems.STORAGE
    assert kind_of(errors.DestinationUnusable()) is problems.DISK_FULL
    assert kind_of(OSError(errno.ENOSPC, "No space left on device")) is problems.DISK_FULL
    assert kind_of(OSError(errno.EIO, "Input/output error")) is problems.FAILED
    for error in (errors.VerificationFailed, errors.FfmpegMissing, KeyError):
        assert kind_of(error()) is problems.FAILED
    assert kind_of_status(413) is problems.BAD_REQUEST
    assert len({kind.name for kind in KINDS}) == len(KINDS)


def test_a_message_with_a_private_text_is_not_sent() -> None:
    error = errors.NotAVideo("/srv/clips/a.mp4 cannot be read: permission denied")
    assert detail_of(error, {"/srv/clips/a.mp4": "a.mp4"}, ["/srv/"]).startswith("a.mp4 cannot")
    assert detail_of(error, {}, ["/srv/"]) == problems.NOT_CONVERTIBLE.meaning
    refused = errors.StorageRefused("s3://clips: there is no bucket clips")
    assert detail_of(refused, {}, []) == problems.STORAGE.meaning
