"""Commands that open the notebooks: lab and app."""

from collections.abc import Callable
from pathlib import Path

import click

from workbench.cli.options import PATH

Command = Callable[..., None]


def _options(default_port: int) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        for option in (
            click.option("--no-browser", is_flag=True, help="Print the address only."),
            click.option(
                "--port",
                type=click.IntRange(1, 65535),
                default=default_port,
                show_default=True,
                help="The port to listen on, or the next free one.",
            ),
            click.argument("folder", type=PATH, default=Path()),
        ):
            command = option(command)
        return command

    return decorate


@click.command()
@_options(8888)
def lab(folder: Path, port: int, no_browser: bool) -> None:
    """Open the desk in JupyterLab.

    FOLDER is your project, by default the current folder. The notebooks are copied into
    FOLDER/notebooks, unless they are there already.
    """
    from workbench.notebook_server.lab import run_lab

    run_lab(folder, port, open_browser=not no_browser)


@click.command()
@_options(8866)
def app(folder: Path, port: int, no_browser: bool) -> None:
    """Open the desk as a page without code.

    FOLDER is your project, by default the current folder. The notebooks are copied into
    FOLDER/notebooks, unless they are there already.
    """
    from workbench.notebook_server.page import run_page

    run_page(folder, port, open_browser=not no_browser)
