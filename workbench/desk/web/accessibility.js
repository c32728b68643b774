// Names for screen readers, and the element that receives the desk's keys.

import { setPressed } from "./dom.js";

/** Name the controls of the desk. ipywidgets shows a row's label as text that no control refers to,
 *  and it puts a slider's tooltip on a label that the desk hides. */
export function nameControls(desk) {
  for (const row of desk.querySelectorAll(".wb-row")) {
    const label = row.firstElementChild.textContent.trim();
    row.title = row.querySelector("span[title]").title;
    setName(row.querySelector("[role=slider]"), label);
    setName(row.querySelector("select"), label);
    setName(row.querySelector("input"), `${label}, number`);
    setName(row.querySelector("button"), `reset ${label}`);
  }
  for (const control of desk.querySelectorAll("select[title], input[title]"))
    if (!control.closest(".wb-row")) setName(control, control.title);
  for (const slot of desk.querySelectorAll(".wb-slot"))
    setPressed(slot, slot.classList.contains("mod-primary"));
}

function setName(control, name) {
  if (control && name && control.getAttribute("aria-label") !== name)
    control.setAttribute("aria-label", name);
}

/** Return the outermost widget that contains an element, or the element itself. */
export function outermostWidget(element) {
  let found = element;
  for (let parent = element; parent; parent = parent.parentElement)
    if (parent.matches(".jupyter-widgets")) found = parent;
  return found;
}

const NAMING_DELAY = 300; // milliseconds without a change: names can wait while sliders move

/** Listens to keys on the whole desk and keeps its controls named. */
export class DeskRoot {
  constructor(viewer, onKey) {
    this.viewer = viewer;
    this.onKey = onKey;
    this.desk = viewer;
    this.timer = 0;
    this.observer = new MutationObserver(() => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => nameControls(this.desk), NAMING_DELAY);
    });
  }

  /** Find the desk around the viewer again, where the page has moved the viewer. */
  attach() {
    if (this.desk.isConnected && this.desk !== this.viewer) return;
    this.detach();
    this.desk = outermostWidget(this.viewer);
    this.desk.addEventListener("keydown", this.onKey);
    this.observer.observe(this.desk, { childList: true, subtree: true, attributeFilter: ["class"] });
    nameControls(this.desk);
  }

  detach() {
    this.desk.removeEventListener("keydown", this.onKey);
    this.observer.disconnect();
    clearTimeout(this.timer);
  }
}
