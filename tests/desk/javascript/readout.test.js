import assert from "node:assert/strict";
import { test } from "node:test";
import { PictureSide } from "../../../workbench/desk/web/picture_side.js";
import {
  framePosition, labelledSides, pixelPosition, pixelValues, showsExact, timecode, playingNote, viewNote,
} from "../../../workbench/desk/web/readout.js";

function side({ generation = 1, planes = null, preview = {} } = {}) {
  return Object.assign(new PictureSide(), { generation, planes, preview });
}
const exact = (generation = 1) => side({
  generation,
  planes: { generation, codes: () => [500, 510, 520], rgb: () => [1, 2, 3] },
});

test("the readout shows code values only of the exact picture", () => {
  assert.equal(pixelValues(exact(), [3, 4]), "Y 500  Cb 510  Cr 520   R 1  G 2  B 3");
  assert.equal(pixelValues(side(), [3, 4]), "exact values follow");
  const late = Object.assign(exact(), { generation: 2 }); // a newer preview is on screen
  assert.equal(pixelValues(late, [3, 4]), "exact values follow");
});

test("without a pointer or a picture the readout is empty", () => {
  const empty = "Y –  Cb –  Cr –   R –  G –  B –";
  assert.equal(pixelValues(exact(), null), empty);
  assert.equal(pixelValues(side({ preview: null }), [0, 0]), empty);
  assert.equal(pixelPosition(null), "x –  y –");
  assert.equal(pixelPosition([12, 7]), "x 12  y 7");
});

test("a timecode counts hours, minutes, seconds and frames", () => {
  assert.equal(timecode(0, 24), "00:00:00:00");
  assert.equal(timecode(24 * 3661 + 5, 24), "01:01:01:05");
  assert.equal(timecode(30, 29.97), "00:00:01:00");
});

test("a clip of varying frame rate shows seconds", () => {
  const varying = { frames: 3, rate: 24, even: false, times: [0, 0.5, 0.625] };
  assert.equal(framePosition(varying, 2), "0.63 s   frame 2 / 2");
  const even = { frames: 24, rate: 24, even: true, times: [] };
  assert.equal(framePosition(even, 12), "00:00:00:12   frame 12 / 23");
  assert.equal(framePosition({ ...even, frames: 0 }, 0), "");
});

test("each mode labels the sides that it shows", () => {
  assert.deepEqual(labelledSides("wipe"), ["before", "after"]);
  assert.deepEqual(labelledSides("side"), ["before", "after"]);
  assert.deepEqual(labelledSides("after"), ["after"]);
  assert.deepEqual(labelledSides("difference"), []);
});

test("a view is exact when every side on screen is", () => {
  const sides = { before: side(), after: exact() };
  assert.ok(showsExact("after", sides, null));
  assert.ok(!showsExact("before", sides, null));
  assert.ok(!showsExact("wipe", sides, null));
});

test("a difference is exact only with a reference of the same generation", () => {
  const sides = { before: side(), after: exact(7) };
  assert.ok(!showsExact("difference", sides, null));
  assert.ok(!showsExact("difference", sides, { generation: 6 }));
  assert.ok(showsExact("difference", sides, { generation: 7 }));
});

const SHOWN = { mode: "wipe", exact: true, playing: "", scale: 0.5, gain: 8, boost: false,
  map: false, difference: "changed by the deband" };

for (const [name, changes, note] of [
  ["an exact picture", {}, "exact · 50 %"],
  ["a preview", { exact: false }, "lossy · 50 %"],
  ["a boost", { boost: true, scale: 2 }, "exact · 200 % · band boost ×8"],
  ["a map", { map: true }, "exact · 50 % · banding in magenta"],
  ["a difference", { mode: "difference", boost: true, map: true },
    "exact · 50 % · changed by the deband, 1 code value = 8 levels"],
  ["playback", { exact: false, playing: "playing", boost: true, map: true },
    "playing · 50 % · band boost ×8"],
  ["a graded look", { graded: true }, "exact · 50 % · graded"],
])
  test(`the note describes ${name}`, () => assert.equal(viewNote({ ...SHOWN, ...changes }), note));

test("playback is described with its rate, its cache and its dropped frames", () => {
  assert.equal(playingNote({ rate: 1, dropped: 0, cached: [24, 24] }), "playing");
  assert.equal(playingNote({ rate: -2, dropped: 3, cached: [5, 24] }),
    "playing backwards ×2 · 5 of 24 frames rendered · 3 dropped");
});
