"""Notebooks, run by papermill in kernels that serve one run after another.

A fresh kernel costs three seconds, most of them for importing what every run needs. So a kernel is
kept: each run gets a new namespace, history and working folder in it, and shares the modules that
are loaded. A kernel in which anything went wrong serves nobody else. It is a process of its own:
what crashes in it takes one run along, not the process that asked for it.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any, TextIO

from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import ensure_event_loop, run_sync

from workbench.arguments import check_type, shown
from workbench.batch.parameters import refuse_unknown
from workbench.errors import (
    Cancelled,
    DestinationUnusable,
    KernelDied,
    NotebookFailed,
    ParameterError,
)
from workbench.ffmpeg import Cancellation
from workbench.files import expanded


@contextmanager
def _absent(package: str) -> Iterator[None]:
    """Let an optional package seem not to be installed, unless it is loaded already."""
    loaded = package in sys.modules
    if not loaded:
        sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if not loaded:
            del sys.modules[package]


# Three quarters of the time that papermill takes to load, two seconds in each worker, go into the
# grammar of a package by which the notebook format's validator could check links in a schema.
with _absent("rfc3987_syntax"):
    import papermill
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.engines import Engine, papermill_engines

_UNFIT = ("R2_", "AWS_", "WORKBENCH_TOKEN", "MALLOC_TRIM_THRESHOLD_")
"""Beginnings of variables that a kernel does not get: secrets, which it could show, and what Dask
sets for its workers' memory, under which pictures take three times as long to allocate."""
_START = 60.0  # seconds for a kernel to start
_GRACE = 15.0  # seconds for a cell to end after it was interrupted
_LOOK = 0.2  # seconds between looks at whether a run is to be stopped
_MOST = 100
"""Notebooks that one kernel runs: what leaks in somebody's library stays small."""


class Kernel:
    """A kernel process that runs notebooks, one at a time. Started when first needed.

    When this process is killed, the kernel ends by itself, and removes the folder `scratch`.
    """

    def __init__(self, scratch: Path | None = None) -> None:
        self._scratch = scratch
        self._manager: AsyncKernelManager | None = None
        self._client: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._served = 0
        self._stopped = Event()
        # Sockets and event loops belong to a thread: all talk with the kernel is in this one.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kernel")

    def __enter__(self) -> "Kernel":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the kernel and what runs in it, for good."""
        self._thread.submit(self._leave).result()
        self._thread.shutdown()

    def discard(self) -> None:
        """End the kernel and what runs in it. Another one starts when it is needed."""
        self._thread.submit(self._end).result()

    def prepare(self) -> None:
        """Begin to start the kernel; whoever runs a notebook waits for it."""
        self._thread.submit(self._begin)

    def run(
        self,
        notebook: Path,
        output: Path,
        parameters: Mapping[str, Any],
        *,
        stdout: TextIO | None = None,
        seconds: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> None:
        """Run a notebook with these parameters; leave the executed copy at `output`.

        Relative paths in it mean the output's folder. Its text output is passed on to `stdout` as
        it comes, progress bars included. It is interrupted after so many `seconds`.

        Raises ParameterError before anything runs when a parameter is not one of the notebook's,
        NotebookFailed with the error's own sentence when a cell fails, KernelDied, and Cancelled.
        """
        _refuse_unwritable(parameters)
        refuse_unknown(parameters, _known_parameters(notebook), notebook.name)
        self._stopped.clear()
        running = self._thread.submit(self._execute, notebook, output, dict(parameters), stdout)
        deadline = None if seconds is None else time.monotonic() + seconds
        why = self._watched(running, deadline, cancellation or Cancellation())
        try:
            running.result()
        except papermill.PapermillExecutionError as error:
            self.discard()
            if why is None:
                raise NotebookFailed(error.evalue or error.ename) from error
        except Exception as error:
            self.discard()
            if why is None:
                raise KernelDied(
                    f"the kernel died ({error}); too little memory is the usual cause"
                ) from error
        except BaseException:
            self.discard()
            raise
        if why is not None:
            self.discard()
            raise why

    def _watched(
        self, running: "Future[None]", deadline: float | None, cancellation: Cancellation
    ) -> Cancelled | NotebookFailed | None:
        """Wait for a run to end; return why it had to be stopped, if it had to."""
        why: Cancelled | NotebookFailed | None = None
        while not running.done():
            if cancellation.requested:
                why = Cancelled("stopped because it was cancelled")
            elif deadline is not None and time.monotonic() > deadline:
                why = NotebookFailed("stopped because its time was over; --time-limit allows more")
            if why is not None:
                self._stop(running)
                break
            try:
                wait([running], _LOOK)
            except BaseException:  # Ctrl-C, where this is the main thread
                self._stop(running)
                raise
        return why

    def _stop(self, running: "Future[None]") -> None:
        """Interrupt a run, so that it can clean up; after a while, kill its kernel."""
        self._stopped.set()
        self._tell("interrupt_kernel")
        if not wait([running], _GRACE).done:
            self._tell("shutdown_kernel", now=True)
        wait([running])

    def _tell(self, what: str, **options: Any) -> None:
        """Have the kernel's manager do something while its thread waits for a cell."""
        if self._manager is not None and self._loop is not None:
            asyncio.run_coroutine_threadsafe(getattr(self._manager, what)(**options), self._loop)

    def _execute(
        self, notebook: Path, output: Path, parameters: dict[str, Any], stdout: TextIO | None
    ) -> None:
        if self._served >= _MOST:
            self._end()
        self._begin()
        if self._stopped.is_set():
            return
        self._served += 1
        self._ask(_FRESH.format(folder=str(output.parent)))
        papermill.execute_notebook(
            _literal(notebook),
            _literal(output),
            parameters,
            engine_name=_KEPT,
            progress_bar=False,
            stdout_file=stdout,
            # Written once, at its end or at its error: not before and after each cell.
            request_save_on_cell_execute=False,
            autosave_cell_every=0,
            kernel=self,
        )

    def _begin(self) -> None:
        if self._manager is not None:
            return
        self._loop = ensure_event_loop()
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(_UNFIT)
        }
        manager = AsyncKernelManager(kernel_name="python3")
        assert manager.kernel_spec is not None
        guard = [sys.executable, "-m", "workbench.batch.kernel_guard", str(os.getpid())]
        own = ["-f", "{connection_file}", "--log-level=ERROR"]
        manager.kernel_spec.argv = [*guard, str(self._scratch or ""), *own]
        with Path(os.devnull).open("w") as nowhere:  # what it inherits, it could keep open
            run_sync(manager.start_kernel)(env=environment, stdout=nowhere, stderr=nowhere)
        self._manager, self._served = manager, 0
        try:
            self._client = manager.client()
            self._client.start_channels()
            self._client.allow_stdin = False
            run_sync(self._client.wait_for_ready)(timeout=_START)
        except BaseException:
            self._end()
            raise

    def _ask(self, code: str) -> None:
        reply = run_sync(self._client.execute_interactive)(
            code, store_history=False, timeout=_START, output_hook=lambda _: None
        )
        if reply["content"]["status"] != "ok":
            raise RuntimeError(f"the kernel answered {reply['content'].get('evalue')}")

    def _end(self) -> None:
        manager, client, self._manager, self._client = self._manager, self._client, None, None
        if client is not None:
            client.stop_channels()
        if manager is not None:
            run_sync(manager.shutdown_kernel)(now=True)

    def _leave(self) -> None:
        self._end()
        if self._loop is not None:
            self._loop.close()

    def client(self, manager: Any, options: Mapping[str, Any]) -> PapermillNotebookClient:
        """Return what executes a notebook's cells in this kernel."""
        found = PapermillNotebookClient(manager, km=self._manager, **options)
        found.kc = self._client
        return found


