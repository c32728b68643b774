"""Check the parameters of a notebook: papermill itself ignores misspelled ones."""

import ast
from collections.abc import Collection, Sequence

from workbench.argument_checks import check_type
from workbench.errors import ParameterError


def refuse_unknown_parameters(cells: Sequence[str]) -> None:
    r"""Raise ParameterError if papermill injected a parameter that the notebook does not have.

    A notebook calls this with IPython's `In`, the sources of the cells that have run so far.
    Papermill itself only warns about a misspelled parameter, and continues with the default.

    >>> ran = ["", "preset = 'classic'", "# Parameters\npresett = 'smooth'"]
    >>> refuse_unknown_parameters([*ran, "refuse_unknown_parameters(In)"])
    Traceback (most recent call last):
    workbench.errors.ParameterError: this notebook has no parameter presett (it has preset)
    """
    check_type("cells", cells, (list, tuple), "IPython's In")
    for cell in cells:
        check_type("a cell", cell, str, "its source as text")
    cells = cells[:-1]  # the last cell is the one that calls this
    injected = [cell for cell in cells if cell.startswith("# Parameters\n")]
    known = {name for cell in cells if cell not in injected for name in _assigned(cell)}
    refuse_unknown([name for cell in injected for name in _assigned(cell)], known, "this notebook")


def refuse_unknown(given: Collection[str], known: Collection[str], where: str) -> None:
    """Raise ParameterError for names that are not known. `where` starts the message."""
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ParameterError(
            f"{where} has no parameter {', '.join(unknown)} (it has {', '.join(sorted(known))})"
        )


def _assigned(cell: str) -> list[str]:
    """Return the names of the variables that a cell assigns at its top level."""
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
