import assert from "node:assert/strict";
import { test } from "node:test";
import { nextGain, steppedFrame, viewerActions } from "../../../workbench/desk/web/actions.js";
import { HELP, actionFor, controlUsesKey, handleKey } from "../../../workbench/desk/web/shortcuts.js";

/** An element that answers `matches` by its tag, type and role. */
function control(tag, { type = "text", role = "" } = {}) {
  const selectors = { button: ["button"], select: ["select"], textarea: ["textarea"] }[tag] ?? [];
  if (tag === "input") selectors.push(`input[type=${type}]`);
  return {
    matches: (list) => list.split(/, (?![^(]*\))/).some((one) => {
      if (one.startsWith("[role=")) return one === `[role=${role}]`;
      if (one.startsWith("input:not(")) return tag === "input" && !one.includes(`type=${type}`);
      return one === tag || selectors.includes(one);
    }),
  };
}

function pressed(key, changes = {}) {
  const event = {
    key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, target: control("div"),
    prevented: false, stopped: false, suppressed: null, ...changes,
  };
  event.preventDefault = () => { event.prevented = true; };
  event.stopPropagation = () => { event.stopped = true; };
  event.currentTarget = {
    toggleAttribute: (name, on) => {
      assert.equal(name, "data-lm-suppress-shortcuts");
      event.suppressed = on;
    },
  };
  const called = [];
  const actions = new Proxy({}, { get: (_, name) => (argument) => called.push([name, argument]) });
  handleKey(event, actions);
  return { called, event };
}

test("every key of the help page has an action", () => {
  const names = {
    "space": " ", "left": "ArrowLeft", "right": "ArrowRight", "home": "Home", "end": "End",
    "page up": "PageUp", "page down": "PageDown", "wheel": null, "drag": null,
  };
  for (const [keys] of HELP)
    for (const shown of keys.split("  ")) {
      const [, ctrl, letter] = /^(ctrl )?(.*)$/.exec(shown);
      const key = letter in names ? names[letter] : letter;
      if (key !== null) assert.ok(actionFor({ key, ctrlKey: Boolean(ctrl) }), shown);
    }
});

test("every action of a key is one of the viewer's actions", () => {
  const actions = viewerActions({});
  const keys = [..." kjlcwsdbmt+=-f124naghioF?", "Escape", "ArrowLeft", "ArrowRight", "Home", "End", "PageUp"];
  for (const key of keys) assert.equal(typeof actions[actionFor({ key })[0]], "function", key);
});

test("undo and redo have their usual keys", () => {
  for (const modifier of [{ ctrlKey: true }, { metaKey: true }]) {
    assert.deepEqual(actionFor({ key: "z", ...modifier }), ["send", "undo"]);
    assert.deepEqual(actionFor({ key: "y", ...modifier }), ["send", "redo"]);
    assert.deepEqual(actionFor({ key: "Z", shiftKey: true, ...modifier }), ["send", "redo"]);
  }
});

test("arrow keys step one frame, and ten with shift", () => {
  assert.deepEqual(actionFor({ key: "ArrowLeft" }), ["step", -1]);
  assert.deepEqual(actionFor({ key: "ArrowRight", shiftKey: true }), ["step", 10]);
});

test("other keys and other modifiers do nothing", () => {
  assert.equal(actionFor({ key: "x" }), null);
  assert.equal(actionFor({ key: "constructor" }), null);
  assert.equal(actionFor({ key: "b", ctrlKey: true }), null);
  assert.equal(actionFor({ key: "b", altKey: true }), null);
});

test("a key runs its action and stays out of the notebook", () => {
  const { called, event } = pressed("b");
  assert.deepEqual(called, [["toggleBoost", undefined]]);
  assert.ok(event.prevented && event.stopped && event.suppressed);
});

test("a key without an action stays out of the notebook, but ctrl s does not", () => {
  for (const { event } of [pressed("x"), pressed("z", { ctrlKey: true })])
    assert.ok(event.stopped && event.suppressed);
  for (const { event } of [pressed("s", { ctrlKey: true }), pressed("Tab")])
    assert.ok(!event.stopped && !event.suppressed);
});

test("text and lists keep their keys", () => {
  for (const target of [control("input"), control("select"), control("textarea")]) {
    const { called, event } = pressed("b", { target });
    assert.deepEqual(called, []);
    assert.ok(!event.prevented && event.stopped);
  }
});

test("buttons keep space and enter, sliders the arrows", () => {
  assert.ok(controlUsesKey(control("button"), " "));
  assert.ok(!controlUsesKey(control("button"), "b"));
  assert.ok(controlUsesKey(control("div", { role: "slider" }), "ArrowLeft"));
  assert.ok(controlUsesKey(control("input", { type: "range" }), "ArrowLeft"));
  assert.ok(controlUsesKey(control("input", { type: "range" }), "Home"));
  assert.ok(!controlUsesKey(control("input", { type: "range" }), "b"));
  assert.ok(!controlUsesKey(control("input", { type: "checkbox" }), "b"));
});

test("a gain goes up and down by factors of two and stops at both ends", () => {
  assert.equal(nextGain(8, 1), 16);
  assert.equal(nextGain(8, -1), 4);
  assert.equal(nextGain(32, 1), 32);
  assert.equal(nextGain(2, -1), 2);
});

test("a step stays within the clip", () => {
  assert.equal(steppedFrame(12, 1, 24), 13);
  assert.equal(steppedFrame(20, 10, 24), 23);
  assert.equal(steppedFrame(3, -10, 24), 0);
  assert.equal(steppedFrame(0, 1, 0), 0);
});

/** A view with the state that actions change. */
function view(traits) {
  const made = {
    traits: { mode: "wipe", boost: false, banding_map: false, gain: 8, frame: 0,
      clip: { frames: 24 }, ...traits },
    sent: [],
    player: { rate: 0, get playing() { return this.rate !== 0; } },
  };
  return Object.assign(made, {
    model: { get: (name) => made.traits[name] },
    get mode() { return made.traits.mode; },
    set: (name, value) => { made.traits[name] = value; },
    send: (command) => made.sent.push(command),
    play: (rate) => { made.player.rate = rate; },
    stopPlaying: () => { made.player.rate = 0; },
  });
}

test("c switches sides, and d goes to the difference and back", () => {
  const made = view({ mode: "before" });
  Object.defineProperty(made, "mode", { get: () => made.traits.mode });
  const actions = viewerActions(made);
  actions.switchSide();
  assert.equal(made.traits.mode, "after");
  actions.toggleDifference();
  assert.equal(made.traits.mode, "difference");
  actions.toggleDifference();
  assert.equal(made.traits.mode, "wipe");
});

test("space plays and stops, j and l go faster in their direction", () => {
  const made = view(), actions = viewerActions(made);
  actions.togglePlay();
  assert.equal(made.player.rate, 1);
  actions.shuttle(1);
  assert.equal(made.player.rate, 2);
  actions.shuttle(-1);
  assert.equal(made.player.rate, -1);
  actions.togglePlay();
  assert.ok(!made.player.playing);
});

test("a step stops playback", () => {
  const made = view({ frame: 5 });
  made.play(1);
  viewerActions(made).step(-1);
  assert.equal(made.traits.frame, 4);
  assert.ok(!made.player.playing);
});
