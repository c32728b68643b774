// Local mean and band boost: local contrast raised so that banding becomes visible.

const CELL = 8; // pixels: side of the squares that are averaged first
const REACH = 4; // cells that each of the three blurs reaches to either side
const LIMIT = 24; // 10-bit code values: larger differences are edges, which are not boosted
const LIFT = [40, 0.75]; // offset and scale of a boosted picture; without them dark bands clip

const clamp = (value, most) => Math.min(most, Math.max(0, value));

/** Return the amount that a boost adds to a value, from its difference to the local mean. */
export function boostOf(difference, gain, limit = LIMIT) {
  return (gain - 1) * Math.max(-limit, Math.min(limit, difference));
}

/** Return the offset (8-bit levels) and scale of a picture that is shown with this gain. */
export function liftOf(gain) {
  return gain > 1 ? LIFT : [0, 1];
}

/** Boost 8-bit RGBA pixels, as of a JPEG, in place. */
export function boostRgba(data, width, height, gain) {
  const luma = new Float32Array(width * height);
  for (let i = 0; i < luma.length; i++)
    luma[i] = 0.2126 * data[4 * i] + 0.7152 * data[4 * i + 1] + 0.0722 * data[4 * i + 2];
  const mean = new LocalMean(luma, width, height), [offset, scale] = liftOf(gain);
  for (let y = 0, at = 0; y < height; y++) {
    const around = mean.row(y);
    for (let x = 0; x < width; x++, at++) {
      const added = boostOf(luma[at] - around[x], gain, LIMIT / 4) + offset;
      for (let channel = 4 * at; channel < 4 * at + 3; channel++)
        data[channel] = scale * data[channel] + added;
    }
  }
}

/** The mean of a neighbourhood about 60 pixels wide: cell averages, blurred and interpolated. */
export class LocalMean {
  constructor(values, width, height) {
    this.width = width;
    this.columns = Math.ceil(width / CELL);
    this.rows = Math.ceil(height / CELL);
    this.cells = new Float32Array(this.columns * this.rows);
    for (let j = 0; j < this.rows; j++)
      for (let i = 0; i < this.columns; i++) {
        const right = Math.min(width, (i + 1) * CELL), bottom = Math.min(height, (j + 1) * CELL);
        let sum = 0;
        for (let y = j * CELL; y < bottom; y++)
          for (let x = i * CELL; x < right; x++) sum += values[y * width + x];
        this.cells[j * this.columns + i] = sum / ((right - i * CELL) * (bottom - j * CELL));
      }
    for (let pass = 0; pass < 3; pass++) {
      this.blur(this.columns, this.rows, 1, this.columns);
      this.blur(this.rows, this.columns, this.columns, 1);
    }
    this.line = new Float32Array(width);
  }

  /** Average over REACH cells each way along one direction. The reach is symmetric and shrinks at
   *  the picture's edges, so that gradients keep their slope. */
  blur(length, lines, step, next) {
    const sums = new Float64Array(length + 1);
    for (let line = 0; line < lines; line++) {
      for (let i = 0; i < length; i++) sums[i + 1] = sums[i] + this.cells[line * next + i * step];
      for (let i = 0; i < length; i++) {
        const reach = Math.min(REACH, i, length - 1 - i);
        this.cells[line * next + i * step] =
          (sums[i + reach + 1] - sums[i - reach]) / (2 * reach + 1);
      }
    }
  }

  /** Return the local means of one row. The next call overwrites them. */
  row(y) {
    const v = clamp((y + 0.5) / CELL - 0.5, this.rows - 1), j = Math.floor(v), down = v - j;
    const above = j * this.columns, below = Math.min(j + 1, this.rows - 1) * this.columns;
    for (let x = 0; x < this.width; x++) {
      const u = clamp((x + 0.5) / CELL - 0.5, this.columns - 1), i = Math.floor(u), across = u - i;
      const k = Math.min(i + 1, this.columns - 1);
      const upper = this.cells[above + i] * (1 - across) + this.cells[above + k] * across;
      const lower = this.cells[below + i] * (1 - across) + this.cells[below + k] * across;
      this.line[x] = upper * (1 - down) + lower * down;
    }
    return this.line;
  }
}
