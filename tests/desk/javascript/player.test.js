import assert from "node:assert/strict";
import { test } from "node:test";
import {
  Player, frameAtTime, shuttled, timeOf, wrapped,
} from "../../../workbench/desk/web/player.js";

const EVEN = { frames: 10, rate: 10, even: true, times: [] };
const ALL = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const UNEVEN = { frames: 4, rate: 10, even: false, times: [0, 0.04, 0.12, 0.16] };

test("j and l start in their direction and double the rate up to eight", () => {
  assert.equal(shuttled(0, 1), 1);
  assert.equal(shuttled(1, 1), 2);
  assert.equal(shuttled(8, 1), 8);
  assert.equal(shuttled(4, -1), -1);
  assert.equal(shuttled(-2, -1), -4);
});

test("each frame is shown until the next one is due, also at a variable rate", () => {
  for (let frame = 0; frame < 10; frame++)
    assert.equal(frameAtTime(timeOf(frame, EVEN) + 0.05, 0, 9, EVEN), frame);
  assert.deepEqual([0, 0.039, 0.04, 0.13, 0.5].map((at) => frameAtTime(at, 0, 3, UNEVEN)),
    [0, 0, 1, 2, 3]);
  assert.equal(frameAtTime(0.01, 2, 3, UNEVEN), 2);
});

test("a time past the out point begins again at the in point, and backwards the other way", () => {
  assert.ok(Math.abs(wrapped(0.75, 0.2, 0.7) - 0.25) < 1e-9);
  assert.ok(Math.abs(wrapped(0.1, 0.2, 0.7) - 0.6) < 1e-9);
});

const wait = () => new Promise((done) => { setTimeout(done); });

/** A player whose time is set by hand, with frames that decode at once. */
async function played(rate, { rendered, steps, step = 0.1 }) {
  let now = 0, tick = null;
  globalThis.requestAnimationFrame = (act) => { tick = act; return 1; };
  globalThis.cancelAnimationFrame = () => {};
  const { performance } = globalThis;
  Object.defineProperty(globalThis, "performance", { value: { now: () => now }, configurable: true });
  const seen = [];
  const player = new Player(async () => ({ close() {} }), () => EVEN, () => seen.push(player.frame));
  player.setRange({ generation: 1, first: 0, last: 9, frames: ALL });
  player.take({ generation: 1, frames: rendered }, rendered.flatMap(() => ["", ""]));
  player.play(rate, 0);
  player.setRange({ generation: 1, first: 0, last: 9, frames: ALL });
  seen.length = 0;
  for (let n = 0; n < steps; n++) {
    tick();
    await wait();
    now += 1000 * step;
  }
  Object.defineProperty(globalThis, "performance", { value: performance, configurable: true });
  return { seen, player };
}

test("cached frames are played one after the other and again from the start", async () => {
  const { seen, player } = await played(1, { rendered: ALL, steps: 14 });
  assert.deepEqual(seen.slice(0, 12), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]);
  assert.equal(player.dropped, 0);
});

test("frames that the screen has no time for are dropped and counted", async () => {
  const { seen, player } = await played(1, { rendered: ALL, steps: 5, step: 0.2 });
  assert.deepEqual(seen, [0, 2, 4, 6]);
  assert.equal(player.dropped, 3);
});

test("the clock waits for a frame that is not rendered yet, and drops none", async () => {
  const { seen, player } = await played(1, { rendered: [0, 1, 2], steps: 12 });
  assert.deepEqual(seen, [0, 1, 2]);
  assert.equal(player.dropped, 0);
  assert.deepEqual(player.cached, [3, 10]);
});

test("playback backwards goes from the first frame to the last", async () => {
  const { seen } = await played(-1, { rendered: ALL, steps: 6 });
  assert.deepEqual(seen.slice(0, 4), [0, 9, 8, 7]);
});

test("frames of another look are forgotten", () => {
  const player = new Player(async () => ({}), () => EVEN, () => {});
  player.setRange({ generation: 1, first: 0, last: 9, frames: ALL });
  player.take({ generation: 1, frames: [3] }, ["a", "b"]);
  assert.deepEqual(player.cached, [1, 10]);
  player.setRange({ generation: 2, first: 0, last: 9, frames: ALL });
  player.take({ generation: 1, frames: [4] }, ["a", "b"]);
  assert.deepEqual(player.cached, [0, 10]);
});
