// What a page is made of. Read together with the script of each widget.

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** A button with a name, and the key that does the same. */
function button(text, label, act, key = "") {
  const made = make("button", { type: "button", title: key ? `${label} (${key})` : label }, text);
  made.setAttribute("aria-label", label);
  made.addEventListener("click", act);
  return made;
}

/** Write text, or whether a button is pressed, where it changes: a page is laid out anew for each. */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
function pressed(element, on) {
  if (element.getAttribute("aria-pressed") !== String(on))
    element.setAttribute("aria-pressed", String(on));
}

/** A canvas that holds an image, to draw from. */
function held(image) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.width, image.height];
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

/** Give the controls of a desk the names that are only written beside them, for screen readers,
 *  and the sliders their sentence as a tooltip: ipywidgets puts it on a label, hidden here. */
function nameControls(desk) {
  const name = (element, words) => {
    if (element && words && element.getAttribute("aria-label") !== words)
      element.setAttribute("aria-label", words);
  };
  for (const row of desk.querySelectorAll(".wb-row")) {
    const words = row.firstElementChild.textContent.trim();
    row.title = row.querySelector("span[title]").title;
    name(row.querySelector("[role=slider]"), words);
    name(row.querySelector("select"), words);
    name(row.querySelector("input"), `${words}, number`);
    name(row.querySelector("button"), `reset ${words}`);
  }
  for (const one of desk.querySelectorAll("select[title], input[title]"))
    if (!one.closest(".wb-row")) name(one, one.title);
  for (const one of desk.querySelectorAll(".wb-setting"))
    pressed(one, one.classList.contains("mod-primary"));
}