def _known_parameters(notebook: Path) -> Collection[str]:
    """Return the names of a notebook's parameters. Raises NotebookFailed for what is none."""
    if not notebook.is_file():
        raise NotebookFailed(f"{notebook} does not exist")
    try:
        found: Mapping[str, Any] = papermill.inspect_notebook(_literal(notebook))
    except Exception as error:  # each library that papermill reads it by has its own
        raise NotebookFailed(
            f"{notebook.name} cannot be read as a notebook ({type(error).__name__}): give a .ipynb"
        ) from error
    return found


def _refuse_unwritable(parameters: Mapping[str, Any]) -> None:
    """Raise ParameterError for what no notebook's file can hold, such as half of a character."""
    for name, value in parameters.items():
        try:
            json.dumps({name: value}, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise ParameterError(f"the parameter {name} holds what UTF-8 cannot say") from error
        except (TypeError, ValueError, RecursionError) as error:
            raise ParameterError(
                f"the parameter {name} is {shown(value)}: give text, a number, a list or a mapping"
            ) from error


def _literal(path: Path) -> str:
    """Return a path as papermill takes it, which fills in what stands in braces."""
    return str(path).replace("{", "{{").replace("}", "}}")


_KEPT = "workbench"
_FRESH = """
import os
os.chdir({folder!r})
get_ipython().reset(new_session=True)
get_ipython().user_module.__spec__ = None  # which every module has, and reset takes away
import sys
if "matplotlib.pyplot" in sys.modules:
    sys.modules["matplotlib.pyplot"].close("all")
del sys
"""


class _Kept(Engine):  # type: ignore[misc]
    """Papermill's engine for a kernel that is there already."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: Any, kernel_name: str, *, kernel: Kernel, stdout_file: TextIO | None, **_: Any
    ) -> None:
        options = {"kernel_name": kernel_name, "stdout_file": stdout_file, "coalesce_streams": True}
        kernel.client(nb_man, options).execute()


papermill_engines.register(_KEPT, _Kept)


def run_notebook(notebook: str | Path, output: str | Path, parameters: Mapping[str, Any]) -> None:
    """Run one notebook in a kernel of its own, its text output passed on to this process's.

    Leaves the executed copy at `output`. Raises as Kernel.run does, and DestinationUnusable.
    """
    notebook = expanded(notebook, "the notebook").absolute()
    output = expanded(output, "the output").absolute()
    check_type("parameters", parameters, Mapping, "values by the notebook's own names")
    for name in parameters:
        check_type("a parameter", name, str, "its name as text")
    if output.is_dir() or not output.parent.is_dir():
        raise DestinationUnusable(
            f"{output} cannot be written: give a file in a folder that exists"
        )
    with Kernel() as kernel:
        try:
            kernel.run(notebook, output, parameters, stdout=sys.stdout)
        except NotebookFailed as error:
            raise NotebookFailed(f"{notebook.name}: {error} (see {output})") from error
