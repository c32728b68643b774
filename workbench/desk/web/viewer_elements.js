// Page elements of the viewer: toolbar, stage, readout, transport and timeline.

import { button, element, setPressed } from "./dom.js";
import { HELP, INTRODUCTION } from "./shortcuts.js";

const MODES = [
  ["wipe", "Wipe", "w"],
  ["side", "Side by side", "s"],
  ["before", "Before", "c"],
  ["after", "After", "c"],
  ["difference", "Difference", "d"],
];
const ZOOMS = [["f", "Fit", 0], ["1", "100%", 1], ["2", "200%", 2], ["4", "400%", 4]];
const FULL_SCREEN_ICON =
  '<svg viewBox="0 0 12 12" width="11" height="11" fill="none" stroke="currentColor" ' +
  'stroke-width="1.4"><path d="M1 4V1h3M8 1h3v3M11 8v3H8M4 11H1V8"/></svg>';

/** Build the viewer. `actions` are the functions that buttons call, by name.
 *  Returns the elements that change later, by name. */
export function buildViewer(actions) {
  const toolbar = buildToolbar(actions), stage = buildStage(), transport = buildTransport(actions);
  const timeline = buildTimeline(actions);
  const readout = {
    pixel: element("span", { class: "wbv-place" }),
    values: {
      before: element("span", { class: "wbv-values wbv-before" }),
      after: element("span", { class: "wbv-values wbv-after" }),
    },
  };
  const splitters = {
    scopes: splitter("scopes", "Height of the scopes"),
    side: splitter("side", "Width of the controls"),
  };
  const root = element("div", { class: "wbv" }, toolbar.bar, stage.stage,
    element("div", { class: "wbv-readout", "aria-label": "Pixel under the pointer" },
      readout.pixel, readout.values.before, readout.values.after),
    transport.transport, timeline.timeline, splitters.scopes, splitters.side);
  return { ...toolbar, ...stage, ...transport, ...timeline, ...readout, splitters, root };
}

function group(label, ...parts) {
  return element("div", { class: "wbv-group", role: "group", "aria-label": label }, ...parts);
}

function splitter(name, label) {
  return element("div", {
    class: `wbv-splitter wbv-splitter-${name}`, role: "separator", tabindex: "0", "aria-label": label,
    title: `${label}: drag, or double click for the usual size`,
  });
}

function buildToolbar(actions) {
  const modes = MODES.map(([mode, text, key]) => {
    const made = button(text, text, () => actions.setMode(mode), key);
    made.dataset.mode = mode;
    return made;
  });
  const zooms = ZOOMS.map(([key, text, zoom]) => {
    const made = button(text, `Zoom: ${text}`, () => actions.zoom(zoom), key);
    made.dataset.zoom = zoom;
    return made;
  });
  const boost = button("Boost", "Band boost: raise local contrast on both sides",
    actions.toggleBoost, "b");
  const map = button("Map", "Banding map", actions.toggleMap, "m");
  const less = button("−", "Lower boost and difference", () => actions.changeGain(-1), "-");
  const more = button("+", "Raise boost and difference", () => actions.changeGain(1), "+");
  const gain = element("output", { class: "wbv-gain" });
  const theme = button("◐", "Light or dark desk", actions.toggleTheme);
  const panels = button("▤", "Show or hide the controls", actions.togglePanels, "h");
  const fullScreen = button("", "Full screen", actions.toggleFullScreen, "F");
  fullScreen.innerHTML = FULL_SCREEN_ICON;
  const helpButton = button("?", "Keyboard shortcuts", actions.toggleHelp, "?");
  const bar = element("div", { class: "wbv-bar wbv-tools", role: "toolbar", "aria-label": "Viewer" },
    group("Compare", ...modes), group("Banding", boost, map, less, gain, more),
    group("Zoom", ...zooms), group("Window", theme, panels, fullScreen, helpButton));
  return { bar, modes, zooms, boost, map, gain, panels, helpButton };
}

function buildStage() {
  const canvas = element("canvas", { "aria-hidden": "true" });
  const labels = {
    before: element("span", { class: "wbv-tag wbv-before" }),
    after: element("span", { class: "wbv-tag wbv-after" }),
  };
  const note = element("span", { class: "wbv-tag wbv-note", role: "status", "aria-live": "polite" });
  const message = element("div", { class: "wbv-message", role: "alert" });
  const invitation = element("div", { class: "wbv-invitation" },
    "Type the folder of your clips at the right, press Enter, and choose a clip.");
  const lost = element("div", { class: "wbv-lost", role: "alert", hidden: "" },
    "The kernel does not answer: it ended, or it is busy. Restart it, and run the cell again.");
  const reload = button("Reload the page", "Reload the page", () => location.reload());
  lost.append(reload);
  const help = buildHelp();
  const stage = element("div", {
    class: "wbv-stage", tabindex: "0", role: "application",
    "aria-label": "Picture, before and after. Press ? for the keys.",
  }, canvas, invitation, labels.before, labels.after, note, message, lost, help);
  return { canvas, labels, note, message, lost, invitation, help, stage };
}

function buildHelp() {
  const keys = HELP.map(([names, text]) => element("div", { class: "wbv-key" },
    element("span", {}, ...names.split("  ").map((key) => element("kbd", {}, key))), text));
  return element("div", { class: "wbv-help", hidden: "", tabindex: "-1" },
    ...INTRODUCTION.map((text) => element("p", {}, text)),
    element("div", { class: "wbv-keys" }, ...keys));
}

function buildTransport(actions) {
  const timecode = element("output", { class: "wbv-timecode" });
  const play = button("▶", "Play or stop", actions.togglePlay, "space");
  const status = element("div", { class: "wbv-status", role: "status", "aria-live": "polite" });
  const graded = button("Graded", "Viewing transform: show looks graded back", actions.toggleGraded, "t");
  const transport = element("div", { class: "wbv-bar wbv-transport" },
    group("Play", button("◂", "Previous frame", () => actions.step(-1), "left"), play,
      button("▸", "Next frame", () => actions.step(1), "right")),
    group("Marks", button("I", "Set or clear the in point", () => actions.toggleMark("in"), "i"),
      button("O", "Set or clear the out point", () => actions.toggleMark("out"), "o")),
    timecode, status,
    group("View", graded), group("Go to", button("Worst", "Go to the worst banding and zoom to it",
      actions.goToWorst, "n")));
  return { transport, timecode, play, graded, status };
}

function buildTimeline(actions) {
  const graph = element("canvas", { "aria-hidden": "true" });
  const frame = element("input", { type: "range", min: "0", step: "1", "aria-label": "Frame" });
  frame.addEventListener("input", () => actions.goToFrame(Number(frame.value)));
  const legend = element("span", { class: "wbv-legend", "aria-hidden": "true" });
  const timeline = element("div", { class: "wbv-timeline" }, graph, legend, frame);
  return { timeline, graph, frame, legend };
}

/** Show on the buttons which options are on. */
export function showPressed(elements, { mode, zoom, boost, map, playing, panels, graded }) {
  for (const made of elements.modes) setPressed(made, made.dataset.mode === mode);
  for (const made of elements.zooms) setPressed(made, zoom === Number(made.dataset.zoom));
  setPressed(elements.boost, boost);
  setPressed(elements.map, map);
  setPressed(elements.play, playing);
  setPressed(elements.panels, panels);
  setPressed(elements.graded, graded);
}
