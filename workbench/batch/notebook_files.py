"""Find the notebooks: in the installed package, or in the checkout of an editable installation."""

from pathlib import Path

from workbench.errors import NotebookFailed

_INSTALLED = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = _INSTALLED if _INSTALLED.is_dir() else Path(__file__).parents[2] / "notebooks"
CONVERT = "convert.ipynb"
TUNE = "tune.ipynb"
HOW_TO_GET_THEM = "install the workbench again"


def notebook_path(name: str) -> Path:
    """Return the path of a notebook. Raises NotebookFailed if it is missing."""
    path = NOTEBOOKS / name
    if not path.is_file():
        raise NotebookFailed(f"{name} is missing from this installation: {HOW_TO_GET_THEM}")
    return path
