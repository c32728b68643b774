"""The desk's picture in a real browser: looks, zoom, modes, frames and code values."""

import json
import re
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import expect
from scipy.ndimage import gaussian_filter

from tests.browser.desk import AFTER, BEFORE, Desk
from tests.browser.pages import Notebook
from tests.browser.tuning import FRAME, TUNE, in_kernel
from workbench.look.preset import load_preset
from workbench.look.render import render
from workbench.measure.code_values import to_ten_bit
from workbench.media.frames import Frame
from workbench.media.probe import open_clip


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


def test_the_readout_has_the_kernels_code_values(tuned: tuple[Notebook, Desk], clip: Path) -> None:
    notebook, desk = tuned
    with open_clip(clip) as opened:
        source = opened.frame(FRAME)
    for preset in ("smooth", "classic", "untouched"):
        if preset != "smooth":
            at = desk.generation()
            notebook.evaluate_in_kernel(f"tuner.load_preset({preset!r})")
            desk.newer(at)
        after = render(source, load_preset(preset))
        for key in ("f", "1", "4"):
            desk.press(key)
            for place in ((0.3, 0.4), (0.61, 0.55), (0.5, 0.7)):
                desk.point(*place)
                check_readout(desk, {BEFORE: source, AFTER: after})


def check_readout(desk: Desk, pictures: dict[str, Frame]) -> None:
    """Compare the numbers at the pointer with the pictures that the kernel has."""
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
