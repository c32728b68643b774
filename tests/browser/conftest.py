"""Fixtures: JupyterLab, Voila and the browser, which all tests of this folder share.

They stop after the last test of this folder. While playwright's browser is open, an event loop runs
in this thread, in which asyncio.run fails.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser import pages, servers


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with servers.chromium(servers.find_chromium()) as running:
        yield running


@pytest.fixture(scope="package")
def lab_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    with servers.lab_server(tmp_path_factory.mktemp("lab")) as server:
        yield server


@pytest.fixture(scope="package")
def voila_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    with servers.voila_server(tmp_path_factory.mktemp("voila")) as server:
        yield server


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of screenshots: WORKBENCH_SCREENSHOTS, or a temporary folder."""
    given = os.environ.get("WORKBENCH_SCREENSHOTS")
    return Path(given) if given else tmp_path_factory.getbasetemp() / "screenshots"


OpenNotebook = Callable[..., pages.Notebook]
OpenVoila = Callable[..., pages.Dashboard]


@pytest.fixture
def open_notebook(
    browser: Browser, lab_server: servers.Server, pictures: Path
) -> Iterator[OpenNotebook]:
    """Open a fresh copy of a notebook in JupyterLab. Its kernel stops after the test."""
    with ExitStack() as stack:

        def give(
            notebook: Path | dict[str, Any], parameters: Mapping[str, object] | None = None
        ) -> pages.Notebook:
            name = lab_server.put(notebook, parameters or {})
            return stack.enter_context(pages.open_lab(browser, lab_server, name, pictures))

        yield give


@pytest.fixture
def open_voila(
    browser: Browser, voila_server: servers.Server, pictures: Path
) -> Iterator[OpenVoila]:
    """Run a fresh copy of a notebook in Voila. Its kernel stops after the test."""
    with ExitStack() as stack:

        def give(
            notebook: Path | dict[str, Any], parameters: Mapping[str, object] | None = None
        ) -> pages.Dashboard:
            name = voila_server.put(notebook, parameters or {})
            return stack.enter_context(pages.open_voila(browser, voila_server, name, pictures))

        yield give
