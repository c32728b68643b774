// Painter: draws pictures, banding maps, the wipe line and the pixel frame on a canvas.

export const PIXEL_FRAME_SCALE = 4; // from this scale on, the pixel under the pointer gets a frame

/** Return where a mode draws which side: a list of {side, pane, left, width} in device pixels.
 *  `wipe` is the position of the wipe line. */
export function regions(mode, width, wipe) {
  const split = mode === "side" ? Math.floor(width / 2) : wipe;
  if (mode !== "side" && mode !== "wipe") return [{ side: mode, pane: 0, left: 0, width }];
  return [
    { side: "before", pane: 0, left: 0, width: split },
    { side: "after", pane: mode === "side" ? 1 : 0, left: split, width: width - split },
  ];
}

/** Paint a scene over the whole canvas.
 *
 *  `scene` has: mode, placement, wipe (device pixels), pictures and maps (an image or null for each
 *  side and "difference"), sizes (of the sides that are fitted into the picture's place), wipeLine (whether to draw it), pixel ([x, y] or null), and pixelRatio. */
export function paint(context, scene) {
  const { width, height } = context.canvas, { placement } = scene;
  context.clearRect(0, 0, width, height);
  context.imageSmoothingEnabled = placement.scale < 1;
  for (const region of regions(scene.mode, width, scene.wipe))
    paintRegion(context, region, placement, scene.pictures[region.side], scene.maps[region.side],
      scene.sizes[region.side]);
  if (scene.wipeLine) paintWipeLine(context, scene.wipe, scene.pixelRatio);
  if (scene.pixel && placement.scale >= PIXEL_FRAME_SCALE)
    paintPixelFrame(context, placement, scene.pixel, scene.mode === "difference" ? "#000" : "#fff");
}

function paintRegion(context, { pane, left, width }, placement, picture, map, shownSize) {
  if (!picture || width <= 0) return;
  const [x, y, ...size] = placement.fitted(shownSize), corner = placement.origin(pane);
  const origin = [corner[0] + x, corner[1] + y];
  context.save();
  context.beginPath();
  context.rect(left, 0, width, context.canvas.height);
  context.clip();
  context.drawImage(picture, ...origin, ...size);
  if (map) {
    context.imageSmoothingEnabled = true;
    context.drawImage(map, ...origin, ...size);
  }
  context.restore();
}

function paintWipeLine(context, x, pixelRatio) {
  const { height } = context.canvas;
  context.fillStyle = "#fff";
  context.fillRect(x - 0.5, 0, 1.5, height);
  context.beginPath();
  context.arc(x, height / 2, 7 * pixelRatio, 0, 2 * Math.PI);
  context.fill();
}

function paintPixelFrame(context, placement, [x, y], colour) {
  const [across, down] = placement.scales;
  context.strokeStyle = colour;
  for (let pane = 0; pane < placement.panes; pane++) {
    const [left, top] = placement.origin(pane);
    context.strokeRect(left + x * across - 0.5, top + y * down - 0.5, across + 1, down + 1);
  }
}
