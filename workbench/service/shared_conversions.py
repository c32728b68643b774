"""Find converted files in the cache, or make them in conversions that requests share."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

from workbench.errors import DestinationUnusable
from workbench.service.cache import FileCache
from workbench.service.conversion import ConvertedFile, RequestedFile, encode_clip, fetch_clip
from workbench.service.metrics import Metrics
from workbench.service.work_queue import WorkQueue, refuse_if_full
from workbench.storage.base import Storage


@dataclass(frozen=True)
class Queues:
    """The work queues of a service, each of which can stall without stalling the others."""

    lookups: WorkQueue  # asks the storage for a clip
    fetches: WorkQueue  # downloads and opens a clip
    encodes: WorkQueue
    cache: WorkQueue  # reads and writes the cache's folder

    def __iter__(self) -> Iterator[WorkQueue]:
        return iter((self.lookups, self.fetches, self.encodes, self.cache))


class _SharedFile:
    """A file that one or more requests wait for, or receive."""

    task: asyncio.Task[ConvertedFile]

    def __init__(self) -> None:
        self.requests = 0
        self.files = ExitStack()  # closed when no request needs the file


class SharedConversions:
    """Finds or makes converted files. Requests for the same file share one conversion."""

    def __init__(
        self,
        storage: Storage,
        folder: Path,
        cache: FileCache | None,
        queues: Queues,
        places: int,
        metrics: Metrics,
    ) -> None:
        """Use `folder` for conversions. `places` is the number of conversions that may wait."""
        self._storage, self._folder, self._cache = storage, folder, cache
        self._queues, self._places, self._metrics = queues, places, metrics
        self._shared: dict[str, _SharedFile] = {}

    @asynccontextmanager
    async def file(self, requested: RequestedFile) -> AsyncIterator[ConvertedFile]:
        """Yield the requested file, which exists until the block ends.

        The first request for a file fetches and converts it; others wait for the same conversion.
        It is cancelled when the last of them is cancelled.

        Raises QueueFull, StorageError, ClipError, DeliveryError, FfmpegError, and OSError when the
        disk is full.
        """
        key = requested.key
        shared = self._shared.get(key)
        if shared is None:
            shared = self._shared[key] = _SharedFile()
            shared.task = asyncio.create_task(self._find_or_convert(requested, shared))
            shared.task.add_done_callback(partial(self._forget_failed, key, shared))
        elif shared.task.done():
            self._metrics.cache_hits.inc()
        else:
            self._metrics.shared.inc()
        shared.requests += 1
        try:
            yield await asyncio.shield(shared.task)
        finally:
            shared.requests -= 1
            if not shared.requests:
                await self._discard(key, shared)

    async def cached(self, requested: RequestedFile) -> ConvertedFile | None:
        """Return the cache's entry for the requested file, or None. It may vanish at any time."""
        cache = self._cache
        if cache is None:
            return None
        return await self._queues.cache.run(lambda _: cache.find(requested.key))

    async def _find_or_convert(
        self, requested: RequestedFile, shared: _SharedFile
    ) -> ConvertedFile:
        cache, queues = self._cache, self._queues
        if cache:
            opened = cache.opened(requested.key)
            found = await queues.cache.run(lambda _: shared.files.enter_context(opened))
            if found:
                self._metrics.cache_hits.inc()
                return found
            self._metrics.cache_misses.inc()
        refuse_if_full([queues.fetches, queues.encodes], self._places)
        converted = await self._convert(requested, shared)
        if cache:
            await queues.cache.run(lambda _: cache.put(requested.key, converted))
        return converted

    async def _convert(self, requested: RequestedFile, shared: _SharedFile) -> ConvertedFile:
        try:
            folder = Path(mkdtemp(dir=self._folder))
        except OSError as error:
            raise DestinationUnusable(
                f"cannot create a temporary folder in {self._folder}: {error}"
            ) from error
        shared.files.callback(shutil.rmtree, folder, ignore_errors=True)
        # Two queues: a download from a storage that stalls must not keep an encode from starting.
        clip = await self._queues.fetches.run(partial(fetch_clip, self._storage, requested, folder))
        with clip:
            encode = partial(encode_clip, clip, requested, folder)
            converted, seconds = await self._queues.encodes.run(encode)
        self._metrics.seconds.observe(seconds)
        return converted

    def _forget_failed(
        self, key: str, shared: _SharedFile, task: "asyncio.Task[ConvertedFile]"
    ) -> None:
        """Let the next request try again after a failure."""
        if task.cancelled() or task.exception():
            self._forget(key, shared)

    def _forget(self, key: str, shared: _SharedFile) -> None:
        if self._shared.get(key) is shared:
            del self._shared[key]

    async def _discard(self, key: str, shared: _SharedFile) -> None:
        """Cancel the conversion if it still runs, and delete its files."""
        self._forget(key, shared)
        shared.task.cancel()
        await asyncio.gather(shared.task, return_exceptions=True)
        await asyncio.to_thread(shared.files.close)
