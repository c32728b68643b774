"""Disturb runs with signals, full disks and little memory, in the short form of tests/soak."""

import shutil
import sys
from pathlib import Path

import pytest

from tests.soak import machine
from tests.soak.machine import MOV, RECORD, REPORT, Conversions, Ended
from workbench import ffmpeg

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="signals, process groups, file systems of its own"
)


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Conversions:
    return machine.conversions(tmp_path_factory.mktemp("machine") / "world", seconds=0.5)


def held(ended: Ended) -> None:
    assert ended.broken == [], ended.errors


@pytest.mark.parametrize(
    ("how", "part"), [("int to all", 0.02), ("term", 0.35), ("int twice", 0.6), ("kill", 0.8)]
)
def test_a_conversion_stopped_at_any_moment(given: Conversions, how: str, part: float) -> None:
    ended, state = machine.stopped_conversion(given, how, part * given.seconds)
    held(ended)
    assert "partial" not in state  # a killed run leaves a partial file, and the next run removes it


@pytest.mark.parametrize("what", ["report", "temp"])
def test_a_disk_that_is_full_at_the_end(given: Conversions, what: str) -> None:
    """The file alone would fit, but is not renamed without its record and report."""
    first = [given.old.with_name("first") / name for name in (MOV, RECORD, REPORT)]
    old = sum(path.stat().st_size for path in given.old.iterdir())
    new, record, report = (path.stat().st_size for path in first)
    folder = given.world.root / "out"
    shutil.rmtree(folder, ignore_errors=True)
    room = new + record + report // 2
    if what == "temp":
        folder = given.fresh()
        argv = given.command(folder, "--report", "--overwrite")
        ended = given.world.run(machine.small(given.world.temp, 4096, None, argv))
        said = f"the disk of {given.world.temp} is full"
    else:
        argv = given.command(folder, "--report", "--overwrite")
        ended = given.world.run(machine.small(folder, old + room, given.old, argv))
        folder = folder.with_name("out-left")
        said = "cannot be written: no space left on device"
    machine.told(ended, None)
    assert given.check(folder, ended) == "old"
    held(ended)
    assert said in ended.errors


def test_a_name_too_long_for_the_report_is_said_before_anything_is_done(given: Conversions) -> None:
    folder = given.fresh()
    argv = [*given.command(folder)[:-1], folder / f"{'n' * 246}.mov", "--report"]
    ended = given.world.run(argv)
    assert "report.html cannot be written: file name too long" in ended.errors
    assert len(list(folder.iterdir())) == 3


def test_two_conversions_to_one_name(given: Conversions) -> None:
    """The later one is refused. If both may overwrite, the files belong to one run."""
    folder = given.fresh()
    argv = given.command(folder, "--report", "--overwrite")
    other = [*argv, "--preset", "untouched", "--encoder", "search"]
    for ended in machine.at_once(given.world, argv, other):
        assert ended.code == 0, ended.errors
    found = machine.contents(folder)
    assert set(found) == {MOV, RECORD, REPORT}
    assert all(found[MOV] in (folder / name).read_text() for name in (RECORD, REPORT))
    shutil.rmtree(folder)
    folder.mkdir()
    argv = given.command(folder)
    runs = machine.at_once(given.world, argv, argv)
    assert sorted(ended.code for ended in runs) == [0, 1]
    assert sum("already exists" in ended.errors for ended in runs) == 1


def test_little_memory_is_not_blamed_on_the_clip(
    given: Conversions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only ffmpeg gets little memory: SciPy's OpenBLAS hangs when it lacks memory."""
    program = tmp_path / "ffmpeg"
    program.write_text(f'#!/bin/sh\nulimit -v 240000\nexec "{ffmpeg.find()}" "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(program))
    folder = given.fresh()
    ended = given.world.run(given.command(folder, "--overwrite"))
    machine.told(ended, None)
    held(ended)
    assert given.check(folder, ended) == "old"
    # Without memory, ffmpeg sometimes crashes without a message.
    assert "memory" in ended.errors or "signal 11" in ended.errors


def test_a_batch_stopped_while_its_workers_start(tmp_path: Path, scheduler: str) -> None:
    """A terminal sends SIGINT to all processes; running the same command again resumes."""
    given = machine.batches(tmp_path / "world", ("a", "b"), scheduler)
    ended, _ = machine.stopped_batch(given, "int to all", 0.15 * given.seconds)
    held(ended)
