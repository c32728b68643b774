// Viewer widget: two pictures on one canvas, before and after.
//
// While something moves, a picture is a JPEG at display size. At rest its exact code values follow
// as planar Y'CbCr. The picture, its boosted banding, the difference and the values under the
// pointer are then made of those. Wipe, zoom and pan need no answer from the kernel.

import { viewerActions } from "./actions.js";
import { KernelWatch } from "./kernel_watch.js";
import { DeskRoot } from "./desk_root.js";
import { canvasOf, oncePerRefresh, setText } from "./dom.js";
import { Lut } from "./lut.js";
import { PIXEL_FRAME_SCALE, paint } from "./painter.js";
import { PictureSide, changedPicture } from "./picture_side.js";
import { changesHandled, orderedClicks } from "./pending_changes.js";
import { Placement } from "./placement.js";
import { Planes } from "./planes.js";
import { Player } from "./player.js";
import { listenToPointer } from "./pointer.js";
import {
  SIDES, framePosition, labelledSides, pixelPosition, pixelValues, playingNote, showsExact, viewNote,
} from "./readout.js";
import { TimelineView } from "./timeline_view.js";
import { handleKey } from "./shortcuts.js";
import { listenToSplitters } from "./splitters.js";
import { buildViewer, showPressed } from "./viewer_elements.js";

const MAP_COLOUR = [255, 26, 153]; // magenta

const decodeJpeg = (bytes) =>
  createImageBitmap(new Blob([bytes], { type: "image/jpeg" }), { colorSpaceConversion: "none" });

export class ViewerView {
  repaint = oncePerRefresh(() => this.paintNow());

  constructor({ model, el }) {
    this.model = model;
    this.sides = { before: new PictureSide(), after: new PictureSide() };
    this.reference = null; // Planes that the difference is taken from
    this.difference = null; // {key, canvas}
    this.luts = { before: null, after: null }; // the viewing transform of each side
    this.lutCount = 0; // how many came, so that each has another id
    this.placement = new Placement();
    this.wipe = 0.5; // position of the wipe line as a share of the width
    this.pixel = null; // picture pixel under the pointer
    this.commands = Promise.resolve(); // the last command of the user that was sent or waits
    this.player = new Player(decodeJpeg, () => model.get("clip"), () => this.paintNow());
    this.actions = viewerActions(this);
    this.ui = buildViewer(this.actions);
    el.append(this.ui.root);
    listenToPointer(this.ui, this);
    this.tellSizes = listenToSplitters(this.ui.splitters, this);
    this.timeline = new TimelineView(this.ui, model);
    this.desk = new DeskRoot(this.ui.root, (event) => handleKey(event, this.actions),
      orderedClicks((act) => this.inOrder(act)));
    this.resizeObserver = new ResizeObserver(() => this.resize());
    this.resizeObserver.observe(this.ui.stage);
    this.listeners = this.listen();
    this.takeClip();
    this.takeMessages();
    this.takePicture();
    this.takeView();
    this.repaint();
    this.watch = new KernelWatch((command) => this.send(command), (lost) => this.showLost(lost));
    this.onUnload = (event) => {
      if (model.get("encoding")) event.preventDefault(); // the browser then asks the user
    };
    window.addEventListener("beforeunload", this.onUnload);
    this.send("view_opened"); // the kernel then sends the exact pictures
  }

  remove() {
    this.resizeObserver.disconnect();
    this.desk.detach();
    this.player.stop();
    this.timeline.remove();
    this.watch.stop();
    window.removeEventListener("beforeunload", this.onUnload);
    this.send("view_closed");
    for (const [name, listener] of Object.entries(this.listeners)) this.model.off(name, listener);
  }

  get mode() {
    return this.model.get("mode");
  }

  // ---- requests to the kernel, and state of this view

  set(trait, value) {
    this.model.set(trait, value);
    this.model.save_changes();
  }

  send(command) {
    this.model.send({ command });
  }

