// Panel tabs widget: the tabs of the right column. The desk's CSS shows the selected panel.

import { button, element, whenAttached } from "./dom.js";

/** Return the name of the tab that an arrow key goes to, or null for other keys. */
export function tabAfter(names, current, key) {
  const by = { ArrowLeft: -1, ArrowRight: 1 }[key];
  if (!by) return null;
  return names[(names.indexOf(current) + by + names.length) % names.length];
}

function render({ model, el }) {
  const names = Object.keys(model.get("titles"));
  const select = (name) => {
    model.set("selected", name);
    model.save_changes();
  };
  const tabs = names.map((name) => {
    const title = model.get("titles")[name];
    const made = button(title, title, () => select(name));
    made.setAttribute("role", "tab");
    made.dataset.panel = name;
    return made;
  });
  const row = element("div", { class: "wb-tabs", role: "tablist", "aria-label": "Panels" }, ...tabs);
  const update = () => {
    const selected = model.get("selected");
    for (const tab of tabs) {
      const on = tab.dataset.panel === selected;
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
    }
    const desk = row.closest(".wb-desk");
    if (!desk) return;
    desk.dataset.panel = selected;
    for (const name of names) desk.querySelector(`.wb-panel-${name}`)?.setAttribute("role", "tabpanel");
  };
  row.addEventListener("keydown", (event) => {
    const next = tabAfter(names, model.get("selected"), event.key);
    if (!next) return;
    event.preventDefault();
    event.stopPropagation();
    select(next);
    tabs[names.indexOf(next)].focus();
  });
  model.on("change:selected", update);
  el.append(row);
  const stop = whenAttached(row, update);
  return () => {
    stop();
    model.off("change:selected", update);
  };
}

export default { render };
