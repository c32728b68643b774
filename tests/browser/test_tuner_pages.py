"""The desk's pages: reloads, kernel restarts, two desks, and the page of Voila."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from tests import clips
from tests.browser import servers
from tests.browser.conftest import OpenNotebook, OpenVoila
from tests.browser.desk import Desk
from tests.browser.pages import Dashboard, Notebook, open_voila
from tests.browser.servers import Server
from tests.browser.tuning import CELL, TUNE, at_rest, in_kernel
from workbench.batch.notebook_files import NOTEBOOKS

_KERNEL_ID = "JSON.parse(document.getElementById('jupyter-config-data').text).kernelId"


@pytest.fixture(scope="module")
def dashboard(
    browser: Browser, voila_server: Server, pictures: Path, clip: Path
) -> Iterator[Dashboard]:
    """Open the desk in Voila, for several tests."""
    name = voila_server.put(TUNE, {"source": clip})
    with open_voila(browser, voila_server, name, pictures) as shown:
        yield shown


def reload(notebook: Notebook) -> None:
    """Reload the page until it shows a widget.

    ipywidgets gives the kernel 4 s to send the state of its widgets. On a busy machine that is
    sometimes too short, and the page says "model not found" until it is reloaded once more.
    """
    failed = notebook.page.get_by_text("model not found").first
    for _ in range(3):
        notebook.page.reload()
        notebook.wait()
        notebook.show(CELL)
        notebook.page.locator(".wbv-stage").first.or_(failed).first.wait_for()
        if not failed.is_visible():
            return


def test_a_reloaded_page_shows_the_desk_again(tuned: tuple[Notebook, Desk]) -> None:
    notebook, desk = tuned
    desk.turn("contrast", "End")
    shown = desk.pixels()
    # ipywidgets gives the kernel four seconds to send its widgets to the new page.
    notebook.evaluate_in_kernel("tuner._banding.wait()")
    notebook.page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    reload(notebook)
    desk.exact()
    assert np.array_equal(desk.pixels(), shown)


def test_a_kernel_restart_brings_the_desk_back(tuned: tuple[Notebook, Desk]) -> None:
    notebook, desk = tuned
    desk.turn("contrast", "Home")
    desk.press("s")
    desk.viewer.locator("input[type=range]").fill("20")
    shown = desk.pixels()
    notebook.evaluate_in_kernel("tuner._session.flush()")
    notebook.restart_kernel()
    assert in_kernel(notebook, "'tuner' in globals()") == "False"
    desk = at_rest(notebook)
    expect(desk.viewer.locator(".wbv-timecode")).to_contain_text("frame 20")
    expect(desk.row("contrast").locator("input")).to_have_value("0.25")
    assert desk.pixels().shape == shown.shape
    desk.turn("contrast", "End")


def test_running_the_cell_again_frees_the_old_desks_frames(tuned: tuple[Notebook, Desk]) -> None:
    notebook, _ = tuned
    notebook.evaluate_in_kernel("old = tuner; old._decoding.wait()")
    held = "old.clip._reader.cached"
    assert in_kernel(notebook, held) == "24"
    at_rest(notebook)
    assert in_kernel(notebook, "old is tuner") == "False"
    assert in_kernel(notebook, held) == "0"


def test_two_desks_in_one_notebook_are_independent(open_notebook: OpenNotebook, clip: Path) -> None:
    notebook = json.loads(TUNE.read_text(encoding="utf-8"))
    second = json.loads(json.dumps(notebook["cells"][CELL]))
    second["id"] = "another"
    second["source"] = ['other = Tuner(source, "classic")\n', "other.widget"]
    notebook["cells"].insert(CELL + 1, second)
    shown = open_notebook(notebook, {"source": clip})
    shown.run_all()
    shown.page.set_viewport_size({"width": 1280, "height": 2600})
    one, two = Desk(shown, 0), Desk(shown, 1)
    one.exact()
    two.exact()
    other = two.pixels()
    one.turn("contrast", "End")
    assert np.array_equal(two.pixels(), other)
    assert in_kernel(shown, "tuner.preset.name, other.preset.name") == "smooth, changed classic"
    shown.screenshot("two-tuners")


def test_voila_shows_the_desk_and_no_code(dashboard: Dashboard) -> None:
    desk = Desk(dashboard)
    desk.exact()
    dashboard.screenshot("voila")
    expect(dashboard.page.locator(".jp-CodeCell .jp-InputArea")).to_have_count(0)
    assert "refuse_unknown_parameters" not in dashboard.page.content()
    picture = desk.pixels()
    desk.turn("contrast", "End")
    assert np.abs(desk.pixels().astype(int) - picture).mean() > 1
    dashboard.mark_messages()
    desk.drag((0.5, 0.4), (0.8, 0.4))
    assert dashboard.kernel_messages() == []
    # The page asks a CDN for two style sheets of icons. Voila's security policy refuses them.
    assert dashboard.seen.answered == []
    assert {reason for _, reason in dashboard.seen.refused} <= {"csp"}


def test_a_reload_in_voila_brings_the_desk_back(dashboard: Dashboard) -> None:
    desk = Desk(dashboard)
    desk.exact()
    desk.turn("contrast", "Home")
    desk.panel("Clip")
    desk.button("Light or dark desk").click()
    dashboard.page.wait_for_timeout(1500)  # until the state is written
    dashboard.page.reload()
    dashboard.page.locator(".wbv-stage").wait_for()
    desk.exact()
    expect(desk.whole).to_have_attribute("data-theme", "light")
    expect(desk.whole).to_have_attribute("data-panel", "clip")
    desk.panel("Look")
    expect(desk.row("contrast").locator("input")).to_have_value("0.25")


def test_a_kernel_that_ended_is_said_with_a_button(
    dashboard: Dashboard, voila_server: Server
) -> None:
    desk = Desk(dashboard)
    desk.exact()
    voila_server.stop_kernel(dashboard.page.evaluate(_KERNEL_ID))
    lost = desk.stage.locator(".wbv-lost")
    expect(lost).to_be_visible(timeout=90_000)
    expect(desk.stage.locator(".wbv-note")).not_to_contain_text("exact")
    dashboard.screenshot("kernel-lost")
    lost.get_by_role("button").click()
    expect(lost).to_be_hidden()
    desk.exact()


def test_a_kernel_ends_when_its_page_is_gone_but_not_while_it_encodes(
    browser: Browser, tmp_path: Path
) -> None:
    """The limits of voila.json, shortened. The page that crashes tells the server nothing."""
    configured = json.loads((NOTEBOOKS / "voila.json").read_text(encoding="utf-8"))
    assert configured["MappingKernelManager"]["cull_idle_timeout"] == 1800
    long = tmp_path / "long.mp4"
    picture = clips.sky("1280x720", seconds=4)
    clips.run("-f", "lavfi", "-i", picture, "-c:v", "libx264", "-preset", "ultrafast", long)
    cull = [f"--MappingKernelManager.cull_{name}" for name in ("idle_timeout=15", "interval=1")]
    with servers.voila_server(tmp_path, *cull) as server:
        name = server.put(TUNE, {"source": long})
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"{server.address}/voila/render/{name}?token={server.token}")
        page.locator(".wbv-stage").wait_for()
        kernel_id = page.evaluate(_KERNEL_ID)
        page.get_by_role("tab", name="Deliver").click()
        page.get_by_placeholder("beside the clip").fill(str(tmp_path / "out.mov"))
        page.get_by_role("button", name="Encode", exact=True).click()
        expect(page.get_by_text("Encoding: frame").first).to_be_visible()
        context.close()
        until = time.monotonic() + 120
        while server.has_kernel(kernel_id) and time.monotonic() < until:
            time.sleep(0.2)
        assert (tmp_path / "out.mov").exists()
        assert not server.has_kernel(kernel_id)


def test_voila_without_a_clip_lets_the_user_choose_one(open_voila: OpenVoila, clip: Path) -> None:
    dashboard = open_voila(TUNE)
    desk = Desk(dashboard)
    expect(desk.stage.locator(".wbv-invitation")).to_contain_text("press Enter, and choose a clip")
    expect(desk.stage.locator(".wbv-message")).to_be_hidden()
    assert "Run All Cells" not in dashboard.page.content()
    assert "The look in numbers" not in dashboard.page.content()
    dashboard.screenshot("voila-empty")
    folder = desk.whole.get_by_placeholder("folder of your clips, or one clip")
    folder.fill(str(clip.parent))
    folder.press("Enter")
    desk.whole.locator("select").first.select_option("banded.mp4")
    desk.exact()
    expect(desk.stage.locator(".wbv-message")).to_be_hidden()
