"""The `workbench` command. A command reads arguments, makes one call and prints the result."""

from typing import Any

import click

from workbench import __version__
from workbench.cli import batch, clips, install, looks, notebooks, serve
from workbench.cli.options import stopping
from workbench.errors import DestinationExists, OutOfMemory, WorkbenchError
from workbench.signals import interrupt_on_stop_signals


class _Commands(click.Group):
    """Prints the package's own errors as one line; any other error is a bug and keeps its trace."""

    def invoke(self, context: click.Context) -> Any:
        try:
            with stopping("stopped"):
                return super().invoke(context)
        except Exception as error:
            if OutOfMemory.behind(error) and not isinstance(error, OutOfMemory):
                raise click.ClickException(
                    "out of memory: close other programs, or process less at once"
                ) from error
            if not isinstance(error, WorkbenchError):
                raise
            hint = "; use --overwrite to replace it" if isinstance(error, DestinationExists) else ""
            raise click.ClickException(f"{error}{hint}") from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Turn AI-generated clips into verified, debanded ProRes 422 HQ files."""
    interrupt_on_stop_signals()


for command in (
    *(clips.inspect, clips.convert, clips.qc, batch.batch),
    *(looks.suggest, looks.presets, looks.look),
    *(install.doctor, install.demo, notebooks.lab, notebooks.app),
    serve.serve,
):
    main.add_command(command)
