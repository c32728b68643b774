"""A Jupyter kernel process that runs one notebook after another.

A new kernel takes three seconds, mostly to import what every notebook needs. So a kernel is kept:
each run gets a new namespace, history and working folder, and shares the imported modules. A kernel
in which a run failed is replaced. A crash ends one run, but not the process that started it.
"""

import asyncio
import os
import sys
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from threading import Event
from typing import Any, TextIO

from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import ensure_event_loop, run_sync

from workbench.batch.papermill_engine import (
    PapermillExecutionError,
    execute,
    known_parameters,
    refuse_unserializable,
)
from workbench.batch.parameters import refuse_unknown
from workbench.errors import Cancelled, KernelDied, NotebookFailed
from workbench.ffmpeg import Cancellation
from workbench.storage.locations import SECRET_VARIABLES

WITHHELD_VARIABLES = (*SECRET_VARIABLES, "WORKBENCH_TOKEN", "MALLOC_TRIM_THRESHOLD_")
"""Prefixes of environment variables that a kernel does not get.

All but the last hold secrets, which a notebook could print. Dask sets the last for its workers;
with it, allocating pictures takes three times as long.
"""

TIMED_OUT = "timed out: raise --time-limit to allow more time"

_START_TIMEOUT = 60.0  # seconds for a kernel to start
_INTERRUPT_TIMEOUT = 15.0  # seconds for an interrupted cell to end before its kernel is killed
_POLL_INTERVAL = 0.2  # seconds between checks for a timeout and a cancellation
_MOST_RUNS = 100  # of one kernel, so that memory leaks of libraries stay small
_RESET = """
import os
os.chdir({folder!r})
get_ipython().reset(new_session=True)
get_ipython().user_module.__spec__ = None  # every module has one, and reset() removes it
"""


class Kernel:
    """A kernel process that runs one notebook at a time. It starts when it is first needed.

    If this process is killed, the kernel's watchdog ends it, and removes `folder` if it is given.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._manager: AsyncKernelManager | None = None
        self._client: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._runs = 0
        self._stopped = Event()
        # The kernel's sockets and event loop belong to one thread, so one thread does all the work.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kernel")

    def __enter__(self) -> "Kernel":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the kernel and everything that runs in it, for good."""
        self._thread.submit(self._end_and_close_loop).result()
        self._thread.shutdown()

    def discard(self) -> None:
        """End the kernel and everything that runs in it. The next run starts another."""
        self._thread.submit(self._end).result()

    def prepare(self) -> None:
        """Start the kernel in the background. `run` waits until it is ready."""
        self._thread.submit(self._start)

    def run(
        self,
        notebook: Path,
        output: Path,
        parameters: Mapping[str, Any],
        *,
        stdout: TextIO | None = None,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> None:
        """Run a notebook with these parameters, and write the executed copy to `output`.

        Relative paths in the notebook start at the output's folder. Its text output, including
        progress bars, is copied to `stdout` as it arrives. After `timeout` seconds the run is
        interrupted.

        Raises ParameterError for an unknown or invalid parameter before anything runs,
        NotebookFailed with the error's message if a cell fails or the run times out, KernelDied if
        the kernel process ended, and Cancelled.
        """
        refuse_unserializable(parameters)
        refuse_unknown(parameters, known_parameters(notebook), notebook.name)
        self._stopped.clear()
        running = self._thread.submit(self._execute, notebook, output, parameters, stdout)
        deadline = None if timeout is None else time.monotonic() + timeout
        stopped = self._wait(running, deadline, cancellation or Cancellation())
        try:
            running.result()
        except PapermillExecutionError as error:
            self.discard()
            if stopped is None:
                raise NotebookFailed(error.evalue or error.ename) from error
        except Exception as error:
            self.discard()
            if stopped is None:
                raise KernelDied(
                    f"the kernel died ({error}), usually because memory ran out"
                ) from error
        except BaseException:
            self.discard()
            raise
        if stopped is not None:
            self.discard()
            raise stopped

    def _wait(
        self, running: "Future[None]", deadline: float | None, cancellation: Cancellation
    ) -> Cancelled | NotebookFailed | None:
        """Wait for a run to end. If it must be stopped, stop it and return the reason."""
        while not running.done():
            reason: Cancelled | NotebookFailed | None = None
            if cancellation.requested:
                reason = Cancelled("stopped because it was cancelled")
            elif deadline is not None and time.monotonic() > deadline:
                reason = NotebookFailed(TIMED_OUT)
            if reason is not None:
                self._stop(running)
                return reason
            try:
                wait([running], _POLL_INTERVAL)
            except BaseException:  # Ctrl-C in the main thread
                self._stop(running)
                raise
        return None

    def _stop(self, running: "Future[None]") -> None:
        """Interrupt a run so that it can clean up, and kill its kernel after a timeout."""
        self._stopped.set()
        self._schedule("interrupt_kernel")
        if not wait([running], _INTERRUPT_TIMEOUT).done:
            self._schedule("shutdown_kernel", now=True)
        wait([running])

    def _schedule(self, method: str, **options: Any) -> None:
        """Call a method of the kernel's manager while the kernel's thread waits for a cell."""
        if self._manager is not None and self._loop is not None:
            call = getattr(self._manager, method)(**options)
            asyncio.run_coroutine_threadsafe(call, self._loop)

    # The methods below run in the kernel's thread.

    def _execute(
        self, notebook: Path, output: Path, parameters: Mapping[str, Any], stdout: TextIO | None
    ) -> None:
        if self._runs >= _MOST_RUNS:
            self._end()
        self._start()
        if self._stopped.is_set():
            return
        self._runs += 1
        self._execute_code(_RESET.format(folder=str(output.parent)))
        execute(
            notebook,
            output,
            parameters,
            kernel_manager=self._manager,
            kernel_client=self._client,
            stdout=stdout,
        )

    def _start(self) -> None:
        if self._manager is not None:
            return
        self._loop = ensure_event_loop()
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(WITHHELD_VARIABLES)
        }
        # Any user of the machine can connect to a kernel's ports. CurveZMQ keeps them from reading.
        manager = AsyncKernelManager(kernel_name="python3", transport_encryption="auto")
        assert manager.kernel_spec is not None
        watchdog = [sys.executable, "-m", "workbench.batch.kernel_watchdog", str(os.getpid())]
        own_arguments = ["-f", "{connection_file}", "--log-level=ERROR"]
        manager.kernel_spec.argv = [*watchdog, str(self._folder or ""), *own_arguments]
        with Path(os.devnull).open("w") as null:  # an inherited pipe would stay open
            run_sync(manager.start_kernel)(env=environment, stdout=null, stderr=null)
        self._manager, self._runs = manager, 0
        try:
            self._client = manager.client()
            self._client.start_channels()
            self._client.allow_stdin = False
            run_sync(self._client.wait_for_ready)(timeout=_START_TIMEOUT)
        except BaseException:
            self._end()
            raise

    def _execute_code(self, code: str) -> None:
        reply = run_sync(self._client.execute_interactive)(
            code, store_history=False, timeout=_START_TIMEOUT, output_hook=lambda _: None
        )
        if reply["content"]["status"] != "ok":
            raise RuntimeError(f"the kernel answered {reply['content'].get('evalue')}")

    def _end(self) -> None:
        manager, client, self._manager, self._client = self._manager, self._client, None, None
        if client is not None:
            client.stop_channels()
        if manager is not None:
            run_sync(manager.shutdown_kernel)(now=True)

    def _end_and_close_loop(self) -> None:
        self._end()
        if self._loop is not None:
            self._loop.close()
