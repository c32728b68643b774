import assert from "node:assert/strict";
import { test } from "node:test";
import { oncePerRefresh } from "../../../workbench/desk/web/dom.js";

test("it paints once for each refresh of the screen, and again after it", () => {
  const waiting = [];
  let painted = 0;
  globalThis.requestAnimationFrame = (act) => waiting.push(act);
  const repaint = oncePerRefresh(() => { painted += 1; });
  repaint();
  repaint();
  assert.equal(painted, 0);
  assert.equal(waiting.length, 1);
  waiting.shift()();
  assert.equal(painted, 1);
  repaint();
  waiting.shift()();
  assert.equal(painted, 2);
});
