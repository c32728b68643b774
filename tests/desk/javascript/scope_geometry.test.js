import assert from "node:assert/strict";
import { test } from "node:test";
import {
  TOP, codeY, histogramColumns, panes, splitTraces, tracePixels, vectorscopeGeometry,
} from "../../../workbench/desk/web/scope_geometry.js";

const heights = (found) => Object.assign(new Uint8Array(1024), found);

test("code 0 is near the bottom of a scope and code 1023 near the top", () => {
  assert.equal(codeY(0, 100), 95);
  assert.equal(codeY(TOP, 100), 5);
});

test("a narrow histogram drops no code value", () => {
  const columns = histogramColumns(heights({ 500: 255, 501: 51 }), 256);
  assert.equal(columns[125], 1);
  assert.equal(columns.filter((height) => height > 0).length, 1);
  assert.equal(histogramColumns(heights({ 501: 51 }), 256)[125], 0.2);
});

test("a trace has its lowest row at the bottom, in its colour", () => {
  const pixels = tracePixels(Uint8Array.from([10, 20, 30, 40]), 2, 2, [255, 128, 1]);
  assert.deepEqual([...pixels].map((pixel) => pixel >>> 24), [30, 40, 10, 20]);
  assert.equal(pixels[0] & 0xffffff, 0x0180ff);
});

test("the bytes of all traces are split, also where their sizes differ", () => {
  const bytes = new DataView(Uint8Array.from([9, 1, 2, 3, 4, 5, 6, 7, 8, 9]).buffer, 1);
  const parts = [
    { kind: "a", channels: 2, rows: 1, columns: 1 }, { kind: "b", channels: 1, rows: 2, columns: 3 },
  ];
  const found = splitTraces(bytes, parts);
  assert.deepEqual(found.map(({ channels }) => channels.map((one) => [...one])),
    [[[1], [2]], [[3, 4, 5, 6, 7, 8]]]);
  assert.equal(found[1].kind, "b");
});

test("graphs are beside each other in a wide area and below each other in a tall one", () => {
  const wide = panes({ left: 0, top: 0, width: 204, height: 100 }, 2);
  assert.deepEqual(wide[1], { left: 104, top: 0, width: 100, height: 100 });
  const tall = panes({ left: 0, top: 0, width: 100, height: 204 }, 2);
  assert.deepEqual(tall[1], { left: 0, top: 104, width: 100, height: 100 });
});

const AREA = { left: 0, top: 0, width: 300, height: 110 };
const TARGETS = { 75: { R: [400, 960], C: [624, 64] }, 100: { R: [362, 1020] } };

test("a vectorscope is square, with grey in its middle and Cr upwards", () => {
  const found = vectorscopeGeometry(AREA, TARGETS, 90);
  assert.deepEqual(found.square, { left: 100, top: 5, side: 100 });
  assert.deepEqual(found.centre, [150, 55]);
  const [, end] = found.skin;
  assert.ok(Math.abs(end[0] - 150) < 1e-6 && end[1] < 55);
  const [red, cyan] = found.targets;
  assert.ok(red.y < 55 && red.x < 150 && cyan.y > 55 && cyan.x > 150);
  assert.deepEqual(found.targets.map(({ name }) => name), ["R", "C", ""]); // 100 % has no letter
});

test("zooming a vectorscope moves its targets outwards and leaves out those beyond it", () => {
  const near = { 75: { R: [462, 612] } };
  const [one] = vectorscopeGeometry(AREA, near, 90).targets;
  const [two] = vectorscopeGeometry(AREA, near, 90, 2).targets;
  assert.ok(Math.abs((two.x - 150) / (one.x - 150) - 2) < 1e-6);
  assert.deepEqual(vectorscopeGeometry(AREA, TARGETS, 90, 4).targets, []);
});
