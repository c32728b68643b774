"""The `workbench` command: arguments in, one call, its result shown."""

import json
import re
import signal
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from workbench import __version__
from workbench.errors import DestinationExists, WorkbenchError


class _Commands(click.Group):
    """Shows the package's own errors as one line; anything else is a bug and keeps its trace."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except WorkbenchError as error:
            hint = "; --overwrite replaces it" if isinstance(error, DestinationExists) else ""
            raise click.ClickException(_one_line(f"{error}{hint}")) from error


def _one_line(text: str) -> str:
    """Escape control characters, which a file name may hold."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Make verified, debanded ProRes 422 HQ files from AI-generated clips."""
    # A terminated run cleans up after itself as one that is interrupted by Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


_PATH = click.Path(path_type=Path, readable=False)  # what is wrong with it is said by the package
_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@main.command()
@click.argument("source", type=_PATH)
@_json_option
def inspect(source: Path, as_json: bool) -> None:
    """Say what SOURCE is: picture, timing, colour tags, sound."""
    from workbench.desk.tables import clip_table
    from workbench.probe import open_clip

    with open_clip(source) as clip:
        _show(clip.facts(), str(clip_table(clip)), as_json)


@main.command()
@click.argument("source", type=_PATH)
@click.argument("destination", type=_PATH, required=False)
@click.option("--preset", default="classic", show_default=True, help="A name, or a .toml file.")
@click.option(
    "--set", "overrides", multiple=True, metavar="STAGE.NAME=VALUE", help="Change one parameter."
)
@click.option(
    "--encoder",
    type=click.Choice(["prores_ks", "prores"]),
    default="prores_ks",
    show_default=True,
    help="prores is about four times as fast and a little less exact.",
)
@click.option("--frame-rate", metavar="RATE", help="Make it even, such as 24 or 24000/1001.")
@click.option("--audio-rate", type=int, metavar="HZ", help="Resample the sound, such as 48000.")
@click.option("--overwrite", is_flag=True, help="Replace DESTINATION if it exists.")
@click.option("--dry-run", is_flag=True, help="Print the ffmpeg command and do nothing.")
@_json_option
def convert(
    source: Path,
    destination: Path | None,
    preset: str,
    overrides: tuple[str, ...],
    encoder: str,
    frame_rate: str | None,
    audio_rate: int | None,
    overwrite: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Convert SOURCE to ProRes 422 HQ, verify the file, and only then name it DESTINATION.

    Without DESTINATION it is called NAME_prores.mov, beside SOURCE.
    """
    from workbench import ffmpeg
    from workbench.deliver import encode, report
    from workbench.desk.progress import progress_bar
    from workbench.desk.tables import delivery_text, findings_text
    from workbench.probe import open_clip

    recipe = encode.read_recipe(preset, _pairs(overrides), encoder, frame_rate, audio_rate)
    with open_clip(source) as clip:
        if dry_run:
            target = encode.destination_for(source, destination, overwrite=overwrite)
            command = encode.encode_command(clip, recipe, target, overwrite=overwrite)
            _show({"command": command}, ffmpeg.pasteable(command), as_json)
            return
        quiet = nullcontext(lambda _: None)
        bar = progress_bar(clip.frame_count, source.name) if sys.stderr.isatty() else quiet
        try:
            with bar as follow:
                delivery = encode.convert(
                    clip, destination, recipe, overwrite=overwrite, on_progress=follow
                )
        except KeyboardInterrupt as interrupt:
            raise click.ClickException(
                _one_line(f"{source.name}: stopped before it was done; no file was written")
            ) from interrupt
        text = f"{findings_text(delivery.findings)}\n\n{delivery_text(delivery)}"
        _show(report.record(delivery), text, as_json)


@main.command()
@click.argument("name", required=False)
@_json_option
def presets(name: str | None, as_json: bool) -> None:
    """List the presets, or show the one called NAME (or a .toml file)."""
    import tomli_w

    from workbench.look.preset import load_preset, shipped

    if name:
        preset = load_preset(name)
        values = {**preset.model_dump(), "hash": preset.hash}
        _show(values, tomli_w.dumps(preset.model_dump()).rstrip(), as_json)
        return
    found = [load_preset(name) for name in shipped()]
    width = max(len(preset.name) for preset in found)
    _show(
        [{**preset.model_dump(), "hash": preset.hash} for preset in found],
        "\n".join(f"{preset.name:{width}}  {preset.description}" for preset in found),
        as_json,
    )


@main.command()
@_json_option
def doctor(as_json: bool) -> None:
    """Say which ffmpeg is used, what it can do, and what is missing."""
    from workbench import ffmpeg
    from workbench.errors import FfmpegMissing

    try:
        program = ffmpeg.program()
    except FfmpegMissing as error:
        facts: dict[str, Any] = {"ffmpeg": None, "missing": ["ffmpeg"], "advice": str(error)}
    else:
        missing = program.missing()
        facts = {
            "ffmpeg": {"path": str(program.path), "version": program.version},
            "filters": {name: name in program.filters for name in ffmpeg.FILTERS},
            "encoders": {name: name in program.encoders for name in ffmpeg.ENCODERS},
            "missing": list(missing),
            "advice": ffmpeg.HOW_TO_GET_IT if missing else "",
        }
    facts["python"] = sys.version.split()[0]
    facts["libraries"] = _libraries()
    absent = [name for name, version in facts["libraries"].items() if version is None]
    if absent:
        facts["missing"] += absent
        facts["advice"] += f"{'; ' if facts['advice'] else ''}pip install {' '.join(absent)}"
    _show(facts, "\n".join(_diagnosis(facts)), as_json)
    if facts["missing"]:
        raise click.exceptions.Exit(1)


@main.command()
@click.argument("folder", type=_PATH, default=Path("demo"))
def demo(folder: Path) -> None:
    """Make a banded sample clip in FOLDER and run the convert notebook on it."""
    from workbench.demo import run_demo

    click.echo(run_demo(folder))


def _pairs(overrides: tuple[str, ...]) -> dict[str, Any]:
    """Read --set options; a value is a number where it looks like one."""
    pairs: dict[str, Any] = {}
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals:
            raise click.BadParameter(f"{override} is not STAGE.NAME=VALUE", param_hint="--set")
        try:
            pairs[key] = json.loads(value)
        except (ValueError, RecursionError):
            pairs[key] = value
    return pairs


def _show(facts: Any, text: str, as_json: bool) -> None:
    click.echo(json.dumps(facts, indent=2) if as_json else text)


def _libraries() -> dict[str, str | None]:
    """Return the version of each library that the package needs, None where it is absent."""
    from importlib.metadata import PackageNotFoundError, requires, version

    found: dict[str, str | None] = {"workbench": __version__}
    for requirement in requires("workbench") or []:
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
            found = (f"{name} {'yes' if there else 'NO'}" for name, there in facts[kind].items())
            lines.append(f"{kind}: {', '.join(found)}")
    lines.append(f"Python {facts['python']}")
    libraries = facts["libraries"].items()
    lines.append(", ".join(f"{name} {number or 'MISSING'}" for name, number in libraries))
    if facts["missing"]:
        lines.append(f"missing: {', '.join(facts['missing'])}; {facts['advice']}")
    else:
        lines.append("nothing is missing")
    return lines
