// Keyboard shortcuts: the action of each key, and the keys that a focused control handles itself.

/** The help page: keys and their actions. */
export const HELP = [
  ["space", "switch between before and after"],
  ["w  s", "wipe, side by side"],
  ["d", "difference: what the deband changed"],
  ["b", "band boost: raise local contrast on both sides"],
  ["m", "banding map over the picture"],
  ["+  -", "raise or lower boost and difference"],
  ["f  1  2  4", "fit, 100 %, 200 %, 400 %"],
  ["wheel", "zoom at the pointer"],
  ["drag", "pan the picture, or move the wipe line"],
  ["left  right", "step one frame, or ten with shift"],
  ["j", "go to the frame with the most banding"],
  ["l", "loop one second of video"],
  ["a", "switch between looks A and B"],
  ["k", "grab a still"],
  ["ctrl z  ctrl y", "undo, redo"],
  ["F", "full screen"],
  ["?", "show or hide this help"],
];

/** Name of an action and its argument, for each key. */
const KEYS = {
  " ": ["switchSide"],
  w: ["setMode", "wipe"],
  s: ["setMode", "side"],
  d: ["toggleDifference"],
  b: ["toggleBoost"],
  m: ["toggleMap"],
  "+": ["changeGain", 1],
  "=": ["changeGain", 1],
  "-": ["changeGain", -1],
  f: ["zoom", 0],
  1: ["zoom", 1],
  2: ["zoom", 2],
  4: ["zoom", 4],
  j: ["send", "worst"],
  l: ["toggleLoop"],
  a: ["send", "flip"],
  k: ["send", "grab"],
  F: ["toggleFullScreen"],
  "?": ["toggleHelp"],
  Escape: ["closeHelp"],
};

/** Return the action for a key event as [name, argument], or null. */
export function actionFor({ key, ctrlKey, metaKey, altKey, shiftKey }) {
  const ctrl = ctrlKey || metaKey, letter = key.toLowerCase();
  if (ctrl && (letter === "y" || (letter === "z" && shiftKey))) return ["send", "redo"];
  if (ctrl && letter === "z") return ["send", "undo"];
  if (ctrl || altKey) return null;
  if (key === "ArrowLeft") return ["step", shiftKey ? -10 : -1];
  if (key === "ArrowRight") return ["step", shiftKey ? 10 : 1];
  return Object.hasOwn(KEYS, key) ? KEYS[key] : null;
}

/** Return whether the focused control uses the key itself. */
export function controlUsesKey(control, key) {
  return control.matches("input:not([type=range], [type=checkbox]), select, textarea")
    || (control.matches("button, input, summary, a") && [" ", "Enter"].includes(key))
    || (control.matches("input, [role=slider]") && key.startsWith("Arrow"));
}

/** Run the action of a key event that bubbled up to the desk. */
export function handleKey(event, actions) {
  const action = actionFor(event);
  if (action && !controlUsesKey(event.target, event.key)) {
    event.preventDefault();
    const [name, argument] = action;
    actions[name](argument);
  }
  // JupyterLab has one-letter shortcuts of its own; d d would delete the desk's cell.
  const ctrl = event.ctrlKey || event.metaKey;
  if ((!ctrl && event.key !== "Tab") || action) event.stopPropagation();
}
