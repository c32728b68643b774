// Helpers that build and update elements of the page.

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** Make a button with an accessible name. The tooltip also gives the keyboard shortcut. */
export function button(text, label, onClick, key = "") {
  const made = element("button", { type: "button", title: key ? `${label} (${key})` : label }, text);
  made.setAttribute("aria-label", label);
  made.addEventListener("click", onClick);
  return made;
}

/** Set an element's text only where it changes: each write costs a layout of the page. */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/** Set whether a button is pressed, only where that changes. */
export function setPressed(target, on) {
  if (target.getAttribute("aria-pressed") !== String(on))
    target.setAttribute("aria-pressed", String(on));
}

export function emptyCanvas(width, height) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  return canvas;
}

/** Make a canvas of RGBA pixels. `pixels` is a Uint32Array, one element for each pixel. */
export function canvasOf(pixels, width, height) {
  const canvas = emptyCanvas(width, height);
  const bytes = new Uint8ClampedArray(pixels.buffer, pixels.byteOffset, pixels.byteLength);
  canvas.getContext("2d").putImageData(new ImageData(bytes, width, height), 0, 0);
  return canvas;
}

/** Return a function that calls `paint` at the next refresh of the screen: once, however often it is
 *  called before. */
export function oncePerRefresh(paint) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      paint();
    });
  };
}

/** Call `act` once the page shows an element. Returns a function that stops waiting. */
export function whenAttached(target, act) {
  const observer = new ResizeObserver(() => {
    if (!target.isConnected) return;
    observer.disconnect();
    act();
  });
  observer.observe(target);
  return () => observer.disconnect();
}
