"""A notebook on a page of the browser, and what the page did in the background."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    Response,
    WebSocket,
)

from tests.browser.servers import HERE, SECONDS, Server


class Seen:
    """Requests, errors and messages of a page."""

    def __init__(self, page: Page) -> None:
        self.refused: list[tuple[str, str]] = []  # request to another host, and the refusal
        self.answered: list[str] = []  # requests that other hosts answered: there must be none
        self.errors: list[str] = []  # errors on the console
        self.messages: list[str] = []  # types of the messages to the kernel, in order
        page.on("requestfailed", self._refuse)
        page.on("response", self._answer)
        page.on("websocket", self._listen)
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _refuse(self, request: Request) -> None:
        if _elsewhere(request.url):
            self.refused.append((request.url, request.failure or ""))

    def _answer(self, response: Response) -> None:
        if _elsewhere(response.url):
            self.answered.append(response.url)

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location.get('url', '')})")

    def _listen(self, channel: WebSocket) -> None:
        if _elsewhere(channel.url):
            channel.on("socketerror", lambda error: self.refused.append((channel.url, error)))
            channel.on("framereceived", lambda _: self.answered.append(channel.url))
        elif "/api/kernels/" in channel.url:
            channel.on("framesent", self._count)

    def _count(self, frame: str | bytes) -> None:
        # The desk asks every few seconds whether its kernel is alive.
        if ('"alive"' if isinstance(frame, str) else b'"alive"') not in frame:  # type: ignore[operator]
            self.messages.append(_message_type(frame))


def _elsewhere(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https", "ws", "wss") and parts.hostname != HERE


def _message_type(frame: str | bytes) -> str:
    """Read a message's type from a frame of either of Jupyter's two protocols."""
    if isinstance(frame, str):
        return str(json.loads(frame)["header"]["msg_type"])
    # v1.kernel.websocket.jupyter.org: count of offsets, offsets, channel, header, ...
    count = int.from_bytes(frame[:8], "little")
    at = [int.from_bytes(frame[8 * i : 8 * i + 8], "little") for i in range(1, count + 1)]
    return str(json.loads(frame[at[1] : at[2]])["msg_type"])


class Shown:
    """A page with a notebook, in JupyterLab or in Voila."""

    def __init__(self, page: Page, seen: Seen, pictures: Path) -> None:
        self.page = page
        self.seen = seen
        self._pictures = pictures
        self._mark = 0

    def forget(self) -> None:
        """Clear the records, for another test on the same page."""
        seen = self.seen
        for found in (seen.refused, seen.answered, seen.errors, seen.messages):
            found.clear()
        self._mark = 0

    def mark_messages(self) -> None:
        """Start counting messages to the kernel."""
        self.page.wait_for_timeout(50)  # playwright reports earlier messages meanwhile
        self._mark = len(self.seen.messages)

    def kernel_messages(self, settle: float = 0.3) -> list[str]:
        """Return the types of the messages to the kernel since the mark.

        The page first gets `settle` seconds to send more.
        """
        self.page.wait_for_timeout(1000 * settle)
        return self.seen.messages[self._mark :]

    def screenshot(self, name: str) -> Path:
        """Save the window as a PNG."""
        self._pictures.mkdir(parents=True, exist_ok=True)
        path = self._pictures / f"{name}.png"
        self.page.screenshot(path=path)
        return path


class Dashboard(Shown):
    """A notebook that Voila ran and shows without its code."""


class Notebook(Shown):
    """A notebook in JupyterLab, with a running kernel."""

    def wait(self) -> None:
        """Wait until the notebook is open and its kernel is idle."""
        self.page.wait_for_function(_READY, timeout=1000 * SECONDS)
        self.page.evaluate("window.jupyterapp.shell.collapseLeft()")

    def show(self, index: int) -> Locator:
        """Scroll to a cell by its index and return it.

        JupyterLab removes cells outside the window from the page.
        """
        self.page.evaluate(_SHOW, index)
        cell = self.page.locator(f'.jp-Notebook .jp-Cell[data-windowed-list-index="{index}"]')
        cell.wait_for()
        return cell

    def kinds(self) -> list[str]:
        """Return the type of each cell: code, markdown or raw."""
        return list(self.page.evaluate(f"{_CELLS}.map(cell => cell.model.type)"))

    def run_all(self) -> None:
        """Run all cells as the menu does. Raise AssertionError with a failing cell's traceback."""
        self.page.evaluate(_RUN_ALL)
        self.page.wait_for_function(_RAN, timeout=1000 * SECONDS)
        cells = self.page.evaluate(_OUTCOME)
        for cell in cells:
            assert not cell["errors"], _plain(cell["errors"])
        assert all(cell["count"] for cell in cells), "a code cell did not run"

    def restart_kernel(self) -> None:
        """Restart the kernel as the menu does, without its confirmation."""
        self.page.evaluate(f"{_CONTEXT}.restartKernel()")
        self.wait()

    def evaluate_in_kernel(self, code: str) -> str:
        """Run code in the notebook's kernel, without the user interface, and return its output.

        This adds an `execute_request` to `kernel_messages`.
        """
        reply = self.page.evaluate(_EXECUTE, code)
        assert reply["status"] == "ok", _plain(reply["traceback"])
        return str(reply["text"])

    def start_in_kernel(self, code: str) -> None:
        """Start code in the notebook's kernel, as a cell that goes on running."""
        self.page.evaluate(f"code => {{ {_START}({{code}}); }}", code)


