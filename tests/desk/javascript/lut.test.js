import assert from "node:assert/strict";
import { test } from "node:test";
import { Lut } from "../../../workbench/desk/web/lut.js";
import { Planes } from "../../../workbench/desk/web/planes.js";

/** A LUT of a function of R'G'B' from 0 to 1. */
function lutOf(size, act) {
  const values = [], top = size - 1;
  for (let b = 0; b < size; b++)
    for (let g = 0; g < size; g++)
      for (let r = 0; r < size; r++) values.push(...act(r / top, g / top, b / top));
  return new Lut(size, Float32Array.from(values), 1);
}

const COLOURS = [];
for (const r of [0, 13, 128, 200, 255])
  for (const g of [0, 90, 255]) for (const b of [3, 77, 254]) COLOURS.push([r, g, b]);

const act = (r, g, b) => [0.5 * r + 0.3 * g, 1 - b, 0.2 + 0.1 * r + 0.2 * g + 0.4 * b];

test("an affine transform is exact between the points of a LUT", () => {
  for (const size of [2, 5, 33]) {
    const lut = lutOf(size, act), out = [0, 0, 0];
    for (const colour of COLOURS) {
      lut.apply(...colour, out);
      const expected = act(...colour.map((v) => v / 255)).map((v) => v * 255);
      out.forEach((v, i) => assert.ok(Math.abs(v - expected[i]) < 1e-3, `${colour} ${out}`));
    }
  }
});

test("greys stay grey under a curve, and values beyond the cube are those at its edge", () => {
  const lut = lutOf(9, (r, g, b) => [r ** 2, g ** 2, b ** 2]), out = [0, 0, 0];
  for (let v = 0; v < 256; v += 5) {
    lut.apply(v, v, v, out);
    assert.ok(Math.abs(out[0] - out[1]) < 1e-9 && Math.abs(out[1] - out[2]) < 1e-9);
  }
  lut.apply(300, -20, 255, out);
  assert.deepEqual(out.map(Math.round), [255, 0, 255]);
});

test("pixels of a JPEG are changed in place and keep their opacity", () => {
  const data = Uint8ClampedArray.from([10, 20, 30, 255]);
  lutOf(2, (r, g, b) => [1 - r, 1 - g, 1 - b]).applyTo(data);
  assert.deepEqual([...data], [245, 235, 225, 255]);
});

test("exact pixels through the identity are the exact pixels", () => {
  const luma = Uint16Array.from({ length: 64 }, (_, i) => 100 + 12 * i);
  const chroma = Uint16Array.from({ length: 32 }, (_, i) => 480 + 2 * i);
  const planes = new Planes(
    { width: 8, height: 8, bits: 10, full: false, red: 0.2126, blue: 0.0722, chroma: [2, 1] },
    [luma, chroma, chroma].map((one) => new DataView(one.buffer)));
  const plain = planes.pixels(1), graded = planes.gradedPixels(1, lutOf(2, (r, g, b) => [r, g, b]));
  for (let i = 0; i < 64; i++)
    for (const shift of [0, 8, 16])
      assert.ok(Math.abs(((plain[i] >> shift) & 255) - ((graded[i] >> shift) & 255)) <= 1);
});
