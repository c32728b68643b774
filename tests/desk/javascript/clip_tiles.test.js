import assert from "node:assert/strict";
import { test } from "node:test";
import { indexAfter } from "../../../workbench/desk/web/clip_tiles.js";

test("keys go through the list and stop at its ends", () => {
  assert.equal(indexAfter(1, 3, "ArrowDown"), 2);
  assert.equal(indexAfter(2, 3, "ArrowDown"), 2);
  assert.equal(indexAfter(0, 3, "ArrowUp"), 0);
  assert.equal(indexAfter(1, 3, "End"), 2);
  assert.equal(indexAfter(1, 3, "Home"), 0);
  assert.equal(indexAfter(1, 3, "n"), null);
  assert.equal(indexAfter(-1, 0, "ArrowDown"), null);
});
