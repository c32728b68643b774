"""Execute notebooks with papermill in a kernel that is already running."""

import json
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from workbench.argument_checks import shown
from workbench.errors import NotebookFailed, ParameterError


@contextmanager
def _hidden(package: str) -> Iterator[None]:
    """Make an optional package appear not to be installed, unless it is loaded already."""
    loaded = package in sys.modules
    if not loaded:
        sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if not loaded:
            del sys.modules[package]


# This package parses links in JSON schemas, and nothing here needs it. Building its grammar takes
# three quarters of papermill's import time, or about two seconds in each worker.
with _hidden("rfc3987_syntax"):
    import papermill
    from papermill import PapermillExecutionError as PapermillExecutionError
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.engines import Engine, papermill_engines

_ENGINE = "workbench"


class _RunningKernelEngine(Engine):  # type: ignore[misc]
    """A papermill engine that executes cells in a running kernel and does not end it."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        *,
        kernel_manager: Any,
        kernel_client: Any,
        stdout_file: TextIO | None,
        **_: Any,
    ) -> None:
        """Execute the cells of a notebook. Papermill calls this."""
        client = PapermillNotebookClient(
            nb_man,
            km=kernel_manager,
            kernel_name=kernel_name,
            stdout_file=stdout_file,
            coalesce_streams=True,
        )
        client.kc = kernel_client
        client.execute()


papermill_engines.register(_ENGINE, _RunningKernelEngine)


def execute(
    notebook: Path,
    output: Path,
    parameters: Mapping[str, Any],
    *,
    kernel_manager: Any,
    kernel_client: Any,
    stdout: TextIO | None,
) -> None:
    """Execute a notebook in a running kernel, and write the executed copy to `output`.

    Text output is copied to `stdout` as it arrives. Raises PapermillExecutionError if a cell fails.
    """
    papermill.execute_notebook(
        _without_templates(notebook),
        _without_templates(output),
        dict(parameters),
        engine_name=_ENGINE,
        progress_bar=False,
        stdout_file=stdout,
        # Write the copy once, at the end or at an error, and not before and after each cell.
        request_save_on_cell_execute=False,
        autosave_cell_every=0,
        kernel_manager=kernel_manager,
        kernel_client=kernel_client,
    )


def known_parameters(notebook: Path) -> Collection[str]:
    """Return the names of a notebook's parameters. Raises NotebookFailed if it cannot be read."""
    if not notebook.is_file():
        raise NotebookFailed(f"{notebook} does not exist")
    try:
        found: Mapping[str, Any] = papermill.inspect_notebook(_without_templates(notebook))
    except Exception as error:  # papermill reads notebooks with several libraries
        raise NotebookFailed(
            f"{notebook.name} cannot be read as a notebook ({type(error).__name__}): give a .ipynb"
        ) from error
    return found


def refuse_unserializable(parameters: Mapping[str, Any]) -> None:
    """Raise ParameterError for a value that a notebook file cannot hold."""
    for name, value in parameters.items():
        try:
            json.dumps({name: value}, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:  # such as one half of a surrogate pair
            raise ParameterError(
                f"the parameter {name} contains a character that UTF-8 cannot encode"
            ) from error
        except (TypeError, ValueError, RecursionError) as error:
            raise ParameterError(
                f"the parameter {name} is {shown(value)}: give text, a number, a list or a mapping"
            ) from error


def _without_templates(path: Path) -> str:
    """Return a path as text with its braces doubled: papermill treats them as a template."""
    return str(path).replace("{", "{{").replace("}", "}}")
