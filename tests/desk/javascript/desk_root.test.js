import assert from "node:assert/strict";
import { test } from "node:test";
import { arrangementFor } from "../../../workbench/desk/web/desk_root.js";
import { tabAfter } from "../../../workbench/desk/web/panel_tabs.js";
import { limitedSize } from "../../../workbench/desk/web/splitters.js";

test("scopes are below a wide picture and beside a square or a tall one", () => {
  for (const [width, height] of [[960, 800], [1100, 900], [1490, 1080], [2100, 1440]]) {
    assert.equal(arrangementFor(16 / 9, width, height), "below");
    assert.equal(arrangementFor(21 / 9, width, height), "below");
    assert.equal(arrangementFor(9 / 16, width, height), "beside");
  }
});

test("the arrow keys go around the tabs", () => {
  const names = ["clip", "look", "deliver"];
  assert.equal(tabAfter(names, "look", "ArrowRight"), "deliver");
  assert.equal(tabAfter(names, "deliver", "ArrowRight"), "clip");
  assert.equal(tabAfter(names, "clip", "ArrowLeft"), "deliver");
  assert.equal(tabAfter(names, "clip", "b"), null);
});

test("a splitter keeps the parts of the desk usable", () => {
  assert.equal(limitedSize("side", 10), 280);
  assert.equal(limitedSize("side", 10_000), 640);
  assert.equal(limitedSize("scopes", 200.4), 200);
});
