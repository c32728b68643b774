"""Guard: a kernel, started so that it does not outlive the process that it works for.

Whoever is killed outright cannot end its children. So the kernel watches its owner, from before it
is one: python -m workbench.batch.kernel_guard OWNER SCRATCH, and then the kernel's own arguments.
"""

import _thread
import os
import shutil
import sys
import time
from pathlib import Path
from threading import Thread

import psutil

from workbench.signals import unblock_interrupt

_LOOK = 0.5  # seconds between looks
_GRACE = 5.0  # seconds in which what runs may end by itself


def main() -> None:
    """Be a kernel that ends with the process OWNER, and then removes the folder SCRATCH, if any."""
    owner, folder = int(sys.argv[1]), sys.argv[2]
    unblock_interrupt()  # its owner may block SIGINT, by which Jupyter interrupts a kernel
    try:
        watched = psutil.Process(owner)
    except psutil.NoSuchProcess:
        watched = None
    Thread(target=_watch, args=(watched, folder), daemon=True).start()
    from ipykernel.kernelapp import IPKernelApp

    sys.argv[1:] = sys.argv[3:]
    if sys.platform != "win32":
        # Its own watch would end it at once, and leave behind what runs in it.
        sys.argv.append("--IPKernelApp.parent_handle=1")
    IPKernelApp.launch_instance()


def _watch(owner: psutil.Process | None, folder: str) -> None:
    while owner is not None and owner.is_running() and owner.status() != psutil.STATUS_ZOMBIE:
        time.sleep(_LOOK)
    _thread.interrupt_main()
    _, left = psutil.wait_procs(psutil.Process().children(recursive=True), timeout=_GRACE)
    for process in left:
        process.kill()
    if folder:
        os.chdir(Path(folder).anchor)  # some systems do not remove a folder that somebody is in
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


if __name__ == "__main__":
    main()
