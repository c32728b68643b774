// Actions of the viewer, by the names that buttons and keyboard shortcuts use.

import { setPressed } from "./dom.js";
import { shuttled } from "./player.js";

const GAINS = [2, 4, 8, 16, 32];

/** Return the gain one step up or down, or the same one at either end. */
export function nextGain(gain, by) {
  return GAINS[GAINS.indexOf(gain) + by] ?? gain;
}

/** Return the frame number `by` frames on, within the clip. */
export function steppedFrame(frame, by, frames) {
  return Math.min(Math.max(0, frames - 1), Math.max(0, frame + by));
}

/** Return the marks with in or out set to a frame, or cleared where it is there already. Marks that
 *  would enclose no frame are cleared. */
export function markedFrames(marks, name, frame) {
  const next = { ...marks, [name]: marks[name] === frame ? null : frame };
  const other = name === "in" ? "out" : "in";
  if (next.in !== null && next.out !== null && next.in >= next.out) next[other] = null;
  return next;
}

/** Return the actions of a ViewerView. */
export function viewerActions(view) {
  const get = (name) => view.model.get(name);
  const actions = {
    setMode: (mode) => view.set("mode", mode),
    switchSide: () => view.set("mode", view.mode === "before" ? "after" : "before"),
    toggleDifference: () => view.set("mode", view.mode === "difference" ? "wipe" : "difference"),
    toggleBoost: () => view.set("boost", !get("boost")),
    toggleMap: () => view.set("banding_map", !get("banding_map")),
    toggleGraded: () => view.set("graded", !get("graded")),
    changeGain: (by) => view.set("gain", nextGain(get("gain"), by)),
    zoom: (zoom) => {
      view.placement.zoomTo(zoom);
      view.repaint();
    },
    step: (by) => actions.goToFrame(steppedFrame(get("frame"), by, get("clip").frames)),
    goToEnd: (share) => actions.goToFrame(share * Math.max(0, get("clip").frames - 1)),
    goToFrame: (frame) => {
      view.stopPlaying();
      view.set("frame", frame);
    },
    toggleMark: (name) => view.set("marks", markedFrames(get("marks"), name, get("frame"))),
    togglePlay: () => {
      if (view.player.playing) view.stopPlaying();
      else view.play(1);
    },
    shuttle: (towards) => view.play(shuttled(view.player.rate, towards)),
    toggleFullScreen: () => {
      if (document.fullscreenElement) document.exitFullscreen();
      else view.desk.desk.requestFullscreen();
    },
    toggleTheme: () => view.setView({ theme: get("view").theme === "light" ? "dark" : "light" }),
    togglePanels: () => view.setView({ panels: get("view").panels === false }),
    toggleHelp: () => {
      view.ui.help.hidden = !view.ui.help.hidden;
      setPressed(view.ui.helpButton, !view.ui.help.hidden);
    },
    closeHelp: () => {
      if (!view.ui.help.hidden) actions.toggleHelp();
    },
    send: (command) => view.sendInOrder(command),
    goToWorst: () => {
      view.stopPlaying();
      view.sendInOrder("worst");
    },
  };
  return actions;
}
