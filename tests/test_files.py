"""Sets of files replace the old ones together or not at all."""

import os
import signal
import sys
from pathlib import Path

import pytest

from workbench.errors import DestinationExists
from workbench.files import atomic_files

MOV, RECORD, REPORT = "out.mov", "out.qc.json", "out.report.html"


@pytest.mark.skipif(sys.platform == "win32", reason="the test sends itself SIGINT")
def test_a_signal_does_not_split_a_set_of_files(tmp_path: Path) -> None:
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


def test_a_stale_sidecar_is_deleted_with_the_old_file(tmp_path: Path) -> None:
    names = [tmp_path / name for name in (MOV, RECORD)]
    for path in names:
        path.write_text("old")
    with pytest.raises(DestinationExists), atomic_files(names[0], names[1:], overwrite=False):
        pass
    assert [path.read_text() for path in names] == ["old", "old"]
    with atomic_files(names[0], names[1:], overwrite=True) as temporaries:
        temporaries[0].write_text("new")
    assert [path.name for path in tmp_path.iterdir()] == [MOV]
