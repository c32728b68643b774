// Timeline view: keeps the banding of the clip, and redraws the timeline when something changes.

import { oncePerRefresh, setText } from "./dom.js";
import { drawTimeline, frameAtX, frameInWords } from "./timeline.js";

const COLOURS = {
  cambi: "--wb-curve", contour: "--wb-text", limit: "--wb-dim", cut: "--wb-dim", mark: "--wb-text",
  outside: "--wb-outside", worst: "--wb-before",
};

export class TimelineView {
  banding = null; // {cambi, contour, cuts, worst}
  repaint = oncePerRefresh(() => this.paint());

  constructor(ui, model) {
    this.ui = ui;
    this.model = model;
    this.resizeObserver = new ResizeObserver(() => this.repaint());
    this.resizeObserver.observe(ui.timeline);
    this.onMarks = () => this.repaint();
    model.on("change:marks", this.onMarks);
    ui.frame.addEventListener("pointermove", (event) => this.describe(event.offsetX));
  }

  remove() {
    this.resizeObserver.disconnect();
    this.model.off("change:marks", this.onMarks);
  }

  /** Forget the banding of the last clip. */
  forget() {
    this.banding = null;
    this.ui.frame.title = "";
    this.repaint();
  }

  take({ cuts, worst }, buffers) {
    const [cambi, contour] = buffers.map((view) => new Float32Array(
      view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength)));
    if (cambi.length !== this.model.get("clip").frames) return; // of another clip
    this.banding = { cambi, contour, cuts, worst };
    this.repaint();
  }

  describe(x) {
    const { frames } = this.model.get("clip");
    if (frames && this.banding)
      this.ui.frame.title = frameInWords(frameAtX(x, frames, this.ui.frame.clientWidth), this.banding);
  }

  paint() {
    const { graph, legend, timeline } = this.ui, { banding } = this;
    const { width, height } = timeline.getBoundingClientRect(), ratio = devicePixelRatio;
    if (!width) return;
    [graph.width, graph.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    const context = graph.getContext("2d"), style = getComputedStyle(timeline);
    context.scale(ratio, ratio);
    const { frames } = this.model.get("clip"), marks = this.model.get("marks");
    const colours = Object.fromEntries(
      Object.entries(COLOURS).map(([name, variable]) => [name, style.getPropertyValue(variable)]));
    drawTimeline(context, width, height,
      { frames, banding, marks, worst: banding ? banding.worst : null, colours });
    const known = banding ? banding.cambi.reduce((n, value) => n + !Number.isNaN(value), 0) : 0;
    setText(legend, frames ? "CAMBI (bars), contour (line)" : "");
    timeline.dataset.known = known;
    timeline.dataset.worst = banding?.worst ?? "";
  }
}
