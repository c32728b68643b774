"""What the commands share: options, how they show what they found, how they stop."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from workbench.errors import one_line
from workbench.signals import caused_by_interrupt


class _Given(click.Path):
    """A path that is not empty: an empty one would be the current folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not str(value).strip():
            self.fail("it is empty: name a file or a folder", param, ctx)
        return super().convert(value, param, ctx)


PATH = _Given(path_type=Path, readable=False)  # the package checks it
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
assume_matrix_option = click.option(
    "--assume-matrix",
    type=click.Choice(["bt601", "bt709"]),
    help="What an untagged SOURCE was made with; bt601 is converted.",
)


def _offered(_: click.Context, __: click.Parameter, name: str) -> str:
    """Refuse an encoder that is not offered, as wrong usage."""
    if name not in ("finest", "search"):
        from workbench.deliver.recipe import read_recipe
        from workbench.errors import ParameterError

        try:
            read_recipe(None, {}, name)
        except ParameterError as error:
            raise click.BadParameter(str(error)) from error
    return name


encoder_option = click.option(
    "--encoder",
    metavar="[finest|search]",
    callback=_offered,
    default="finest",
    show_default=True,
    help="search is the plain ffmpeg command; finest writes the same picture several times faster.",
)
look_options = (
    click.option("--preset", help="A name, or a .toml file."),
    click.option(
        "--set",
        "overrides",
        multiple=True,
        metavar="STAGE.NAME=VALUE",
        help="Change one parameter.",
    ),
)
measure_options = (
    click.option("--frame-rate", metavar="RATE", help="Even timing, such as 24 or 24000/1001."),
    click.option("--audio-rate", type=int, metavar="HZ", help="Resampled sound, such as 48000."),
    assume_matrix_option,
    click.option(
        "--policy",
        default="mezzanine",
        show_default=True,
        help="What may be delivered: a name, or a .toml file.",
    ),
    click.option("--every-frame", is_flag=True, help="Measure banding in each frame, not samples."),
)


def with_options(
    options: tuple[Callable[[Any], Any], ...],
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command several options, listed in this order."""

    def give(command: Callable[..., None]) -> Callable[..., None]:
        for option in reversed(options):
            command = option(command)
        return command

    return give


def show(facts: Any, text: str, as_json: bool) -> None:
    lines = "\n".join(map(one_line, text.split("\n")))
    click.echo(json.dumps(facts, indent=2) if as_json else lines)


@contextmanager
def stopping(
    sentence: str, sentence_after: str = "", written: Path | None = None
) -> Iterator[None]:
    """Say it in one sentence when Ctrl-C or a termination ends the work.

    `sentence_after` is said instead once another file has the name `written`.
    """
    before = _identity(written)
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        if isinstance(error, click.ClickException) or not caused_by_interrupt(error):
            raise
        late = _identity(written) != before
        raise click.ClickException(one_line(sentence_after if late else sentence)) from error


def _identity(path: Path | None) -> tuple[int, int] | None:
    try:
        found = path.stat() if path else None
    except OSError:
        return None
    return (found.st_ino, found.st_mtime_ns) if found else None


def pairs(overrides: tuple[str, ...]) -> dict[str, Any]:
    """Read --set options; a value is a number where it looks like one."""
    pairs: dict[str, Any] = {}
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals or key in pairs:
            why = "is given twice" if equals else "is not STAGE.NAME=VALUE"
            raise click.BadParameter(f"{one_line(key)} {why}", param_hint="--set")
        try:
            pairs[key] = json.loads(value)
        except (ValueError, RecursionError):
            pairs[key] = value
    return pairs
