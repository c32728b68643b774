"""Temporary folders: created where that is possible, and removed with their contents."""

from pathlib import Path

import pytest

from workbench.errors import DestinationUnusable
from workbench.temporary import is_temporary, temporary_folder, temporary_name


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
