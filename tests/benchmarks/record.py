"""Store the measured figures as JSON in docs/, and generate the tables from them."""

import datetime
import json
import os
import platform
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.benchmarks.figures import Figure
from workbench.deliver.record import versions

DOCS = Path(__file__).parents[2] / "docs"
JSON = DOCS / "benchmarks.json"
README = DOCS.parent / "README.md"
BEGIN, END = "<!-- figures, from docs/benchmarks.json -->\n", "<!-- end of the figures -->\n"
HEADLINES = (
    "convert with QC over bare ffmpeg, 1080p, 5 s",
    "convert with QC over bare ffmpeg, 1080p, 10 s",
    "convert with QC, smooth, over bare ffmpeg, 1080p, 10 s",
    "convert with QC over bare ffmpeg -q:v 1, 1080p, 10 s",
    "batch over xargs -P, 16 clips of 5 s, 720p",
    "each tiny clip in a batch, 8 to 48 of them",
    "slider to picture, 1080p",
    "slider to scopes and CAMBI, 1080p",
    "scrub to picture, 1080p",
    "time per frame, 60 min over 1 min",
    "peak memory, 60 min minus 1 min",
    "list and plan 10,000 clips",
    "workbench --help",
)
"""The figures that README.md shows."""


@dataclass(frozen=True)
class Part:
    """One measured part of the benchmark."""

    date: str
    machine: str
    load: float  # load average of the minute before
    seconds: float  # duration of the measurement
    versions: dict[str, str]
    figures: tuple[Figure, ...]
    tables: tuple[str, ...]  # lines


def measured(act: Iterable[Figure | str]) -> Part:
    """Measure one part: its figures and the lines of its tables."""
    load, began = os.getloadavg()[0], time.monotonic()
    found = list(act)
    return Part(
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        machine=f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        load=round(load, 2),
        seconds=round(time.monotonic() - began),
        versions={"python": platform.python_version(), **versions()},
        figures=tuple(one for one in found if isinstance(one, Figure)),
        tables=tuple(one for one in found if isinstance(one, str)),
    )


def lines(part: Part) -> Iterator[str]:
    """Yield one part as lines for a terminal."""
    for one in part.figures:
        goal = "" if one.goal is None else f"goal {one.goal:g} {one.unit}: {one.met}"
        spread = f"({one.low:.3g} to {one.high:.3g})"
        yield f"{one.what:44} {one.median:8.3g} {one.unit:5} {spread:20} {goal}"
    yield from part.tables


def keep(name: str, part: Part) -> None:
    """Replace the earlier measurement of a part, and generate the tables again."""
    parts = read()
    parts[name] = part
    JSON.write_text(json.dumps({key: asdict(one) for key, one in parts.items()}, indent=1) + "\n")
    JSON.with_suffix(".md").write_text(page(parts), encoding="utf-8")
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    README.write_text(before + BEGIN + headlines(parts) + END + rest.partition(END)[2])


def read() -> dict[str, Part]:
    """Return the stored parts by name."""
    if not JSON.exists():
        return {}
    return {
        name: Part(**{
            **part,
            "figures": tuple(Figure(**one) for one in part["figures"]),
            "tables": tuple(part["tables"]),
        })
        for name, part in json.loads(JSON.read_text(encoding="utf-8")).items()
    }  # fmt: skip


def page(parts: dict[str, Part]) -> str:
    """Return docs/benchmarks.md."""
    found = [
        "# Benchmarks\n",
        "Measured by `make bench`, which generates this page. "
        'Ratios compare neighbouring runs; "times" is a ratio.\n',
    ]
    for name, part in parts.items():
        found.append(f"## {name}\n")
        found.append(
            f"{part.date}, {part.machine}, load average {part.load} before; {_said(part)}\n"
        )
        if part.figures:
            found.append(_table(part.figures))
        if part.tables:
            found.append("```\n" + "\n".join(part.tables) + "\n```\n")
    return "\n".join(found)


def headlines(parts: dict[str, Part]) -> str:
    """Return the table of README.md, with the dates and machines of the measurement."""
    chosen = [one for part in parts.values() for one in part.figures if one.what in HEADLINES]
    order = sorted(chosen, key=lambda one: HEADLINES.index(one.what))
    dates = sorted({part.date for part in parts.values()})
    machines = sorted({part.machine for part in parts.values()})
    when = " to ".join(dict.fromkeys((dates[0], dates[-1])))
    return f"\n{_table(order)}\nMeasured {when} on {'; '.join(machines)}, no GPU.\n\n"


def _table(figures: Iterable[Figure]) -> str:
    rows = ["| what | median | spread | goal | |", "|---|---|---|---|---|"]
    for one in figures:
        goal = "" if one.goal is None else f"{one.goal:g} {one.unit}"
        spread = "" if one.low == one.high else f"{one.low:.3g} to {one.high:.3g}"
        rows.append(f"| {one.what} | {one.median:.3g} {one.unit} | {spread} | {goal} | {one.met} |")
    return "\n".join(rows) + "\n"


def _said(part: Part) -> str:
    return ", ".join(f"{name} {version}" for name, version in part.versions.items())
