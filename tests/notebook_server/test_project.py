from pathlib import Path

import pytest

from workbench.batch.notebook_files import NOTEBOOKS
from workbench.errors import DestinationUnusable
from workbench.notebook_server.project import prepare_project


def test_notebooks_are_copied_once_and_the_copies_are_kept(tmp_path: Path) -> None:
    tune = prepare_project(tmp_path / "mine")
    assert tune == tmp_path / "mine" / "notebooks" / "tune.ipynb"
    names = ["convert.ipynb", "tune.ipynb"]
    assert sorted(path.name for path in tune.parent.iterdir()) == names
    assert all(
        (tune.parent / name).read_bytes() == (NOTEBOOKS / name).read_bytes() for name in names
    )
    tune.write_text("mine")
    tune.with_name("convert.ipynb").unlink()
    prepare_project(tmp_path / "mine")
    assert tune.read_text() == "mine"
    assert tune.with_name("convert.ipynb").exists()


def test_the_workbenchs_own_notebooks_are_not_opened() -> None:
    with pytest.raises(DestinationUnusable, match="own notebooks: name another folder"):
        prepare_project(NOTEBOOKS.parent)


def test_a_folder_that_cannot_be_created_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DestinationUnusable, match="notebooks cannot be created: Not a directory"):
        prepare_project(tmp_path / "file")
