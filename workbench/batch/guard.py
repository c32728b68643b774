"""Guard: a kernel that outlives the process which started it cleans up and ends.

Whoever is killed outright cannot end its children. Runs inside the kernel.
"""

import _thread
import os
import shutil
import time
from pathlib import Path
from threading import Thread

import psutil

_LOOK = 0.5  # seconds between looks
_GRACE = 5.0  # seconds in which what runs may end by itself


def end_with(parent: int, folder: str | None) -> None:
    """End this process when `parent` is gone: interrupt what runs, remove `folder`."""
    try:
        watched = psutil.Process(parent)
    except psutil.NoSuchProcess:
        watched = None
    Thread(target=_watch, args=(watched, folder), daemon=True).start()


def _watch(parent: psutil.Process | None, folder: str | None) -> None:
    while parent is not None and parent.is_running() and parent.status() != psutil.STATUS_ZOMBIE:
        time.sleep(_LOOK)
    _thread.interrupt_main()
    _, left = psutil.wait_procs(psutil.Process().children(recursive=True), timeout=_GRACE)
    for process in left:
        process.kill()
    if folder is not None:
        os.chdir(Path(folder).anchor)  # some systems do not remove a folder that somebody is in
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)
