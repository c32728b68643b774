// Geometry of the scopes: code values to positions, counts to pixels.

// 10-bit luma code values.
export const BLACK = 64;
export const WHITE = 940;
export const TOP = 1023;
const NEUTRAL = 512; // Cb and Cr of grey
const TARGET = 28; // code values: side of a vectorscope target
const SKIN_LENGTH = 400; // code values

/** Return the y of a luma code value on a scope with code 0 at the bottom. */
export function lumaY(code, height) {
  return height - (code / TOP) * height;
}

/** Return the heights of a histogram's columns as shares of its height, 0 to 1.
 *
 *  `shares` has one element for each 10-bit code value. Where the screen has fewer columns, a
 *  column shows the highest of its code values. Heights grow with the square root, and the highest
 *  share within legal range fills the scope. */
export function histogramColumns(shares, columns) {
  let most = 1e-6;
  for (let code = BLACK; code <= WHITE; code++) most = Math.max(most, shares[code]);
  return Float64Array.from({ length: columns }, (_, column) => {
    const first = Math.floor((column / columns) * shares.length);
    const end = Math.max(first + 1, Math.floor(((column + 1) / columns) * shares.length));
    let share = 0;
    for (let code = first; code < end; code++) share = Math.max(share, shares[code]);
    return Math.min(1, Math.sqrt(share / most));
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

/** Split the bytes of both traces into channels: one list of Uint8Array for each side. */
export function splitTraces(bytes, { channels, rows, columns, after_columns }) {
  let at = bytes.byteOffset;
  return [columns, after_columns].map((wide) => Array.from({ length: channels }, () => {
    const channel = new Uint8Array(bytes.buffer, at, rows * wide);
    at += rows * wide;
    return channel;
  }));
}

/** Return where a vectorscope's graphics go in an area of this size.
 *
 *  `square` is {left, top, side}; `targets` are {name, x, y, side} with the centre of each box;
 *  `skin` is the skin tone line [[x, y], [x, y]]. `angle` is in degrees from the Cb axis. */
export function vectorscopeGeometry(width, height, targets, angle) {
  const side = Math.min(width, height), left = (width - side) / 2, top = (height - side) / 2;
  const point = (cb, cr) => [left + (cb / TOP) * side, top + side - (cr / TOP) * side];
  const radians = (angle * Math.PI) / 180;
  return {
    square: { left, top, side },
    targets: Object.entries(targets).map(([name, [cb, cr]]) => {
      const [x, y] = point(cb, cr);
      return { name, x, y, side: (TARGET / TOP) * side };
    }),
    skin: [
      point(NEUTRAL, NEUTRAL),
      point(NEUTRAL + SKIN_LENGTH * Math.cos(radians), NEUTRAL + SKIN_LENGTH * Math.sin(radians)),
    ],
  };
}
