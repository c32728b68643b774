"""Line: threads of its own for what blocks, and so many places to wait for them."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

from workbench.errors import ClientGone, QueueFull
from workbench.ffmpeg import Cancellation

T = TypeVar("T")


class Line:
    """Runs work in a limited number of threads, first come, first served."""

    def __init__(self, threads: int, places: int) -> None:
        """`places` is how many may wait while all threads are busy."""
        self._pool = ThreadPoolExecutor(threads)
        self._free = asyncio.Semaphore(threads)
        self._places = places
        self._closing = Cancellation()
        self._threads: set[Future[Any]] = set()
        self._awaited: set[asyncio.Future[Any]] = set()
        self.waiting = 0
        self.running = 0

    async def run(self, work: Callable[[Cancellation], T]) -> T:
        """Run the work in a thread when its turn comes; return or raise what it does.

        A task that is cancelled gives its place up while it waits; while it runs, it stops the work
        and waits for the thread. Raises QueueFull, and Cancelled once the line is closed.
        """
        if self._free.locked() and self.waiting >= self._places:
            raise QueueFull(f"{self.waiting} wait already, and more may not")
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
        stop = Cancellation(parent=self._closing)
        thread = self._pool.submit(work, stop)
        self._threads.add(thread)
        thread.add_done_callback(self._threads.discard)
        done = asyncio.wrap_future(thread)
        self._awaited.add(done)
        try:
            await asyncio.wait({done})
        except asyncio.CancelledError:
            stop.request()
            await asyncio.wait({done})  # whoever cancels removes its files next
            raise
        finally:
            self._awaited.discard(done)
            done.cancelled() or done.exception()  # seen, also where nobody is to be told
        self._closing.raise_if_requested()
        return done.result()

    def close(self) -> None:
        """Stop what runs and let nothing else begin; nobody waits for a thread any more."""
        self._closing.request()
        for done in self._awaited:
            done.cancel()

    def ended(self, seconds: float) -> bool:
        """Wait so long for the threads of a closed line; return whether all have ended."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        return not wait(set(self._threads), timeout=seconds).not_done


async def attended(receive: Callable[[], Awaitable[Any]], work: Awaitable[T]) -> T:
    """Do the work as long as the client that it is for stays; else cancel it.

    `receive` is that of the request (ASGI). Raises ClientGone when the work has ended.
    """
    doing, leaving = asyncio.ensure_future(work), asyncio.ensure_future(_departure(receive))
    try:
        await asyncio.wait({doing, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            raise ClientGone("the client closed its connection")
        return doing.result()
    finally:
        doing.cancel()
        leaving.cancel()
        await asyncio.gather(doing, leaving, return_exceptions=True)


async def _departure(receive: Callable[[], Awaitable[Any]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass  # a body, which nobody asked for
