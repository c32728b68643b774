import assert from "node:assert/strict";
import { test } from "node:test";
import { markedFrames } from "../../../workbench/desk/web/actions.js";
import { Placement } from "../../../workbench/desk/web/placement.js";
import { columnPeaks, frameAtX, frameInWords, frameX } from "../../../workbench/desk/web/timeline.js";

test("a frame is where the playhead stands on it", () => {
  assert.equal(frameX(0, 25, 483), 1.5);
  assert.equal(frameX(24, 25, 483), 481.5);
  for (let frame = 0; frame < 25; frame++) assert.equal(frameAtX(frameX(frame, 25, 483), 25, 483), frame);
  assert.equal(frameAtX(-50, 25, 483), 0);
  assert.equal(frameAtX(5000, 25, 483), 24);
});

test("a column shows the worst of its frames and an unmeasured one stays empty", () => {
  const peaks = columnPeaks(Float32Array.from([1, 9, 2, NaN, NaN, NaN, 3, 4]), 3);
  assert.deepEqual([...peaks], [9, 2, 4]);
  assert.ok(Number.isNaN(columnPeaks(Float32Array.from([1, NaN, NaN, NaN]), 4)[2]));
});

test("a frame is described with its figures", () => {
  const banding = { cambi: Float32Array.from([9.47, NaN]), contour: Float32Array.from([16.31, NaN]) };
  assert.equal(frameInWords(0, banding), "frame 0: CAMBI 9.5, contour 16.3");
  assert.equal(frameInWords(1, banding), "frame 1: CAMBI –, contour –");
});

test("in and out points are set, cleared, and never cross", () => {
  const none = { in: null, out: null };
  assert.deepEqual(markedFrames(none, "in", 5), { in: 5, out: null });
  assert.deepEqual(markedFrames({ in: 5, out: 9 }, "in", 5), { in: null, out: 9 });
  assert.deepEqual(markedFrames({ in: 5, out: 9 }, "in", 12), { in: 12, out: null });
  assert.deepEqual(markedFrames({ in: 5, out: 9 }, "out", 5), { in: null, out: 5 });
});

test("a region fills the pane, and its middle is in the middle", () => {
  const placement = new Placement();
  Object.assign(placement, { picture: [1280, 720], canvas: [640, 360] });
  placement.zoomToRegion({ x: 640, y: 360, width: 320, height: 180 });
  assert.equal(placement.scale, 2);
  assert.deepEqual(placement.pixelAt([320, 180]), [800, 450]);
  placement.zoomToRegion({ x: 0, y: 0, width: 1280, height: 720 });
  assert.equal(placement.scale, placement.fitScale);
});
