"""The `workbench` command: arguments in, one call, its result shown."""

import json
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench import __version__
from workbench.errors import DestinationExists, WorkbenchError

if TYPE_CHECKING:
    from workbench.deliver.verify import Delivery


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


_preset_option = click.option("--preset", help="A name, or a .toml file.")
_set_option = click.option(
    "--set", "overrides", multiple=True, metavar="STAGE.NAME=VALUE", help="Change one parameter."
)
_frame_rate_option = click.option(
    "--frame-rate", metavar="RATE", help="Even timing, such as 24 or 24000/1001."
)
_audio_rate_option = click.option(
    "--audio-rate", type=int, metavar="HZ", help="Resampled sound, such as 48000."
)
_assume_matrix_option = click.option(
    "--assume-matrix",
    type=click.Choice(["bt601", "bt709"]),
    help="What an untagged SOURCE was made with; bt601 is converted.",
)
_policy_option = click.option(
    "--policy",
    default="mezzanine",
    show_default=True,
    help="What may be delivered: a name, or a .toml file.",
)
_every_frame_option = click.option(
    "--every-frame", is_flag=True, help="Measure banding in each frame, not in samples."
)
_report_option = click.option(
    "--report", is_flag=True, help="Write NAME.report.html and NAME.qc.json beside it."
)


