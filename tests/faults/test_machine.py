"""Disturb runs with signals, full disks and little memory, in the short form of tests/soak."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.soak import machine
from tests.soak.machine import MOV, RECORD, REPORT, Conversions, Ended
from workbench import ffmpeg, temporary
from workbench.errors import DestinationExists, DestinationUnusable
from workbench.files import atomic_files
from workbench.temporary import remove_leftovers, temporary_name, tool_folder

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


def test_a_set_takes_its_names_at_once(tmp_path: Path) -> None:
    """A signal between two renames takes effect after the last one."""
    names = [tmp_path / name for name in (MOV, RECORD, REPORT)]
    for path in names:
        path.write_text("old")
    looked: list[list[str]] = []
    real = Path.replace

    def slow(self: Path, target: Path) -> Path:
        looked.append(sorted({path.read_text() for path in names if path.exists()}))
        os.kill(os.getpid(), signal.SIGINT)
        return real(self, target)

    def replace() -> None:
        with atomic_files(names[0], names[1:], overwrite=True) as temporaries:
            for path in temporaries:
                path.write_text("new")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "replace", slow)
        with pytest.raises(KeyboardInterrupt):
            replace()
    assert looked == [["old"], ["new"], ["new"]]
    assert [path.read_text() for path in names] == ["new"] * 3
    assert sorted(tmp_path.iterdir()) == sorted(names)


def test_what_is_not_written_goes_with_the_old_file(tmp_path: Path) -> None:
    names = [tmp_path / name for name in (MOV, RECORD)]
    for path in names:
        path.write_text("old")
    with pytest.raises(DestinationExists), atomic_files(names[0], names[1:], overwrite=False):
        pass
    assert [path.read_text() for path in names] == ["old", "old"]
    with atomic_files(names[0], names[1:], overwrite=True) as temporaries:
        temporaries[0].write_text("new")
    assert [path.name for path in tmp_path.iterdir()] == [MOV]


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


def test_little_memory_is_not_the_clip_s_fault(
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


def test_what_tools_write_is_not_trusted_on_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporary.tempfile, "gettempdir", lambda: str(tmp_path))
    full = shutil.disk_usage(tmp_path)._replace(free=0)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    with pytest.raises(DestinationUnusable, match="is full"), tool_folder():
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def sleeper() -> Iterator[psutil.Popen]:
    process = psutil.Popen(["sleep", "60"], stdout=subprocess.DEVNULL)
    yield process
    if process.is_running():
        process.kill()
        process.wait()


def test_a_clock_that_is_set_buries_nobody(
    sleeper: psutil.Popen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Folders of a running process stay; those of a dead process are removed."""
    monkeypatch.setattr(psutil, "Process", lambda *_: sleeper)
    running = tmp_path / temporary_name()
    running.mkdir()
    monkeypatch.undo()
    for name in ("boot_time", "_psplatform.boot_time"):  # which the system computes from its clock
        owner = psutil if "." not in name else psutil._psplatform  # type: ignore[attr-defined]
        now = owner.boot_time()
        monkeypatch.setattr(owner, "boot_time", lambda now=now: now - 3600)
    remove_leftovers(tmp_path)
    assert running.is_dir()
    sleeper.kill()
    sleeper.wait()
    remove_leftovers(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_batch_stopped_while_its_workers_start(tmp_path: Path, scheduler: str) -> None:
    """A terminal sends SIGINT to all processes; running the same command again resumes."""
    given = machine.batches(tmp_path / "world", ("a", "b"), scheduler)
    ended, _ = machine.stopped_batch(given, "int to all", 0.15 * given.seconds)
    held(ended)