  /** Run `act`, which sends a command of the user, after the changes and the commands before it. */
  inOrder(act) {
    this.commands = this.commands
      .then(() => changesHandled(this.model.widget_manager))
      .then(act)
      .catch(() => {}); // the connection is closed, which the kernel watch shows
  }

  sendInOrder(command) {
    this.inOrder(() => this.send(command));
  }

  /** Change how the desk looks: theme, sizes of its parts, and whether the controls are shown. */
  setView(changes) {
    this.set("view", { ...this.model.get("view"), ...changes });
  }

  setWipe(share) {
    this.wipe = Math.min(1, Math.max(0, share));
    this.repaint();
  }

  play(rate) {
    if (!this.player.playing) this.sendInOrder("play");
    this.player.play(rate, this.model.get("frame"));
    this.repaint();
  }

  /** Stop on the frame on screen. */
  stopPlaying() {
    if (!this.player.playing) return;
    const frame = this.player.stop();
    this.sendInOrder("stop");
    this.set("frame", frame);
    this.takeFrame();
    this.repaint();
  }

  // ---- data from the kernel

  listen() {
    const repaint = () => this.repaint();
    const listeners = {
      "change:picture": () => this.takePicture(),
      "change:clip": () => this.takeClip(),
      "change:frame": () => this.takeFrame(),
      "change:view": () => this.takeView(),
      "change:message": () => this.takeMessages(),
      "change:status": () => this.takeMessages(),
      "change:mode": () => { this.layOut(); this.repaint(); },
      "change:boost": repaint,
      "change:banding_map": repaint,
      "change:gain": repaint,
      "change:graded": repaint,
      "change:labels": repaint,
      "msg:custom": (content, buffers) => this.takeBuffers(content, buffers),
    };
    for (const [name, listener] of Object.entries(listeners)) this.model.on(name, listener);
    return listeners;
  }

  /** Decode new JPEGs. The last picture stays on screen until then. */
  takePicture() {
    const { generation } = this.model.get("picture");
    if (!generation) return;
    for (const name of SIDES) {
      const side = this.sides[name], wanted = generation[name], bytes = this.model.get(name);
      if (side.pending === wanted || !bytes || !bytes.byteLength) continue;
      side.pending = wanted;
      decodeJpeg(bytes).then((picture) => {
        if (side.generation > wanted) return; // a newer picture was decoded first
        side.setPreview(picture, wanted);
        this.repaint();
      });
    }
    this.layOut();
    const [wide, high] = this.placement.drawnSize;
    this.desk.arrange(wide / high);
  }

  takeBuffers(content, buffers) {
    if (content.kind === "exact") {
      const planes = new Planes(content, buffers);
      if (content.side === "reference") this.reference = planes;
      else this.sides[content.side].setPlanes(planes);
      this.repaint();
    } else if (content.kind === "map") {
      const { width, height, generation } = content, [red, green, blue] = MAP_COLOUR;
      const strength = new Uint8Array(buffers[0].buffer, buffers[0].byteOffset, width * height);
      const pixels = Uint32Array.from(strength, (alpha) =>
        (alpha << 24) | (blue << 16) | (green << 8) | red);
      const map = canvasOf(pixels, width, height);
      Object.assign(this.sides[content.side], { map, mapGeneration: generation });
      this.repaint();
    } else if (content.kind === "banding") this.timeline.take(content, buffers);
    else if (content.kind === "lut") this.takeLut(content, buffers);
    else if (content.kind === "region") {
      this.placement.zoomToRegion(content);
      this.repaint();
    } else if (content.kind === "playback") this.player.setRange(content);
    else if (content.kind === "frames") this.player.take(content, buffers);
    else if (content.kind === "stop") this.stopPlaying();
    else if (content.kind === "alive") this.watch.heard();
  }