@main.command()
@click.argument("source", type=_PATH)
@click.argument("destination", type=_PATH, required=False)
@_preset_option
@_set_option
@click.option(
    "--encoder",
    type=click.Choice(["prores_ks", "prores"]),
    default="prores_ks",
    show_default=True,
    help="prores is about four times as fast and a little less exact.",
)
@_frame_rate_option
@_audio_rate_option
@_assume_matrix_option
@_policy_option
@_every_frame_option
@_report_option
@click.option("--overwrite", is_flag=True, help="Replace DESTINATION if it exists.")
@click.option("--dry-run", is_flag=True, help="Print the ffmpeg command and do nothing.")
@_json_option
def convert(
    source: Path,
    destination: Path | None,
    preset: str | None,
    overrides: tuple[str, ...],
    encoder: str,
    frame_rate: str | None,
    audio_rate: int | None,
    assume_matrix: str | None,
    policy: str,
    every_frame: bool,
    report: bool,
    overwrite: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Convert SOURCE to ProRes 422 HQ, verify the file, and only then name it DESTINATION.

    Without DESTINATION it is called NAME_prores.mov, beside SOURCE. The look is that of the preset
    `classic` unless another is given. Ends with 3 when the file is as promised, but fails a rule of
    the policy.
    """
    from workbench import ffmpeg
    from workbench.deliver.policy import load_policy
    from workbench.deliver.recipe import encode_command, read_recipe
    from workbench.probe import open_clip

    recipe = read_recipe(
        preset or "classic", _pairs(overrides), encoder, frame_rate, audio_rate, assume_matrix
    )
    rules = load_policy(policy)
    with open_clip(source) as clip, _stopping(f"{source.name}: stopped; no file was written"):
        from workbench.deliver import encode

        if dry_run:
            target = encode.destination_for(source, destination, overwrite=overwrite)
            command = encode_command(clip, recipe, target, overwrite=overwrite)
            _show({"command": command}, ffmpeg.pasteable(command), as_json)
            return
        with _bars(clip.frame_count) as (encoding, checking):
            delivery = encode.convert(
                *(clip, destination, recipe),
                policy=rules,
                every_frame=every_frame,
                overwrite=overwrite,
                on_progress=encoding,
                on_checked=checking,
            )
    _tell(delivery, report, as_json)


@main.command()
@click.argument("source", type=_PATH)
@click.argument("delivered", type=_PATH)
@_preset_option
@_set_option
@_frame_rate_option
@_audio_rate_option
@_assume_matrix_option
@_policy_option
@_every_frame_option
@_report_option
@_json_option
def qc(
    source: Path,
    delivered: Path,
    preset: str | None,
    overrides: tuple[str, ...],
    frame_rate: str | None,
    audio_rate: int | None,
    assume_matrix: str | None,
    policy: str,
    every_frame: bool,
    report: bool,
    as_json: bool,
) -> None:
    """Hold the ProRes file DELIVERED against its SOURCE, every frame of it.

    How it was made is read from NAME.qc.json beside it unless options say so. Ends with 3 when
    something fails.
    """
    from workbench.deliver.policy import load_policy
    from workbench.deliver.recheck import recheck
    from workbench.deliver.recipe import read_recipe
    from workbench.probe import open_clip

    recipe = read_recipe(
        preset, _pairs(overrides), "prores_ks", frame_rate, audio_rate, assume_matrix
    )
    rules = load_policy(policy)
    stopping = _stopping(f"{delivered.name}: stopped")
    with open_clip(source) as clip, stopping, _bars(clip.frame_count) as (_, checking):
        delivery = recheck(
            *(clip, delivered, recipe),
            policy=rules,
            every_frame=every_frame,
            on_progress=checking,
        )
    _tell(delivery, report, as_json)


@contextmanager
def _stopping(sentence: str) -> Iterator[None]:
    """Say it in one sentence when Ctrl-C or a termination ends the work."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        raise click.ClickException(_one_line(sentence)) from interrupt


def _bars(frames: int) -> AbstractContextManager[Any]:
    """Give progress bars on a terminal, and callbacks that do nothing elsewhere."""
    from workbench.desk.progress import delivery_bars

    if sys.stderr.isatty():
        return delivery_bars(frames)
    return nullcontext((lambda _: None, lambda _: None))


def _tell(delivery: "Delivery", report: bool, as_json: bool) -> None:
    """Show what was found, write it down if asked, and end with 3 when the verdict is fail."""
    from workbench.deliver.record import record, record_path, write_record
    from workbench.desk.tables import delivery_text, findings_text

    written = []
    if report:
        # A file that is checked again keeps the record that was made with it.
        if delivery.checked_again and record_path(delivery.destination).exists():
            written = [_write_report(delivery)]
        else:
            written = [write_record(delivery), _write_report(delivery)]
    lines = [findings_text(delivery.findings), "", delivery_text(delivery)]
    _show(record(delivery), "\n".join([*lines, *(str(path) for path in written)]), as_json)
    if delivery.verdict == "fail":
        raise click.exceptions.Exit(3)


def _write_report(delivery: "Delivery") -> Path:
    from workbench.deliver.report import write_report
    from workbench.desk import plots

    return write_report(delivery, plots.figures(delivery.inspection) if delivery.inspection else {})


@main.command()
@click.argument("name", required=False)
@_json_option
def presets(name: str | None, as_json: bool) -> None:
    """List the presets, or show the one called NAME (or a .toml file)."""
    from workbench.look.preset import load_preset, own, preset_text, shipped

    if name:
        preset = load_preset(name)
        _show(preset.facts(), preset_text(preset).rstrip(), as_json)
        return
    found = {name: load_preset(name) for name in shipped()}
    broken = {}
    for mine, path in own().items():
        try:
            found.setdefault(mine, load_preset(path))
        except WorkbenchError as error:
            broken[mine] = str(error)
    width = max(map(len, (*found, *broken)))
    lines = [
        f"{name:{width}}  {preset.bit_depth:2} bits  {preset.description}"
        for name, preset in found.items()
    ]
    lines += [f"{name:{width}}  cannot be used: {why}" for name, why in broken.items()]
    _show([preset.facts() for preset in found.values()], "\n".join(lines), as_json)


@main.command()
@click.argument("source", type=_PATH)
@click.option(
    "--preset", default="smooth", show_default=True, help="Whose tone and dither to keep."
)
@_assume_matrix_option
@click.option("--save", type=_PATH, metavar="FILE", help="Keep the look as a .toml file.")
@click.option("--overwrite", is_flag=True, help="Replace FILE if it exists.")
@_json_option
def suggest(
    source: Path,
    preset: str,
    assume_matrix: str | None,
    save: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Find the weakest deband that closes the bands of SOURCE and spares its texture."""
    from workbench.desk.progress import counting_bar
    from workbench.desk.tables import suggestion_text
    from workbench.files import expanded, refuse_existing
    from workbench.look.preset import load_preset, save_preset
    from workbench.look.suggest import LADDER
    from workbench.look.suggest import suggest as find
    from workbench.probe import open_clip

    base = load_preset(preset).assuming(assume_matrix)
    if save:
        refuse_existing(expanded(save).absolute(), overwrite)
    stopping, bar = _stopping(f"{source.name}: stopped"), counting_bar(len(LADDER), "trying")
    with open_clip(source) as clip, stopping, bar as tried:
        found = find(clip, base, on_progress=tried)
    text = suggestion_text(found)
    if save:
        named = found.preset.named(expanded(save).stem)
        text += f"\n{save_preset(named, save, overwrite=overwrite)}"
    _show(found.facts(), text, as_json)


@main.group()
def look() -> None:
    """Take a preset's tone to other programs."""


@look.command()
@click.argument("preset")
@click.option("--cube", type=_PATH, help="The look, as a 3D LUT.")
@click.option("--inverse", type=_PATH, help="The way back: from the look to the normal picture.")
@click.option(
    "--points", type=click.Choice(["33", "65"]), help="To a side; 65 for the way back from a log."
)
@click.option("--overwrite", is_flag=True, help="Replace files that exist.")
def export(
    preset: str, cube: Path | None, inverse: Path | None, points: str | None, overwrite: bool
) -> None:
    """Write the tone of PRESET, a name or a .toml file, as .cube files for a grading program.

    They are for pictures in the matrix BT.709, at video levels, as ProRes is read.
    """
    from workbench.files import expanded, refuse_existing, write_text
    from workbench.look import cube as cubes
    from workbench.look.preset import load_preset
    from workbench.look.stages import Log

    if (not cube and not inverse) or cube == inverse:
        raise click.UsageError("say where to: --cube FILE, --inverse FILE, or both, not the same")
    tone = load_preset(preset).tone
    default = 65 if isinstance(tone, Log) else 33
    pairs = ((cube, cubes.forward), (inverse, cubes.inverse))
    wanted = [(expanded(path).absolute(), write) for path, write in pairs if path]
    for path, _ in wanted:
        refuse_existing(path, overwrite)
    for path, write in wanted:
        write_text(path, write(tone, "bt709", int(points or default)), overwrite=overwrite)
        click.echo(path)
    lost = cubes.cannot_return(tone, "bt709")
    if lost:
        click.echo(lost)


@main.command()
@_json_option
def doctor(as_json: bool) -> None:
    """Say which ffmpeg is used, what it can do, and what is missing."""
    from pymediainfo import MediaInfo

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
    if not MediaInfo.can_parse():
        facts["missing"].append("libmediainfo")
        facts["advice"] += f"{'; ' if facts['advice'] else ''}pip install pymediainfo"
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
