"""What the commands share: options, how they show what they found, how they stop."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

PATH = click.Path(path_type=Path, readable=False)  # what is wrong with it is said by the package
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
assume_matrix_option = click.option(
    "--assume-matrix",
    type=click.Choice(["bt601", "bt709"]),
    help="What an untagged SOURCE was made with; bt601 is converted.",
)


def show(facts: Any, text: str, as_json: bool) -> None:
    click.echo(json.dumps(facts, indent=2) if as_json else text)


@contextmanager
def stopping(sentence: str) -> Iterator[None]:
    """Say it in one sentence when Ctrl-C or a termination ends the work."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        raise click.ClickException(one_line(sentence)) from interrupt


def one_line(text: str) -> str:
    """Escape control characters, which a file name may hold."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