  takeLut({ side, size }, [view]) {
    const id = ++this.lutCount;
    this.luts[side] = size ? new Lut(size, new Float32Array(
      view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength)), id) : null;
    this.repaint();
  }

  /** The viewing transform of a side, or null where the side is shown as it is. */
  lutOf(side) {
    return this.model.get("graded") ? this.luts[side] : null;
  }

  takeView() {
    const { theme, panels, scopes, beside, side } = this.model.get("view"), { desk } = this.desk;
    desk.dataset.theme = theme ?? "dark";
    desk.classList.toggle("wb-without-panels", panels === false);
    const sizes = { "--wb-scopes": scopes, "--wb-beside": beside, "--wb-side": side };
    for (const [name, size] of Object.entries(sizes))
      if (size) desk.style.setProperty(name, `${size}px`);
      else desk.style.removeProperty(name);
    this.desk.fit();
    this.timeline.repaint(); // in the colours of the theme
    this.repaint();
  }

  takeClip() {
    this.player.stop();
    this.placement.zoomTo(0); // each clip starts fitted
    this.timeline.forget();
    this.ui.frame.max = String(Math.max(0, this.model.get("clip").frames - 1));
    this.takeFrame();
  }

  takeFrame() {
    if (!this.player.playing) this.showFrame(this.model.get("frame"));
  }

  showFrame(frame) {
    const text = framePosition(this.model.get("clip"), frame);
    this.ui.frame.value = String(frame);
    setText(this.ui.timecode, text);
    this.ui.frame.setAttribute("aria-valuetext", text);
  }

  /** Say that the kernel is gone, or stop saying so. */
  showLost(lost) {
    this.ui.lost.hidden = !lost;
    this.repaint();
  }

  takeMessages() {
    this.ui.message.textContent = this.model.get("message");
    this.ui.message.hidden = !this.model.get("message");
    setText(this.ui.status, this.model.get("status"));
  }

  // ---- painting, at most once for each refresh of the screen

  layOut() {
    const { width, height } = this.model.get("picture"), { canvas } = this.ui;
    this.placement.picture = [width || 16, height || 9];
    this.placement.pixelAspect = this.model.get("clip").aspect || 1;
    this.placement.panes = this.mode === "side" ? 2 : 1;
    this.placement.canvas = [canvas.width, canvas.height];
    this.placement.clampCentre();
  }

  resize() {
    if (this.desk.attach()) this.takeView();
    this.tellSizes();
    const { canvas, stage } = this.ui;
    const box = stage.getBoundingClientRect(), ratio = devicePixelRatio;
    const [width, height] = [Math.round(box.width * ratio), Math.round(box.height * ratio)];
    if (!width || (canvas.width === width && canvas.height === height)) return;
    [canvas.width, canvas.height] = [width, height];
    this.layOut();
    this.paintNow(); // a resized canvas is empty
  }

  paintNow() {
    const { mode, placement, player, ui } = this, moving = player.frames !== null;
    if (moving) this.pixel = null; // moving frames have no exact values
    const empty = !moving && !this.sides.after.preview;
    paint(ui.canvas.getContext("2d"), {
      mode: moving && mode === "difference" ? "after" : mode,
      placement,
      wipe: Math.round(this.wipe * ui.canvas.width),
      pictures: moving ? this.movingPictures() : this.stillPictures(),
      maps: !moving && this.model.get("banding_map") ? this.currentMaps() : {},
      sizes: moving ? {} : this.shownSizes,
      wipeLine: mode === "wipe" && !empty,
      pixel: this.pixel,
      pixelRatio: devicePixelRatio,
    });
    ui.invitation.hidden = !empty;
    this.describe(empty);
    ui.root.dispatchEvent(new CustomEvent("painted"));
  }

  /** The frame that is played, with the boost and the viewing transform. */
  movingPictures() {
    const gain = this.model.get("boost") ? this.model.get("gain") : 1;
    const changed = (name, of) => {
      const picture = this.player.frames[name];
      return gain > 1 || of ? changedPicture(picture, gain, of) : picture;
    };
    const names = this.mode === "difference" ? ["after"] : labelledSides(this.mode);
    return Object.fromEntries(names.map((name) => [name, changed(name, this.lutOf(name))]));
  }

  stillPictures() {
    if (this.mode === "difference") return { difference: this.differenceCanvas() };
    const gain = this.model.get("boost") ? this.model.get("gain") : 1;
    const image = (name) => {
      const [, , width, height] = this.placement.fitted(this.shownSizes[name]);
      return this.sides[name].image(gain, Math.round(width), Math.round(height), this.lutOf(name));
    };
    return Object.fromEntries(labelledSides(this.mode).map((name) => [name, image(name)]));
  }

  /** The sizes of the sides that are fitted into the picture's place: of a still, before. */
  get shownSizes() {
    const { beforeSize } = this.model.get("picture");
    return beforeSize ? { before: beforeSize } : {};
  }

  currentMaps() {
    return { before: this.sides.before.currentMap, after: this.sides.after.currentMap };
  }

  differenceCanvas() {
    const after = this.sides.after.planes, { reference } = this, gain = this.model.get("gain");
    if (!after || !reference || after.width !== reference.width || after.height !== reference.height)
      return null;
    const key = `${after.generation} ${reference.generation} ${gain}`;
    if (this.difference?.key !== key) {
      const pixels = after.difference(reference, gain);
      this.difference = { key, canvas: canvasOf(pixels, after.width, after.height) };
    }
    return this.difference.canvas;
  }

  /** Update the words around the picture. */
  describe(empty) {
    const { mode, placement, sides, ui } = this, { playing } = this.player;
    const [labels, gain, boost, map, graded] =
      ["labels", "gain", "boost", "banding_map", "graded"].map((name) => this.model.get(name));
    for (const name of SIDES) {
      ui.labels[name].hidden = empty || !labelledSides(mode).includes(name);
      setText(ui.labels[name], playing ? name : labels[name]);
      ui.root.dataset[name] = sides[name].generation;
      ui.root.dataset[`${name}Exact`] = sides[name].exact;
    }
    const exact = !playing && this.ui.lost.hidden && showsExact(mode, sides, this.reference);
    const { scale, zoom } = placement, { difference } = labels;
    ui.note.hidden = empty;
    setText(ui.note, viewNote({ mode, exact, playing: playing && playingNote(this.player), scale, gain, boost, map, difference, graded: graded && (this.luts.before || this.luts.after) }));
    ui.note.classList.toggle("wbv-lossy", !exact);
    ui.root.dataset.exact = exact;
    if (playing) this.showFrame(this.player.frame);
    ui.root.dataset.picture = placement.picture.join("x");
    setText(ui.gain, `×${gain}`);
    const panels = this.model.get("view").panels !== false;
    showPressed(ui, { mode, zoom, boost, map, playing, panels, graded });
    const inset = Math.max(0, placement.origin(0)[0]) / devicePixelRatio;
    ui.stage.style.setProperty("--wbv-inset", `${Math.round(inset)}px`);
    this.showValues();
  }

  setPixel(pixel) {
    this.pixel = pixel;
    if (this.placement.scale >= PIXEL_FRAME_SCALE) this.repaint();
    this.showValues();
  }

  /** Show the values of the pixel under the pointer. */
  showValues() {
    setText(this.ui.pixel, pixelPosition(this.pixel));
    const labels = this.model.get("labels");
    for (const name of SIDES) {
      const { planes } = this.sides[name], size = this.shownSizes[name];
      const pixel = this.pixel && planes && size
        ? this.placement.fittedPixel(this.pixel, size, planes.width, planes.height) : this.pixel;
      setText(this.ui.values[name], `${labels[name]}   ${pixelValues(this.sides[name], pixel)}`);
    }
  }
}

function render(context) {
  const view = new ViewerView(context);
  return () => view.remove();
}

export default { render };
