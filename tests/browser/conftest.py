"""Fixtures: JupyterLab, Voila and the browser, which all tests of this folder share.

They stop after the last test of this folder. While playwright's browser is open, an event loop runs
in this thread, in which asyncio.run fails.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser import pages, servers
from tests.browser.desk import Desk
from tests.browser.tuning import TUNE, at_rest
from workbench.desk.desk_state import FOLDER


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


@pytest.fixture(scope="session")
def clip(made: Callable[[str], Path]) -> Path:
    return made("banded")


@pytest.fixture(scope="package")
def shared(
    browser: Browser, lab_server: servers.Server, pictures: Path, clip: Path
) -> Iterator[pages.Notebook]:
    """Open one page for the tests of the desk: opening takes longer than most of them."""
    name = lab_server.put(TUNE, {"source": clip})
    with pages.open_lab(browser, lab_server, name, pictures) as notebook:
        assert notebook.seen.errors == []
        assert notebook.seen.answered == []
        yield notebook


@pytest.fixture
def tuned(shared: pages.Notebook, lab_server: servers.Server) -> tuple[pages.Notebook, Desk]:
    """Run the notebook again with a fresh desk, and wait for its exact picture."""
    shared.forget()
    shared.evaluate_in_kernel("'tuner' in globals() and tuner._session.flush()")
    shutil.rmtree(lab_server.folder.parent / FOLDER, ignore_errors=True)
    return shared, at_rest(shared)
