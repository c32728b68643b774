import assert from "node:assert/strict";
import { test } from "node:test";
import { KernelWatch } from "../../../workbench/desk/web/kernel_watch.js";

/** A watch whose time is set by hand. */
function watched({ answers, hidden = false }) {
  let now = 0;
  globalThis.document = { hidden };
  Object.defineProperty(globalThis, "performance", { value: { now: () => now }, configurable: true });
  const shown = [];
  const watch = new KernelWatch(() => { if (answers()) watch.heard(); }, (lost) => shown.push(lost));
  watch.stop();
  return { shown, pass: (milliseconds) => { now += milliseconds; watch.check(); } };
}

test("a kernel that does not answer for 20 seconds is lost, and found when it answers", () => {
  let alive = false;
  const { shown, pass } = watched({ answers: () => alive });
  pass(19_000);
  assert.deepEqual(shown, []);
  pass(2000);
  assert.deepEqual(shown, [true]);
  alive = true;
  pass(5000);
  assert.deepEqual(shown, [true, false]);
});

test("a connection that refuses the question is a lost kernel, and no error", () => {
  const { shown, pass } = watched({ answers: () => { throw new Error("closed"); } });
  pass(21_000);
  assert.deepEqual(shown, [true]);
});

test("a page in the background is not watched", () => {
  const { shown, pass } = watched({ answers: () => false, hidden: true });
  pass(60_000);
  globalThis.document.hidden = false;
  pass(5000);
  assert.deepEqual(shown, []);
});
