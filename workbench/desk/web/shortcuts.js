// Keyboard shortcuts: the action of each key, and the keys that a focused control handles itself.

/** The first lines of the help page. */
export const INTRODUCTION = [
  "Left of the white line is the clip, right of it the picture that the encoder receives. Drag the "
  + "line. Exact means that every pixel is the encoder's own. While a slider moves, the picture is "
  + "lossy: do not judge banding then.",
  "Boost shows banding that your screen hides. Double click a scope to enlarge it.",
];

/** The help page: keys and their actions. */
export const HELP = [
  ["space  k", "play from in to out, or stop"],
  ["j  l", "play backwards, forwards; again: faster"],
  ["left  right", "step one frame, or ten with shift"],
  ["home  end", "first frame, last frame"],
  ["i  o", "set or clear the in and the out point"],
  ["page up  page down", "previous clip, next clip"],
  ["n", "go to the worst banding and zoom to it"],
  ["c", "switch between before and after"],
  ["w  s", "wipe, side by side"],
  ["d", "difference: what the deband changed"],
  ["b", "band boost: raise local contrast on both sides"],
  ["m", "banding map over the picture"],
  ["t", "viewing transform: show the look graded back, or through your .cube"],
  ["+  -", "raise or lower boost and difference"],
  ["f  1  2  4", "fit, 100 %, 200 %, 400 %"],
  ["wheel", "zoom at the pointer"],
  ["drag", "pan the picture, or move the wipe line"],
  ["a", "switch between looks A and B"],
  ["g", "grab a still"],
  ["ctrl z  ctrl y", "undo, redo"],
  ["h", "hide or show the controls"],
  ["F", "full screen"],
  ["?", "show or hide this help"],
];

/** Name of an action and its argument, for each key. */
const KEYS = {
  " ": ["togglePlay"],
  k: ["togglePlay"],
  j: ["shuttle", -1],
  l: ["shuttle", 1],
  PageUp: ["send", "previous_clip"],
  PageDown: ["send", "next_clip"],
  Home: ["goToEnd", 0],
  End: ["goToEnd", 1],
  c: ["switchSide"],
  w: ["setMode", "wipe"],
  s: ["setMode", "side"],
  d: ["toggleDifference"],
  b: ["toggleBoost"],
  m: ["toggleMap"],
  t: ["toggleGraded"],
  "+": ["changeGain", 1],
  "=": ["changeGain", 1],
  "-": ["changeGain", -1],
  f: ["zoom", 0],
  1: ["zoom", 1],
  2: ["zoom", 2],
  4: ["zoom", 4],
  i: ["toggleMark", "in"],
  o: ["toggleMark", "out"],
  n: ["goToWorst"],
  a: ["send", "flip"],
  g: ["send", "grab"],
  h: ["togglePanels"],
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
    || (control.matches("input, [role=slider], [role=separator]")
      && (key.startsWith("Arrow") || key === "Home" || key === "End"));
}

/** Run the action of a key event that bubbled up to the desk.
 *
 *  JupyterLab has one-letter shortcuts of its own: d d would delete the desk's cell. They get no key
 *  of the desk. Combinations with ctrl that are not the desk's, such as ctrl s, still reach it. */
export function handleKey(event, actions) {
  const action = actionFor(event), ctrl = event.ctrlKey || event.metaKey;
  if (action && !controlUsesKey(event.target, event.key)) {
    event.preventDefault();
    const [name, argument] = action;
    actions[name](argument);
  }
  const own = action !== null || (!ctrl && event.key !== "Tab");
  if (own) event.stopPropagation();
  event.currentTarget.toggleAttribute("data-lm-suppress-shortcuts", own);
}
