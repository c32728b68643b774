"""The serve command."""

import os
from pathlib import Path

import click

from workbench.cli.options import PATH


@click.command()
@click.option(
    "--source",
    default="s3:///",
    metavar="PLACE",
    help="The clips: s3://bucket/prefix, or a folder. Default: the bucket named in R2_BUCKET.",
)
@click.option("--profile", metavar="NAME", help="The AWS profile for PLACE.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="The port to listen on; 0 chooses a free port.",
)
@click.option(
    "--encodes",
    type=click.IntRange(1),
    default=max(1, (os.cpu_count() or 1) // 2),
    metavar="N",
    help="Conversions at once. Default: half the number of cores.",
)
@click.option(
    "--queue",
    type=click.IntRange(0),
    default=16,
    show_default=True,
    metavar="N",
    help="Length of the queue: further requests are answered with 503.",
)
@click.option("--temp", type=PATH, metavar="FOLDER", help="An existing folder for temporary files.")
@click.option(
    "--cache",
    type=PATH,
    metavar="FOLDER",
    help="Keep converted files here, also after the service stops. By default they are temporary.",
)
@click.option(
    "--cache-size",
    type=click.FloatRange(0),
    default=10,
    show_default=True,
    metavar="GB",
    help="Maximum size of the cache of converted files; 0 turns it off.",
)
@click.option(
    "--allow-host",
    "names",
    multiple=True,
    metavar="NAME",
    help="Accept this host name besides localhost, such as a proxy's.",
)
@click.option(
    "--no-token", is_flag=True, help="Answer every user of this machine. Only on loopback."
)
def serve(
    source: str,
    profile: str | None,
    host: str,
    port: int,
    encodes: int,
    queue: int,
    temp: Path | None,
    cache: Path | None,
    cache_size: float,
    names: tuple[str, ...],
    no_token: bool,
) -> None:
    """Convert clips over HTTP.

    GET /convert/prores/KEY returns the ProRes file. The page /docs describes the service.

    Clients send the header Authorization: Bearer TOKEN. The token is in the environment variable
    WORKBENCH_TOKEN. Without one, the service creates a token of your own and prints the file that
    holds it. An address that other machines can reach requires WORKBENCH_TOKEN.
    """
    try:
        from workbench.service import server
    except ModuleNotFoundError as error:
        if str(error.name).startswith("workbench"):
            raise
        raise click.ClickException(
            f"serve needs {error.name}, which is not installed: run "
            'pip install "prores-workbench[serve]"'
        ) from error

    server.serve(
        server.ServerOptions(
            source=source,
            profile=profile,
            host=host,
            port=port,
            allowed_hosts=[name.lower() for name in names],
            no_token=no_token,
            encodes=encodes,
            queue=queue,
            temp=temp,
            cache=cache,
            cache_size=round(cache_size * 1e9),
        )
    )
