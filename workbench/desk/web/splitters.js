// Splitters: handles that change the height of the scopes and the width of the controls.

const KEY_STEP = 16; // CSS pixels
const LIMITS = { scopes: [110, 900], beside: [180, 1600], side: [280, 640] }; // CSS pixels

/** Return a size within the limits of a part of the desk. */
export function limitedSize(name, size) {
  const [least, most] = LIMITS[name];
  return Math.round(Math.min(most, Math.max(least, size)));
}

/** Listen to the handles. `view` has: desk (a DeskRoot) and setView(changes). Returns a function that
 *  tells screen readers the sizes of the parts. */
export function listenToSplitters(splitters, view) {
  const parts = { scopes: ".wbs", side: ".wb-column" }, tellers = [];
  for (const [name, handle] of Object.entries(splitters)) {
    const across = () => name === "side" || view.desk.desk.dataset.scopes === "beside";
    const size = () => {
      const box = view.desk.desk.querySelector(parts[name])?.getBoundingClientRect();
      return (across() ? box?.width : box?.height) ?? 0;
    };
    const key = () => (name === "scopes" && across() ? "beside" : name);
    const resize = (to) => view.setView({ [key()]: limitedSize(key(), to) });
    let drag = null;
    handle.addEventListener("pointerdown", (event) => {
      const start = across() ? event.clientX : event.clientY, began = size();
      handle.setPointerCapture(event.pointerId);
      drag = { start, began };
      event.preventDefault();
    });
    handle.addEventListener("pointermove", (event) => {
      if (drag) resize(drag.began + drag.start - (across() ? event.clientX : event.clientY));
    });
    for (const end of ["pointerup", "pointercancel"])
      handle.addEventListener(end, () => { drag = null; });
    handle.addEventListener("dblclick", () => view.setView({ [key()]: undefined }));
    handle.addEventListener("keydown", (event) => {
      const by = { ArrowUp: 1, ArrowLeft: 1, ArrowDown: -1, ArrowRight: -1 }[event.key];
      if (by) resize(size() + by * KEY_STEP);
    });
    tellers.push(() => {
      const [least, most] = LIMITS[key()];
      handle.setAttribute("aria-orientation", across() ? "vertical" : "horizontal");
      handle.setAttribute("aria-valuemin", least);
      handle.setAttribute("aria-valuemax", most);
      handle.setAttribute("aria-valuenow", Math.round(size()));
    });
  }
  return () => tellers.forEach((tell) => tell());
}
