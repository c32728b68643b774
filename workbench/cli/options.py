"""Options that several commands share, and how commands print results and stop."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from workbench.argument_checks import parse_value
from workbench.errors import one_line
from workbench.look.defaults import DEFAULT, DEFAULTS
from workbench.signals import caused_by_interrupt

Decorator = Callable[[Callable[..., None]], Callable[..., None]]


class _NonEmptyPath(click.Path):
    """A path that is not empty: an empty one would be the current folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not str(value).strip():
            self.fail("the path is empty: give a file or a folder", param, ctx)
        return super().convert(value, param, ctx)


PATH = _NonEmptyPath(path_type=Path, readable=False)  # the package checks the rest
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def _read_overrides(
    _: click.Context, __: click.Parameter, given: tuple[str, ...]
) -> dict[str, Any]:
    return parse_overrides(given)


def _check_encoder(_: click.Context, __: click.Parameter, name: str) -> str:
    """Refuse an unknown encoder as wrong usage. The package itself advises about removed ones."""
    if name not in ("finest", "search"):
        from workbench.deliver.settings import Settings
        from workbench.errors import ParameterError

        try:
            Settings(**{"encoder": name})
        except ParameterError as error:
            raise click.BadParameter(str(error)) from error
    return name


_SETTINGS: dict[str, Callable[..., Decorator]] = {
    "preset": partial(
        click.option,
        "--preset",
        default=DEFAULT,
        metavar="NAME",
        help=f"The look: a preset's name, or a .toml file. {DEFAULTS}",
    ),
    "overrides": partial(
        click.option,
        "--set",
        "overrides",
        multiple=True,
        metavar="STAGE.NAME=VALUE",
        callback=_read_overrides,
        help="Change a parameter of the preset, such as deband.strength=2. Can be repeated.",
    ),
    "encoder": partial(
        click.option,
        "--encoder",
        default="finest",
        metavar="[finest|search]",
        callback=_check_encoder,
        help="finest is several times faster; search is the plain ffmpeg command. Both encode the "
        "same picture.",
    ),
    "frame_rate": partial(
        click.option,
        "--frame-rate",
        metavar="RATE",
        help="Convert to a constant frame rate, such as 24 or 24000/1001.",
    ),
    "audio_rate": partial(
        click.option,
        "--audio-rate",
        type=int,
        metavar="HZ",
        help="Resample the sound to this rate, such as 48000.",
    ),
    "input_range": partial(
        click.option,
        "--input-range",
        type=click.Choice(["legal", "full"]),
        help="Read the source's code values in this range, whatever its tag says.",
    ),
    "assume_matrix": partial(
        click.option,
        "--assume-matrix",
        type=click.Choice(["bt601", "bt709"]),
        help="The matrix of an untagged source; bt601 is converted to bt709. Try bt601 if colours "
        "look wrong.",
    ),
    "policy": partial(
        click.option,
        "--policy",
        default="mezzanine",
        metavar="NAME",
        help="The QC limits: a policy's name, or a .toml file.",
    ),
    "every_frame": partial(
        click.option,
        "--every-frame",
        is_flag=True,
        help="Measure banding in every frame, not in samples.",
    ),
}
"""The options of a conversion, one for each field of `Settings`."""

overrides_option = _SETTINGS["overrides"]()


def settings_options(
    *names: str, without: Collection[str] = (), **defaults: Any
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of a conversion; it receives their values as `settings`.

    `names` are fields of `Settings`: all of them by default, but for those in `without`. `defaults`
    takes the place of a field's own default. A field without a value is not passed to `Settings`.
    """
    wanted = [name for name in names or _SETTINGS if name not in without]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def run(**values: Any) -> None:
            from workbench.deliver.settings import Settings

            source = click.get_current_context().get_parameter_source
            given = {name: values.pop(name) for name in wanted}
            chosen = {
                name: value
                for name, value in given.items()
                if name in defaults or source(name) is not ParameterSource.DEFAULT
            }
            command(settings=Settings(**chosen), **values)

        command_with_options: Callable[..., None] = run
        for name in reversed(wanted):
            default = {"default": defaults[name]} if name in defaults else {}
            command_with_options = _SETTINGS[name](show_default=True, **default)(
                command_with_options
            )
        return command_with_options

    return decorate


def show(facts: Any, text: str, as_json: bool) -> None:
    """Print the facts as JSON, or the text with control characters escaped."""
    lines = "\n".join(map(one_line, text.split("\n")))
    click.echo(json.dumps(facts, indent=2) if as_json else lines)


@contextmanager
def stopping(message: str, late_message: str = "", written: Path | None = None) -> Iterator[None]:
    """Print one message when Ctrl-C or SIGTERM ends the work.

    `late_message` is printed instead when the file `written` was created or replaced meanwhile.
    """
    before = _identity(written)
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        if isinstance(error, click.ClickException) or not caused_by_interrupt(error):
            raise
        late = _identity(written) != before
        raise click.ClickException(one_line(late_message if late else message)) from error


def _identity(path: Path | None) -> tuple[int, int] | None:
    """Return a file's identity, which changes when it is replaced; None if it does not exist."""
    try:
        found = path.stat() if path else None
    except OSError:
        return None
    return (found.st_ino, found.st_mtime_ns) if found else None


def parse_overrides(overrides: Iterable[str]) -> dict[str, Any]:
    """Parse the values of --set, each STAGE.NAME=VALUE. Raises BadParameter."""
    parsed: dict[str, Any] = {}
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals or key in parsed:
            why = "is given twice" if equals else "is not STAGE.NAME=VALUE"
            raise click.BadParameter(f"{one_line(key)} {why}", param_hint="--set")
        parsed[key] = parse_value(value)
    return parsed
