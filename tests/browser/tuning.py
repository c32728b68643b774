"""The notebook of the desk: run it, and ask its kernel."""

from tests.browser.desk import Desk
from tests.browser.pages import Notebook
from workbench.batch.notebook_files import NOTEBOOKS

TUNE = NOTEBOOKS / "tune.ipynb"
CELL = 3  # the cell that shows the desk
FRAME = 12  # the middle of the clip, where the desk starts


def at_rest(notebook: Notebook) -> Desk:
    """Run all cells, and return the desk when its picture is exact."""
    notebook.run_all()
    notebook.show(CELL)
    desk = Desk(notebook)
    desk.exact()
    desk.viewer.scroll_into_view_if_needed()
    return desk


def in_kernel(notebook: Notebook, expression: str) -> str:
    return notebook.evaluate_in_kernel(f"print({expression})").strip()
