"""Start a Jupyter kernel that ends when its owner, the process that uses it, ends.

A process that is killed cannot end its children. So a thread of the kernel watches the owner, from
before the kernel starts: python -m workbench.batch.kernel_watchdog OWNER FOLDER KERNEL_ARGUMENT...
"""

import _thread
import os
import shutil
import sys
import time
from contextlib import suppress
from pathlib import Path
from threading import Thread

import psutil

from workbench.signals import unblock_interrupt

_POLL_INTERVAL = 0.5  # seconds between checks of the owner
_CHILD_TIMEOUT = 5.0  # seconds for child processes to end before they are killed


def main() -> None:
    """Run a kernel until the process OWNER ends, then remove FOLDER unless it is empty text."""
    owner, folder = int(sys.argv[1]), sys.argv[2]
    unblock_interrupt()  # Jupyter interrupts kernels by SIGINT, which a worker blocks
    try:
        process = psutil.Process(owner)
    except psutil.NoSuchProcess:
        process = None
    Thread(target=_watch, args=(process, folder), daemon=True).start()
    from ipykernel.kernelapp import IPKernelApp

    sys.argv[1:] = sys.argv[3:]
    if sys.platform != "win32":
        # Turn off ipykernel's own check of its parent, which would leave child processes running.
        sys.argv.append("--IPKernelApp.parent_handle=1")
    IPKernelApp.launch_instance()


def _watch(owner: psutil.Process | None, folder: str) -> None:
    """Wait for the owner to end, then interrupt the notebook, and end children and kernel."""
    with suppress(psutil.NoSuchProcess):  # it may end between two of these calls
        while owner is not None and owner.is_running() and owner.status() != psutil.STATUS_ZOMBIE:
            time.sleep(_POLL_INTERVAL)
    _thread.interrupt_main()
    children = psutil.Process().children(recursive=True)
    _, running = psutil.wait_procs(children, timeout=_CHILD_TIMEOUT)
    for process in running:
        process.kill()
    if folder:
        os.chdir(Path(folder).anchor)  # Windows does not remove a process's current folder
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


if __name__ == "__main__":
    main()
