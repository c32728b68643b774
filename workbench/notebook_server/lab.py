"""Run JupyterLab on a project."""

import warnings
from pathlib import Path

from jupyterlab.labapp import LabApp

from workbench.notebook_server.browser import announcement
from workbench.notebook_server.project import prepare_project
from workbench.notebook_server.token_check import Keys, TokenCheck

ADDRESS = "127.0.0.1"


def run_lab(folder: Path, port: int, *, open_browser: bool) -> None:
    """Open the project's tune.ipynb in JupyterLab, and serve it until Ctrl-C.

    Takes the first free port from `port` on. Raises what prepare_project raises.
    """
    # Jupyter's packages warn of each other's old names, which is nothing for a user to act on.
    warnings.simplefilter("ignore", DeprecationWarning)
    notebook = prepare_project(folder)
    keys = Keys()
    server = LabApp.initialize_server(
        [
            *(f"--ServerApp.ip={ADDRESS}", f"--ServerApp.port={port}", "--no-browser"),
            *(f"--ServerApp.root_dir={notebook.parents[1]}", "--ServerApp.allow_root=True"),
            *(f"--IdentityProvider.token={keys.token}", "--ServerApp.log_level=WARN"),
            *("--LabApp.extension_manager=readonly", "--LabApp.news_url="),
            "--LabApp.log_level=WARN",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            "--KernelManager.transport_encryption=auto",
        ]
    )
    check = TokenCheck(server.web_app, keys)
    server.http_server.request_callback = check
    server.no_browser_open_file = True  # Jupyter's own, which anyone may read in some homes

    with announcement("JupyterLab", open_browser) as announce:

        def on_start() -> None:
            check.port = server.port
            path = f"lab/tree/{notebook.parent.name}/{notebook.name}"
            announce(f"http://{ADDRESS}:{server.port}/{path}?token={keys.token}")

        server.io_loop.add_callback(on_start)  # after the server's own callback, which listens
        server.start()
