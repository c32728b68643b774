import assert from "node:assert/strict";
import { test } from "node:test";
import { paint, regions } from "../../../workbench/desk/web/painter.js";
import { PictureSide } from "../../../workbench/desk/web/picture_side.js";
import { Placement } from "../../../workbench/desk/web/placement.js";
import { dragsWipe, wheelSteps } from "../../../workbench/desk/web/pointer.js";

/** A drawing context that records its calls. */
function recorder(width, height) {
  const calls = [];
  const context = new Proxy({ canvas: { width, height }, calls }, {
    get: (target, name) => target[name] ?? ((...args) => calls.push([name, ...args])),
  });
  return context;
}

function scene(changes) {
  const placement = Object.assign(new Placement(), { picture: [100, 50], canvas: [200, 100] });
  return { mode: "wipe", placement, wipe: 80, pictures: { before: "B", after: "A" }, maps: {}, sizes: {},
    wipeLine: false, pixel: null, pixelRatio: 1, ...changes };
}

const drawn = ({ calls }) => calls.filter(([name]) => ["rect", "drawImage"].includes(name));

test("a wipe clips both sides at its line and draws them at one place", () => {
  const context = recorder(200, 100);
  paint(context, scene());
  assert.deepEqual(drawn(context), [
    ["rect", 0, 0, 80, 100], ["drawImage", "B", 0, 0, 200, 100],
    ["rect", 80, 0, 120, 100], ["drawImage", "A", 0, 0, 200, 100],
  ]);
});

test("a still of another size is fitted into the picture's place", () => {
  const context = recorder(200, 100);
  paint(context, scene({ mode: "before", sizes: { before: [30, 60] } }));
  assert.deepEqual(drawn(context)[1], ["drawImage", "B", 75, 0, 50, 100]);
});

test("a wipe at the edge draws one side", () => {
  const context = recorder(200, 100);
  paint(context, scene({ wipe: 0 }));
  assert.deepEqual(drawn(context).map(([, picture]) => picture).filter((one) => one === "B"), []);
});

test("side by side splits the canvas, odd widths as well", () => {
  assert.deepEqual(regions("side", 201, 7), [
    { side: "before", pane: 0, left: 0, width: 100 },
    { side: "after", pane: 1, left: 100, width: 101 },
  ]);
});

test("other modes draw one picture over the whole canvas", () => {
  for (const mode of ["before", "after", "difference"])
    assert.deepEqual(regions(mode, 200, 80), [{ side: mode, pane: 0, left: 0, width: 200 }]);
});

test("a banding map lies over its own side", () => {
  const context = recorder(200, 100);
  paint(context, scene({ mode: "after", maps: { before: "X", after: "M" } }));
  assert.deepEqual(drawn(context).filter(([name]) => name === "drawImage").map((one) => one[1]),
    ["A", "M"]);
});

test("a picture that has not arrived is not drawn", () => {
  const context = recorder(200, 100);
  paint(context, scene({ pictures: { before: null, after: null } }));
  assert.deepEqual(drawn(context), []);
});

function pixelFrames(zoom) {
  const context = recorder(200, 100), given = scene({ pixel: [50, 25] });
  given.placement.zoomTo(zoom);
  paint(context, given);
  return context.calls.filter(([name]) => name === "strokeRect").length;
}

test("the pixel under the pointer gets a frame where pixels are large", () => {
  assert.equal(pixelFrames(2), 0);
  assert.equal(pixelFrames(4), 1);
});

test("a drag moves the wipe near its line, or anywhere while the whole picture is visible", () => {
  const { placement } = scene();
  const near = { mode: "wipe", placement, wipe: 80, x: 90, pixelRatio: 1 };
  assert.ok(dragsWipe({ ...near, x: 190 }));
  placement.zoomTo(8);
  assert.ok(dragsWipe(near));
  assert.ok(!dragsWipe({ ...near, x: 100 }));
  assert.ok(dragsWipe({ ...near, x: 100, pixelRatio: 2 }));
  assert.ok(!dragsWipe({ ...near, mode: "after" }));
});

test("a wheel zooms in when it turns up, by pixels or by lines", () => {
  assert.equal(wheelSteps({ deltaY: -250, deltaMode: 0 }), 1);
  const [lines, pixels] = [{ deltaY: 3, deltaMode: 1 }, { deltaY: 99, deltaMode: 0 }];
  assert.equal(wheelSteps(lines), wheelSteps(pixels));
  assert.ok(wheelSteps(lines) < 0);
});

test("a side is exact, and shows its map, only for the generation on screen", () => {
  const side = new PictureSide();
  assert.ok(!side.exact);
  side.setPreview({ close() {} }, 3);
  side.setPlanes({ generation: 3 });
  Object.assign(side, { map: "M", mapGeneration: 3 });
  assert.ok(side.exact);
  assert.equal(side.currentMap, "M");
  side.setPreview({ close() {} }, 4);
  assert.ok(!side.exact);
  assert.equal(side.currentMap, null);
});

test("a decoded preview replaces the last one, which is closed", () => {
  let closed = 0;
  const side = new PictureSide();
  side.setPreview({ close: () => { closed += 1; } }, 1);
  side.setPreview({ close() {} }, 2);
  assert.equal(closed, 1);
});
