"""Shipped: the notebooks that come with the checkout, and are no part of the package alone."""

from pathlib import Path

from workbench.errors import NotebookFailed

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
CONVERT = "convert.ipynb"
HOW_TO_GET_THEM = "the notebooks are part of the checkout: install from there (pip install -e .)"


def notebook(name: str) -> Path:
    """Return a shipped notebook's path. Raises NotebookFailed where there is none."""
    path = NOTEBOOKS / name
    if not path.is_file():
        raise NotebookFailed(f"{name} is missing from this installation: {HOW_TO_GET_THEM}")
    return path
