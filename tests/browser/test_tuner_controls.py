"""The desk's controls in a real browser: undo, stills, presets, delivery, keys and names."""

from pathlib import Path
from textwrap import dedent

import numpy as np
from playwright.sync_api import expect

from tests import clips
from tests.browser.conftest import OpenNotebook
from tests.browser.desk import Desk
from tests.browser.pages import Notebook
from tests.browser.tuning import TUNE, at_rest, in_kernel
from workbench.look.preset import load_preset
from workbench.media.probe import open_clip


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


def test_it_fits_1280_pixels_and_can_be_read(tuned: tuple[Notebook, Desk]) -> None:
    notebook, desk = tuned
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
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


def test_every_control_has_a_name_for_screen_readers(tuned: tuple[Notebook, Desk]) -> None:
    notebook, desk = tuned
    for name in ("strength", "contrast", "amplitude"):
        assert desk.whole.get_by_role("slider", name=name, exact=True).count() == 1
        assert desk.whole.get_by_role("spinbutton", name=f"{name}, number").count() == 1
        assert desk.whole.get_by_role("button", name=f"reset {name}").count() == 1
    expect(desk.whole.get_by_role("combobox", name="Clips in this folder.")).to_have_count(1)
    expect(desk.button("A")).to_have_attribute("aria-pressed", "true")
    expect(desk.button("B")).to_have_attribute("aria-pressed", "false")
    desk.button("B").click()
    expect(desk.button("B")).to_have_attribute("aria-pressed", "true")
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
