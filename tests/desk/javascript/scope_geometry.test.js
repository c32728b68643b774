import assert from "node:assert/strict";
import { test } from "node:test";
import {
  TOP, histogramColumns, lumaY, splitTraces, tracePixels, vectorscopeGeometry,
} from "../../../workbench/desk/web/scope_geometry.js";

const shares = (found) =>
  Object.assign(new Float32Array(1024), found);

test("code 0 is at the bottom of a scope and code 1023 at the top", () => {
  assert.equal(lumaY(0, 100), 100);
  assert.equal(lumaY(TOP, 100), 0);
});

test("the highest share fills the histogram and others follow by square root", () => {
  const columns = histogramColumns(shares({ 500: 0.4, 600: 0.1 }), 1024);
  assert.equal(columns[500], 1);
  assert.ok(Math.abs(columns[600] - 0.5) < 1e-6);
  assert.equal(columns[501], 0);
});

test("a narrow histogram drops no code value", () => {
  const columns = histogramColumns(shares({ 500: 0.4, 501: 0.1 }), 256);
  assert.equal(columns[125], 1);
  assert.equal(columns.filter((height) => height > 0).length, 1);
});

test("black bars outside legal range do not flatten the rest", () => {
  const columns = histogramColumns(shares({ 0: 0.9, 500: 0.1 }), 1024);
  assert.equal(columns[500], 1);
  assert.equal(columns[0], 1);
});

test("a trace has its lowest row at the bottom, in its colour", () => {
  const pixels = tracePixels(Uint8Array.from([10, 20, 30, 40]), 2, 2, [255, 128, 1]);
  assert.deepEqual([...pixels].map((pixel) => pixel >>> 24), [30, 40, 10, 20]);
  assert.equal(pixels[0] & 0xffffff, 0x0180ff);
});

test("the bytes of both traces are split, also where their widths differ", () => {
  const bytes = new DataView(Uint8Array.from([9, 1, 2, 3, 4, 5, 6, 7, 8, 9]).buffer, 1);
  const layout = { channels: 2, rows: 1, columns: 1, after_columns: 3 };
  assert.deepEqual(splitTraces(bytes, layout).map((side) => side.map((one) => [...one])),
    [[[1], [2]], [[3, 4, 5], [6, 7, 8]]]);
});

test("a vectorscope is square, with grey in its middle and Cr upwards", () => {
  const found = vectorscopeGeometry(300, 100, { R: [400, 960], Cy: [624, 64] }, 90);
  assert.deepEqual(found.square, { left: 100, top: 0, side: 100 });
  const [[x, y], end] = found.skin;
  assert.ok(Math.abs(x - 150) < 0.1 && Math.abs(y - 50) < 0.1);
  assert.ok(Math.abs(end[0] - x) < 1e-6 && end[1] < y);
  const [red, cyan] = found.targets;
  assert.ok(red.y < y && red.x < x && cyan.y > y && cyan.x > x);
});
