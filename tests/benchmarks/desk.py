"""Time the desk in a real browser, from the input event to the painted picture.

Playwright opens the notebook and disconnects. While connected it reads every 8 MB message that the
kernel sends to the page, which takes a quarter of two cores.
"""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
from playwright.sync_api import Page, sync_playwright

from tests.browser import servers
from tests.browser.desk import Desk
from tests.browser.pages import Notebook, Seen
from workbench.batch.notebook_files import NOTEBOOKS

_MOVE = 1.0  # seconds between two moves in desk.js
_BURST = 5 * 4.6 + 3  # seconds for all bursts
_MEASURED = """() => {
  const timeline = document.querySelector(".wbv-timeline");
  return Number(timeline.dataset.known) > Number(timeline.querySelector("input").max);
}"""
"""Whether the background pass has measured every frame."""


def timings(clip: Path, moves: int) -> dict[str, Any]:
    """Return the timings of desk.js, and the kernel's memory in MB half-way and at the end.

    `slider` and `scrub` give for each move the milliseconds to the picture, to its figures, and to
    its exact code values. `burst` gives how many pictures were painted during the changes, and the
    milliseconds from the last change to the last picture.
    """
    with TemporaryDirectory() as name, servers.lab_server(Path(name) / "lab") as server:
        notebook = server.put(NOTEBOOKS / "tune.ipynb", {"source": clip})
        address = f"{server.address}/lab/tree/{notebook}?token={server.token}&reset"
        with _chromium(Path(name) / "profile") as port:
            with _page(port) as page:
                page.goto(address)
                shown = Notebook(page, Seen(page), Path(name))
                shown.wait()
                shown.run_all()
                shown.show(3)
                Desk(shown).exact()
                kernel = psutil.Process(
                    int(shown.evaluate_in_kernel("import os; print(os.getpid())"))
                )
                page.wait_for_timeout(8000)  # until all frames are decoded ahead
                script = Path(__file__).with_suffix(".js").read_text(encoding="utf-8").strip()
                lines = script.splitlines()
                act = "\n".join(line for line in lines if not line.startswith("//"))
                page.evaluate(
                    f"moves => {{ ({act})(moves).then(r => {{ window.found = r; }}); }}", moves
                )
            time.sleep(1.5 * moves * _MOVE)  # the caches of frames and pictures are full by then
            before = kernel.memory_info().rss / 1e6
            time.sleep(0.5 * moves * _MOVE + _BURST)
            with _page(port) as page:
                page.wait_for_function("window.found", timeout=60_000)
                page.wait_for_function(_MEASURED, timeout=600_000)  # its ffmpeg is no leftover
                found: dict[str, Any] = page.evaluate("window.found")
            found["memory"] = [before, kernel.memory_info().rss / 1e6]
            found["processes"] = [
                child.name() for child in kernel.children() if "ffmpeg" in child.name()
            ]
    return found


@contextmanager
def _chromium(profile: Path) -> Iterator[int]:
    """Run a browser that accepts several connections one after the other; yield its port."""
    with socket.socket() as free:
        free.bind((servers.HERE, 0))
        port: int = free.getsockname()[1]
    argv = [
        servers.find_chromium(),
        *("--headless", f"--remote-debugging-port={port}", f"--user-data-dir={profile}"),
        *("--window-size=1280,800", *servers.FLAGS, "about:blank"),
    ]
    browser = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + servers.SECONDS
        while not servers.listens(port) and time.monotonic() < until:
            time.sleep(0.1)
        yield port
    finally:
        browser.terminate()
        browser.wait(30)


@contextmanager
def _page(port: int) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.connect_over_cdp(f"http://{servers.HERE}:{port}")
        yield browser.contexts[0].pages[0]
