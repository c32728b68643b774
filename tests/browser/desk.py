"""A driver for the desk on a page: what a user does there, and what a user sees."""

import base64
import re
from typing import Any

import numpy as np
from playwright.sync_api import Locator, Page, expect

from tests.browser.pages import Shown

BEFORE, AFTER = "before", "after"


class Desk:
    """One desk on a page. `nth` counts them where there are several."""

    def __init__(self, shown: Shown, nth: int = 0) -> None:
        self.page: Page = shown.page
        self.viewer = self.page.locator(".wbv").nth(nth)
        self.stage = self.viewer.locator(".wbv-stage")
        self.canvas = self.stage.locator("canvas")
        self.scopes = self.page.locator(".wbs").nth(nth)
        self.whole = self.page.locator(".wb-desk").nth(nth)

    # ---- what a user sees

    def exact(self) -> None:
        """Wait until both pictures are exact and the figures belong to them."""
        expect(self.viewer).to_have_attribute("data-before-exact", "true")
        expect(self.viewer).to_have_attribute("data-after-exact", "true")
        expect(self.scopes).not_to_have_class(re.compile("wbs-stale"))
        expect(self.whole.locator(".wb-stale")).to_have_count(0)

    def settled(self) -> None:
        """Wait until the picture on screen is exact, in any mode."""
        expect(self.viewer).to_have_attribute("data-exact", "true")

    def generation(self) -> int:
        """Return the generation of the picture after."""
        return int(self.viewer.get_attribute("data-after") or -1)

    def newer(self, than: int) -> None:
        """Wait for a picture after of a newer generation, and until it is exact."""
        self.page.wait_for_function(
            "([root, than]) => Number(root.dataset.after) > than",
            arg=[self.viewer.element_handle(), than],
        )
        self.exact()

    def pixels(self) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """Return the canvas as RGB, shape (height, width, 3), without the labels over it."""
        self.page.evaluate("() => new Promise(done => requestAnimationFrame(() => done()))")
        found = self.canvas.evaluate(
            """canvas => {
              const {width, height} = canvas;
              const data = canvas.getContext("2d").getImageData(0, 0, width, height).data;
              let text = "";
              for (let i = 0; i < data.length; i += 8192)
                text += String.fromCharCode(...data.subarray(i, i + 8192));
              return [width, height, btoa(text)];
            }"""
        )
        width, height, text = found
        raw = np.frombuffer(base64.b64decode(text), np.uint8)
        return raw.reshape(height, width, 4)[..., :3].copy()

    def note(self) -> str:
        return self.stage.locator(".wbv-note").text_content() or ""

    def values(self, side: str) -> list[int]:
        """Return the numbers of a side's readout: Y, Cb, Cr, R, G, B."""
        text = self.viewer.locator(f".wbv-values.wbv-{side}").text_content() or ""
        return [int(number) for number in re.findall(r"(?:Y|Cb|Cr|R|G|B) (-?\d+)", text)]

    # ---- what a user does

    def press(self, *keys: str) -> None:
        self.stage.focus()
        for key in keys:
            self.page.keyboard.press(key)

    def point(self, x: float, y: float) -> None:
        """Move the pointer on the stage. `x` and `y` are shares of its size."""
        box = self.stage.bounding_box()
        assert box
        self.page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self.point(*start)
        self.page.mouse.down()
        for share in (0.25, 0.5, 0.75, 1):
            self.point(*(a + (b - a) * share for a, b in zip(start, end, strict=True)))
        self.page.mouse.up()

    def row(self, name: str) -> Locator:
        """Find a parameter's row: slider, number box and reset button."""
        label = self.page.get_by_text(name, exact=True)
        return self.whole.locator(".widget-hbox").filter(has=label).last

    def turn(self, name: str, *keys: str) -> None:
        """Move a slider with the keyboard, and wait for the exact picture."""
        before = self.generation()
        for key in keys:
            self.row(name).locator(".noUi-handle").press(key)
        self.newer(before)

    def type(self, name: str, value: str) -> None:
        box = self.row(name).locator("input")
        box.fill(value)
        box.press("Enter")

    def panel(self, name: str) -> Locator:
        """Show a panel of the right column, and return it."""
        self.whole.get_by_role("tab", name=name, exact=True).click()
        return self.whole.locator(f".wb-panel-{name.lower()}")

    def button(self, name: str) -> Locator:
        return self.whole.get_by_role("button", name=name, exact=True)
