// Scopes widget: histogram, waveform, RGB parade and vectorscope, before and after.

import { button, element, oncePerRefresh, setPressed, setText, whenAttached } from "./dom.js";
import { splitTraces } from "./scope_geometry.js";
import { drawScope } from "./scope_graphs.js";

const ZOOMS = [1, 2, 4];

export class ScopesView {
  repaint = oncePerRefresh(() => this.paint());

  constructor({ model, el }) {
    this.model = model;
    this.labels = model.get("labels");
    this.kinds = Object.keys(this.labels);
    this.enlarged = null; // the scope that takes the place of the others
    this.buttons = this.kinds.map((kind) => {
      const made = button(this.labels[kind], `Show or hide: ${this.labels[kind]}`, () => this.toggle(kind));
      made.dataset.kind = kind;
      return made;
    });
    this.overlay = button("Overlay", "Before and after in one graph",
      () => this.set("overlay", !model.get("overlay")));
    this.zoom = button("×1", "Zoom of the vectorscope", () => this.set("zoom",
      ZOOMS[(ZOOMS.indexOf(model.get("zoom")) + 1) % ZOOMS.length]));
    this.preview = element("span", { class: "wbs-preview" }, "preview");
    this.figures = Object.fromEntries(this.kinds.map((kind) => [kind, this.buildFigure(kind)]));
    this.root = element("div", { class: "wbs" },
      element("div", { class: "wbs-tools", role: "group", "aria-label": "Scopes" },
        ...this.buttons, this.overlay, this.zoom, this.preview),
      element("div", { class: "wbs-figures" },
        ...Object.values(this.figures).map(({ figure }) => figure)));
    el.append(this.root);
    this.resizeObserver = new ResizeObserver(() => this.repaint());
    this.resizeObserver.observe(this.root);
    const repaint = () => this.repaint(), mark = () => this.mark();
    this.listeners = {
      "change:graphs": repaint,
      "change:traces": repaint,
      "change:stale": mark,
      "change:overlay": mark,
      "change:zoom": mark,
      "change:shown": mark,
    };
    for (const [name, listener] of Object.entries(this.listeners)) model.on(name, listener);
    this.stopWaiting = whenAttached(this.root, mark);
    this.mark();
  }

  remove() {
    this.resizeObserver.disconnect();
    this.stopWaiting();
    for (const [name, listener] of Object.entries(this.listeners)) this.model.off(name, listener);
  }

  buildFigure(kind) {
    const canvas = element("canvas", { role: "img", "aria-label": this.labels[kind] });
    const figure = element("figure", { class: `wbs-${kind}`, title: "Double click to enlarge" }, canvas);
    figure.addEventListener("dblclick", () => this.enlarge(this.enlarged ? null : kind));
    return { canvas, figure };
  }

  set(trait, value) {
    this.model.set(trait, value);
    this.model.save_changes();
  }

  toggle(kind) {
    const shown = this.model.get("shown");
    const next = shown.includes(kind) ? shown.filter((one) => one !== kind) : [...shown, kind];
    this.enlarge(null);
    if (next.length) this.set("shown", this.kinds.filter((one) => next.includes(one)));
  }

  /** Show one scope beside the picture in place of all, or all again. */
  enlarge(kind) {
    this.enlarged = kind;
    this.root.closest(".wb-desk")?.classList.toggle("wb-enlarged", kind !== null);
    this.mark();
  }

  mark() {
    const { model } = this, shown = model.get("shown");
    this.root.classList.toggle("wbs-stale", model.get("stale"));
    for (const made of this.buttons) setPressed(made, shown.includes(made.dataset.kind));
    setPressed(this.overlay, model.get("overlay"));
    setText(this.zoom, `×${model.get("zoom")}`);
    this.zoom.hidden = !shown.includes("vectorscope");
    for (const [kind, { figure }] of Object.entries(this.figures))
      figure.hidden = !shown.includes(kind) || (this.enlarged !== null && this.enlarged !== kind);
    this.repaint();
  }

  paint() {
    const graphs = this.model.get("graphs"), overlay = this.model.get("overlay");
    if (!graphs.parts) return;
    const parts = splitTraces(this.model.get("traces"), graphs.parts);
    for (const [kind, { canvas, figure }] of Object.entries(this.figures)) {
      const own = parts.filter((part) => part.kind === kind);
      if (figure.hidden || !own.length) continue;
      const { width, height } = canvas.getBoundingClientRect(), ratio = devicePixelRatio;
      if (!width) continue;
      [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
      const context = canvas.getContext("2d");
      context.scale(ratio, ratio);
      context.font = "10px system-ui, sans-serif";
      drawScope(context, width, height, own, { ...graphs, kind, overlay });
      canvas.setAttribute("aria-label",
        `${this.labels[kind]}, ${graphs.names.before} and ${graphs.names.after}`);
    }
    this.root.dataset.names = Object.values(graphs.names).join(" ");
    this.root.dataset.painted = String(Number(this.root.dataset.painted || 0) + 1);
  }
}

function render(context) {
  const view = new ScopesView(context);
  return () => view.remove();
}

export default { render };
