"""Server: where the service listens, to whom it answers, and how it ends."""

import ipaddress
import logging
import os
import socket
import time
from collections.abc import Collection
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from pathlib import Path

import uvicorn

from workbench import ffmpeg
from workbench.deliver.format import PRORES_422_HQ
from workbench.errors import AddressRefused, DestinationUnusable, StorageRefused
from workbench.files import expanded
from workbench.service.app import Service, create_app
from workbench.service.host_check import Connection
from workbench.service.metrics import Figures, OneLine, Watched, log
from workbench.service.work_queue import Line
from workbench.storage.base import Storage
from workbench.storage.folder import Folder
from workbench.storage.locations import open_storage
from workbench.temporary import system_folder, temporary_folder

TOKEN_VARIABLE = "WORKBENCH_TOKEN"
_LOOKING = (8, 64)  # requests that ask the storage at once, and that wait to
_GRACE = 5  # seconds for downloads that run when the service is stopped
_LAST = 3  # seconds for what cannot be interrupted
_HEAD = 16 << 10  # bytes of a request line and its headers
_TICKS = 10  # of uvicorn, ten a second, between looks at who holds a connection


def serve(
    place: str,
    profile: str | None,
    *,
    host: str,
    port: int,
    encodes: int,
    queue: int,
    temp: Path | None,
    names: Collection[str] = (),
) -> None:
    """Serve the clips of a storage until a signal ends it.

    `encodes` run at once, `queue` more wait. Temporary files are in a folder of its own in `temp`.
    `names` are those of hosts by which clients may ask without a token, besides loopback ones.
    Raises AddressRefused, StorageRefused, DestinationUnusable, FfmpegMissing: what would make every
    request fail.
    """
    token = os.environ.get(TOKEN_VARIABLE, "").strip()
    storage = _storage(place, profile)
    ffmpeg.require(encoders=PRORES_422_HQ.encoders)
    with _listening(host, port, token) as listener, _temporary(temp) as folder:
        _tell(listener)
        ended = _run(storage, folder, (token, names), (encodes, queue), listener)
    if not ended:  # a request to the storage can last minutes, and Python would wait for it
        os._exit(0)


def refuse_open(address: str, token: str) -> None:
    """Raise AddressRefused for an address that others can reach, unless there is a token.

    >>> refuse_open("127.0.0.1", ""), refuse_open("::1", ""), refuse_open("0.0.0.0", "secret")
    (None, None, None)
    """
    if not token and not ipaddress.ip_address(address.partition("%")[0]).is_loopback:
        raise AddressRefused(
            f"{address} can be reached from other machines: set {TOKEN_VARIABLE} to what they "
            "must send as a bearer token"
        )


class _Server(uvicorn.Server):
    """Stops the encodes first, where uvicorn would wait for them, and clients that hold on."""

    def __init__(self, config: uvicorn.Config, lines: tuple[Line, ...]) -> None:
        super().__init__(config)
        self._lines = lines

    async def on_tick(self, counter: int) -> bool:
        if counter % _TICKS == 0:
            for connection in list(self.server_state.connections):
                if isinstance(connection, Connection):
                    connection.end_if_held(time.monotonic())
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for line in self._lines:
            line.close()
        await super().shutdown(sockets)


def _run(
    storage: Storage,
    folder: Path,
    welcome: tuple[str, Collection[str]],
    sizes: tuple[int, int],
    listener: socket.socket,
) -> bool:
    """Serve until a signal; return whether every thread has ended."""
    looking, encodes = Line(*_LOOKING), Line(*sizes)
    figures = Figures(encodes)
    app = create_app(Service(storage, folder, *welcome, looking, encodes, figures))
    config = uvicorn.Config(
        Watched(app, figures),
        http=Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=_GRACE,
        h11_max_incomplete_event_size=_HEAD,
    )
    with suppress(KeyboardInterrupt):  # how uvicorn passes the signal on when it has ended
        _Server(config, (looking, encodes)).run([listener])
    ended = [line.ended(_LAST) for line in (encodes, looking)]
    log.info("stopped")
    return all(ended)


def _storage(place: str, profile: str | None) -> Storage:
    storage = open_storage(place, profile)
    if not isinstance(storage, Folder):
        return storage
    if not storage.root.is_dir():
        raise StorageRefused(f"{place} is not a folder")
    return replace(storage, follow_links=False)


def _listening(host: str, port: int, token: str) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        refuse_open(str(address[0]), token)
        return socket.create_server(address, family=family)
    except (OSError, OverflowError) as error:
        raise AddressRefused(
            f"the service cannot listen at {host}, port {port}: "
            f"{getattr(error, 'strerror', None) or error}"
        ) from error


def _temporary(parent: Path | None) -> AbstractContextManager[Path]:
    parent = expanded(parent or system_folder()).absolute()
    if not parent.is_dir():
        raise DestinationUnusable(f"{parent} cannot hold temporary files: it is not a folder")
    return temporary_folder(parent)


def _tell(listener: socket.socket) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(OneLine("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    log.setLevel(logging.INFO)
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    log.info("%s", f"serving at http://{shown}:{port}, described at /docs; Ctrl-C stops it")
