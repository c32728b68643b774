// Names of the desk's controls for screen readers.

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
