"""A project: a folder of the user's, with copies of the notebooks."""

from pathlib import Path

from workbench.batch.notebook_files import CONVERT, NOTEBOOKS, TUNE, notebook_path
from workbench.errors import DestinationUnusable
from workbench.files import expanded, write_text


def prepare_project(folder: Path) -> Path:
    """Copy the notebooks into `folder`/notebooks, and return the path of tune.ipynb there.

    A copy that exists is kept, because the user may have changed it. Raises DestinationUnusable
    for a folder that cannot be written or that holds the workbench's own notebooks, and
    NotebookFailed if the installation lacks one.
    """
    notebooks = expanded(folder, "the project folder").absolute() / "notebooks"
    if notebooks.resolve() == NOTEBOOKS.resolve():
        raise DestinationUnusable(
            f"{notebooks} holds the workbench's own notebooks: name another folder, for your copies"
        )
    try:
        notebooks.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DestinationUnusable(f"{notebooks} cannot be created: {error.strerror}") from error
    for name in (TUNE, CONVERT):
        if not (notebooks / name).exists():
            text = notebook_path(name).read_text(encoding="utf-8")
            write_text(notebooks / name, text, overwrite=False)
    return notebooks / TUNE
