// Scopes widget: luma histograms and one scope, before and after.

import { button, canvasOf, element, setPressed, setText } from "./dom.js";
import {
  BLACK, TOP, WHITE, histogramColumns, lumaY, splitTraces, tracePixels, vectorscopeGeometry,
} from "./scope_geometry.js";

const COLOURS = ["#E69F00", "#3D9BE0"]; // before, after
const GRATICULE = "#858B93";
const TRACE = [216, 222, 230];
const RGB = [[255, 107, 102], [95, 208, 138], [111, 160, 255]];

/** One scope with its caption. */
class Screen {
  constructor(name, variable) {
    this.canvas = element("canvas", { role: "img", "aria-label": name });
    this.caption = element("figcaption", { style: `color: var(${variable})` }, name);
    this.figure = element("figure", {}, this.caption, this.canvas);
  }

  setName(name) {
    setText(this.caption, name);
    this.canvas.setAttribute("aria-label", name);
  }

  /** Call `draw` with a cleared context in CSS pixels, the width and the height. */
  draw(draw) {
    const { width, height } = this.canvas.getBoundingClientRect(), ratio = devicePixelRatio;
    if (!width) return;
    [this.canvas.width, this.canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    const context = this.canvas.getContext("2d");
    context.scale(ratio, ratio);
    context.font = "10px system-ui, sans-serif";
    draw(context, width, height);
  }
}

function drawHistogram(context, width, height, shares, colour) {
  const x = (code) => (code / TOP) * width, ratio = devicePixelRatio;
  context.fillStyle = "rgb(133 139 147 / 14%)"; // legal range
  context.fillRect(x(BLACK), 0, x(WHITE) - x(BLACK), height);
  context.fillStyle = colour;
  histogramColumns(shares, Math.round(width * ratio)).forEach((share, column) => {
    const tall = share * (height - 3);
    if (tall) context.fillRect(column / ratio, height - tall, 1 / ratio, tall);
  });
}

function drawLevels(context, width, height) {
  context.strokeStyle = context.fillStyle = GRATICULE;
  context.lineWidth = 0.6;
  context.setLineDash([4, 4]);
  for (const code of [BLACK, WHITE]) {
    const y = lumaY(code, height);
    drawLine(context, [0, y], [width, y]);
    context.fillText(String(code), 3, code === BLACK ? y - 3 : y + 11);
  }
  context.setLineDash([]);
}

function drawLine(context, start, end) {
  context.beginPath();
  context.moveTo(...start);
  context.lineTo(...end);
  context.stroke();
}

function drawWaveforms(context, width, height, traces) {
  const each = width / traces.length;
  traces.forEach((trace, n) => context.drawImage(trace, n * each, 0, each - 2, height));
  drawLevels(context, width, height);
}

function drawVectorscope(context, width, height, trace, targets, angle) {
  const geometry = vectorscopeGeometry(width, height, targets, angle);
  context.strokeStyle = context.fillStyle = GRATICULE;
  context.lineWidth = 0.8;
  for (const { name, x, y, side } of geometry.targets) {
    context.strokeRect(x - side / 2, y - side / 2, side, side);
    context.fillText(name, x + side / 2 + 2, y + 3);
  }
  drawLine(context, ...geometry.skin);
  const { left, top, side } = geometry.square;
  context.drawImage(trace, left, top, side, side);
}

export class ScopesView {
  constructor({ model, el }) {
    this.model = model;
    this.buttons = Object.entries(model.get("labels")).map(([kind, text]) => {
      const made = button(text, text, () => {
        model.set("kind", kind);
        model.save_changes();
      });
      made.dataset.kind = kind;
      return made;
    });
    this.histograms = [
      new Screen("luma before", "--wb-before"), new Screen("luma after", "--wb-after"),
    ];
    this.scopes = [new Screen("before", "--wb-before"), new Screen("after", "--wb-after")];
    this.root = element("div", { class: "wbs" },
      element("div", { class: "wbs-histograms" }, ...this.histograms.map((one) => one.figure)),
      element("div", { class: "wbs-pictures" }, ...this.scopes.map((one) => one.figure)),
      element("div", { class: "wbs-kinds", role: "group", "aria-label": "Scope" }, ...this.buttons));
    el.append(this.root);
    this.resizeObserver = new ResizeObserver(() => this.paint());
    this.resizeObserver.observe(this.root);
    this.repaintTimer = 0;
    const repaint = () => this.repaint(), mark = () => this.mark();
    this.listeners = {
      "change:geometry": repaint,
      "change:histograms": repaint,
      "change:traces": repaint,
      "change:stale": mark,
      "change:kind": mark,
    };
    for (const [name, listener] of Object.entries(this.listeners)) model.on(name, listener);
    this.mark();
    this.repaint();
  }

  remove() {
    this.resizeObserver.disconnect();
    for (const [name, listener] of Object.entries(this.listeners)) this.model.off(name, listener);
  }

  mark() {
    this.root.classList.toggle("wbs-stale", this.model.get("stale"));
    for (const made of this.buttons) setPressed(made, made.dataset.kind === this.model.get("kind"));
  }

  repaint() {
    if (this.repaintTimer) return;
    this.repaintTimer = requestAnimationFrame(() => {
      this.repaintTimer = 0;
      this.paint();
    });
  }

  paint() {
    const geometry = this.model.get("geometry");
    if (!geometry.kind) return;
    const bytes = this.model.get("histograms");
    const shares = new Float32Array(
      bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    const traces = splitTraces(this.model.get("traces"), geometry);
    for (const at of [0, 1]) {
      const half = shares.subarray(1024 * at, 1024 * (at + 1));
      this.histograms[at].setName(`luma ${geometry.names[at]}`);
      this.histograms[at].draw((...area) => drawHistogram(...area, half, COLOURS[at]));
      this.scopes[at].setName(`${this.model.get("labels")[geometry.kind]} ${geometry.names[at]}`);
      this.paintScope(at, geometry, traces[at]);
    }
    this.root.dataset.shown = String(Number(this.root.dataset.shown || 0) + 1);
  }

  paintScope(at, { kind, rows, columns, after_columns, targets, skin }, channels) {
    const wide = at ? after_columns : columns;
    const traces = channels.map((values, n) =>
      canvasOf(tracePixels(values, rows, wide, channels.length === 3 ? RGB[n] : TRACE), wide, rows));
    this.scopes[at].draw((...area) => {
      if (kind === "vectorscope") drawVectorscope(...area, traces[0], targets[at], skin);
      else drawWaveforms(...area, traces);
    });
  }
}

function render(context) {
  const view = new ScopesView(context);
  return () => view.remove();
}

export default { render };
