"""The test servers: a small custom widget in JupyterLab and in Voila."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import OpenVoila
from tests.browser.pages import Notebook, Shown, open_lab
from tests.browser.servers import Server, find_chromium, notebook_of

KEYS = '''
import anywidget, traitlets

class Keys(anywidget.AnyWidget):
    """Shows its bytes, and receives keys while it has the focus."""
    _esm = """
    function render({ model, el }) {
      const box = document.createElement("div");
      box.className = "keys";
      box.tabIndex = 0;
      box.style.height = "1500px";
      if (model.get("alone")) box.dataset.lmSuppressShortcuts = "true";
      const show = () => { box.textContent = [...new Uint8Array(model.get("data").buffer)]; };
      box.addEventListener("keydown", event => {
        if (model.get("alone")) event.preventDefault();
        model.set("key", event.key);
        model.save_changes();
      });
      model.on("change:data", show);
      show();
      el.append(box);
    }
    export default { render };
    """
    alone = traitlets.Bool(True).tag(sync=True)
    data = traitlets.Bytes(bytes([1, 2, 255])).tag(sync=True)
    key = traitlets.Unicode().tag(sync=True)

keys = Keys(alone=globals().get("alone", True))
keys.observe(lambda change: setattr(keys, "data", change["new"].encode()), "key")
keys
'''


@pytest.fixture(scope="module")
def notebook(browser: Browser, lab_server: Server, pictures: Path) -> Iterator[Notebook]:
    """Open one page in JupyterLab for all tests of this module, because opening takes seconds."""
    cells = notebook_of(KEYS, "shutter = globals().get('speed', 48)", "1 / shutter", "print('on')")
    with open_lab(browser, lab_server, lab_server.put(cells, {}), pictures) as shown:
        yield shown


def scroll(notebook: Notebook) -> float:
    return float(notebook.page.locator(".jp-WindowedPanel-outer").evaluate("e => e.scrollTop"))


def check_a_custom_widget(shown: Shown) -> None:
    box = shown.page.locator(".keys")
    expect(box).to_have_text("1,2,255")
    shown.mark_messages()
    box.hover()
    assert shown.kernel_messages() == []
    box.press("b")
    expect(box).to_have_text(str(ord("b")))
    assert shown.kernel_messages() == ["comm_msg"]


def test_a_custom_widget_loads_without_a_network_in_voila(open_voila: OpenVoila) -> None:
    check_a_custom_widget(open_voila(notebook_of(KEYS)))


def test_a_custom_widget_loads_without_a_network_in_jupyterlab(notebook: Notebook) -> None:
    notebook.run_all()
    notebook.show(0)
    check_a_custom_widget(notebook)


def test_keys_of_a_focused_widget_stay_in_it(notebook: Notebook) -> None:
    notebook.run_all()
    cells = notebook.kinds()
    notebook.show(0)
    box = notebook.page.locator(".keys")
    box.click(position={"x": 5, "y": 5})
    at = scroll(notebook)
    for key in ("b", "m", "d", "d", "Space", "ArrowDown"):
        notebook.page.keyboard.press(key)
    expect(box).to_have_text(",".join(str(code) for code in b"ArrowDown"))
    expect(box).to_be_focused()
    assert notebook.kinds() == cells
    assert scroll(notebook) == at


def test_a_key_that_a_widget_ignores_reaches_jupyterlab_and_adds_a_cell(
    notebook: Notebook,
) -> None:
    notebook.evaluate_in_kernel("alone = False")
    notebook.run_all()
    cells = notebook.kinds()
    notebook.show(0)
    notebook.page.locator(".keys").press("b")
    assert notebook.kinds() == [*cells, "code"]
    notebook.page.evaluate("window.jupyterapp.commands.execute('notebook:delete-cell')")
    assert notebook.kinds() == cells


def test_an_error_in_a_cell_is_raised_with_its_traceback(notebook: Notebook) -> None:
    notebook.evaluate_in_kernel("speed = 0")
    with pytest.raises(AssertionError, match=r"1 / shutter\s+ZeroDivisionError: division"):
        notebook.run_all()


def test_the_servers_reach_no_other_host_and_none_of_the_users_settings(
    notebook: Notebook,
) -> None:
    notebook.forget()
    code = "import sys, pathlib; print(sys.executable); print(pathlib.Path.home())"
    program, home = notebook.evaluate_in_kernel(code).splitlines()
    assert program == sys.executable
    assert Path(home) != Path.home()
    for url in ("https://example.org/", "http://192.0.2.1/"):
        notebook.page.evaluate("url => fetch(url, {mode: 'no-cors'}).catch(() => null)", url)
        assert notebook.seen.refused[-1] == (url, "net::ERR_NAME_NOT_RESOLVED")
    assert notebook.seen.answered == []


def test_a_missing_browser_fails_with_a_clear_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORKBENCH_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(pytest.fail.Exception, match="Install Chromium, or set WORKBENCH_CHROMIUM"):
        find_chromium()
