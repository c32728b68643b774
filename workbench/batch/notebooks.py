"""Run one notebook with parameters, outside of a batch."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.argument_checks import check_type
from workbench.batch.kernel import Kernel
from workbench.errors import DestinationUnusable, NotebookFailed
from workbench.files import expanded


def run_notebook(notebook: str | Path, output: str | Path, parameters: Mapping[str, Any]) -> None:
    """Run one notebook in a new kernel, and copy its text output to this process's.

    Writes the executed copy to `output`. Raises the errors of Kernel.run, and DestinationUnusable.
    """
    notebook = expanded(notebook, "the notebook").absolute()
    output = expanded(output, "the output").absolute()
    check_type("parameters", parameters, Mapping, "values by the notebook's own names")
    for name in parameters:
        check_type("a parameter", name, str, "its name as text")
    if output.is_dir() or not output.parent.is_dir():
        raise DestinationUnusable(
            f"{output} cannot be written: give a file in a folder that exists"
        )
    with Kernel() as kernel:
        try:
            kernel.run(notebook, output, parameters, stdout=sys.stdout)
        except NotebookFailed as error:
            raise NotebookFailed(f"{notebook.name}: {error} (see {output})") from error
