// Geometry of the scopes: code values to positions, counts to pixels.

// 10-bit code values.
export const BLACK = 64;
export const WHITE = 940;
export const TOP = 1023;
const NEUTRAL = 512; // Cb and Cr of grey
const SKIN_LENGTH = 448; // code values
const MARGIN = 5; // CSS pixels above and below a graph, so that its ends are visible

/** The code values of the graticule. */
export const GRATICULE = [0, 128, 256, 384, 512, 640, 768, 896, TOP];

/** Return the y of a code value on a scope with code 0 at the bottom. */
export function codeY(code, height) {
  return height - MARGIN - (code / TOP) * (height - 2 * MARGIN);
}

/** Return the heights of a histogram's columns as shares of its height, 0 to 1.
 *  `heights` has one element, 0 to 255, for each 10-bit code value. Where the screen has fewer
 *  columns, a column shows the highest of its code values. */
export function histogramColumns(heights, columns) {
  return Float64Array.from({ length: columns }, (_, column) => {
    const first = Math.floor((column / columns) * heights.length);
    const end = Math.max(first + 1, Math.floor(((column + 1) / columns) * heights.length));
    let most = 0;
    for (let code = first; code < end; code++) most = Math.max(most, heights[code]);
    return most / 255;
  });
}

/** Return a trace as RGBA pixels (Uint32Array) with the lowest row at the bottom.
 *  `values` are opacities row by row, lowest row first; `colour` is [red, green, blue]. */
export function tracePixels(values, rows, columns, [red, green, blue]) {
  const pixels = new Uint32Array(rows * columns), rgb = (blue << 16) | (green << 8) | red;
  for (let row = 0, at = 0; row < rows; row++) {
    const start = (rows - 1 - row) * columns;
    for (let column = 0; column < columns; column++)
      pixels[at++] = (values[start + column] << 24) | rgb;
  }
  return pixels;
}

/** Split the bytes of all traces: each part of `parts` gets its `channels` as Uint8Arrays. */
export function splitTraces(bytes, parts) {
  let at = bytes.byteOffset;
  return parts.map((part) => {
    const size = part.rows * part.columns;
    const channels = Array.from({ length: part.channels }, () => {
      const channel = new Uint8Array(bytes.buffer, at, size);
      at += size;
      return channel;
    });
    return { ...part, channels };
  });
}

/** Split an area into panes for `count` graphs beside each other, or below where it is tall.
 *  Each pane is {left, top, width, height}. */
export function panes({ left, top, width, height }, count, gap = 4) {
  const across = width >= height, side = ((across ? width : height) - gap * (count - 1)) / count;
  return Array.from({ length: count }, (_, n) => across
    ? { left: left + n * (side + gap), top, width: side, height }
    : { left, top: top + n * (side + gap), width, height: side });
}

/** Return where a vectorscope's graphics go in a pane.
 *
 *  `square` is {left, top, side}. `targets` are {name, x, y, side} with the centre of each box that
 *  is inside the square; `skin` is the skin tone line [[x, y], [x, y]]; `centre` is grey. `angle`
 *  is in degrees from the Cb axis. */
export function vectorscopeGeometry({ left, top, width, height }, targets, angle, zoom = 1) {
  const side = Math.max(1, Math.min(width, height) - 2 * MARGIN);
  const square = { left: left + (width - side) / 2, top: top + (height - side) / 2, side };
  const middle = [square.left + side / 2, square.top + side / 2];
  const unit = (side * zoom) / TOP; // CSS pixels for each code value
  const point = (cb, cr) => [middle[0] + (cb - NEUTRAL) * unit, middle[1] - (cr - NEUTRAL) * unit];
  const inside = ({ x, y }) => Math.max(Math.abs(x - middle[0]), Math.abs(y - middle[1])) < side / 2;
  const radians = (angle * Math.PI) / 180, reach = Math.min(SKIN_LENGTH, (480 / zoom));
  return {
    square,
    centre: middle,
    targets: Object.entries(targets).flatMap(([percent, colours]) =>
      Object.entries(colours).map(([name, [cb, cr]]) => {
        const [x, y] = point(cb, cr);
        return { name: percent === "75" ? name : "", x, y, side: percent === "75" ? 10 : 5 };
      })).filter(inside),
    skin: [middle, point(NEUTRAL + reach * Math.cos(radians), NEUTRAL + reach * Math.sin(radians))],
  };
}
