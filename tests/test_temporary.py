"""Temporary folders: created where that is possible, and removed with their contents."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from workbench import temporary
from workbench.errors import DestinationUnusable
from workbench.temporary import (
    is_temporary,
    remove_leftovers,
    temporary_folder,
    temporary_name,
    tool_folder,
)


def test_a_temporary_folder_is_removed_with_its_contents(tmp_path: Path) -> None:
    with pytest.raises(DestinationUnusable, match="gone does not exist: create it"):
        temporary_folder(tmp_path / "gone").__enter__()
    with temporary_folder(tmp_path / "new/out", create=True) as folder:
        (folder / "a/b").mkdir(parents=True)
        assert folder.parent == tmp_path / "new/out"
        assert is_temporary(folder / "a/b")
    assert list((tmp_path / "new/out").iterdir()) == []


def test_temporary_names_are_unique(tmp_path: Path) -> None:
    assert temporary_name() != temporary_name()
    assert not is_temporary(tmp_path / "clip.mp4")


def test_a_full_disk_is_reported_when_a_tool_writes_there(
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
    """A process that runs until the test ends it."""
    process = psutil.Popen(["sleep", "60"], stdout=subprocess.DEVNULL)
    yield process
    if process.is_running():
        process.kill()
        process.wait()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="computes times from /proc")
def test_a_changed_clock_does_not_delete_files_of_a_running_process(
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
