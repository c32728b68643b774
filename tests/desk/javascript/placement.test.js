import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_ZOOM, Placement } from "../../../workbench/desk/web/placement.js";

function placement(changes = {}) {
  return Object.assign(new Placement(), { picture: [640, 360], canvas: [1280, 800] }, changes);
}

test("a picture fits into the canvas, centred", () => {
  const placed = placement();
  assert.equal(placed.scale, 2);
  assert.deepEqual(placed.origin(0), [0, 40]);
  assert.ok(placed.showsWhole);
});

test("a position gives the pixel under it, and null outside the picture", () => {
  const placed = placement();
  assert.deepEqual(placed.pixelAt([0, 40]), [0, 0]);
  assert.deepEqual(placed.pixelAt([1279, 759]), [639, 359]);
  assert.equal(placed.pixelAt([640, 39]), null);
  assert.equal(placed.pixelAt([640, 760]), null);
});

test("the pixel under the pointer stays there while the wheel zooms", () => {
  const placed = placement(), pointer = [900, 300], pixel = placed.pixelAt(pointer);
  for (let step = 0; step < 3; step++) {
    placed.zoomBy(1, pointer);
    assert.deepEqual(placed.pixelAt(pointer), pixel);
  }
  assert.equal(placed.scale, 16);
});

test("a picture of another size has its own pixels, and none beside it", () => {
  const placed = placement(), tall = [180, 360];
  assert.deepEqual(placed.fitted(tall), [460, 0, 360, 720]);
  assert.deepEqual(placed.fittedPixel([320, 180], tall, 1080, 2160), [543, 1083]);
  assert.equal(placed.fittedPixel([200, 180], tall, 1080, 2160), null);
  assert.deepEqual(placed.fittedPixel([17, 359], placed.picture, 640, 360), [17, 359]);
});

test("the zoom stops at its maximum", () => {
  const placed = placement();
  placed.zoomBy(20);
  assert.equal(placed.scale, MAX_ZOOM);
});

test("zooming out stops at the fitted picture", () => {
  const placed = placement();
  placed.zoomTo(8);
  placed.zoomBy(-20);
  assert.equal(placed.zoom, 0);
  assert.deepEqual(placed.origin(0), [0, 40]);
});

test("a zoom below the fitted scale shows the picture in the middle", () => {
  const placed = placement();
  placed.zoomTo(1, [10, 10]);
  assert.deepEqual(placed.origin(0), [320, 220]);
  assert.deepEqual(placed.centre, [0.5, 0.5]);
  assert.ok(placed.showsWhole);
});

test("a drag moves the picture and stops at its edges", () => {
  const placed = placement();
  placed.zoomTo(4);
  const [left, top] = placed.origin(0);
  placed.pan(placed.centre, [-100, 30]);
  assert.deepEqual(placed.origin(0), [left - 100, top + 30]);
  placed.pan(placed.centre, [-1e6, 1e6]);
  assert.deepEqual(placed.origin(0), [1280 - 640 * 4, 0]);
  placed.pan(placed.centre, [10, 0]); // answers at once, with no dead range
  assert.deepEqual(placed.origin(0), [1290 - 640 * 4, 0]);
});

test("side by side, both panes show the same pixel at the same place", () => {
  const placed = placement({ panes: 2 });
  assert.equal(placed.scale, 1);
  assert.equal(placed.paneAt(639), 0);
  assert.equal(placed.paneAt(640), 1);
  assert.deepEqual(placed.pixelAt([100, 400]), placed.pixelAt([740, 400]));
  const pixel = placed.pixelAt([900, 400]);
  placed.zoomTo(4, [900, 400]);
  assert.deepEqual(placed.pixelAt([900, 400]), pixel);
  assert.deepEqual(placed.pixelAt([260, 400]), pixel);
});

test("pixels that are not square are shown at their aspect and found under the pointer", () => {
  const shown = new Placement();
  Object.assign(shown, { picture: [720, 576], canvas: [1024, 576], pixelAspect: 64 / 45 });
  assert.deepEqual(shown.drawnSize.map(Math.round), [1024, 576]);
  assert.deepEqual(shown.pixelAt([512, 288]), [360, 288]);
  assert.deepEqual(shown.pixelAt([1023, 575]), [719, 575]);
  shown.zoomTo(4, [700, 100]);
  const at = shown.pixelAt([700, 100]);
  shown.zoomTo(8, [700, 100]);
  assert.deepEqual(shown.pixelAt([700, 100]), at);
});
