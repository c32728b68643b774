"""Run the desk as a page without code, with Voila."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tornado.ioloop import IOLoop
from voila.app import Voila

from workbench.batch.notebook_files import NOTEBOOKS
from workbench.notebook_server.browser import announcement
from workbench.notebook_server.lab import ADDRESS
from workbench.notebook_server.project import prepare_project
from workbench.notebook_server.token_check import Keys, TokenCheck


class DeskPage(Voila):  # type: ignore[misc]
    """Voila behind the check of the token."""

    keys: Keys
    on_start: Callable[[int], None]

    def listen(self) -> None:
        """Wrap the application before anything can reach it."""
        self.app: Any = TokenCheck(self.app, self.keys)
        IOLoop.current().add_callback(lambda: self.on_start(self.app.port))
        super().listen()


def run_page(folder: Path, port: int, *, open_browser: bool) -> None:
    """Serve the desk of the project's tune.ipynb until Ctrl-C.

    Takes the first free port from `port` on. Raises what prepare_project raises.
    """
    notebook = prepare_project(folder)
    page = DeskPage()
    page.keys = keys = Keys()
    with announcement("The desk", open_browser) as announce:
        page.on_start = lambda found: announce(f"http://{ADDRESS}:{found}/?token={keys.token}")
        page.initialize(
            [
                *(str(notebook), f"--Voila.ip={ADDRESS}", f"--port={port}", "--no-browser"),
                *(f"--token={keys.token}", "--Voila.log_level=WARN"),
                f"--Voila.config_file_paths={NOTEBOOKS}",
                "--KernelManager.transport_encryption=auto",
            ]
        )
        page.start()
