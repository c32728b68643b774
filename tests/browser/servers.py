"""Chromium, JupyterLab and Voila for the tests. They can reach this machine only."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from workbench.batch.notebook_files import NOTEBOOKS

HERE = "127.0.0.1"
SECONDS = 120.0
"""Timeout for a server or a notebook. They take a few seconds; a busy machine takes longer."""

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
    # The browser refuses every other host for pages, workers and sockets. A playwright route would
    # disable the cache and slow each page down.
    f"--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE {HERE}",
]


def find_chromium() -> str:
    """Find the browser: WORKBENCH_CHROMIUM names it, or one of the usual programs is on PATH."""
    named = os.environ.get("WORKBENCH_CHROMIUM")
    for program in [named] if named else _PROGRAMS:
        if path := shutil.which(program):
            return path
    pytest.fail(
        "No browser was found. Install Chromium, or set WORKBENCH_CHROMIUM to its path",
        pytrace=False,
    )


@contextmanager
def chromium(program: str) -> Iterator[Browser]:
    """Run the browser without a window."""
    expect.set_options(timeout=30_000)  # ms; a busy machine may need over 5 s
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


class Server:
    """A notebook server that only this machine can reach."""

    def __init__(self, folder: Path, address: str, token: str) -> None:
        self.folder = folder  # of the notebooks
        self.address = address
        self.token = token

    def put(self, notebook: Path | dict[str, Any], parameters: Mapping[str, object]) -> str:
        """Copy a notebook to the server, fill in its parameters, and return its new name."""
        if isinstance(notebook, Path):
            stem, cells = notebook.stem, json.loads(notebook.read_text(encoding="utf-8"))
        else:
            stem, cells = "notebook", json.loads(json.dumps(notebook))
        fill(cells, parameters)
        name = f"{stem}-{secrets.token_hex(4)}.ipynb"
        (self.folder / name).write_text(json.dumps(cells), encoding="utf-8")
        return name

    def has_kernel(self, kernel_id: str) -> bool:
        """Return whether a kernel runs."""
        address = f"{self.address}/api/kernels/{kernel_id}"
        request = urllib.request.Request(address, headers={"Authorization": f"token {self.token}"})
        try:
            urllib.request.urlopen(request, timeout=SECONDS).close()
        except urllib.error.HTTPError as error:
            error.close()
            return False
        return True

    def stop_kernel(self, kernel_id: str) -> None:
        """Stop a kernel, unless it is gone already."""
        address = f"{self.address}/api/kernels/{kernel_id}"
        headers = {"Authorization": f"token {self.token}"}
        request = urllib.request.Request(address, method="DELETE", headers=headers)
        try:
            urllib.request.urlopen(request, timeout=SECONDS).close()
        except urllib.error.HTTPError as error:
            error.close()
            if error.code != 404:
                raise


def notebook_of(*sources: str) -> dict[str, Any]:
    """Make a notebook of code cells."""
    code: dict[str, Any] = {
        "cell_type": "code",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
    }
    return {
        "cells": [{**code, "id": f"cell-{i}", "source": s} for i, s in enumerate(sources)],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def fill(notebook: dict[str, Any], parameters: Mapping[str, object]) -> None:
    """Write values into the cell with the tag `parameters`, as a user would."""
    for name, value in parameters.items():
        (cell,) = [c for c in notebook["cells"] if "parameters" in c["metadata"].get("tags", [])]
        literal = repr(str(value) if isinstance(value, Path) else value)
        lines = "".join(cell["source"]).splitlines()
        (at,) = [i for i, line in enumerate(lines) if line.startswith(f"{name} = ")]
        lines[at] = f"{name} = {literal}"
        cell["source"] = "\n".join(lines)


@contextmanager
def lab_server(home: Path) -> Iterator[Server]:
    """Run JupyterLab over a new folder."""
    token = secrets.token_hex(16)
    options = [
        *("-m", "jupyterlab", "--no-browser", f"--IdentityProvider.token={token}"),
        *("--LabApp.expose_app_in_browser=True", "--LabApp.extension_manager=readonly"),
        *("--LabApp.news_url=", "--ServerApp.port_retries=0", "--allow-root"),
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    quiet = {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True}
    settings = home / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(quiet))
    with _serve(home, options, token, "--ServerApp.root_dir") as server:
        yield server


@contextmanager
def voila_server(home: Path, *more: str) -> Iterator[Server]:
    """Run Voila over a new folder, with the voila.json of the notebooks and `more` options."""
    token = secrets.token_hex(16)
    options = [
        *("-m", "voila", "--no-browser", f"--token={token}", "--Voila.port_retries=0"),
        f"--Voila.connection_dir_root={home}",
        *more,
    ]
    (home / "notebooks").mkdir()
    shutil.copy(NOTEBOOKS / "voila.json", home / "notebooks")
    with _serve(home, options, token, "--Voila.root_dir") as server:
        yield server


@contextmanager
def _serve(home: Path, options: list[str], token: str, root: str) -> Iterator[Server]:
    folder = home / "notebooks"
    folder.mkdir(exist_ok=True)
    port = free_port()
    argv = [sys.executable, *options, f"--ip={HERE}", f"--port={port}", f"{root}={folder}"]
    log = home / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            argv,
            cwd=folder,
            env=_environment(home),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        until = time.monotonic() + SECONDS
        while not listens(port):
            if process.poll() is not None or time.monotonic() > until:
                pytest.fail(f"the server did not start:\n{log.read_text(errors='replace')}")
            time.sleep(0.05)
        yield Server(folder, f"http://{HERE}:{port}", token)
    finally:
        process.terminate()  # the server then stops its kernels
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    with socket.socket() as free:
        free.bind((HERE, 0))
        found: int = free.getsockname()[1]
        return found


def listens(port: int) -> bool:
    try:
        socket.create_connection((HERE, port), timeout=1).close()
    except OSError:
        return False
    return True


def _environment(home: Path) -> dict[str, str]:
    """Return the environment without the user's own Jupyter and IPython settings."""
    own = ("JUPYTER", "IPYTHON", "XDG_", "VOILA")
    environment = {name: v for name, v in os.environ.items() if not name.startswith(own)}
    for name in ("CONFIG", "DATA", "RUNTIME"):
        environment[f"JUPYTER_{name}_DIR"] = str(home / name.lower())
    environment["JUPYTERLAB_SETTINGS_DIR"] = str(home / "settings")
    environment["JUPYTERLAB_WORKSPACES_DIR"] = str(home / "workspaces")
    environment["IPYTHONDIR"] = str(home / "ipython")
    environment["HOME"] = environment["USERPROFILE"] = str(home)
    # Use this interpreter as the kernel, and none of the machine's own kernels.
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernel = home / "data" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    spec = {"argv": argv, "display_name": "Python 3", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec))
    environment["JUPYTER_PREFER_ENV_PATH"] = "0"
    return environment
