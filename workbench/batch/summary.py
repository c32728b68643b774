"""Write the summary of a batch: its outcomes as JSON lines, a table, a notebook and a page."""

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from workbench.batch.kernel import Kernel
from workbench.batch.manifest import MANIFESTS
from workbench.batch.notebook_files import notebook_path
from workbench.batch.outcome import Outcome, read_outcomes
from workbench.deliver.report import templates
from workbench.errors import DestinationExists
from workbench.files import sha256_of
from workbench.measure.metrics import METRICS
from workbench.storage.base import Storage, with_retries

LINES = "summary.jsonl"
"""One outcome on each line, in the order in which jobs finished: the input of all other files."""

NOTEBOOK = "summary.ipynb"
PAGE = "summary.html"

_MARKER = f"{MANIFESTS}summary.json"  # exists where a batch wrote the summary
_TEMPLATE = "summary.html.jinja"
_PICTURES = {"thumbnail", "crops"}


def write_summary(lines: Path, destination: Storage, kernel: Kernel) -> None:
    """Write and store every file of FILES, from the outcomes in the file `lines`.

    The files are written beside `lines`. Raises NotebookFailed, StorageError.
    """
    marker = lines.with_name("marker.json")
    marker.write_text("{}", encoding="utf-8")
    _store(marker, _MARKER, destination)
    for name, write in FILES.items():
        path = lines.with_name(name)
        write(path, kernel)
        _store(path, name, destination)


def _lines(path: Path, kernel: Kernel) -> None:
    """Do nothing: the outcomes are written while the batch runs."""


def _table(path: Path, kernel: Kernel) -> None:  # noqa: ARG001
    """Write the outcomes as CSV, in the order of `read_outcomes`."""
    outcomes = read_outcomes(path.with_name(LINES))
    left_out = {*_PICTURES, "measures"}
    columns = [name for name in Outcome.model_fields if name not in left_out]
    measured = [key for metric in METRICS for key in metric.keys]
    # Spreadsheets recognize UTF-8 by the byte order mark.
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.DictWriter(file, [*columns, *measured, "speed"], extrasaction="ignore")
        table.writeheader()
        for one in outcomes:
            row = one.model_dump(mode="json", exclude=left_out) | one.measures
            table.writerow({key: _cell(value) for key, value in row.items()} | {"speed": one.speed})


def _notebook(path: Path, kernel: Kernel) -> None:
    """Run summary.ipynb on the outcomes."""
    kernel.run(notebook_path(NOTEBOOK), path, {"outcomes": LINES})


def _page(path: Path, kernel: Kernel) -> None:  # noqa: ARG001
    """Write the outputs of the executed notebook, without its code, as a self-contained page."""
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(  # type: ignore[no-untyped-call]
        template_name="basic",
        exclude_input=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    body, _ = exporter.from_filename(str(path.with_name(NOTEBOOK)))
    page = templates("workbench.batch").get_template(_TEMPLATE).render(body=Markup(body))
    path.write_text(page, encoding="utf-8")


FILES: Mapping[str, Callable[[Path, Kernel], None]] = {
    LINES: _lines,
    "summary.csv": _table,
    NOTEBOOK: _notebook,
    PAGE: _page,  # after the notebook, from which it is made
}
"""The files of a summary, in order: the name of each, and the function that writes it."""


def refuse_foreign_summary(destination: Storage) -> None:
    """Raise DestinationExists if a file that no batch wrote has the name of a summary file."""
    if destination.find(_MARKER) is not None:
        return
    for name in FILES:
        if destination.find(name) is not None:
            raise DestinationExists(
                f"{destination.url(name)} already exists, and no batch wrote it"
            )


def _store(path: Path, name: str, destination: Storage) -> None:
    with_retries(lambda: destination.store(path, name, sha256_of(path)))


def _cell(value: Any) -> Any:
    """Return a value for a table's cell: a mapping as text, and no text that is a formula."""
    if isinstance(value, dict):
        return ", ".join(f"{name}={setting}" for name, setting in value.items())
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@" and value else value
