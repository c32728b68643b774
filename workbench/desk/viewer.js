// Two pictures in one canvas: what comes from the kernel, and what hands do to it.
//
// A picture comes twice. While something moves it is a JPEG at display size, lossy. At rest its very
// code values follow, planar Y'CbCr, and everything on screen is made of those: the picture, its
// boosted bands, the difference, and the values under the pointer. Wipe, zoom and pan stay here.

const MODES = {
  wipe: ["Wipe", "w"],
  side: ["Side", "s"],
  before: ["Before", "space"],
  after: ["After", "space"],
  difference: ["Difference", "d"],
};
const ZOOMS = [["f", "Fit", 0], ["1", "100 %", 1], ["2", "200 %", 2], ["4", "400 %", 4]];
const GAINS = [2, 4, 8, 16, 32];
const HELP = [
  ["space", "flip between before and after"],
  ["w  s", "wipe, side by side"],
  ["d", "difference: what the deband changed"],
  ["b", "band boost: local contrast, both sides"],
  ["m", "map of the bands over the picture"],
  ["+  -", "more or less boost and difference"],
  ["f  1  2  4", "fit, 100 %, 200 %, 400 %"],
  ["wheel", "zoom about the pointer"],
  ["drag", "move the picture, or the wipe by its line"],
  ["left  right", "one frame; with shift ten"],
  ["j", "jump to the frame with the worst bands"],
  ["l", "loop a second of video"],
  ["a", "flip between settings A and B"],
  ["k", "keep a still"],
  ["ctrl z  ctrl y", "undo, redo"],
  ["F", "full screen"],
  ["?", "this help"],
];
const GRAB = 14; // pixels on either side of the wipe's line

