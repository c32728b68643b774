"""Commands on the installation: doctor, demo."""

import re
import sys
from pathlib import Path
from typing import Any

import click

from workbench import __version__
from workbench.cli.options import PATH, json_option, show


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Check ffmpeg and the Python libraries.

    Exit code 1: something is missing.
    """
    from workbench import ffmpeg
    from workbench.batch.notebook_files import HOW_TO_GET_THEM, NOTEBOOKS
    from workbench.deliver.format import ENCODERS
    from workbench.errors import FfmpegMissing

    try:
        program = ffmpeg.program()
    except FfmpegMissing as error:
        facts: dict[str, Any] = {"ffmpeg": None, "missing": ["ffmpeg"], "advice": str(error)}
    else:
        missing = program.missing(encoders=ENCODERS)
        facts = {
            "ffmpeg": {"path": str(program.path), "version": program.version},
            "filters": {name: name in program.filters for name in ffmpeg.FILTERS},
            "encoders": {name: name in program.encoders for name in ENCODERS},
            "missing": list(missing),
            "advice": ffmpeg.HOW_TO_GET_IT if missing else "",
        }
    facts["notebooks"] = str(NOTEBOOKS) if NOTEBOOKS.is_dir() else None
    if facts["notebooks"] is None:
        _add_missing(facts, ["notebooks"], HOW_TO_GET_THEM)
    facts["python"] = sys.version.split()[0]
    facts["libraries"] = _libraries()
    absent = [name for name, version in facts["libraries"].items() if version is None]
    if absent:
        _add_missing(facts, absent, f"pip install {' '.join(absent)}")
    show(facts, "\n".join(_diagnosis(facts)), as_json)
    if facts["missing"]:
        raise click.exceptions.Exit(1)


@click.command()
@click.argument("folder", type=PATH, default=Path("demo"))
def demo(folder: Path) -> None:
    """Make a sample clip and convert it.

    The clip has banding. It is written to FOLDER, together with the files that the notebook
    convert.ipynb makes from it.
    """
    from workbench.demo import run_demo

    click.echo(run_demo(folder))


def _add_missing(facts: dict[str, Any], names: list[str], advice: str) -> None:
    facts["missing"] += names
    facts["advice"] += f"{'; ' if facts['advice'] else ''}{advice}"


def _libraries() -> dict[str, str | None]:
    """Return the version of each library that the package needs; None for a missing one."""
    from importlib.metadata import PackageNotFoundError, requires, version

    found: dict[str, str | None] = {"workbench": __version__}
    for requirement in requires("prores-workbench") or []:
        if "extra ==" in requirement:
            continue
        name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


def _diagnosis(facts: dict[str, Any]) -> list[str]:
    lines = []
    if facts["ffmpeg"]:
        lines.append(f"ffmpeg {facts['ffmpeg']['version']} at {facts['ffmpeg']['path']}")
        for kind in ("filters", "encoders"):
            found = (
                f"{name} {'yes' if present else 'NO'}" for name, present in facts[kind].items()
            )
            lines.append(f"{kind}: {', '.join(found)}")
    lines.append(f"Python {facts['python']}")
    lines.append(f"notebooks in {facts['notebooks'] or 'NO FOLDER'}")
    libraries = facts["libraries"].items()
    lines.append(", ".join(f"{name} {number or 'MISSING'}" for name, number in libraries))
    if facts["missing"]:
        lines.append(f"missing: {', '.join(facts['missing'])}; {facts['advice']}")
    else:
        lines.append("nothing is missing")
    return lines
