"""Find the notebooks of the checkout, which the installed package alone does not contain."""

from pathlib import Path

from workbench.errors import NotebookFailed

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
CONVERT = "convert.ipynb"
HOW_TO_GET_THEM = "install the workbench from its checkout (pip install -e .), which has them"


def notebook_path(name: str) -> Path:
    """Return the path of a notebook. Raises NotebookFailed if it is missing."""
    path = NOTEBOOKS / name
    if not path.is_file():
        raise NotebookFailed(f"{name} is missing from this installation: {HOW_TO_GET_THEM}")
    return path
