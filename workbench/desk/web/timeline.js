// Timeline: banding over the clip under the playhead, with marks for in, out, cuts and the worst.

const THUMB = 3; // CSS pixels: width of the playhead, see viewer.css
const ANNOYING = 5; // CAMBI from which viewers are annoyed
const TOPS = { cambi: 24, contour: 30 }; // values at the top of the graph, the same for all clips

/** Return the x of a frame on a timeline of this width, where the playhead's middle is. */
export function frameX(frame, frames, width) {
  return frames > 1 ? THUMB / 2 + (frame / (frames - 1)) * (width - THUMB) : width / 2;
}

/** Return the frame at an x. */
export function frameAtX(x, frames, width) {
  const share = (x - THUMB / 2) / Math.max(1, width - THUMB);
  return Math.min(frames - 1, Math.max(0, Math.round(share * (frames - 1))));
}

/** Return the highest value of `values` in each of `columns` columns; NaN where none is known. */
export function columnPeaks(values, columns) {
  const peaks = new Float32Array(columns).fill(NaN);
  for (let frame = 0; frame < values.length; frame++) {
    if (Number.isNaN(values[frame])) continue;
    const column = Math.min(columns - 1, Math.round((frame / Math.max(1, values.length - 1)) * (columns - 1)));
    if (!(peaks[column] >= values[frame])) peaks[column] = values[frame];
  }
  return peaks;
}

/** Describe a frame of the timeline in words. */
export function frameInWords(frame, { cambi, contour }) {
  const value = (of, digits) => (of && !Number.isNaN(of[frame]) ? of[frame].toFixed(digits) : "–");
  return `frame ${frame}: CAMBI ${value(cambi, 1)}, contour ${value(contour, 1)}`;
}

/** Draw the timeline. `banding` has cambi and contour (Float32Array for each frame) and cuts, or is
 *  null; `marks` are {in, out} frames or null. `colours` are CSS colours by name. */
export function drawTimeline(context, width, height, { frames, banding, marks, worst, colours }) {
  context.clearRect(0, 0, width, height);
  if (!frames) return;
  const x = (frame) => frameX(frame, frames, width);
  if (banding) {
    const y = (value, top) => height - 1 - Math.min(1, value / top) * (height - 4);
    area(context, banding.cambi, x, (v) => y(v, TOPS.cambi), height, colours.cambi);
    line(context, banding.contour, x, (v) => y(v, TOPS.contour), colours.contour);
    context.strokeStyle = colours.limit;
    context.setLineDash([2, 4]);
    context.beginPath();
    context.moveTo(0, y(ANNOYING, TOPS.cambi));
    context.lineTo(width, y(ANNOYING, TOPS.cambi));
    context.stroke();
    context.setLineDash([]);
    context.fillStyle = colours.cut;
    for (const cut of banding.cuts) context.fillRect(x(cut) - 0.5, 0, 1, height);
    if (worst !== null) triangle(context, x(worst), colours.worst);
  }
  context.fillStyle = colours.outside;
  if (marks.in !== null) context.fillRect(0, 0, x(marks.in), height);
  if (marks.out !== null) context.fillRect(x(marks.out), 0, width - x(marks.out), height);
  context.fillStyle = colours.mark;
  if (marks.in !== null) bracket(context, x(marks.in), height, 1);
  if (marks.out !== null) bracket(context, x(marks.out), height, -1);
}

function area(context, values, x, y, height, colour) {
  context.fillStyle = colour;
  const wide = values.length > 1 ? x(1) - x(0) : 2 * x(0);
  const bar = (left, right, value) => {
    if (!Number.isNaN(value)) context.fillRect(left, y(value), right - left, height - y(value));
  };
  if (wide >= 1) // whole pixels, so that no seam shows between bars
    values.forEach((value, frame) =>
      bar(Math.round(x(frame) - wide / 2), Math.round(x(frame) + wide / 2), value));
  else
    columnPeaks(values, Math.round(x(values.length - 1))).forEach((value, column) =>
      bar(column, column + 1, value));
}

function line(context, values, x, y, colour) {
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.beginPath();
  let drawing = false;
  values.forEach((value, frame) => {
    if (Number.isNaN(value)) return;
    if (drawing) context.lineTo(x(frame), y(value));
    else context.moveTo(x(frame), y(value));
    drawing = true;
  });
  context.stroke();
}

function triangle(context, x, colour) {
  context.fillStyle = colour;
  context.beginPath();
  context.moveTo(x - 5, 0);
  context.lineTo(x + 5, 0);
  context.lineTo(x, 7);
  context.fill();
}

function bracket(context, x, height, towards) {
  context.fillRect(x - 1, 0, 2, height);
  for (const y of [0, height - 2]) context.fillRect(towards > 0 ? x : x - 6, y, 6, 2);
}
