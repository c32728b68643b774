"""The desk in a real notebook, with a real kernel and a real browser."""

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
from playwright.sync_api import Browser, expect
from scipy.ndimage import gaussian_filter

from tests import clips
from tests.browser import servers
from tests.browser.conftest import OpenNotebook, OpenVoila
from tests.browser.desk import AFTER, BEFORE, Desk
from tests.browser.pages import Notebook, open_lab
from tests.browser.servers import Server
from workbench.batch.notebook_files import NOTEBOOKS
from workbench.desk.desk_state import FOLDER
from workbench.look.preset import load_preset
from workbench.look.render import render
from workbench.measure.code_values import to_ten_bit
from workbench.media.probe import open_clip

TUNE = NOTEBOOKS / "tune.ipynb"
CELL = 3  # the cell that shows the desk
_KERNEL_ID = "JSON.parse(document.getElementById('jupyter-config-data').text).kernelId"
FRAME = 12  # the middle of the clip, where the desk starts


@pytest.fixture(scope="module")
def clip(made: Callable[[str], Path]) -> Path:
    return made("banded")


@pytest.fixture(scope="module")
def shared(browser: Browser, lab_server: Server, pictures: Path, clip: Path) -> Iterator[Notebook]:
    """Open one page for all tests of this module: opening takes longer than most of them."""
    name = lab_server.put(TUNE, {"source": clip})
    with open_lab(browser, lab_server, name, pictures) as notebook:
        assert notebook.seen.errors == []
        assert notebook.seen.answered == []
        yield notebook


@pytest.fixture
def tuned(shared: Notebook, lab_server: Server) -> tuple[Notebook, Desk]:
    """Run the notebook again with a fresh desk, and wait for its exact picture."""
    shared.forget()
    shared.evaluate_in_kernel("'tuner' in globals() and tuner._session.flush()")
    shutil.rmtree(lab_server.folder.parent / FOLDER, ignore_errors=True)
    return shared, at_rest(shared)


def at_rest(notebook: Notebook) -> Desk:
    """Run all cells, and return the desk when its picture is exact."""
    notebook.run_all()
    notebook.show(CELL)
    desk = Desk(notebook)
    desk.exact()
    desk.viewer.scroll_into_view_if_needed()
    return desk


def in_kernel(notebook: Notebook, expression: str) -> str:
    return notebook.evaluate_in_kernel(f"print({expression})").strip()


def test_a_slider_changes_the_picture_the_figures_and_the_preset(
    tuned: tuple[Notebook, Desk],
) -> None:
    notebook, desk = tuned
    notebook.screenshot("tuner")
    picture, figures = desk.pixels(), desk.whole.locator("table").first.inner_text()
    desk.turn("contrast", *["ArrowLeft"] * 20)
    assert np.abs(desk.pixels().astype(int) - picture).mean() > 1
    assert desk.whole.locator("table").first.inner_text() != figures
    assert in_kernel(notebook, "tuner.preset.tone.contrast") == "0.7"
    assert desk.row("contrast").locator("input").input_value() == "0.7"
    assert "exact" in desk.note()
    assert notebook.seen.errors == []
    assert notebook.seen.answered == []


def test_wipe_zoom_and_pan_send_the_kernel_nothing(tuned: tuple[Notebook, Desk]) -> None:
    notebook, desk = tuned
    start = desk.pixels()
    notebook.mark_messages()
    desk.drag((0.5, 0.4), (0.8, 0.4))
    wiped = desk.pixels()
    changed, width = np.abs(wiped.astype(int) - start), start.shape[1]
    assert changed[:, int(0.55 * width) : int(0.75 * width)].mean() > 1
    assert not changed[:, : int(0.45 * width)].any()
    desk.point(0.3, 0.3)
    for _ in range(6):
        notebook.page.mouse.wheel(0, -200)
    zoomed = desk.pixels()
    desk.drag((0.3, 0.5), (0.5, 0.6))
    assert np.any(desk.pixels() != zoomed)
    desk.press("1", "2", "4", "f")
    assert notebook.kernel_messages() == []
    assert np.array_equal(desk.pixels(), wiped)


