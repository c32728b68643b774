"""Summary: a batch in one notebook, one page and one table, stored where its clips went."""

import csv
from pathlib import Path
from typing import Any

from markupsafe import Markup

from workbench.batch.job import MANIFESTS
from workbench.batch.notebooks import Kernel
from workbench.batch.outcome import Outcome, read_outcomes
from workbench.batch.shipped import notebook
from workbench.deliver.report import templates
from workbench.errors import DestinationExists
from workbench.files import sha256_of
from workbench.measure.metrics import METRICS
from workbench.storage.base import Storage, with_retries

LINES = "summary.jsonl"
"""One outcome a line, as they came: what the summary is made of, and what a machine reads."""

TABLE, NOTEBOOK, PAGE = "summary.csv", "summary.ipynb", "summary.html"
_MARK = f"{MANIFESTS}summary.json"  # says that the summary there is one of ours
_TEMPLATE = "summary.html.jinja"
_PICTURES = {"thumbnail", "crops"}


def write_summary(lines: Path, destination: Storage, kernel: Kernel) -> None:
    """Run summary.ipynb on the outcomes in a file; store lines and table, notebook and page.

    Raises NotebookFailed, StorageError.
    """
    table = lines.with_name(TABLE)
    _write_table(read_outcomes(lines), table)
    mark = lines.with_name("mark.json")
    mark.write_text("{}", encoding="utf-8")
    _store(mark, _MARK, destination)
    _store(lines, LINES, destination)
    _store(table, TABLE, destination)
    executed, page = lines.with_name(NOTEBOOK), lines.with_name(PAGE)
    kernel.run(notebook(NOTEBOOK), executed, {"outcomes": lines.name})
    page.write_text(_page(executed), encoding="utf-8")
    _store(executed, NOTEBOOK, destination)
    _store(page, PAGE, destination)


def refuse_foreign_summary(destination: Storage) -> None:
    """Raise DestinationExists when something else has the name of a summary's file."""
    if destination.find(_MARK) is not None:
        return
    for name in (LINES, TABLE, NOTEBOOK, PAGE):
        if destination.find(name) is not None:
            raise DestinationExists(f"{destination.url(name)} exists already, from no batch")


def _store(path: Path, name: str, destination: Storage) -> None:
    with_retries(lambda: destination.store(path, name, sha256_of(path)))


def _write_table(outcomes: list[Outcome], path: Path) -> None:
    measured = [key for one in METRICS for key in one.keys]
    columns = [name for name in Outcome.model_fields if name not in {*_PICTURES, "measures"}]
    with path.open("w", encoding="utf-8-sig", newline="") as file:  # for spreadsheets, with a mark
        table = csv.DictWriter(file, [*columns, *measured, "speed"], extrasaction="ignore")
        table.writeheader()
        for one in outcomes:
            row = one.model_dump(mode="json", exclude={*_PICTURES, "measures"}) | one.measures
            table.writerow(
                {key: _plain(value) for key, value in row.items()} | {"speed": one.speed}
            )


def _plain(value: Any) -> Any:
    """Return a cell: a mapping as text, and no text that a spreadsheet would take for a formula."""
    if isinstance(value, dict):
        return ", ".join(f"{name}={setting}" for name, setting in value.items())
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@" and value else value


def _page(notebook: Path) -> str:
    """Return what an executed notebook shows, without its code, as a page that loads nothing."""
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(  # type: ignore[no-untyped-call]
        template_name="basic",
        exclude_input=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    body, _ = exporter.from_filename(str(notebook))
    return templates("workbench.batch").get_template(_TEMPLATE).render(body=Markup(body))
