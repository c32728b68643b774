"""Whole batches: the files they deliver, how they resume, and how they are stopped."""

import csv
import json
import os
import re
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests import clips
from tests.batch.running import (
    SECONDS,
    batch,
    batch_on,
    command,
    encoding,
    family_of,
    gone,
    hidden,
    kill,
    started,
    waited_for,
    whole,
)
from tests.cli.running import workbench
from tests.storage.bucket import Bucket
from workbench.batch import notebook_files
from workbench.batch.batch import run_batch
from workbench.errors import NotebookFailed

SUFFIXES = (".mov", ".qc.json", ".report.html", "_convert.ipynb")


@pytest.fixture
def folder(banded: Path, tmp_path: Path) -> Path:
    """Return a folder with two clips, one of them in a subfolder."""
    (tmp_path / "in/day 2").mkdir(parents=True)
    shutil.copy(banded, tmp_path / "in/a.mp4")
    shutil.copy(banded, tmp_path / "in/day 2/b#1.mp4")
    return tmp_path / "in"


@pytest.fixture(scope="session")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clip that takes seconds to encode, so that a test can kill its process."""
    path = tmp_path_factory.mktemp("long") / "long.mp4"
    source = ["-f", "lavfi", "-i", clips.sky("640x360", seconds=8)]
    clips.run(*source, "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", path)
    return path


def test_a_batch_delivers_all_files_and_a_summary(
    folder: Path, tmp_path: Path, scheduler: str
) -> None:
    """The next run converts only clips with a missing file or a changed preset."""
    out = tmp_path / "out"
    clips.sound_only(folder / "c.mp4")
    found = batch_on(scheduler, folder, "--out", out, "--preset", "smooth", expect=1)
    assert [(one["name"], one["state"]) for one in found] == [
        ("a_prores", "delivered"),
        ("c_prores", "failed"),
        ("day 2/b#1_prores", "delivered"),
    ]
    assert found[1]["reason"] == "c.mp4 has no video, only audio"
    assert found[0]["verdict"] in ("pass", "note", "warn")
    assert found[0]["measures"]["cambi_after"] < found[0]["measures"]["cambi_before"]
    for name in ("a_prores", "day 2/b#1_prores"):
        assert whole(out, name)
        assert all((out / (name + suffix)).is_file() for suffix in SUFFIXES)
    assert hidden(out) == []
    with (out / "summary.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["name"] == "c_prores"
    assert {row["state"] for row in rows} == {"delivered", "failed"}
    page = (out / "summary.html").read_text(encoding="utf-8")
    assert "only audio" in page
    assert "day%202/b%231_prores.report.html" in page
    assert page.count("data:image/jpeg;base64,") == 2
    assert not re.search(r"<script|https?://(?!www\.w3\.org)", page)

    (out / "a_prores.report.html").unlink()
    again = batch_on(scheduler, folder, "--out", out, "--preset", "smooth", expect=1)
    assert [one["state"] for one in again] == ["delivered", "failed", "unchanged"]
    third = batch_on(scheduler, folder / "a.mp4", "--out", out)
    assert [(one["state"], one["preset"]) for one in third] == [("delivered", "classic")]
    assert whole(out, "a_prores")


def test_files_that_no_batch_delivered_are_kept(
    folder: Path, tmp_path: Path, scheduler: str
) -> None:
    """So are files that were made from another clip of the same name."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "a_prores.qc.json").write_bytes(b"mine")
    shutil.copy(folder / "a.mp4", folder / "b.mp4")
    found = batch_on(scheduler, folder / "a.mp4", folder / "b.mp4", "--out", out, expect=1)
    assert "already exists, and no batch delivered it" in found[0]["reason"]
    assert (out / "a_prores.qc.json").read_bytes() == b"mine"
    assert whole(out, "b_prores")
    shutil.copy(folder / "b.mp4", folder / "day 2/b.mp4")
    found = batch_on(scheduler, folder / "day 2/b.mp4", "--out", out, expect=1)
    assert f"made from {folder / 'b.mp4'}: use --overwrite to replace it" in found[0]["reason"]