function render({ model, el }) {
  const sides = { before: new Side(), after: new Side() };
  const reference = new Side(); // what a difference is taken from
  const placement = new Placement();
  let wipe = 0.5; // of the stage's width
  let pointer = null; // in the picture, whole pixels
  let playing = null;
  let awaited = false; // a second of video was asked for, here
  let difference = null; // a canvas, and what it was made of

  // ---- what is on the page

  const canvas = make("canvas", { "aria-hidden": "true" });
  const tags = { before: make("span", { class: "wbv-tag wbv-before" }),
                 after: make("span", { class: "wbv-tag wbv-after" }) };
  const note = make("span", { class: "wbv-tag wbv-note", role: "status", "aria-live": "polite" });
  const message = make("div", { class: "wbv-message", role: "alert" });
  const invitation = make("div", { class: "wbv-invitation" },
    "Write the folder of your clips into the box above, press Enter, and choose a clip.");
  const help = make("div", { class: "wbv-help", hidden: "" });
  for (const [keys, what] of HELP)
    help.append(make("div", {}, make("span", {}, ...keys.split("  ").map((k) => make("kbd", {}, k))),
      what));
  const stage = make("div", {
    class: "wbv-stage", tabindex: "0", role: "application",
    "aria-label": "Picture, before and after. Press ? for the keys.",
  }, canvas, invitation, tags.before, tags.after, note, message, help);

  const modes = Object.entries(MODES).map(([name, [text, key]]) => {
    const made = button(text, text, () => choose("mode", name), key);
    made.dataset.mode = name;
    return made;
  });
  const boost = button("Boost", "Band boost: local contrast raised on both sides", () =>
    choose("boost", !model.get("boost")), "b");
  const map = button("Map", "Map of the bands", () => choose("bands", !model.get("bands")), "m");
  const less = button("−", "Less boost and difference", () => gained(-1), "-");
  const more = button("+", "More boost and difference", () => gained(1), "+");
  const gain = make("output", { class: "wbv-gain" });
  const zooms = ZOOMS.map(([key, text, times]) => {
    const made = button(text, `Zoom: ${text}`, () => zoomTo(times), key);
    made.dataset.zoom = times;
    return made;
  });
  const asked = button("?", "Keys", () => toggleHelp(), "?");
  const full = button("", "Full screen", () => fullScreen(), "F");
  full.innerHTML =
    '<svg viewBox="0 0 12 12" width="11" height="11" fill="none" stroke="currentColor" ' +
    'stroke-width="1.4"><path d="M1 4V1h3M8 1h3v3M11 8v3H8M4 11H1V8"/></svg>';
  const group = (label, ...parts) =>
    make("div", { class: "wbv-group", role: "group", "aria-label": label }, ...parts);
  const bar = make("div", { class: "wbv-bar", role: "toolbar", "aria-label": "Viewer" },
    group("Compare", ...modes), group("Bands", boost, map, less, gain, more),
    group("Zoom", ...zooms), group("Window", full, asked));

  const frame = make("input", { type: "range", min: "0", step: "1", "aria-label": "Frame" });
  const timecode = make("output", { class: "wbv-timecode" });
  const loop = button("Loop", "Loop a second of video", () => toggleLoop(), "l");
  const transport = make("div", { class: "wbv-bar wbv-transport" },
    group("Step", button("◂", "Previous frame", () => step(-1), "left"),
      button("▸", "Next frame", () => step(1), "right")),
    frame, timecode,
    group("Play", loop, button("Worst", "Jump to the frame with the worst bands",
      () => command("worst"), "j")));

  const place = make("span", { class: "wbv-place" });
  const values = { before: make("span", { class: "wbv-values wbv-before" }),
                   after: make("span", { class: "wbv-values wbv-after" }) };
  const readout = make("div", { class: "wbv-readout", "aria-label": "Pixel under the pointer" },
    place, values.before, values.after);
  const root = make("div", { class: "wbv" }, bar, stage, readout, transport);
  el.append(root);

  // ---- what the kernel is told

  const command = name => model.send({ command: name });
  function choose(trait, value) {
    model.set(trait, value);
    model.save_changes();
  }
  function step(by) {
    stop();
    const last = Math.max(0, model.get("clip").frames - 1);
    choose("frame", Math.min(last, Math.max(0, model.get("frame") + by)));
  }
  function gained(by) {
    const at = GAINS.indexOf(model.get("gain")) + by;
    if (GAINS[at]) choose("gain", GAINS[at]);
  }

  /** Take over the picture's size, and how many there are. */
  function lay() {
    const { width, height } = model.get("picture");
    placement.picture = [width || 16, height || 9];
    placement.panes = model.get("mode") === "side" ? 2 : 1;
    placement.canvas = [canvas.width, canvas.height];
    placement.settle();
  }

  function devicePoint(event) {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * canvas.width) / box.width,
            ((event.clientY - box.top) * canvas.height) / box.height];
  }

  function zoomTo(zoom) {
    placement.zoomTo(zoom);
    paint();
  }

  // ---- painting: at most once for each refresh of the screen

  let due = 0;
  function paint() {
    if (!due) due = requestAnimationFrame(() => { due = 0; paintNow(); });
  }

  function paintNow() {
    const mode = model.get("mode"), context = canvas.getContext("2d");
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingEnabled = placement.scale < 1;
    const line = Math.round(wipe * canvas.width);
    if (playing) paintLoop(context, mode, line);
    else if (mode === "difference") draw(context, differenceImage(), 0, 0, canvas.width);
    else if (mode === "side") {
      const half = Math.floor(canvas.width / 2);
      draw(context, image("before"), 0, 0, half, "before");
      draw(context, image("after"), 1, half, canvas.width - half, "after");
    } else if (mode === "wipe") {
      draw(context, image("before"), 0, 0, line, "before");
      draw(context, image("after"), 0, line, canvas.width - line, "after");
    } else draw(context, image(mode), 0, 0, canvas.width, mode);
    const empty = !playing && !sides.after.lossy;
    invitation.hidden = !empty;
    if (mode === "wipe" && !empty) paintLine(context, line);
    if (pointer && placement.scale >= 4) paintPixel(context);
    label();
    for (const name of ["before", "after"]) {
      const side = sides[name];
      root.dataset[name] = side.generation;
      root.dataset[`${name}Exact`] = side.exact;
    }
    root.dispatchEvent(new CustomEvent("painted"));
  }

  const image = (name) => sides[name].image(
    model.get("boost") ? model.get("gain") : 1,
    ...placement.picture.map((side) => Math.round(side * placement.scale)));

  function draw(context, picture, pane, left, width, name) {
    if (!picture || width <= 0) return;
    const at = placement.origin(pane);
    const size = placement.picture.map((side) => side * placement.scale);
    context.save();
    context.beginPath();
    context.rect(left, 0, width, canvas.height);
    context.clip();
    context.drawImage(picture, ...at, ...size);
    if (model.get("bands") && name && sides[name].mapped) {
      context.imageSmoothingEnabled = true;
      context.drawImage(sides[name].bands, ...at, ...size);
    }
    context.restore();
  }

  function paintLine(context, line) {
    context.fillStyle = "#fff";
    context.fillRect(line - 0.5, 0, 1.5, canvas.height);
    context.beginPath();
    context.arc(line, canvas.height / 2, 7 * devicePixelRatio, 0, 7);
    context.fill();
  }

  function paintPixel(context) {
    const s = placement.scale;
    context.strokeStyle = model.get("mode") === "difference" ? "#000" : "#fff";
    for (let pane = 0; pane < placement.panes; pane++) {
      const [x, y] = placement.origin(pane);
      context.strokeRect(x + pointer[0] * s - 0.5, y + pointer[1] * s - 0.5, s + 1, s + 1);
    }
  }

  function differenceImage() {
    const after = sides.after.planes, from = reference.planes;
    if (!after || !from || after.width !== from.width || after.height !== from.height) return null;
    const of = `${after.generation} ${from.generation} ${model.get("gain")}`;
    if (!difference || difference.of !== of)
      difference = { of, canvas: held(after.less(from, model.get("gain"))) };
    return difference.canvas;
  }

  function label() {
    const mode = model.get("mode"), labels = model.get("labels");
    const shown = { before: mode !== "after" && mode !== "difference",
                    after: mode !== "before" && mode !== "difference" };
    for (const name of ["before", "after"]) {
      tags[name].hidden = !shown[name] || !invitation.hidden;
      write(tags[name], labels[name]);
    }
    const visible = mode === "difference" ? ["after"] : Object.keys(shown).filter((n) => shown[n]);
    const compared = mode !== "difference"
      || reference.planes?.generation === sides.after.generation;
    const exact = !playing && compared && visible.every((n) => sides[n].exact);
    const parts = [];
    if (playing) parts.push("playing");
    else parts.push(exact ? "exact" : "lossy");
    parts.push(`${Math.round(placement.scale * 100)} %`);
    if (playing) pointer = null; // what passes by has no values
    else if (mode === "difference") parts.push(`${labels.difference}, 1 code = ${model.get("gain")} levels`);
    else if (model.get("boost")) parts.push(`band boost ×${model.get("gain")}`);
    if (model.get("bands") && !playing && mode !== "difference") parts.push("bands in magenta");
    note.hidden = !invitation.hidden;
    write(note, parts.join(" · "));
    note.classList.toggle("wbv-lossy", !exact);
    root.dataset.exact = exact;
    write(gain, `×${model.get("gain")}`);
    for (const made of modes) pressed(made, made.dataset.mode === mode);
    for (const made of zooms) pressed(made, placement.zoom === Number(made.dataset.zoom));
    pressed(boost, model.get("boost"));
    pressed(map, model.get("bands"));
    pressed(loop, playing !== null);
    read();
  }


  /** Say what is under the pointer: the kernel's own values, or that they are not here yet. */
  function read() {
    write(place, pointer ? `x ${pointer[0]}  y ${pointer[1]}` : "x –  y –");
    for (const name of ["before", "after"]) {
      const side = sides[name];
      let text = "Y –  Cb –  Cr –   R –  G –  B –";
      if (pointer && side.exact) {
        const [y, cb, cr] = side.planes.codes(...pointer), [r, g, b] = side.planes.rgb(...pointer);
        text = `Y ${y}  Cb ${cb}  Cr ${cr}   R ${r}  G ${g}  B ${b}`;
      } else if (pointer && side.lossy) text = "moving: values at rest";
      write(values[name], `${model.get("labels")[name]}   ${text}`);
    }
  }

  // ---- a second of video

  function toggleLoop() {
    if (playing || awaited) stop();
    else {
      awaited = true;
      command("loop");
    }
  }

  function stop() {
    awaited = false;
    if (!playing) return;
    cancelAnimationFrame(playing.timer);
    playing = null;
    paint();
  }

  async function play(content, buffers) {
    if (!awaited) return;
    const frames = await Promise.all(buffers.map(bitmap));
    if (!awaited) return; // a hand was quicker
    stop();
    const half = frames.length / 2;
    playing = { before: frames.slice(0, half), after: frames.slice(half), at: 0, timer: 0 };
    const began = performance.now(), ends = content.ends; // seconds at which each frame goes
    const turn = () => {
      if (!playing) return;
      const now = ((performance.now() - began) / 1000) % ends[half - 1];
      playing.at = Math.max(0, ends.findIndex((end) => now < end));
      paintNow();
      playing.timer = requestAnimationFrame(turn);
    };
    playing.timer = requestAnimationFrame(turn);
  }

  function paintLoop(context, mode, line) {
    const [before, after] = [playing.before[playing.at], playing.after[playing.at]];
    if (mode === "side") {
      const half = Math.floor(canvas.width / 2);
      draw(context, before, 0, 0, half);
      draw(context, after, 1, half, canvas.width - half);
    } else if (mode === "wipe") {
      draw(context, before, 0, 0, line);
      draw(context, after, 0, line, canvas.width - line);
    } else draw(context, mode === "before" ? before : after, 0, 0, canvas.width);
  }

  // ---- what comes from the kernel

  const bitmap = (bytes) =>
    createImageBitmap(new Blob([bytes], { type: "image/jpeg" }), { colorSpaceConversion: "none" });

  /** Take over the traits: the JPEGs of this moment, decoded while the last ones stay. */
  function takePicture() {
    const { generation } = model.get("picture");
    if (!generation) return;
    stop();
    for (const name of ["before", "after"]) {
      const side = sides[name], wanted = generation[name], bytes = model.get(name);
      if (side.coming === wanted || !bytes || !bytes.byteLength) continue;
      side.coming = wanted;
      bitmap(bytes).then((picture) => {
        if (side.generation > wanted) return; // a later one was quicker
        if (side.lossy) side.lossy.close();
        [side.lossy, side.generation] = [picture, wanted];
        paint();
      });
    }
    lay();
    stage.style.aspectRatio = placement.picture.join(" / ");
  }

  function takeMessage(content, buffers) {
    if (content.kind === "exact") {
      (content.side === "reference" ? reference : sides[content.side])
        .take(new Planes(content, buffers));
      paint();
    } else if (content.kind === "bands") {
      const { width, height } = content, image = new ImageData(width, height);
      const strength = new Uint8Array(buffers[0].buffer, buffers[0].byteOffset, width * height);
      strength.forEach((alpha, i) => image.data.set([255, 26, 153, alpha], 4 * i));
      Object.assign(sides[content.side], { bands: held(image), ofBands: content.generation });
      paint();
    } else if (content.kind === "loop") play(content, buffers);
  }

  function takeClip() {
    const { frames } = model.get("clip");
    frame.max = String(Math.max(0, frames - 1));
    takeFrame();
  }

  function takeFrame() {
    const { frames, rate, even, times } = model.get("clip"), at = model.get("frame");
    frame.value = String(at);
    const whole = Math.max(1, Math.round(rate)), seconds = Math.floor(at / whole);
    const two = (v) => String(v).padStart(2, "0");
    const clock = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
    const code = `${clock.map(two).join(":")}:${two(at % whole)}`;
    const seen = even ? code : `${(times[at] ?? 0).toFixed(2)} s`;
    timecode.textContent = frames ? `${seen}   frame ${at} / ${frames - 1}` : "";
    frame.setAttribute("aria-valuetext", timecode.textContent);
  }

  function takeWords() {
    message.textContent = model.get("message");
    message.hidden = !model.get("message");
  }

  // ---- hands

  let dragging = null;
  stage.addEventListener("pointerdown", (event) => {
    if (event.button || event.target.closest(".wbv-help")) return;
    stage.focus({ preventScroll: true });
    const at = devicePoint(event), ratio = devicePixelRatio;
    const onLine = Math.abs(at[0] - wipe * canvas.width) <= GRAB * ratio;
    const wiping = model.get("mode") === "wipe" && (onLine || placement.whole);
    dragging = { wiping, at, centre: placement.centre };
    stage.setPointerCapture(event.pointerId);
    if (wiping) wipeTo(at[0]);
  });
  stage.addEventListener("pointermove", (event) => {
    const at = devicePoint(event);
    if (dragging && dragging.wiping) wipeTo(at[0]);
    else if (dragging) {
      placement.pan(dragging.centre, [at[0] - dragging.at[0], at[1] - dragging.at[1]]);
      paint();
    }
    pointer = placement.pixelAt(at);
    if (placement.scale >= 4) paint();
    read();
  });
  for (const name of ["pointerup", "pointercancel"])
    stage.addEventListener(name, () => { dragging = null; });
  stage.addEventListener("pointerleave", () => {
    pointer = null;
    paint();
  });
  stage.addEventListener("wheel", (event) => {
    const lines = event.deltaMode ? event.deltaY * 33 : event.deltaY;
    if (!placement.zoom && lines > 0) return; // all of it is seen: the page may scroll
    event.preventDefault();
    placement.wheel(-lines / 250, devicePoint(event));
    pointer = placement.pixelAt(devicePoint(event));
    paint();
  }, { passive: false });

  function wipeTo(x) {
    wipe = Math.min(1, Math.max(0, x / canvas.width));
    paint();
  }

  function toggleHelp() {
    help.hidden = !help.hidden;
    pressed(asked, !help.hidden);
  }

  function fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else root.requestFullscreen();
  }

  const KEYS = {
    " ": () => choose("mode", model.get("mode") === "before" ? "after" : "before"),
    w: () => choose("mode", "wipe"), s: () => choose("mode", "side"),
    d: () => choose("mode", model.get("mode") === "difference" ? "wipe" : "difference"),
    b: () => choose("boost", !model.get("boost")),
    m: () => choose("bands", !model.get("bands")),
    "+": () => gained(1), "=": () => gained(1), "-": () => gained(-1),
    f: () => zoomTo(0), 1: () => zoomTo(1), 2: () => zoomTo(2), 4: () => zoomTo(4),
    ArrowLeft: (event) => step(event.shiftKey ? -10 : -1),
    ArrowRight: (event) => step(event.shiftKey ? 10 : 1),
    j: () => command("worst"), l: toggleLoop, a: () => command("flip"), k: () => command("keep"),
    F: fullScreen, "?": toggleHelp,
    Escape: () => { if (!help.hidden) toggleHelp(); },
  };
  /** Keys, wherever on the desk the focus is. What has keys of its own keeps those. */
  function key(event) {
    const ctrl = event.ctrlKey || event.metaKey, at = event.target;
    const back = ctrl && event.key.toLowerCase() === "z";
    const again = ctrl && (event.key.toLowerCase() === "y" || (back && event.shiftKey));
    const typing = at.matches("input:not([type=range], [type=checkbox]), select, textarea");
    const own = typing
      || at.matches("button, input, summary, a") && [" ", "Enter"].includes(event.key)
      || at.matches("input, [role=slider]") && event.key.startsWith("Arrow");
    let act = null;
    if (again) act = () => command("redo");
    else if (back) act = () => command("undo");
    else if (!ctrl && !event.altKey) act = KEYS[event.key];
    if (act && !own) {
      event.preventDefault();
      act(event);
    }
    // JupyterLab has shortcuts for single letters: d d would delete the cell of this desk.
    if (!ctrl && event.key !== "Tab" || act) event.stopPropagation();
  }

  frame.addEventListener("input", () => {
    stop();
    choose("frame", Number(frame.value));
  });

  let desk = root; // all that the viewer is a part of, known once it is on the page
  function settleIn() {
    desk.removeEventListener("keydown", key);
    for (let up = root; up; up = up.parentElement)
      if (up.matches(".jupyter-widgets")) desk = up;
    desk.addEventListener("keydown", key);
    naming.disconnect();
    naming.observe(desk, { childList: true, subtree: true, attributeFilter: ["class"] });
    nameControls(desk);
  }
  let named = 0; // later: what changes while something moves is not worth a look
  const naming = new MutationObserver(() => {
    clearTimeout(named);
    named = setTimeout(() => nameControls(desk), 300);
  });

  const resized = new ResizeObserver(() => {
    if (!desk.isConnected || desk === root) settleIn();
    const box = stage.getBoundingClientRect(), ratio = devicePixelRatio;
    const [width, height] = [Math.round(box.width * ratio), Math.round(box.height * ratio)];
    if (!width || (canvas.width === width && canvas.height === height)) return;
    [canvas.width, canvas.height] = [width, height];
    lay();
    paintNow(); // at once: a resized canvas is empty
  });
  resized.observe(stage);

  const heard = {
    "change:picture": takePicture, "change:clip": takeClip, "change:frame": takeFrame,
    "change:message": takeWords, "change:mode": () => { lay(); paint(); },
    "change:boost": paint, "change:bands": paint, "change:gain": paint, "change:labels": paint,
    "msg:custom": takeMessage,
  };
  for (const [name, act] of Object.entries(heard)) model.on(name, act);
  takeClip();
  takeWords();
  takePicture();
  paint();
  command("ready"); // whatever exact pictures there are come again
  return () => {
    resized.disconnect();
    naming.disconnect();
    clearTimeout(named);
    desk.removeEventListener("keydown", key);
    stop();
    command("gone");
    for (const [name, act] of Object.entries(heard)) model.off(name, act);
  };
}

export default { render };
