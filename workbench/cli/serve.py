"""The command that serves: serve."""

import os
from pathlib import Path

import click

from workbench.cli.options import PATH

_EXTRA = "fastapi prometheus-client uvicorn"
"""The extra by the names of its packages: another project's package is called workbench as well."""


@click.command()
@click.option(
    "--source",
    default="s3:///",
    metavar="PLACE",
    help="Whose clips: s3://bucket/prefix, a folder, or the bucket R2_BUCKET unless given.",
)
@click.option("--profile", metavar="NAME", help="A profile of the AWS configuration, for PLACE.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.option(
    "--encodes",
    type=click.IntRange(1),
    default=max(1, (os.cpu_count() or 1) // 2),
    metavar="N",
    help="How many run at once; half the cores unless given.",
)
@click.option(
    "--queue",
    type=click.IntRange(0),
    default=16,
    show_default=True,
    metavar="N",
    help="How many more may wait.",
)
@click.option("--temp", type=PATH, metavar="FOLDER", help="Where clips are converted.")
@click.option(
    "--allow-host",
    "names",
    multiple=True,
    metavar="NAME",
    help="Without a token: a name, such as a proxy's, that it answers to besides localhost.",
)
def serve(
    source: str,
    profile: str | None,
    host: str,
    port: int,
    encodes: int,
    queue: int,
    temp: Path | None,
    names: tuple[str, ...],
) -> None:
    """Convert clips over HTTP: GET /convert/prores/KEY answers with the ProRes file.

    What it can do is described at /docs. At an address that others can reach it wants a token in
    the environment variable WORKBENCH_TOKEN, which they send as Authorization: Bearer TOKEN.
    """
    try:
        from workbench.service import server
    except ModuleNotFoundError as error:
        if str(error.name).startswith("workbench"):
            raise
        raise click.ClickException(
            f"serve needs {error.name}, which is not installed: run pip install {_EXTRA}"
        ) from error

    server.serve(
        source,
        profile,
        host=host,
        port=port,
        encodes=encodes,
        queue=queue,
        temp=temp,
        names=[name.lower() for name in names],
    )