def test_unusual_names_in_a_relative_folder(banded: Path, tmp_path: Path, scheduler: str) -> None:
    """These names are special to papermill, Matplotlib, HTML, UTF-8 or file systems."""
    names = ["{x} $a_$b <b>&'\"#?%41", "-dash 🎬, two\nlines", "n" * 244]
    for name in names:
        shutil.copy(banded, tmp_path / f"{name}.mp4")
    shutil.copy(banded, os.fsencode(tmp_path) + b"/caf\xe9.mp4")
    argv = command(".", "--out", "o{u}t", "--json", "--scheduler", scheduler)
    with started(["env", "-C", str(tmp_path), *argv]) as process:
        output, _ = process.communicate(timeout=SECONDS)
    found = {one["name"]: one for one in map(json.loads, output.splitlines())}
    assert process.returncode == 1
    assert found["caf\\udce9_prores"]["reason"] == "its name is not UTF-8: rename it"
    assert "is too long for its output files" in found[f"{'n' * 244}_prores"]["reason"]
    for name in names[:-1]:
        assert found[f"{name}_prores"]["state"] == "delivered"
        assert whole(tmp_path / "o{u}t", f"{name}_prores")
    page = (tmp_path / "o{u}t/summary.html").read_text(encoding="utf-8")
    assert "<b>&amp;" not in page
    assert "%20%3Cb%3E%26%27%22%23%3F%2541_prores.report.html" in page
    assert hidden(tmp_path) == []


def test_a_failed_policy_exits_with_3(folder: Path, tmp_path: Path, scheduler: str) -> None:
    policy = tmp_path / "strict.toml"
    policy.write_text(
        'name = "strict"\ndescription = ""\n[bit_depth]\nat_least = 11.5\nlevel = "fail"\n'
    )
    arguments = (folder / "a.mp4", "--out", tmp_path / "out", "--policy", policy)
    found = batch_on(scheduler, *arguments, expect=3)
    assert (found[0]["state"], found[0]["verdict"]) == ("delivered", "fail")
    assert "bit depth" in found[0]["reason"]


def test_a_sweep_shows_crops_in_a_contact_sheet(
    folder: Path, tmp_path: Path, scheduler: str
) -> None:
    out = tmp_path / "out"
    found = batch_on(
        scheduler,
        *(folder / "a.mp4", "--out", out, "--preset", "smooth"),
        *("--sweep", "deband.strength=0.5,1.5", "--sweep", "dither.filter=none"),
    )
    assert [one["overrides"]["deband.strength"] for one in found] == [0.5, 1.5]
    assert found[0]["measures"]["contour_after"] != found[1]["measures"]["contour_after"]
    page = (out / "summary.html").read_text(encoding="utf-8")
    assert "Contact sheet" in page
    assert page.count("data:image/png;base64,") >= 6  # three parts, plain and boosted
    assert page.index("deband.strength 0.5") < page.index("deband.strength 1.5")


def test_missing_notebooks_stop_a_batch_before_it_starts(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notebook_files, "NOTEBOOKS", tmp_path / "none")
    with pytest.raises(NotebookFailed, match="install the workbench again"):
        run_batch([str(folder)], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_code_in_the_folders_never_runs(banded: Path, tmp_path: Path, scheduler: str) -> None:
    """Notebooks and modules in the source and destination folders are replaced or left alone."""
    ran = tmp_path / "ran"
    code = f"open({str(ran)!r}, 'w').close()"
    cell = {"cell_type": "code", "source": code, "outputs": [], "execution_count": None}
    cell["metadata"] = {"tags": ["parameters"]}
    notebook = json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4})
    for name in ("in", "out"):
        (tmp_path / name).mkdir()
        for stem in ("convert", "summary", "a_prores_convert"):
            (tmp_path / name / f"{stem}.ipynb").write_text(notebook)
        for module in ("sitecustomize", "numpy", "workbench"):
            (tmp_path / name / f"{module}.py").write_text(code)
    shutil.copy(banded, tmp_path / "in/a.mp4")
    batch_on(scheduler, tmp_path / "in", "--out", tmp_path / "out", "--overwrite")
    assert not ran.exists()
    assert "workbench" in (tmp_path / "out/a_prores_convert.ipynb").read_text()
    assert whole(tmp_path / "out", "a_prores"), "--overwrite replaced the foreign file"


