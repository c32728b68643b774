// Desk root: the element around all of the desk. It receives keys, and it fits the window.

import { nameControls } from "./accessibility.js";

const NAMING_DELAY = 300; // milliseconds without a change: names can wait while sliders move
const NARROW = 900; // CSS pixels: below this width the controls go below the picture
const LOWEST = 560; // CSS pixels: a window that is lower scrolls
const FIXED_ROWS = 150; // CSS pixels, about: toolbar, readout, transport and timeline
const SCOPES_BELOW = 0.24; // share of the desk's height

/** Return where the scopes leave more room for a picture: "below" it or "beside" it.
 *  `aspect` is the picture's width over its height; sizes are in CSS pixels. */
export function arrangementFor(aspect, width, height) {
  const below = (height - FIXED_ROWS) - SCOPES_BELOW * height, beside = height - FIXED_ROWS;
  const heightBelow = Math.min(below, width / aspect);
  const heightBeside = Math.min(beside, (0.55 * width) / aspect);
  return heightBeside > heightBelow ? "beside" : "below";
}

/** Return the outermost widget that contains an element, or the element itself. */
export function outermostWidget(element) {
  let found = element;
  for (let parent = element; parent; parent = parent.parentElement)
    if (parent.matches(".jupyter-widgets")) found = parent;
  return found;
}

/** JupyterLab's element that scrolls a notebook. Elsewhere the page itself scrolls. */
const SCROLLER = ".jp-WindowedPanel-outer, .jp-NotebookPanel-notebook";

/** Fits the desk to its window, listens to its keys and clicks, and keeps its controls named. */
export class DeskRoot {
  constructor(viewer, onKey, onClick) {
    this.viewer = viewer;
    this.onKey = onKey;
    this.onClick = onClick; // gets a click before the control does
    this.desk = viewer;
    this.aspect = 16 / 9;
    this.timer = 0;
    this.observer = new MutationObserver(() => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => nameControls(this.desk), NAMING_DELAY);
    });
    this.resizeObserver = new ResizeObserver(() => this.fit());
    this.onResize = () => this.fit();
  }

  /** Find the desk around the viewer again, where the page has moved the viewer.
   *  Returns whether it is another one. */
  attach() {
    if (this.desk.isConnected && this.desk !== this.viewer) return false;
    this.detach();
    this.desk = outermostWidget(this.viewer);
    this.desk.setAttribute("data-lm-suppress-shortcuts", ""); // of JupyterLab, see handleKey
    this.desk.tabIndex = -1; // a click on a label gives the desk the focus, not the cell
    this.desk.addEventListener("keydown", this.onKey);
    this.desk.addEventListener("click", this.onClick, true);
    this.observer.observe(this.desk, { childList: true, subtree: true, attributeFilter: ["class"] });
    this.scroller = this.desk.closest(SCROLLER);
    this.resizeObserver.observe(this.desk.parentElement);
    if (this.scroller) this.resizeObserver.observe(this.scroller);
    window.addEventListener("resize", this.onResize);
    document.addEventListener("fullscreenchange", this.onResize);
    nameControls(this.desk);
    this.fit();
    return true;
  }

  detach() {
    this.desk.removeEventListener("keydown", this.onKey);
    this.desk.removeEventListener("click", this.onClick, true);
    this.observer.disconnect();
    this.resizeObserver.disconnect();
    window.removeEventListener("resize", this.onResize);
    document.removeEventListener("fullscreenchange", this.onResize);
    clearTimeout(this.timer);
  }

  /** Fill the window, or the part of it that JupyterLab gives to the notebook. */
  fit() {
    const { desk } = this;
    if (!desk.isConnected || desk === this.viewer) return;
    const full = document.fullscreenElement === desk;
    const height = full || !this.scroller ? window.innerHeight : this.scroller.clientHeight;
    const width = desk.getBoundingClientRect().width;
    if (!width) return;
    desk.style.setProperty("--wb-height", `${Math.max(LOWEST, height)}px`);
    desk.classList.toggle("wb-narrow", width < NARROW);
    this.arrange(this.aspect);
  }

  /** Put the scopes where they leave most room for a picture of this aspect ratio. */
  arrange(aspect) {
    this.aspect = aspect;
    const { desk } = this, box = desk.getBoundingClientRect();
    if (desk === this.viewer || !box.width) return;
    const side = desk.querySelector(".wb-column")?.getBoundingClientRect().width ?? 0;
    desk.dataset.scopes = desk.classList.contains("wb-narrow")
      ? "below" : arrangementFor(aspect, box.width - side, box.height);
  }
}
