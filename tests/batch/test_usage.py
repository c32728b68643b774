"""Invalid uses of a batch: each raises an error with one line, and writes no file."""

import math
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.cli.running import workbench
from workbench.batch.batch import run_batch
from workbench.batch.job import JobContext, run_job
from workbench.batch.kernel import Kernel
from workbench.batch.manifest import Manifest, made_of, manifest_name
from workbench.batch.outcome import Outcome
from workbench.batch.plan import clashes, plan
from workbench.cli.batch import batch
from workbench.deliver.settings import Settings
from workbench.errors import (
    BatchError,
    Cancelled,
    ClipNotFound,
    DestinationExists,
    DestinationUnusable,
    NotAVideo,
    ParameterError,
    WorkbenchError,
)
from workbench.ffmpeg import Cancellation
from workbench.media.probe import open_clip
from workbench.storage.folder import Folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to a folder with clips that no test names by accident."""
    folder = tmp_path / "here"
    for name in ("clip.mp4", "more/other.mp4", "a.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"not yet")
    monkeypatch.chdir(folder)
    return folder


def left(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.mark.parametrize("source", ["none.mp4", Path("none.mp4")])
def test_a_single_path_is_one_source(source: str | Path, here: Path) -> None:
    """Taken as a list of characters, its dot would be the current folder."""
    with pytest.raises(ClipNotFound, match=r"^no clip was found in none\.mp4$"):
        run_batch(source, "out")
    assert left(here) == ["a.txt", "clip.mp4", "more", "more/other.mp4"]


@pytest.mark.parametrize("sources", [[], (), "", " ", ["clip.mp4", ""]])
def test_no_source_raises(sources: Any, here: Path) -> None:
    with pytest.raises(ClipNotFound, match=r"^no source was given: name clips, folders"):
        run_batch(sources, here / "out")


@pytest.mark.parametrize("workers", [-3, 0, 257, 1.0, True, "2"])
@pytest.mark.usefixtures("here")
def test_an_invalid_number_of_workers_raises(workers: Any) -> None:
    with pytest.raises(ParameterError, match=r"^workers is .*: give a whole number, from 1 to 256"):
        run_batch("clip.mp4", "out", workers=workers)


@pytest.mark.parametrize("seconds", [-1, 0, math.nan, math.inf, True, "60"])
@pytest.mark.usefixtures("here")
def test_an_invalid_time_limit_raises(seconds: Any) -> None:
    with pytest.raises(ParameterError, match=r"^time_limit is .*: give seconds, a number above 0"):
        run_batch("clip.mp4", "out", time_limit=seconds)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"out": ""}, "no destination is given: name a folder, or s3://bucket/prefix"),
        ({"out": "a.txt"}, "a.txt is a file: choose a folder"),
        ({"out": "a.txt/out"}, "cannot create the folder .*a.txt/out: not a directory"),
        (
            {"out": "out", "temp": "gone"},
            "gone does not exist: create it, or choose another folder",
        ),
        ({"out": "out", "temp": "a.txt"}, "a.txt is a file: choose a folder"),
    ],
)
def test_an_invalid_folder_raises(options: dict[str, Any], message: str, here: Path) -> None:
    with pytest.raises(DestinationUnusable, match=message):
        run_batch("clip.mp4", **options)
    assert left(here) == ["a.txt", "clip.mp4", "more", "more/other.mp4"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--temp", "gone"], "gone does not exist: create it"),
        (["--temp", ""], "the path is empty: give a file or a folder"),
        (["--out", "a.txt"], "a.txt is a file: choose a folder"),
        (["--time-limit", "nan"], "nan is not a number of minutes"),
        (["--time-limit", "inf"], "inf is not a number of minutes"),
        (["--time-limit", "-1"], "-1.0 is not in the range x>0"),
        (["--workers", "-3"], "-3 is not in the range 1<=x<=256"),
        (["--scheduler", ""], "scheduler is empty"),
        (["--set", "a.b=1", "--set", "a.b=2"], "a.b is given twice"),
        (
            ["--set", "deband.radius=8", "--sweep", "deband.radius=8,16"],
            "deband.radius is both swept and set",
        ),
        (
            ["--encoder", "search", "--sweep", "encoder=search,finest"],
            "encoder is both swept and set",
        ),
    ],
)
def test_the_command_line_refuses_them(arguments: list[str], message: str, here: Path) -> None:
    done = CliRunner().invoke(batch, ["clip.mp4", "--out", "out", *arguments])
    assert done.exit_code in (1, 2)
    assert message in (done.output or str(done.exception))
    assert isinstance(done.exception, WorkbenchError | SystemExit)
    assert left(here) == ["a.txt", "clip.mp4", "more", "more/other.mp4"]


def test_an_empty_destination_is_not_the_current_folder(here: Path) -> None:
    done = workbench("batch", "clip.mp4", "--out", "")
    assert done.returncode == 1
    assert done.stderr == ("Error: no destination is given: name a folder, or s3://bucket/prefix\n")
    assert left(here) == ["a.txt", "clip.mp4", "more", "more/other.mp4"]


def test_a_sweep_refuses_only_parameters_that_are_set(here: Path) -> None:
    swept = plan(["clip.mp4"], Settings(), sweep=[("preset", ("classic", "smooth"))])
    assert [job.point for job in swept] == [{"preset": "classic"}, {"preset": "smooth"}]
    (here / "list.csv").write_text("source,deband.radius\nclip.mp4,8\n")
    for given, sources in ((Settings(preset="classic"), ["clip.mp4"]), (Settings(), ["list.csv"])):
        with pytest.raises(BatchError, match="is both swept and set to one value"):
            plan(sources, given, sweep=[("preset", ("a",)), ("deband.radius", (8,))])


def test_a_clip_named_twice_is_one_job(here: Path) -> None:
    (here / "list.csv").write_text(
        "source,preset\nclip.mp4,smooth\nmore/../clip.mp4,smooth\nmore,smooth\nmore/other.mp4,smooth\n"
    )
    found = plan(["list.csv"], Settings())
    assert [job.name for job in found] == ["clip_prores", "other_prores"]
    assert plan(["clip.mp4", "more/../clip.mp4", "./clip.mp4"], Settings()) == plan(
        ["clip.mp4"], Settings()
    )


def test_a_clip_named_twice_with_different_settings_is_a_conflict(here: Path) -> None:
    (here / "list.csv").write_text("source,preset\nclip.mp4,smooth\nclip.mp4,classic\n")
    conflicts = clashes(plan(["list.csv"], Settings()))
    assert conflicts["clip_prores"].startswith("clip.mp4 is named 2 times with different settings")


def test_a_new_empty_file_may_still_be_written(here: Path) -> None:
    path = here / "clip.mp4"
    path.write_bytes(b"")
    with pytest.raises(NotAVideo, match=r"is empty .* if it is still being written, copied or"):
        open_clip(path)
    past = time.time() - 11
    os.utime(path, (past, past))
    with pytest.raises(NotAVideo, match=r"is empty \(0 bytes\): download it again$"):
        open_clip(path)


def manifest(source: dict[str, str]) -> str:
    outcome = Outcome(name="clip_prores", source="x", state="delivered", preset="smooth")
    return Manifest(made_of=source, files={}, replaces={}, outcome=outcome).model_dump_json()


@pytest.mark.parametrize("when", ["before", "meanwhile", "meanwhile, the same"])
def test_a_delivery_of_another_batch_meanwhile_is_kept(here: Path, when: str) -> None:
    """A manifest from before the batch does no harm, nor one made from the same source."""
    (job,) = plan(["clip.mp4"], Settings())
    out = Folder(here / "out")
    path = out.root / manifest_name(job.name)
    path.parent.mkdir(parents=True)
    same = when.endswith("the same")
    path.write_text(manifest(made_of(job) if same else {"source": "s", "settings": "other"}))
    if when == "before":
        found = out.find(manifest_name(job.name))
        assert found is not None
        job = replace(job, found=found.identity)
    stop = Cancellation()
    stop.request()
    with Kernel() as kernel:
        context = JobContext(
            *(out, Folder(here), here, kernel, False, None, stop, lambda _, __: None)
        )
        kind = DestinationExists if when == "meanwhile" else Cancelled  # raised later in the job
        with pytest.raises(kind) as caught:
            run_job(job, context)
    message = "with the preset smooth: run the batches one after the other"
    assert (message in str(caught.value)) == (when == "meanwhile")
