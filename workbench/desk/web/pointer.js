// Pointer input on the stage: drag the wipe or the picture, zoom with the wheel.

const GRAB = 14; // CSS pixels on either side of the wipe line in which a drag moves it
const WHEEL_PER_DOUBLING = 250; // pixels of wheel travel that double the zoom
const PIXELS_PER_LINE = 33; // a wheel that counts in lines

/** Return a pointer event's position on a canvas in device pixels. */
export function devicePoint(event, canvas) {
  const box = canvas.getBoundingClientRect();
  return [
    ((event.clientX - box.left) * canvas.width) / box.width,
    ((event.clientY - box.top) * canvas.height) / box.height,
  ];
}

/** Return whether a drag from `x` moves the wipe line. Where the whole picture is visible there is
 *  nothing to pan, so any drag moves the wipe. */
export function dragsWipe({ mode, placement, wipe, x, pixelRatio }) {
  return mode === "wipe" && (placement.showsWhole || Math.abs(x - wipe) <= GRAB * pixelRatio);
}

/** Return the number of zoom doublings that a wheel event requests. */
export function wheelSteps({ deltaY, deltaMode }) {
  return -(deltaMode ? deltaY * PIXELS_PER_LINE : deltaY) / WHEEL_PER_DOUBLING;
}

/** Listen to the pointer. `view` has: mode, placement, wipe (a share of the width),
 *  setWipe(share), setPixel(pixel) and repaint(). */
export function listenToPointer({ stage, canvas }, view) {
  let drag = null;
  const at = (event) => devicePoint(event, canvas);

  stage.addEventListener("pointerdown", (event) => {
    if (event.button || event.target.closest(".wbv-help, .wbv-lost")) return;
    stage.focus({ preventScroll: true });
    const start = at(event), { mode, placement } = view;
    const wiping = dragsWipe({
      mode, placement, wipe: view.wipe * canvas.width, x: start[0], pixelRatio: devicePixelRatio,
    });
    drag = { wiping, start, centre: placement.centre };
    stage.setPointerCapture(event.pointerId);
    if (wiping) view.setWipe(start[0] / canvas.width);
  });
  stage.addEventListener("pointermove", (event) => {
    const now = at(event);
    if (drag?.wiping) view.setWipe(now[0] / canvas.width);
    else if (drag) {
      view.placement.pan(drag.centre, [now[0] - drag.start[0], now[1] - drag.start[1]]);
      view.repaint();
    }
    view.setPixel(view.placement.pixelAt(now));
  });
  for (const name of ["pointerup", "pointercancel"])
    stage.addEventListener(name, () => { drag = null; });
  stage.addEventListener("pointerleave", () => view.setPixel(null));
  stage.addEventListener("wheel", (event) => {
    const steps = wheelSteps(event);
    if (!view.placement.zoom && steps < 0) return; // fully zoomed out: the page scrolls
    event.preventDefault();
    view.placement.zoomBy(steps, at(event));
    view.setPixel(view.placement.pixelAt(at(event)));
    view.repaint();
  }, { passive: false });
}