def test_a_batch_from_bucket_to_bucket(bucket: Bucket, banded: Path, tmp_path: Path) -> None:
    """No temporary file remains, and no delivered file or log contains a secret.

    The destination is never listed, because a listing may lag behind what was delivered.
    """
    bucket.put("in/x/a.mp4", banded)
    bucket.answer(403, method="GET", where="list-type=2&prefix=out", count=None)
    temp = tmp_path / "temp"
    temp.mkdir()
    found = batch(
        *("s3:///in", "--out", "s3://clips/out", "--temp", temp, "--workers", "1"),
        environment=bucket.environment,
    )
    assert [(one["state"], one["delivered"]) for one in found] == [
        ("delivered", "s3://clips/out/x/a_prores.mov")
    ]
    keys = bucket.keys("out/")
    assert keys == sorted(
        [
            *(f"out/x/a_prores{suffix}" for suffix in SUFFIXES),
            "out/.batch/summary.json",
            "out/.batch/x/a_prores.json",
            *(f"out/summary.{kind}" for kind in ("csv", "html", "ipynb", "jsonl")),
        ]
    )
    assert bucket.multipart_uploads() == []
    assert list(temp.iterdir()) == []
    for key in keys:
        data = bucket.get(key)
        for secret in (bucket.key, bucket.secret, bucket.endpoint.removeprefix("http://")):
            assert secret.encode() not in data, key
    notebook = bucket.get("out/x/a_prores_convert.ipynb").decode()
    assert 'source = \\"a.mp4\\"' in notebook
    again = command("s3:///in", "--out", "s3:///out", "--temp", temp, "--workers", "1")
    with started(again, bucket.environment) as process:
        output, _ = process.communicate(timeout=SECONDS)
    expected = "1 of 1 clips: none failed, 1 unchanged; s3://clips/out/summary.html"
    assert output.splitlines()[-1] == expected