def test_the_wheel_zooms_at_the_pointer(tuned: tuple[Notebook, Desk]) -> None:
    notebook, desk = tuned
    desk.press("2")
    desk.point(0.7, 0.3)
    place = desk.viewer.locator(".wbv-place")
    seen = place.text_content()
    for _ in range(3):
        notebook.page.mouse.wheel(0, -250)
    moved = [
        abs(int(after) - int(before))
        for before, after in zip(
            re.findall(r"\d+", seen or ""),
            re.findall(r"\d+", place.text_content() or ""),
            strict=True,
        )
    ]
    assert len(moved) == 2
    assert max(moved) <= 1  # the picture starts at a whole pixel of the screen
    assert "1600 %" in desk.note()
    for _ in range(20):
        notebook.page.mouse.wheel(0, 250)
    assert desk.viewer.locator("button", has_text="Fit").get_attribute("aria-pressed") == "true"


@pytest.mark.parametrize("preset", ["smooth", "classic", "untouched"])
def test_the_readout_has_the_kernels_code_values(
    tuned: tuple[Notebook, Desk], clip: Path, preset: str
) -> None:
    notebook, desk = tuned
    if preset != "smooth":
        at = desk.generation()
        notebook.evaluate_in_kernel(f"tuner.load_preset({preset!r})")
        desk.newer(at)
    with open_clip(clip) as opened:
        source = opened.frame(FRAME)
    pictures = {BEFORE: source, AFTER: render(source, load_preset(preset))}
    for key in ("f", "1", "4"):
        desk.press(key)
        for at in ((0.3, 0.4), (0.61, 0.55), (0.5, 0.7)):
            desk.point(*at)
            text = desk.viewer.locator(".wbv-place").text_content() or ""
            x, y = (int(word) for word in text.split() if word.isdigit())
            for side, picture in pictures.items():
                luma, cb, cr = to_ten_bit(picture)
                down, across = picture.chroma_step
                expected = [int(luma[y, x])]
                expected += [int(plane[y // down, x // across]) for plane in (cb, cr)]
                found = desk.values(side)
                assert found[:3] == expected
                shown = picture.rgb()[y, x].astype(int)
                # swscale interpolates chroma, which changes a gradient very little.
                assert np.abs(np.array(found[3:]) - shown).max() <= 3


def test_at_400_percent_each_pixel_is_a_square(
    tuned: tuple[Notebook, Desk],
) -> None:
    _, desk = tuned
    desk.press("c", "c", "4")  # after
    shown = desk.pixels().astype(int)
    height, width = (side // 4 * 4 for side in shown.shape[:2])
    # Neighboring columns differ only at the edges of the picture's pixels.
    alike = [not (shown[:, at] != shown[:, at + 1]).any() for at in range(width - 1)]
    edges = [at % 4 for at, same in enumerate(alike) if not same]
    assert len(set(edges)) == 1
    top = next(
        row for row in range(4) if (shown[row, : width // 2] != shown[row + 1, : width // 2]).any()
    )
    blocks = shown[top + 1 : top + 1 + height - 8, edges[0] + 1 : edges[0] + 1 + width - 8]
    squares = blocks[: blocks.shape[0] // 4 * 4, : blocks.shape[1] // 4 * 4]
    assert np.array_equal(squares[::4], squares[3::4])
    assert np.array_equal(squares[:, ::4], squares[:, 3::4])


def test_the_screen_shows_the_rendered_picture(tuned: tuple[Notebook, Desk], clip: Path) -> None:
    _, desk = tuned
    desk.press("c", "c", "1")
    shown = desk.pixels().astype(float)
    with open_clip(clip) as opened:
        after = render(opened.frame(FRAME), load_preset("smooth")).rgb()
    rows, columns, _ = after.shape
    top, left = (
        (room - side + 1) // 2 for room, side in zip(shown.shape, (rows, columns), strict=False)
    )
    error = shown[top : top + rows, left : left + columns] - after
    assert abs(error.mean()) < 0.6
    assert np.abs(error).mean() < 1  # the dither for the 8-bit screen


def test_band_boost_shows_the_banding_that_the_deband_removed(tuned: tuple[Notebook, Desk]) -> None:
    notebook, desk = tuned
    desk.press("s", "b", "1")
    expect(desk.stage.locator(".wbv-note")).to_contain_text("band boost ×8")
    notebook.screenshot("band-boost")
    shown = desk.pixels()
    top = max(0, (shown.shape[0] - 360) // 2)  # of the clip, which is 360 pixels high
    shown = shown[top + 5 : top + 95].astype(float).mean(axis=2)  # the clip's gradient
    half = shown.shape[1] // 2
    # The difference of a narrow and a wide blur isolates the banding of each side.
    before, after = (
        (gaussian_filter(side, 1.5) - gaussian_filter(side, 5)).std()
        for side in (shown[:, 120 : half - 20], shown[:, half + 120 : -20])
    )
    assert before > 1.5 * after
    desk.press("+")
    expect(desk.stage.locator(".wbv-note")).to_contain_text("×16")
    desk.press("-", "-")
    expect(desk.stage.locator(".wbv-note")).to_contain_text("×4")


def test_the_viewing_transform_shows_the_look_graded_back(tuned: tuple[Notebook, Desk]) -> None:
    notebook, desk = tuned
    desk.press("c", "c")
    flat = desk.pixels().astype(int)
    desk.press("t")
    expect(desk.stage.locator(".wbv-note")).to_contain_text("graded")
    notebook.page.wait_for_timeout(500)
    graded = desk.pixels().astype(int)
    notebook.screenshot("graded")
    desk.press("c")
    source = desk.pixels().astype(int)
    assert np.abs(flat - source).mean() > 4
    assert np.abs(graded - source).mean() < 1.5
    assert in_kernel(notebook, "tuner.preset.name") == "smooth"  # the look is unchanged
    desk.press("t")


def test_every_mode_and_key(tuned: tuple[Notebook, Desk]) -> None:
    notebook, desk = tuned
    seen = {"w": desk.pixels()}
    for key, mode in (("s", "Side by side"), ("d", "Difference")):
        desk.press(key)
        button = desk.viewer.locator("button", has_text=mode)
        expect(button).to_have_attribute("aria-pressed", "true")
        desk.settled()  # the kernel sends the other side of a difference
        seen[key] = desk.pixels()
        notebook.screenshot(f"mode-{mode.lower().replace(' ', '-')}")
    desk.press("c")
    seen["before"] = desk.pixels()
    desk.press("c")
    seen["after"] = desk.pixels()
    desk.press("w")
    assert np.array_equal(desk.pixels(), seen["w"])
    pictures = list(seen.values())
    for i, one in enumerate(pictures):
        assert all(np.any(one != other) for other in pictures[:i])
    grey = seen["d"][seen["d"].any(axis=2)]
    assert np.ptp(grey, axis=1).max() == 0
    assert abs(float(grey.mean()) - 128) < 3
    desk.press("m")
    expect(desk.stage.locator(".wbv-note")).to_contain_text("banding in magenta")
    until = time.monotonic() + 30
    while np.array_equal(desk.pixels(), seen["w"]) and time.monotonic() < until:
        desk.page.wait_for_timeout(100)
    assert np.any(desk.pixels() != seen["w"])
    notebook.screenshot("mode-map")
    desk.press("m", "?")
    keys = desk.stage.locator(".wbv-help")
    expect(keys).to_be_visible()
    for word in ("band boost", "full screen", "one frame", "undo, redo", "grab a still"):
        expect(keys).to_contain_text(word)
    notebook.screenshot("help")
    desk.press("Escape")
    expect(keys).to_be_hidden()
    desk.press("F")
    notebook.page.wait_for_function("document.fullscreenElement !== null")
    notebook.screenshot("full-screen")
    desk.press("F")
    notebook.page.wait_for_function("document.fullscreenElement === null")
    cells = json.loads(TUNE.read_text(encoding="utf-8"))["cells"]
    assert notebook.kinds() == [cell["cell_type"] for cell in cells]  # no key reached the notebook


def test_frames_are_stepped_scrubbed_and_played(tuned: tuple[Notebook, Desk]) -> None:
    _, desk = tuned
    timecode = desk.viewer.locator(".wbv-timecode")
    expect(timecode).to_have_text("00:00:00:12   frame 12 / 23")
    first = desk.pixels()
    at = desk.generation()
    desk.press("ArrowRight")
    desk.newer(at)
    expect(timecode).to_have_text("00:00:00:13   frame 13 / 23")
    assert np.any(desk.pixels() != first)
    desk.press("Shift+ArrowLeft")
    expect(timecode).to_have_text("00:00:00:03   frame 3 / 23")
    at = desk.generation()
    desk.viewer.locator("input[type=range]").fill("20")
    desk.newer(at)
    expect(timecode).to_have_text("00:00:00:20   frame 20 / 23")
    desk.press("Space")
    expect(desk.stage.locator(".wbv-note")).to_contain_text("playing")
    expect(timecode).not_to_contain_text("frame 20 ")  # the timecode runs
    one = desk.pixels()
    expect(desk.stage.locator(".wbv-note")).not_to_contain_text("frames rendered")
    desk.page.wait_for_timeout(250)
    assert np.any(desk.pixels() != one)
    desk.press("k")
    expect(desk.stage.locator(".wbv-note")).to_contain_text("exact")
    desk.press("n")
    expect(timecode).not_to_have_text("00:00:00:20   frame 20 / 23")
    expect(desk.viewer.locator(".wbv-status")).to_contain_text("has the most banding")


def test_undo_redo_and_the_two_looks_by_key(tuned: tuple[Notebook, Desk]) -> None:
    notebook, desk = tuned
    start = desk.pixels()
    desk.turn("contrast", "End")
    changed = desk.pixels()
    at = desk.generation()
    desk.press("Control+z")
    desk.newer(at)
    assert np.array_equal(desk.pixels(), start)
    expect(desk.row("contrast").locator("input")).to_have_value("0.9")
    at = desk.generation()
    desk.press("Control+y")
    desk.newer(at)
    assert np.array_equal(desk.pixels(), changed)
    at = desk.generation()
    desk.press("a")
    desk.newer(at)
    assert np.array_equal(desk.pixels(), start)
    assert in_kernel(notebook, "tuner.preset.name") == "smooth"


def test_a_still_is_grabbed_and_compared_with(tuned: tuple[Notebook, Desk]) -> None:
    notebook, desk = tuned
    desk.press("c", "c")
    grabbed = desk.pixels()
    desk.press("g")
    desk.panel("Stills")
    expect(desk.button("Restore")).to_have_count(1)
    desk.panel("Look")
    desk.turn("contrast", "End")
    desk.panel("Stills")
    desk.button("Compare").click()
    tag = desk.stage.locator(".wbv-tag.wbv-before")
    desk.press("c")
    expect(tag).to_have_text("still 1")
    desk.exact()
    assert np.array_equal(desk.pixels(), grabbed)
    expect(desk.scopes).to_have_attribute("data-names", "still 1 after")
    expect(desk.whole.locator("table").first).to_contain_text("still 1")
    notebook.screenshot("stills")
    at = desk.generation()
    desk.button("Restore").click()
    desk.newer(at)
    assert in_kernel(notebook, "tuner.preset.name") == "smooth"


def test_a_number_out_of_range_is_an_error_and_the_picture_stays(
    tuned: tuple[Notebook, Desk],
) -> None:
    notebook, desk = tuned
    shown = desk.pixels()
    desk.type("strength", "99")
    message = desk.stage.locator(".wbv-message")
    expect(message).to_have_text("Strength must be between 0.5 and 8.")
    notebook.screenshot("out-of-range")
    expect(desk.row("strength").locator("input")).to_have_value("1")
    assert np.array_equal(desk.pixels(), shown)
    desk.type("strength", "3")
    expect(message).to_be_hidden()


def test_a_burst_of_changes_ends_with_the_last_and_leaves_no_process(
    tuned: tuple[Notebook, Desk],
) -> None:
    notebook, desk = tuned
    generations = notebook.page.evaluate(
        """async root => {
          const seen = new Set(), handle = [...document.querySelectorAll(".noUi-handle")][3];
          const note = () => seen.add(root.dataset.after);
          root.addEventListener("painted", note);
          handle.focus();
          for (let i = 0; i < 200; i++) {
            const key = i < 150 ? "ArrowRight" : "ArrowLeft";
            handle.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
            await new Promise(done => setTimeout(done, 10));
          }
          return seen.size;
        }""",
        desk.viewer.element_handle(),
    )
    desk.exact()
    assert generations > 5
    assert in_kernel(notebook, "round(tuner.preset.tone.contrast, 3)") == "1.5"
    notebook.evaluate_in_kernel("tuner.wait(60)")
    desk.exact()
    code = """
    import psutil
    from workbench import render
    shown = tuner._viewer.exact_picture("after")
    print(shown == render(tuner.clip.frame(12), tuner.preset).tobytes(),
          [p for p in psutil.Process().children() if "ffmpeg" in " ".join(p.cmdline())])
    """
    assert notebook.evaluate_in_kernel(dedent(code)).strip() == "True []"


def test_a_preset_is_saved_and_overwriting_needs_a_second_press(
    tuned: tuple[Notebook, Desk],
) -> None:
    notebook, desk = tuned
    desk.turn("contrast", "Home")
    desk.whole.get_by_placeholder("name of this look").fill("dusk")
    desk.button("Save preset").click()
    expect(desk.whole.get_by_text("Saved as")).to_be_visible()
    folder = Path(in_kernel(notebook, "__import__('pathlib').Path.cwd()"))
    kept = folder.parent / "presets" / "dusk.toml"  # beside the folder `notebooks`
    assert load_preset(kept).parameters()["tone.contrast"] == 0.25
    desk.button("Save preset").click()
    expect(desk.whole.get_by_text("The preset dusk already exists.")).to_be_visible()
    notebook.screenshot("preset-exists")
    assert in_kernel(notebook, "tuner.preset.name") == "dusk"
    kept.unlink()


def test_it_encodes_and_links_to_the_report(tuned: tuple[Notebook, Desk], tmp_path: Path) -> None:
    notebook, desk = tuned
    desk.panel("Deliver")
    desk.whole.get_by_placeholder("beside the clip").fill(str(tmp_path / "out.mov"))
    desk.button("Encode").click()
    link = desk.whole.get_by_role("link", name="Open the report (out.report.html)")
    expect(link).to_be_visible(timeout=90_000)
    assert open_clip(tmp_path / "out.mov").profile == "HQ"
    assert (tmp_path / "out.qc.json").exists()
    desk.whole.get_by_text("ffmpeg command", exact=True).click()
    expect(desk.whole.locator("code").last).to_contain_text("-c:v prores_ks -profile:v 3")
    link.scroll_into_view_if_needed()
    notebook.screenshot("encoded")
    with notebook.page.context.expect_page() as opened:
        link.click()
    expect(opened.value.locator("body")).to_contain_text("out.mov")
    opened.value.close()


def test_cancelling_an_encode_leaves_no_file(open_notebook: OpenNotebook, tmp_path: Path) -> None:
    long = tmp_path / "long.mp4"
    picture = clips.sky("1280x720", seconds=6)
    clips.run("-f", "lavfi", "-i", picture, "-c:v", "libx264", "-preset", "ultrafast", long)
    desk = at_rest(open_notebook(TUNE, {"source": long}))
    desk.panel("Deliver")
    desk.whole.get_by_placeholder("beside the clip").fill(str(tmp_path / "out.mov"))
    desk.button("Encode").click()
    desk.button("Cancel").last.click()
    expect(desk.whole.get_by_text("Cancelled. Nothing was written.")).to_be_visible()
    expect(desk.button("Encode")).to_be_enabled()
    assert list(tmp_path.iterdir()) == [long]


def test_a_suggestion_becomes_the_look(tuned: tuple[Notebook, Desk]) -> None:
    notebook, desk = tuned
    desk.button("Suggest").click()
    expect(desk.whole.locator("select").filter(has_text="suggested")).to_have_value(
        "suggested", timeout=90_000
    )
    assert in_kernel(notebook, "tuner.preset.name") == "suggested"
    desk.exact()
    notebook.screenshot("suggested")


def test_no_control_moves_when_numbers_change(tuned: tuple[Notebook, Desk]) -> None:
    _, desk = tuned

    def places() -> list[object]:
        found = desk.whole.locator("canvas, button, input, select, table")
        return [found.nth(i).bounding_box() for i in range(found.count())]

    start = places()
    desk.point(0.2, 0.2)
    desk.press("b", "4")
    desk.turn("contrast", "End")
    desk.turn("contrast", "Home")
    desk.point(0.8, 0.8)
    desk.press("f", "b")
    assert places() == start


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


def test_a_reloaded_page_shows_the_desk_again(tuned: tuple[Notebook, Desk]) -> None:
    notebook, desk = tuned
    desk.turn("contrast", "End")
    shown = desk.pixels()
    notebook.page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    reload(notebook)
    desk.exact()
    assert np.array_equal(desk.pixels(), shown)


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


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_it_fits_1280_pixels_and_can_be_read(tuned: tuple[Notebook, Desk], theme: str) -> None:
    notebook, desk = tuned
    notebook.page.evaluate(
        "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", theme
    )
    notebook.page.wait_for_timeout(600)
    wide = desk.whole.evaluate("e => [e.scrollWidth, e.clientWidth]")
    assert wide[0] <= wide[1]
    contrast = desk.viewer.evaluate(
        """root => {
          const light = c => { const [r, g, b] = c.match(/\\d+/g).map(v => {
            v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
            return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
          const desk = [...document.querySelectorAll(".wbv-values, .wb-desk td")];
          const back = getComputedStyle(root.querySelector("button:not([aria-pressed=true])"));
          const pairs = desk.map(e => [getComputedStyle(e).color, back.backgroundColor]);
          for (const b of root.querySelectorAll("button"))
            pairs.push([getComputedStyle(b).color, getComputedStyle(b).backgroundColor]);
          return pairs.map(pair => { const [x, y] = pair.map(light);
            return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05); });
        }"""
    )
    assert min(contrast) > 4.5  # WCAG AA
    notebook.screenshot(f"theme-{theme.split()[1].lower()}")


def test_keys_work_anywhere_on_the_desk_and_never_reach_the_notebook(
    tuned: tuple[Notebook, Desk],
) -> None:
    notebook, desk = tuned
    cells = notebook.kinds()
    for name in ("Before", "Show or hide: RGB parade", "A"):
        desk.button(name).click()
        for key in ("d", "d", "m", "m", "y", "x"):
            notebook.page.keyboard.press(key)
    desk.whole.get_by_text("contrast", exact=True).click()  # a label, which takes no focus itself
    for key in ("d", "d", "m", "m", "y", "x", "a", "a"):
        notebook.page.keyboard.press(key)
    assert notebook.kinds() == cells
    handle = desk.row("contrast").locator(".noUi-handle")
    # A cell that runs delays the first change of a slider, but not a command of the viewer.
    notebook.start_in_kernel("import time; time.sleep(1)")
    handle.press("ArrowRight")
    handle.press("b")
    expect(desk.viewer.locator("button", has_text="Boost")).to_have_attribute(
        "aria-pressed", "true"
    )
    handle.press("Control+z")
    expect(desk.button("Redo")).to_be_enabled()
    expect(desk.row("contrast").locator("input")).to_have_value("0.9")
    box = desk.whole.get_by_placeholder("name of this look")
    box.press_sequentially("a b d")
    expect(box).to_have_value("a b d")
    assert notebook.kinds() == cells
    expect(desk.viewer).to_have_count(1)


def test_a_difference_is_taken_from_the_same_frame(tuned: tuple[Notebook, Desk]) -> None:
    notebook, desk = tuned

    def difference() -> float:
        # The page may not have handled the key yet, so wait for its note.
        note = desk.stage.locator(".wbv-note")
        expect(note).to_contain_text(re.compile("exact.*changed by the deband"))
        return float(desk.pixels().std())

    desk.press("d")
    here = difference()
    desk.press("w")
    at = desk.generation()
    desk.press("ArrowRight")
    desk.newer(at)
    desk.press("d")
    there = difference()
    assert abs(there - here) < 3
    assert notebook.seen.errors == []


def test_every_control_has_a_name_for_screen_readers(tuned: tuple[Notebook, Desk]) -> None:
    _, desk = tuned
    for name in ("strength", "contrast", "amplitude"):
        assert desk.whole.get_by_role("slider", name=name, exact=True).count() == 1
        assert desk.whole.get_by_role("spinbutton", name=f"{name}, number").count() == 1
        assert desk.whole.get_by_role("button", name=f"reset {name}").count() == 1
    expect(desk.whole.get_by_role("combobox", name="Clips in this folder.")).to_have_count(1)
    expect(desk.button("A")).to_have_attribute("aria-pressed", "true")
    expect(desk.button("B")).to_have_attribute("aria-pressed", "false")
    desk.button("B").click()
    expect(desk.button("B")).to_have_attribute("aria-pressed", "true")


def test_every_button_of_the_viewer_has_a_name(tuned: tuple[Notebook, Desk]) -> None:
    notebook, desk = tuned
    names = desk.viewer.locator("button").evaluate_all(
        "all => all.map(one => one.getAttribute('aria-label') || one.textContent)"
    )
    assert all(names)
    expect(desk.stage).to_have_attribute(
        "aria-label", "Picture, before and after. Press ? for the keys."
    )
    desk.stage.focus()
    notebook.page.keyboard.press("Shift+Tab")
    notebook.page.keyboard.press("Tab")
    outline = desk.stage.evaluate("e => getComputedStyle(e).outlineStyle")
    assert outline == "solid"


def test_voila_shows_the_desk_and_no_code(open_voila: OpenVoila, clip: Path) -> None:
    dashboard = open_voila(TUNE, {"source": clip})
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


def test_a_reload_in_voila_brings_the_desk_back(open_voila: OpenVoila, clip: Path) -> None:
    dashboard = open_voila(TUNE, {"source": clip})
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
    open_voila: OpenVoila, voila_server: Server, clip: Path
) -> None:
    dashboard = open_voila(TUNE, {"source": clip})
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
