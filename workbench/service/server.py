"""Run the service: listen, serve until a signal, shut down."""

import asyncio
import ipaddress
import logging
import os
import socket
import time
from collections.abc import Collection, Iterable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import uvicorn

from workbench import ffmpeg
from workbench.deliver.format import PRORES_422_HQ
from workbench.errors import AddressRefused, DestinationUnusable, StorageRefused
from workbench.files import expanded
from workbench.service.access_log import AccessLog, OneLineFormatter, log
from workbench.service.app import Service, create_app
from workbench.service.cache import FileCache, open_cache
from workbench.service.connection_limits import ConnectionLimits
from workbench.service.metrics import Metrics
from workbench.service.own_token import own_token
from workbench.service.shared_conversions import Queues, SharedConversions
from workbench.service.work_queue import WorkQueue
from workbench.storage.base import Storage
from workbench.storage.folder import Folder
from workbench.storage.locations import open_storage
from workbench.temporary import system_folder, temporary_folder

TOKEN_VARIABLE = "WORKBENCH_TOKEN"
_LOOKUPS = (8, 64)  # lookups in the storage that run at once, and that wait
_FETCHES = 8  # fetches from the storage that run at once
_CACHE_THREADS = 4
_SHUTDOWN_SECONDS = 5  # for downloads in progress when the service is stopped
_THREAD_SECONDS = 3  # for threads to end after that
_MAX_HEADER_BYTES = 16 << 10  # of a request line and its headers together
_POLL_SECONDS = 0.1  # between checks of whether uvicorn is shutting down
_POLLS = 10  # from one check of the connections to the next


@dataclass(frozen=True, kw_only=True)
class ServerOptions:
    """How to run the service."""

    source: str  # a folder or s3://bucket/prefix
    profile: str | None = None  # of the AWS configuration
    host: str = "127.0.0.1"
    port: int = 8000
    allowed_hosts: Collection[str] = ()  # besides loopback names; lower case
    no_token: bool = False  # answer every user of this machine, if no token is set
    encodes: int = 1  # that run at once
    queue: int = 16  # conversions that may wait
    temp: Path | None = None  # None: the system's folder
    cache: Path | None = None  # None: a cache among the temporary files, deleted at the end
    cache_size: int = 0  # bytes; 0 turns the cache off


def serve(options: ServerOptions) -> None:
    """Serve the clips of a storage over HTTP until SIGINT or SIGTERM.

    Raises AddressRefused, StorageRefused, DestinationUnusable, FfmpegMissing for a setup in which
    every request would fail.
    """
    token = os.environ.get(TOKEN_VARIABLE, "").strip()
    storage = _open_storage(options.source, options.profile)
    ffmpeg.require(encoders=PRORES_422_HQ.encoders)
    _configure_log()
    with (
        _listen(options.host, options.port, token) as listener,
        _temporary_folder(options.temp) as folder,
        open_cache(options.cache, folder, options.cache_size) as cache,
    ):
        header = None
        if not token and not options.no_token:
            token, header = own_token()
        _log_address(listener)
        if header:
            log.info("%s", f"clients must send the header that {header} holds")
        ended = _run(options, token, storage, folder, cache, listener)
    if not ended:  # Python would wait for the threads, and a request to a storage can take minutes
        os._exit(0)


def refuse_open_address(address: str, token: str) -> None:
    """Raise AddressRefused for an address that other machines can reach, unless there is a token.

    >>> refuse_open_address("127.0.0.1", ""), refuse_open_address("0.0.0.0", "secret")
    (None, None)
    """
    if not token and not _is_loopback(address):
        raise AddressRefused(
            f"{address} can be reached from other machines: set {TOKEN_VARIABLE} to the bearer "
            "token that clients must send"
        )


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


def _run(
    options: ServerOptions,
    token: str,
    storage: Storage,
    folder: Path,
    cache: FileCache | None,
    listener: socket.socket,
) -> bool:
    """Serve until a signal; return whether every thread has ended."""
    queues = Queues(
        lookups=WorkQueue(*_LOOKUPS),
        fetches=WorkQueue(_FETCHES),
        encodes=WorkQueue(options.encodes),
        cache=WorkQueue(_CACHE_THREADS),
    )
    metrics = Metrics(queues.fetches, queues.encodes, cache)
    conversions = SharedConversions(storage, folder, cache, queues, options.queue, metrics)
    loopback = _is_loopback(str(listener.getsockname()[0]))
    hosts = options.allowed_hosts if loopback or options.allowed_hosts else None
    service = Service(storage, folder, token, hosts, queues.lookups, conversions, metrics)
    limits = ConnectionLimits(AccessLog(create_app(service), metrics))
    config = uvicorn.Config(
        limits,
        http=limits.protocol(),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        h11_max_incomplete_event_size=_MAX_HEADER_BYTES,
    )
    with suppress(KeyboardInterrupt):  # uvicorn raises the signal again once it has shut down
        asyncio.run(_serve_until_signal(uvicorn.Server(config), listener, limits, queues))
    ended = [queue.join(_THREAD_SECONDS) for queue in queues]
    log.info("stopped")
    return all(ended)


async def _serve_until_signal(
    server: uvicorn.Server,
    listener: socket.socket,
    limits: ConnectionLimits,
    queues: Iterable[WorkQueue],
) -> None:
    async def watch() -> None:
        polls = 0
        while not server.should_exit:
            if polls % _POLLS == 0:
                limits.enforce(time.monotonic())
            polls += 1
            await asyncio.sleep(_POLL_SECONDS)
        # Cancel the work: uvicorn would wait for the responses that need it.
        for queue in queues:
            queue.close()

    watching = asyncio.create_task(watch())
    try:
        await server.serve([listener])
    finally:
        watching.cancel()


def _open_storage(place: str, profile: str | None) -> Storage:
    storage = open_storage(place, profile)
    if not isinstance(storage, Folder):
        return storage
    if not storage.root.is_dir():
        raise StorageRefused(f"{place} is not a folder: give a folder or s3://bucket/prefix")
    return replace(storage, follow_links=False)


def _listen(host: str, port: int, token: str) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        refuse_open_address(str(address[0]), token)
        return socket.create_server(address, family=family)
    except (OSError, OverflowError) as error:
        raise AddressRefused(
            f"the service cannot listen on {host}, port {port}: "
            f"{getattr(error, 'strerror', None) or error}"
        ) from error


def _temporary_folder(parent: Path | None) -> AbstractContextManager[Path]:
    parent = expanded(parent or system_folder()).absolute()
    if not parent.is_dir():
        raise DestinationUnusable(f"{parent} cannot hold temporary files: it is not a folder")
    return temporary_folder(parent)


def _configure_log() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(OneLineFormatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    log.setLevel(logging.INFO)


def _log_address(listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    log.info("%s", f"serving at http://{shown}:{port}, described at /docs; Ctrl-C stops it")
