// Histograms and one scope, before and after, on the dark screens of a grading program.

const BEFORE = "#E69F00", AFTER = "#3D9BE0", GREY = "#858B93";
const TRACE = [216, 222, 230];
const RGB = [[255, 107, 102], [95, 208, 138], [111, 160, 255]];
const KINDS = { waveform: "Waveform", parade: "RGB parade", vectorscope: "Vectorscope" };
const BLACK = 64, WHITE = 940, TOP = 1023, NEUTRAL = 512;

/** A canvas with its caption; `draw` gets a context in CSS pixels and its size. */
function screen(name, colour) {
  const canvas = make("canvas", { role: "img", "aria-label": name });
  const caption = make("figcaption", {}, name);
  caption.style.color = `var(--wb-${colour === BEFORE ? "before" : "after"})`;
  const figure = make("figure", {}, caption, canvas);
  const draw = (act) => {
    const { width, height } = canvas.getBoundingClientRect(), ratio = devicePixelRatio;
    if (!width) return;
    [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    context.font = "10px system-ui, sans-serif";
    act(context, width, height);
  };
  return { figure, draw, caption };
}

function drawHistogram(context, width, height, shares, colour) {
  const x = (code) => (code / TOP) * width;
  context.fillStyle = "rgb(133 139 147 / 14%)";
  context.fillRect(x(BLACK), 0, x(WHITE) - x(BLACK), height);
  let most = 1e-6;
  for (let code = BLACK; code <= WHITE; code++) most = Math.max(most, shares[code]);
  context.fillStyle = colour;
  // A line for each code value; where the screen has fewer, the highest of those it gathers.
  const ratio = devicePixelRatio, columns = Math.round(width * ratio);
  for (let column = 0; column < columns; column++) {
    const first = Math.floor((column / columns) * 1024);
    const last = Math.max(first + 1, Math.floor(((column + 1) / columns) * 1024));
    let share = 0;
    for (let code = first; code < last; code++) share = Math.max(share, shares[code]);
    const tall = Math.min(1, Math.sqrt(share / most)) * (height - 3);
    if (share) context.fillRect(column / ratio, height - tall, 1 / ratio, tall);
  }
}

function trace(values, rows, columns, colour) {
  const image = new ImageData(columns, rows), out = new Uint32Array(image.data.buffer);
  const rgb = (colour[2] << 16) | (colour[1] << 8) | colour[0];
  for (let row = 0, at = 0; row < rows; row++) {
    const from = (rows - 1 - row) * columns; // the lowest at the bottom
    for (let column = 0; column < columns; column++)
      out[at++] = (values[from + column] << 24) | rgb;
  }
  return held(image);
}

function lines(context, width, height) {
  context.strokeStyle = context.fillStyle = GREY;
  context.lineWidth = 0.6;
  context.setLineDash([4, 4]);
  for (const code of [BLACK, WHITE]) {
    const y = height - (code / TOP) * height;
    context.beginPath();
    context.moveTo(0, y);
    context.lineTo(width, y);
    context.stroke();
    context.fillText(String(code), 3, code === BLACK ? y - 3 : y + 11);
  }
  context.setLineDash([]);
}

function drawVectors(context, width, height, picture, targets, skin) {
  const side = Math.min(width, height), left = (width - side) / 2, top = (height - side) / 2;
  const x = (cb) => left + (cb / TOP) * side, y = (cr) => top + side - (cr / TOP) * side;
  context.strokeStyle = context.fillStyle = GREY;
  context.lineWidth = 0.8;
  for (const [letter, [cb, cr]] of Object.entries(targets)) {
    const box = (28 / TOP) * side;
    context.strokeRect(x(cb) - box / 2, y(cr) - box / 2, box, box);
    context.fillText(letter, x(cb) + box / 2 + 2, y(cr) + 3);
  }
  const angle = (skin * Math.PI) / 180, reach = 400;
  context.beginPath();
  context.moveTo(x(NEUTRAL), y(NEUTRAL));
  context.lineTo(x(NEUTRAL + reach * Math.cos(angle)), y(NEUTRAL + reach * Math.sin(angle)));
  context.stroke();
  context.drawImage(picture, left, top, side, side);
}

function render({ model, el }) {
  const buttons = Object.entries(KINDS).map(([kind, text]) => {
    const made = button(text, text, () => {
      model.set("kind", kind);
      model.save_changes();
    });
    made.dataset.kind = kind;
    return made;
  });
  const histograms = [screen("luma before", BEFORE), screen("luma after", AFTER)];
  const pictures = [screen("before", BEFORE), screen("after", AFTER)];
  const root = make("div", { class: "wbs" },
    make("div", { class: "wbs-histograms" }, ...histograms.map((one) => one.figure)),
    make("div", { class: "wbs-pictures" }, ...pictures.map((one) => one.figure)),
    make("div", { class: "wbs-kinds", role: "group", "aria-label": "Scope" }, ...buttons));
  el.append(root);

  function paint() {
    const layout = model.get("layout_");
    if (!layout.kind) return;
    const bytes = model.get("histograms"), shares = new Float32Array(
      bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    const found = model.get("traces");
    let at = found.byteOffset;
    for (const [i, colour] of [[0, BEFORE], [1, AFTER]]) {
      write(histograms[i].caption, `luma ${layout.names[i]}`);
      histograms[i].draw((...to) =>
        drawHistogram(...to, shares.subarray(1024 * i, 1024 * (i + 1)), colour));
      const columns = i ? layout.after_columns : layout.columns;
      const channels = [];
      for (let channel = 0; channel < layout.channels; channel++, at += layout.rows * columns)
        channels.push(trace(new Uint8Array(found.buffer, at, layout.rows * columns),
          layout.rows, columns, layout.channels === 3 ? RGB[channel] : TRACE));
      write(pictures[i].caption, `${KINDS[layout.kind]} ${layout.names[i]}`);
      pictures[i].draw((context, width, height) => {
        if (layout.kind === "vectorscope")
          drawVectors(context, width, height, channels[0], layout.targets[i], layout.skin);
        else {
          const wide = width / channels.length;
          channels.forEach((one, n) => context.drawImage(one, n * wide, 0, wide - 2, height));
          lines(context, width, height);
        }
      });
    }
    root.dataset.shown = String(Number(root.dataset.shown || 0) + 1);
  }

  const resized = new ResizeObserver(paint);
  resized.observe(root);
  let due = 0;
  const soon = () => {
    if (!due) due = requestAnimationFrame(() => { due = 0; paint(); });
  };
  const mark = () => {
    root.classList.toggle("wbs-stale", model.get("stale"));
    for (const made of buttons) pressed(made, made.dataset.kind === model.get("kind"));
  };
  const heard = {
    "change:layout_": soon, "change:histograms": soon, "change:traces": soon,
    "change:stale": mark, "change:kind": mark,
  };
  for (const [name, act] of Object.entries(heard)) model.on(name, act);
  mark();
  soon();
  return () => {
    resized.disconnect();
    for (const [name, act] of Object.entries(heard)) model.off(name, act);
  };
}

export default { render };
