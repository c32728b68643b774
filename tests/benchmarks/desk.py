"""The desk's speed, from a hand's move to the paint on the screen, in a real browser.

Playwright opens the notebook and goes away: it would listen to every message of 8 MB that the
kernel sends the page, and take a quarter of two cores for that.
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
from workbench.batch.shipped import NOTEBOOKS

_MOVE = 1.0  # seconds that desk.js gives each move
_BURST = 5 * 4.6 + 3  # seconds for all bursts


def timings(clip: Path, moves: int) -> dict[str, Any]:
    """Return what desk.js measured, and the kernel's memory in MB half-way and after.

    `slider` and `scrub` have for each move the milliseconds to the picture, to its figures, and to
    its code values; `burst` has how many pictures were painted on the way, and how many
    milliseconds after the last change the last of them.
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
            time.sleep(1.5 * moves * _MOVE)  # what is kept of frames and pictures is full by then
            before = kernel.memory_info().rss / 1e6
            time.sleep(0.5 * moves * _MOVE + _BURST)
            with _page(port) as page:
                page.wait_for_function("window.found", timeout=60_000)
                found: dict[str, Any] = page.evaluate("window.found")
            found["memory"] = [before, kernel.memory_info().rss / 1e6]
            found["processes"] = [
                child.name() for child in kernel.children() if "ffmpeg" in child.name()
            ]
    return found


@contextmanager
def _chromium(profile: Path) -> Iterator[int]:
    """Run a browser that can be left and found again; give its port."""
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