def test_a_storage_that_fails_for_a_while_is_retried(
    bucket: Bucket,
    banded: Path,
    tmp_path: Path,
    scheduler: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in bucket.environment.items():
        monkeypatch.setenv(name, value)
    bucket.put("in/a.mp4", banded)
    bucket.put("in/b.mp4", b"no video")
    bucket.cut(1000, method="GET", where="in/a.mp4")
    bucket.answer(503, "ServiceUnavailable", method="PUT", where="a_prores.mov", count=2)
    found = batch_on(scheduler, "s3:///in", "--out", "s3:///out", "--temp", tmp_path, expect=1)
    assert [one["state"] for one in found] == ["delivered", "failed"]


@pytest.fixture
def running(long: Path, tmp_path: Path) -> tuple[Path, list[str]]:
    """Return a destination, and the command that converts a short and a long clip into it."""
    out = tmp_path / "out"
    source = tmp_path / "in"
    source.mkdir()
    shutil.copy(long, source / "b.mp4")
    clips.banded(source / "a.mp4")
    return out, command(source, "--out", out, "--workers", "1", "--json")


def test_jobs_of_a_killed_worker_run_again(running: tuple[Path, list[str]]) -> None:
    out, argv = running
    with started(argv) as process:
        ffmpeg = waited_for(lambda: encoding(process))
        kernel = ffmpeg.parent()
        kill(kernel.parent())
        assert gone([kernel, ffmpeg])
        output, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, output
    assert {json.loads(line)["state"] for line in output.splitlines()} == {"delivered"}
    assert whole(out, "a_prores")
    assert whole(out, "b_prores")
    assert hidden(out) == []


def test_a_kernel_that_is_killed_twice_fails_one_clip(
    running: tuple[Path, list[str]],
) -> None:
    """After the first time, the job is retried."""
    out, argv = running
    with started(argv) as process:
        waited_for(lambda: (out / "a_prores_convert.ipynb").exists())
        for _ in range(2):
            ffmpeg = waited_for(lambda: encoding(process))
            kill(ffmpeg.parent())
            assert gone([ffmpeg])
        output, _ = process.communicate(timeout=SECONDS)
    found = {one["name"]: one for one in map(json.loads, output.splitlines())}
    assert process.returncode == 1
    assert found["a_prores"]["state"] == "delivered"
    assert "the kernel died" in found["b_prores"]["reason"]
    assert hidden(out) == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_batch_leaves_only_complete_files(
    running: tuple[Path, list[str]], how: signal.Signals
) -> None:
    out, argv = running
    with started(argv) as process:
        waited_for(lambda: (out / "a_prores_convert.ipynb").exists())
        waited_for(lambda: encoding(process))
        family = family_of(process)
        if how == signal.SIGINT and os.name == "posix":
            for _ in range(2):  # a terminal signals the whole group; here twice
                os.killpg(process.pid, how)
                time.sleep(0.3)
        else:
            process.send_signal(how)
        output, _ = process.communicate(timeout=SECONDS)
        assert gone(family)
    assert process.returncode == 1
    assert output.splitlines()[-1] == "Error: stopped; run the same command again to resume"
    assert "Traceback" not in output
    assert hidden(out) == []
    assert whole(out, "a_prores")
    assert not (out / "b_prores.mov").exists()


def test_the_same_command_resumes_a_killed_batch(running: tuple[Path, list[str]]) -> None:
    out, argv = running
    with started(argv) as process:
        waited_for(lambda: (out / "a_prores_convert.ipynb").exists())
        waited_for(lambda: encoding(process))
        family = family_of(process)
        kill(process)
        assert gone([process, *family])
    found = batch(*argv[4:-1])
    assert [one["state"] for one in found] == ["unchanged", "delivered"]
    assert hidden(out) == []


def test_two_batches_at_once_deliver_a_clip_once(banded: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copy(banded, tmp_path / "a.mp4")
    arguments = (tmp_path / "a.mp4", "--out", out, "--workers", "1", "--json", "--preset")
    with (
        started(command(*arguments, "classic")) as one,
        started(command(*arguments, "smooth")) as other,
    ):
        outputs = [process.communicate(timeout=SECONDS)[0] for process in (one, other)]
    outcomes = [json.loads(line) for output in outputs for line in output.splitlines()]
    (delivered,) = [one["preset"] for one in outcomes if one["state"] == "delivered"]
    record = json.loads((out / "a_prores.qc.json").read_text(encoding="utf-8"))
    assert record["preset"]["name"] == delivered
    assert whole(out, "a_prores")
    (failed,) = [one["reason"] for one in outcomes if one["state"] == "failed"]
    messages = "another batch delivered", "no batch delivered it", "another process keeps writing"
    assert any(message in failed for message in messages)
    assert sorted((one.returncode, other.returncode)) == [0, 1]
    assert hidden(out) == []


def test_a_job_times_out(long: Path, tmp_path: Path, scheduler: str) -> None:
    source, out = tmp_path / "a.mp4", tmp_path / "out"
    clips.run("-stream_loop", "9", "-i", long, "-c", "copy", source)  # 80 s: slow on any machine
    (found,) = batch_on(scheduler, source, "--out", out, "--time-limit", "0.01", expect=1)
    assert "timed out: raise --time-limit" in found["reason"]
    assert hidden(out) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none"], r"no clip was found in none"),
        (["*.none"], r"no clip was found in \*\.none"),
        ([".", "--set", "deband.none=1"], "deband.none is not known"),
        ([".", "--scheduler", "tcp://127.0.0.1:1"], "no Dask scheduler answers"),
    ],
)
def test_a_usage_error_is_one_line(
    arguments: list[str], message: str, folder: Path, tmp_path: Path
) -> None:
    done = workbench("batch", *arguments, "--out", tmp_path / "out", cwd=folder)
    assert done.returncode == 1
    assert re.search(message, done.stderr)
    assert done.stderr.count("\n") == 1
