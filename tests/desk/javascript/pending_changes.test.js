import assert from "node:assert/strict";
import { test } from "node:test";
import { changesHandled, orderedClicks } from "../../../workbench/desk/web/pending_changes.js";

const managerOf = (...models) => ({ _models: Object.fromEntries(models.entries()) });

test("it waits until each widget's changes are handled", async () => {
  const slider = { comm_live: true, _pending_msgs: 1 };
  let handled = false;
  setTimeout(() => { handled = true; slider._pending_msgs = 0; }, 60);
  await changesHandled(managerOf(Promise.resolve({ comm_live: true, _pending_msgs: 0 }),
    Promise.resolve(slider)));
  assert.ok(handled);
});

test("it waits for no widget that failed to load, loads for ever, or has no kernel", async () => {
  const closed = { comm_live: false, _pending_msgs: 1 };
  await changesHandled(managerOf(Promise.reject(new Error("model not found")), new Promise(() => {}),
    Promise.resolve(closed)));
});

test("it ends when the kernel does not answer, and without a manager", async () => {
  await changesHandled(managerOf(Promise.resolve({ comm_live: true, _pending_msgs: 1 })), 40);
  await changesHandled(undefined);
});

test("a click on a button of ipywidgets reaches it after the changes, and once", () => {
  const waiting = [], listener = orderedClicks((act) => waiting.push(act));
  let clicks = 0;
  const button = { closest: () => button, click: () => click(), matches: () => false };
  const click = () => {
    let stopped = false;
    const stop = () => { stopped = true; };
    listener({ target: button, preventDefault() {}, stopPropagation: stop });
    if (!stopped) clicks += 1;
  };
  click();
  assert.equal(clicks, 0);
  waiting.shift()();
  assert.equal(clicks, 1);
  assert.equal(waiting.length, 0);
  click();
  assert.equal(clicks, 1); // the next click waits again
});

test("a click on Cancel does not wait", () => {
  const listener = orderedClicks(() => assert.fail("it waits"));
  const cancel = { closest: () => cancel, matches: (selector) => selector === ".wb-cancel" };
  listener({ target: cancel, preventDefault: assert.fail, stopPropagation: assert.fail });
});
