import assert from "node:assert/strict";
import { test } from "node:test";
import { LocalMean, boostOf, boostRgba, liftOf } from "../../../workbench/desk/web/local_mean.js";

const means = (values, width, height) => {
  const mean = new LocalMean(values, width, height);
  return Array.from({ length: height }, (_, y) => [...mean.row(y)]);
};

test("a flat picture is its own local mean, also where cells are cut by the edge", () => {
  for (const [width, height] of [[64, 32], [61, 27], [5, 3]])
    for (const row of means(new Float32Array(width * height).fill(300), width, height))
      for (const value of row) assert.ok(Math.abs(value - 300) < 1e-3);
});

test("a gradient keeps its slope up to the edge cells, so that it is not boosted", () => {
  const size = 128;
  const across = Float32Array.from({ length: size * size }, (_, at) => at % size);
  const down = Float32Array.from({ length: size * size }, (_, at) => Math.floor(at / size));
  const [row] = means(across, size, size), rows = means(down, size, size);
  for (let at = 4; at < size - 4; at++) {
    assert.ok(Math.abs(row[at] - at) < 0.01, `${at}: ${row[at]}`);
    assert.ok(Math.abs(rows[at][0] - at) < 0.01, `${at}: ${rows[at][0]}`);
  }
});

test("a narrow line hardly moves the mean of its neighbourhood", () => {
  const width = 128, height = 64;
  const line = Float32Array.from({ length: width * height }, (_, at) => (at % width === 64 ? 100 : 0));
  assert.ok(Math.max(...means(line, width, height)[32]) < 5);
});

test("a boost multiplies small differences and limits edges", () => {
  assert.equal(3 + boostOf(3, 8), 24);
  assert.equal(boostOf(500, 8), boostOf(24, 8));
  assert.equal(boostOf(-500, 8), -boostOf(24, 8));
  assert.ok(boostOf(5, 1) === 0);
});

test("a picture is lifted only while it is boosted", () => {
  assert.deepEqual(liftOf(1), [0, 1]);
  assert.ok(liftOf(2)[0] > 0);
});

test("a boosted preview shows its steps and keeps its alpha", () => {
  const width = 32, height = 8, data = new Uint8ClampedArray(4 * width * height);
  for (let at = 0; at < width * height; at++)
    data.set(at % width < 16 ? [100, 100, 100, 255] : [102, 102, 102, 255], 4 * at);
  boostRgba(data, width, height, 8);
  assert.ok(data[4 * 16] - data[4 * 15] > 8);
  assert.equal(data[3], 255);
});

test("an edge of a boosted preview is limited", () => {
  const width = 32, height = 8, data = new Uint8ClampedArray(4 * width * height);
  for (let at = 0; at < width * height; at++)
    data.fill(at % width < 16 ? 50 : 200, 4 * at, 4 * at + 3);
  boostRgba(data, width, height, 8);
  const [offset, scale] = liftOf(8), limited = scale * 200 + offset + boostOf(6, 8);
  assert.equal(data[4 * 16], Math.round(limited));
});
