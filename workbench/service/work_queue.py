"""A bounded queue in front of worker threads, for work that blocks."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

from workbench.errors import ClientGone, QueueFull
from workbench.ffmpeg import Cancellation

T = TypeVar("T")


class WorkQueue:
    """Runs work in a fixed number of threads, first in, first out."""

    def __init__(self, threads: int, places: int | None = None) -> None:
        """Create a pool of threads.

        `places` limits the work that waits while all threads are busy; None sets no limit.
        """
        self._pool = ThreadPoolExecutor(threads)
        self._free = asyncio.Semaphore(threads)
        self._places = places
        self._closing = Cancellation()
        self._threads: set[Future[Any]] = set()
        self._awaited: set[asyncio.Future[Any]] = set()
        self.waiting = 0
        self.running = 0

    @property
    def busy(self) -> bool:
        """Whether all threads are busy."""
        return self._free.locked()

    async def run(self, work: Callable[[Cancellation], T]) -> T:
        """Run the work in a thread when one is free, and return its result or raise its error.

        Cancelling the task that waits here gives up its place in the queue. If the work runs
        already, it is cancelled, and this returns once its thread has ended.

        Raises QueueFull, and Cancelled once the queue is closed.
        """
        if self._places is not None:
            refuse_if_full([self], self._places)
        self.waiting += 1
        try:
            await self._free.acquire()
        finally:
            self.waiting -= 1
        self.running += 1
        try:
            self._closing.raise_if_requested()
            return await self._run(work)
        finally:
            self.running -= 1
            self._free.release()

    async def _run(self, work: Callable[[Cancellation], T]) -> T:
        cancellation = Cancellation(parent=self._closing)
        thread = self._pool.submit(work, cancellation)
        self._threads.add(thread)
        thread.add_done_callback(self._threads.discard)
        done = asyncio.wrap_future(thread)
        self._awaited.add(done)
        try:
            await asyncio.wait({done})
        except asyncio.CancelledError:
            cancellation.request()
            await asyncio.wait({done})  # the caller deletes the work's files next
            raise
        finally:
            self._awaited.discard(done)
            # Retrieve the exception, or asyncio warns that it was never retrieved.
            done.cancelled() or done.exception()
        self._closing.raise_if_requested()
        return done.result()

    def close(self) -> None:
        """Cancel running work, start no more, and let `run` return before its threads end."""
        self._closing.request()
        for done in self._awaited:
            done.cancel()

    def join(self, seconds: float) -> bool:
        """Wait for the threads of a closed queue. Return whether all ended within the time."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        return not wait(set(self._threads), timeout=seconds).not_done


def refuse_if_full(queues: Collection[WorkQueue], places: int) -> None:
    """Raise QueueFull if new work would have to wait, and `places` wait in these queues already."""
    waiting = sum(queue.waiting for queue in queues)
    if any(queue.busy for queue in queues) and waiting >= places:
        raise QueueFull(f"the queue is full: {waiting} requests are waiting")


async def cancel_on_disconnect(receive: Callable[[], Awaitable[Any]], work: Awaitable[T]) -> T:
    """Return the work's result; cancel the work when the client disconnects.

    `receive` is ASGI's, of the client's request. Raises ClientGone once the cancelled work has
    ended.
    """
    working, leaving = asyncio.ensure_future(work), asyncio.ensure_future(_disconnect(receive))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientGone("the client closed its connection")
        return working.result()
    finally:
        working.cancel()
        leaving.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _disconnect(receive: Callable[[], Awaitable[Any]]) -> None:
    """Return when the client has disconnected; ignore the request's body."""
    while (await receive())["type"] != "http.disconnect":
        pass
