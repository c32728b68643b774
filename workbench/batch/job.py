"""One clip's job: the parameterized notebook, run by papermill."""

import ast
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.errors import NotebookFailed, ParameterError

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def run_notebook(notebook: Path, output: Path, parameters: Mapping[str, Any]) -> None:
    """Run a notebook with these parameters; leave the executed copy at `output`.

    Its cells' text output is passed on to this process's as it comes, progress bars included.
    Raises ParameterError before anything runs when a parameter is not one of the notebook's, and
    NotebookFailed with the error's own sentence when a cell fails.
    """
    import papermill

    if not notebook.is_file():
        raise NotebookFailed(
            f"{notebook} does not exist: the notebooks are part of the checkout, so install from "
            "there (pip install -e .)"
        )
    _refuse_unknown(parameters, papermill.inspect_notebook(str(notebook)), notebook.name)
    try:
        papermill.execute_notebook(
            str(notebook),
            str(output),
            dict(parameters),
            cwd=str(output.parent),
            progress_bar=False,
            stdout_file=sys.stdout,
            coalesce_streams=True,
            extra_arguments=["--log-level=ERROR"],  # of the kernel
        )
    except papermill.PapermillExecutionError as error:
        raise NotebookFailed(f"{notebook.name}: {error.evalue} (see {output})") from error


def refuse_unknown_parameters(cells: Sequence[str]) -> None:
    r"""Raise ParameterError if papermill injected a name that the notebook does not know.

    A notebook calls this with IPython's `In`, the cells that have run so far: papermill alone
    only warns of a misspelt parameter and goes on with the default.

    >>> ran = ["", "preset = 'classic'", "# Parameters\npresett = 'smooth'"]
    >>> refuse_unknown_parameters([*ran, "refuse_unknown_parameters(In)"])
    Traceback (most recent call last):
    workbench.errors.ParameterError: this notebook has no parameter presett (it has preset)
    """
    cells = cells[:-1]  # the last is the one that asks
    injected = [cell for cell in cells if cell.startswith("# Parameters\n")]
    known = {name for cell in cells if cell not in injected for name in _assigned(cell)}
    _refuse_unknown([name for cell in injected for name in _assigned(cell)], known, "this notebook")


def _refuse_unknown(given: Mapping[str, Any] | list[str], known: Any, where: str) -> None:
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ParameterError(
            f"{where} has no parameter {', '.join(unknown)} (it has {', '.join(sorted(known))})"
        )


def _assigned(cell: str) -> list[str]:
    """Return the names that a cell of plain assignments gives a value."""
    try:
        statements = ast.parse(cell).body
    except SyntaxError:  # a cell with a magic command
        return []
    return [
        target.id
        for statement in statements
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    ]
