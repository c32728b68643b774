import assert from "node:assert/strict";
import { test } from "node:test";
import { Planes } from "../../../workbench/desk/web/planes.js";

const BT709 = { red: 0.2126, blue: 0.0722 };

/** Make a picture of one 4:2:0 block of 8 or 10 bits, or of the layout that is given. */
function planes(codes, changes = {}) {
  const layout = {
    ...BT709, generation: 1, width: 2, height: 2, bits: 10, full: false, chroma: [2, 2], ...changes,
  };
  const Code = layout.bits > 8 ? Uint16Array : Uint8Array;
  const view = (values) => new DataView(Code.from(values).buffer);
  return new Planes(layout, codes.map(view));
}

const flat = (luma, cb, cr) => [[luma, luma, luma, luma], [cb], [cr]];
const channels = (pixel) => [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255];

test("10-bit legal code values are read as they are", () => {
  assert.deepEqual(planes([[64, 940, 100, 200], [300], [700]]).codes(1, 1), [200, 300, 700]);
});

test("8-bit code values are shown as 10-bit ones", () => {
  assert.deepEqual(planes(flat(16, 128, 240), { bits: 8 }).codes(0, 0), [64, 512, 960]);
});

test("full range is mapped to legal range", () => {
  const full = { bits: 8, full: true };
  assert.deepEqual(planes(flat(0, 128, 128), full).codes(0, 0), [64, 512, 512]);
  assert.deepEqual(planes(flat(255, 128, 128), full).codes(0, 0), [940, 512, 512]);
  assert.deepEqual(planes(flat(128, 128, 128), full).codes(0, 0), [504, 512, 512]); // 503.7
});

test("4:2:2 and 4:2:0 find the chroma sample of a pixel", () => {
  const luma = Array(16).fill(500), size = { width: 4, height: 4 };
  const half = planes([luma, [1, 2, 3, 4], [5, 6, 7, 8]], { ...size, chroma: [2, 2] });
  assert.deepEqual(half.codes(3, 2), [500, 4, 8]);
  const wide = planes([luma, [1, 2, 3, 4, 5, 6, 7, 8], Array(8).fill(9)], { ...size, chroma: [2, 1] });
  assert.deepEqual(wide.codes(2, 3), [500, 8, 9]);
});

// BT.709 colour bars at 100 %, 10 bits: Y', Cb, Cr of the three primaries.
for (const [name, codes, rgb] of [
  ["black", [64, 512, 512], [0, 0, 0]],
  ["white", [940, 512, 512], [255, 255, 255]],
  ["red", [250, 409, 960], [255, 0, 0]],
  ["green", [691, 167, 105], [0, 255, 0]],
  ["blue", [127, 960, 471], [0, 0, 255]],
])
  test(`${name} is converted with the BT.709 matrix`, () => {
    const found = planes(flat(...codes)).rgb(0, 0);
    found.forEach((value, i) => assert.ok(Math.abs(value - rgb[i]) <= 1, `${found}`));
  });

test("values outside legal range are clipped", () => {
  assert.deepEqual(planes(flat(1000, 512, 512)).rgb(0, 0), [255, 255, 255]);
  assert.deepEqual(planes(flat(4, 512, 512)).rgb(0, 0), [0, 0, 0]);
});

test("the pixels on screen average to the code value between two 8-bit levels", () => {
  const size = 64, code = 301; // 69.0 and a fraction in 8 bits
  const luma = Array(size * size).fill(code), chroma = Array((size * size) / 4).fill(512);
  const picture = planes([luma, chroma, chroma], { width: size, height: size });
  const greens = [...picture.pixels(1)].map((pixel) => channels(pixel)[1]);
  const mean = greens.reduce((sum, value) => sum + value) / greens.length;
  // The dither is even over 0 to 1 and the byte is rounded down: the mean is the exact value.
  assert.ok(Math.abs(mean - ((code - 64) * 255) / 876) < 0.02, `${mean}`);
  assert.ok(new Set(greens).size === 2);
});

test("a boost raises a step between two bands and leaves a flat picture flat", () => {
  const width = 64, height = 16;
  const chroma = Array((width * height) / 4).fill(512);
  const row = Array.from({ length: width }, (_, x) => (x < width / 2 ? 400 : 404));
  const luma = Array.from({ length: height }, () => row).flat();
  const picture = planes([luma, chroma, chroma], { width, height });
  const step = (gain) => {
    const pixels = picture.pixels(gain);
    const mean = (start) => {
      let sum = 0;
      for (let y = 0; y < height; y++)
        for (let x = start; x < start + 4; x++) sum += channels(pixels[y * width + x])[1];
      return sum / (4 * height);
    };
    return mean(width / 2) - mean(width / 2 - 4);
  };
  assert.ok(step(8) > 4 * step(1), `${step(8)} ${step(1)}`);
});

test("a difference of one code value becomes as many levels as the gain", () => {
  const [one, two] = [planes(flat(500, 512, 512)), planes(flat(497, 512, 512))];
  assert.deepEqual(channels(one.difference(two, 8)[0]), [152, 152, 152]);
  assert.deepEqual(channels(two.difference(one, 8)[0]), [104, 104, 104]);
  assert.deepEqual(channels(one.difference(one, 8)[0]), [128, 128, 128]);
});

test("a difference between 8 and 10 bits is taken in 10-bit code values", () => {
  const eight = planes(flat(125, 128, 128), { bits: 8 });
  assert.deepEqual(channels(planes(flat(501, 512, 512)).difference(eight, 4)[0]), [132, 132, 132]);
});

test("bytes at an odd address are read", () => {
  const message = new Uint8Array(9), codes = Uint16Array.from([100, 200, 300, 400]);
  message.set(new Uint8Array(codes.buffer), 1);
  const chroma = new DataView(Uint16Array.from([512]).buffer);
  const layout = {
    ...BT709, generation: 1, width: 2, height: 2, bits: 10, full: false, chroma: [2, 2],
  };
  const picture = new Planes(layout, [new DataView(message.buffer, 1, 8), chroma, chroma]);
  assert.equal(picture.codes(1, 1)[0], 400);
});
