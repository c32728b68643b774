"""The desk fits one screen: picture, timeline, scopes and controls, at usual sizes and aspects."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests import clips
from tests.browser.desk import Desk
from tests.browser.pages import Dashboard, open_voila
from tests.browser.servers import Server
from workbench.batch.notebook_files import NOTEBOOKS
from workbench.desk.layout import PANELS

SIZES = [(1280, 800), (1440, 900), (1920, 1080), (2560, 1440)]
SHAPES = {"a_wide": "640x360", "b_square": "480x480", "c_tall": "360x640", "d_scope": "840x360"}
TAKE = "e_shot_with_a_name_that_is_far_too_long_for_the_list_take_2.mp4"
PARTS = (
    *(".wbv-tools", ".wbv-stage", ".wbv-readout", ".wbv-transport", ".wbv-timeline"),
    ".wb-column",
)


@pytest.fixture(scope="module")
def page(
    browser: Browser,
    voila_server: Server,
    pictures: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Dashboard]:
    """Open a folder of clips of several shapes in Voila."""
    folder = tmp_path_factory.mktemp("shapes")
    for name, size in SHAPES.items():
        argv = ("-f", "lavfi", "-i", clips.sky(size, seconds=1), "-c:v", "libx264")
        clips.run(*argv, "-preset", "ultrafast", folder / f"{name}.mp4")
    shutil.copy(folder / "a_wide.mp4", folder / TAKE)
    name = voila_server.put(NOTEBOOKS / "tune.ipynb", {"source": folder / "a_wide.mp4"})
    with open_voila(browser, voila_server, name, pictures) as dashboard:
        Desk(dashboard).exact()
        yield dashboard


def test_everything_is_on_one_screen(page: Dashboard) -> None:
    desk = Desk(page)
    for shape, of in SHAPES.items():
        desk.whole.locator("select").first.select_option(f"{shape}.mp4")
        expect(desk.viewer).to_have_attribute("data-picture", of)
        desk.exact()
        width, height = (int(side) for side in of.split("x"))
        for size in SIZES:
            page.page.set_viewport_size({"width": size[0], "height": size[1]})
            page.page.wait_for_function(
                "([desk, height]) => desk.getBoundingClientRect().height === height",
                arg=[desk.whole.element_handle(), size[1]],
            )
            page.page.wait_for_timeout(150)  # the canvases follow in the next refresh
            scrolls = page.page.evaluate(
                "() => [document.documentElement, document.body].map("
                "e => [e.scrollWidth > innerWidth, e.scrollHeight > innerHeight]).flat()"
            )
            assert not any(scrolls), (shape, size)
            boxes = [desk.whole.locator(part).bounding_box() for part in PARTS]
            scopes = desk.scopes.locator("canvas:visible")
            assert scopes.count() == 3
            boxes += [scopes.nth(i).bounding_box() for i in range(3)]
            for box in boxes:
                assert box
                assert min(box["x"], box["y"]) >= 0
                assert box["x"] + box["width"] <= size[0] + 0.5, (shape, size, box)
                assert box["y"] + box["height"] <= size[1] + 0.5, (shape, size, box)
            for box in boxes[len(PARTS) :]:
                assert box
                assert box["height"] >= 100, (shape, size)
            stage = boxes[1]
            assert stage
            scale = min(stage["width"] / width, stage["height"] / height)
            assert scale * width * scale * height > 0.18 * size[0] * size[1], (shape, size)
            column = desk.whole.locator(".wb-panel-look")
            hidden = column.evaluate("e => e.scrollHeight - e.clientHeight")
            assert hidden <= 0, (shape, size, hidden)
        page.screenshot(f"desk-{shape}")


def test_the_next_clip_starts_fitted(page: Dashboard) -> None:
    desk = Desk(page)
    fit = desk.viewer.locator("button", has_text="Fit")
    desk.press("4")
    expect(fit).to_have_attribute("aria-pressed", "false")
    desk.press("PageUp")
    expect(desk.viewer).to_have_attribute("data-picture", SHAPES["c_tall"])
    expect(fit).to_have_attribute("aria-pressed", "true")


def test_greys_are_neutral_in_both_themes(page: Dashboard) -> None:
    desk = Desk(page)
    for theme, bright in (("dark", False), ("light", True)):
        if theme == "light":
            desk.button("Light or dark desk").click()
            expect(desk.whole).to_have_attribute("data-theme", theme)
        desk.stage.focus()
        page.page.keyboard.press("Shift+Tab")
        page.page.keyboard.press("Tab")  # the focus ring is visible
        colours = desk.whole.evaluate(
            """desk => {
              const style = one => getComputedStyle(one ? desk.querySelector(one) : desk);
              return [style("").backgroundColor, style(".wbv-stage").outlineColor,
                ...[".wbv-stage", ".wbv-timeline", ".wb-figures", "button", "select"].map(
                  one => style(one).backgroundColor), style("button").borderTopColor,
                style("select").borderTopColor].map(
                  colour => colour.match(/\\d+/g).slice(0, 3).map(Number));
            }"""
        )
        assert all(len(set(colour)) == 1 for colour in colours), (theme, colours)
        assert (colours[0][0] > 128) == bright
        page.screenshot(f"desk-{theme}")


def test_a_scope_is_enlarged_by_a_double_click_and_parts_can_be_resized(page: Dashboard) -> None:
    desk = Desk(page)
    waveform = desk.scopes.locator(".wbs-waveform canvas")
    small = waveform.bounding_box()
    waveform.dblclick()
    expect(desk.scopes.locator("canvas:visible")).to_have_count(1)
    large = waveform.bounding_box()
    assert small
    assert large
    assert large["width"] * large["height"] > 2 * small["width"] * small["height"]
    page.screenshot("desk-enlarged")
    waveform.dblclick()
    expect(desk.scopes.locator("canvas:visible")).to_have_count(3)
    column = desk.whole.locator(".wb-column")
    before = column.bounding_box()
    handle = desk.viewer.get_by_role("separator", name="Width of the controls")
    handle.press("ArrowLeft")
    after = column.bounding_box()
    assert before
    assert after
    assert after["width"] == pytest.approx(before["width"] + 16, abs=1)
    expect(handle).to_have_attribute("aria-valuenow", str(round(after["width"])))
    handle.dblclick()
    assert column.bounding_box() == before


def test_the_controls_can_be_hidden_and_the_whole_desk_fills_the_screen(page: Dashboard) -> None:
    desk = Desk(page)
    wide = desk.stage.bounding_box()
    desk.press("h")
    expect(desk.whole.locator(".wb-column")).to_be_hidden()
    wider = desk.stage.bounding_box()
    assert wide
    assert wider
    assert wider["width"] > wide["width"] + 200
    desk.press("h")
    expect(desk.whole.locator(".wb-column")).to_be_visible()
    desk.press("F")
    page.page.wait_for_function("document.fullscreenElement?.classList.contains('wb-desk')")
    expect(desk.scopes).to_be_visible()
    desk.press("F")
    page.page.wait_for_function("document.fullscreenElement === null")


def test_a_long_name_in_the_list_shows_its_ending(page: Dashboard) -> None:
    name = Desk(page).panel("Clip").get_by_role("option", name=TAKE).locator(".wb-tile-name")
    name.scroll_into_view_if_needed()
    start, ending = name.locator("span").all()
    assert start.evaluate("e => e.scrollWidth > e.clientWidth")  # the name is cut
    assert (ending.text_content() or "").endswith("take_2.mp4")
    whole, last = name.bounding_box(), ending.bounding_box()
    assert whole
    assert last
    assert last["x"] + last["width"] <= whole["x"] + whole["width"] + 0.5
    page.screenshot("desk-clips")


def test_axe_finds_nothing_serious_in_any_panel_and_theme(page: Dashboard) -> None:
    desk = Desk(page)
    found = set()
    for _ in range(2):
        theme = desk.whole.get_attribute("data-theme")
        for panel in PANELS.values():
            desk.panel(panel)
            found |= {(theme, panel, *problem) for problem in _serious(page)}
        desk.press("?")
        expect(desk.viewer.locator(".wbv-help")).to_be_visible()
        found |= {(theme, "help", *problem) for problem in _serious(page)}
        desk.press("?")
        desk.button("Light or dark desk").click()
        expect(desk.whole).not_to_have_attribute("data-theme", str(theme))
    assert not found, "\n".join(map(str, sorted(found)))


def _serious(page: Dashboard) -> set[tuple[str, str, str]]:
    """Return the rule, element and reason of each violation that axe calls serious or critical."""
    results = Axe().run(page.page, context=".wb-desk", options={"resultTypes": ["violations"]})
    return {
        (rule["id"], node["html"][:150], node["failureSummary"])
        for rule in results.response["violations"]
        for node in rule["nodes"]
        if node["impact"] in ("serious", "critical")
    }
