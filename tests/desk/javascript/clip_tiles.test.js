import assert from "node:assert/strict";
import { test } from "node:test";
import { indexAfter, nameParts } from "../../../workbench/desk/web/clip_tiles.js";

test("keys go through the list and stop at its ends", () => {
  assert.equal(indexAfter(1, 3, "ArrowDown"), 2);
  assert.equal(indexAfter(2, 3, "ArrowDown"), 2);
  assert.equal(indexAfter(0, 3, "ArrowUp"), 0);
  assert.equal(indexAfter(1, 3, "End"), 2);
  assert.equal(indexAfter(1, 3, "Home"), 0);
  assert.equal(indexAfter(1, 3, "n"), null);
  assert.equal(indexAfter(-1, 0, "ArrowDown"), null);
});

test("a name keeps its ending, with the take and the file type", () => {
  assert.deepEqual(nameParts("a_very_long_name_take_03.mp4"), ["a_very_long_na", "me_take_03.mp4"]);
  assert.deepEqual(nameParts("sky.mp4"), ["", "sky.mp4"]);
  const decomposed = "\u304b\u3099".repeat(20);
  assert.deepEqual(nameParts(decomposed), ["\u304c".repeat(6), "\u304c".repeat(14)]);
});
