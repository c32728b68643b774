// Graphs of the scopes, drawn on a canvas whose context counts in CSS pixels.

import { canvasOf } from "./dom.js";
import {
  BLACK, GRATICULE, TOP, WHITE, codeY, histogramColumns, panes, tracePixels, vectorscopeGeometry,
} from "./scope_geometry.js";

const LINE = "#4a4a4a", LEGAL = "#8f8f8f", TEXT = "#a6a6a6";
const SIDES = { before: [224, 160, 48], after: [99, 176, 234] };
const TRACE = [222, 222, 222];
const RGB = [[255, 107, 102], [95, 208, 138], [111, 160, 255]];
const LABELS = 26; // CSS pixels at the left of a waveform for its scale
const CROWDED = 90; // CSS pixels: a smaller vectorscope has no letters
const LOWEST_LABELLED = 90; // CSS pixels: a lower graph labels every second line

const css = (colour) => `rgb(${colour.join(" ")})`;

/** Draw one scope: `parts` of the sides before and after, each with its channels. */
export function drawScope(context, width, height, parts, { kind, overlay, names, targets, skin, zoom }) {
  const area = { left: 0, top: 0, width, height };
  const sides = overlay ? [area, area] : panes(area, parts.length);
  const draw = { histogram, vectorscope }[kind] ?? waveform;
  parts.forEach((part, n) => {
    context.save();
    context.globalCompositeOperation = overlay && n ? "lighter" : "source-over";
    const first = n === 0 || !overlay;
    draw(context, sides[n], part, { overlay, first, targets, skin, zoom });
    context.restore();
    const { left, top, width: wide } = sides[n];
    context.fillStyle = css(SIDES[part.side]);
    context.textAlign = overlay && n ? "right" : "left";
    const x = overlay && n ? left + wide - 4 : left + (kind === "vectorscope" || kind === "histogram" ? 4 : LABELS + 4);
    context.fillText(names[part.side], x, top + 12);
  });
}

function line(context, start, end) {
  context.beginPath();
  context.moveTo(...start);
  context.lineTo(...end);
  context.stroke();
}

function histogram(context, { left, top, width, height }, { channels, side }, { overlay, first }) {
  const x = (code) => left + (code / TOP) * width, tall = height - 14, ratio = devicePixelRatio;
  context.font = "9px system-ui, sans-serif";
  if (first) {
    context.textAlign = "center";
    for (const code of [...GRATICULE, BLACK, WHITE]) {
      const legal = code === BLACK || code === WHITE;
      context.strokeStyle = legal ? LEGAL : LINE;
      context.lineWidth = legal ? 1 : 0.6;
      context.setLineDash(legal ? [3, 3] : []);
      line(context, [x(code), top], [x(code), top + tall]);
      context.fillStyle = legal ? LEGAL : TEXT;
      const step = width > 330 ? 128 : 256;
      if (legal || (code % step === 0 && code && code < 896))
        context.fillText(String(code), x(code) + (code === BLACK ? 2 : 0), top + height - 4);
    }
    context.setLineDash([]);
  }
  context.fillStyle = css(SIDES[side]);
  context.globalAlpha = overlay ? 0.75 : 1;
  histogramColumns(channels[0], Math.max(1, Math.round(width * ratio))).forEach((share, column) => {
    const high = share * (tall - 18);
    if (high) context.fillRect(left + column / ratio, top + tall - high, 1 / ratio, high);
  });
}

function waveform(context, { left, top, width, height }, part, { overlay, first }) {
  const start = left + LABELS, wide = Math.max(1, width - LABELS);
  const high = codeY(0, height), low = codeY(TOP, height);
  const each = wide / part.channels.length;
  part.channels.forEach((values, n) => {
    const own = part.channels.length === 3 ? RGB[n] : TRACE;
    const colour = overlay ? SIDES[part.side] : own;
    const image = canvasOf(tracePixels(values, part.rows, part.columns, colour), part.columns, part.rows);
    context.drawImage(image, start + n * each, top + low, each - (part.channels.length > 1 ? 2 : 0), high - low);
  });
  if (first) levels(context, { left, top, width, height });
}

/** Draw the scale of code values with the limits of legal range. */
function levels(context, { left, top, width, height }) {
  context.font = "9px system-ui, sans-serif";
  context.textAlign = "right";
  for (const code of [...GRATICULE, BLACK, WHITE]) {
    const y = top + codeY(code, height), legal = code === BLACK || code === WHITE;
    context.strokeStyle = legal ? LEGAL : LINE;
    context.lineWidth = legal ? 1 : 0.6;
    context.setLineDash(legal ? [4, 4] : []);
    line(context, [left + LABELS, y], [left + width, y]);
    context.fillStyle = TEXT;
    const crowded = height < LOWEST_LABELLED ? code % 256 !== 0 || code === 0 : code === 0 || code === TOP || code === 896;
    if (legal || !crowded) context.fillText(String(code), left + LABELS - 4, y + 3);
  }
  context.setLineDash([]);
}

function vectorscope(context, area, { channels, rows, columns, side }, options) {
  const { overlay, first, targets, skin, zoom } = options;
  const found = vectorscopeGeometry(area, targets, skin, zoom), { left, top, side: size } = found.square;
  const colour = overlay ? SIDES[side] : TRACE;
  if (first) {
    context.save();
    context.beginPath();
    context.rect(left, top, size, size);
    context.clip();
    context.font = "9px system-ui, sans-serif";
    context.strokeStyle = LINE;
    context.lineWidth = 0.8;
    const [x, y] = found.centre;
    context.beginPath();
    context.arc(x, y, size / 2 - 1, 0, 2 * Math.PI);
    context.stroke();
    line(context, [x - size / 2, y], [x + size / 2, y]);
    line(context, [x, y - size / 2], [x, y + size / 2]);
    context.strokeStyle = LEGAL;
    context.fillStyle = TEXT;
    context.textAlign = "left";
    for (const target of found.targets) {
      context.strokeRect(target.x - target.side / 2, target.y - target.side / 2, target.side, target.side);
      if (size > CROWDED) context.fillText(target.name, target.x + target.side / 2 + 2, target.y + 3);
    }
    line(context, ...found.skin);
    const [end] = found.skin.slice(1);
    context.textAlign = "right";
    if (size > CROWDED) context.fillText("skin", end[0] - 4, Math.max(top + 20, end[1] + 10));
    context.restore();
  }
  context.drawImage(canvasOf(tracePixels(channels[0], rows, columns, colour), columns, rows), left, top, size, size);
}
