"""Report: the findings about a delivered file as one self-contained HTML page.

The page loads nothing, so it can be sent along with the file. It follows the reader's light or dark
theme, and prints well.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.argument_checks import check_type
from workbench.deliver.qc import LEVELS, verdict_in_words
from workbench.deliver.record import record
from workbench.deliver.verify import Delivery
from workbench.ffmpeg import pasteable
from workbench.files import write_text

if TYPE_CHECKING:
    from jinja2 import Environment

    from workbench.deliver.svg import Drawing

_TEMPLATE = "report.html.jinja"


@cache
def templates(package: str) -> "Environment":
    """Return the Jinja environment of a package's page templates."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader(package, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def report_path(delivered: Path) -> Path:
    """Return the path of a delivered file's report: NAME.report.html beside NAME.mov."""
    return delivered.with_suffix(".report.html")


def write_report(delivery: Delivery, figures: Mapping[str, "Drawing"]) -> Path:
    """Write the report beside the delivered file, atomically, and return its path.

    `figures` maps headings to drawings, in order. Raises DestinationUnusable, ParameterError.
    """
    from workbench.deliver.svg import Drawing  # and Pillow, which checks alone do not need

    check_type("delivery", delivery, Delivery, "a Delivery, as convert returns it")
    check_type("figures", figures, Mapping, "drawings by their names")
    for name, figure in figures.items():
        check_type(f"figure {name}", figure, Drawing, "a Drawing, as a delivery's figures are")
    path = report_path(delivery.destination)
    write_text(path, page(delivery, figures), overwrite=True)
    return path


def page(delivery: Delivery, figures: Mapping[str, "Drawing"]) -> str:
    """Return the report as HTML."""
    findings = sorted(delivery.findings, key=lambda finding: -LEVELS.index(finding.level))
    return (
        templates("workbench.deliver")
        .get_template(_TEMPLATE)
        .render(
            delivery=delivery,
            record=record(delivery),
            command=pasteable(delivery.command),
            findings=findings,
            words=verdict_in_words(finding.level for finding in findings),
            figures=figures,
        )
    )