def _plain(traceback: list[str]) -> str:
    """Return a traceback without terminal colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(traceback))


_CONTEXT = "window.jupyterapp.shell.currentWidget.sessionContext"
_START = f"{_CONTEXT}.session.kernel.requestExecute"
_READY = """() => {
  const context = window.jupyterapp?.shell?.currentWidget?.sessionContext;
  return context?.isReady && context.session?.kernel?.status === "idle"
    && context.session.kernel.connectionStatus === "connected";
}"""
_RUN_ALL = """() => {
  window.workbenchRan = false;
  const done = () => { window.workbenchRan = true; };
  window.jupyterapp.commands.execute("notebook:run-all-cells").then(done, done);
}"""
_RAN = f'() => window.workbenchRan && {_CONTEXT}.session.kernel.status === "idle"'
_CELLS = "window.jupyterapp.shell.currentWidget.content.widgets"
_SHOW = 'at => window.jupyterapp.shell.currentWidget.content.scrollToItem(at, "start")'
_OUTCOME = f"""() => {_CELLS}
  .filter(cell => cell.model.type === "code" && cell.model.sharedModel.getSource().trim())
  .map(cell => ({{
    count: cell.model.executionCount,
    errors: cell.model.outputs.toJSON().filter(output => output.output_type === "error")
      .flatMap(output => output.traceback),
  }}))"""
_EXECUTE = f"""async code => {{
  const future = {_CONTEXT}.session.kernel.requestExecute({{code, store_history: false}});
  let text = "";
  future.onIOPub = message => {{ text += message.content.text ?? ""; }};
  const reply = (await future.done).content;
  return {{status: reply.status, traceback: reply.traceback ?? [], text}};
}}"""
_VOILA_KERNEL = 'JSON.parse(document.getElementById("jupyter-config-data").text).kernelId'


@contextmanager
def open_lab(browser: Browser, server: Server, name: str, pictures: Path) -> Iterator[Notebook]:
    """Open one of the server's notebooks in JupyterLab, in a new browser context."""
    with _page(browser) as page:
        notebook = Notebook(page, Seen(page), pictures)
        page.goto(f"{server.address}/lab/tree/{name}?token={server.token}&reset")
        notebook.wait()
        kernel_id = notebook.page.evaluate(f"{_CONTEXT}.session.kernel.id")
        try:
            yield notebook
        finally:
            page.close()
            server.stop_kernel(kernel_id)


@contextmanager
def open_voila(browser: Browser, server: Server, name: str, pictures: Path) -> Iterator[Dashboard]:
    """Run one of the server's notebooks in Voila and show it."""
    with _page(browser) as page:
        dashboard = Dashboard(page, Seen(page), pictures)
        address = f"{server.address}/voila/render/{name}?token={server.token}"
        page.goto(address, wait_until="commit")
        page.locator("#rendered_cells").wait_for(timeout=1000 * SECONDS)
        kernel_id = page.evaluate(_VOILA_KERNEL)
        try:
            yield dashboard
        finally:
            page.close()
            server.stop_kernel(kernel_id)


@contextmanager
def _page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    context.set_default_navigation_timeout(1000 * SECONDS)
    try:
        yield context.new_page()
    finally:
        context.close()
