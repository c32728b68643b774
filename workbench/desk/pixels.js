// Pictures as arrays: code values in, pixels for the screen out. Read together with viewer.js.

const CELL = 8; // pixels of the squares in which the local mean is taken
const REACH = 4; // cells that its blur reaches, three times over
const STEPS = 24; // 10-bit code values: what differs more from the mean is an edge, not a band
const LIFT = [40, 0.75]; // a boosted picture is lifted, or its dark bands would fall to black

/** A tile of 64 by 64 thresholds, spread evenly: the sequence R2. */
const DITHER = Float32Array.from({ length: 64 * 64 }, (_, at) =>
  ((at & 63) * 0.7548776662466927 + (at >> 6) * 0.5698402909980532) % 1);

/** A colour's value with its threshold on it, as the byte that it is on screen. */
const byte = (value) => (value < 0 ? 0 : value >= 255 ? 255 : value | 0);

/** What a boost adds to a value that is so far from its neighbourhood's mean, in code values. */
const boosted = (off, gain, most) => (gain - 1) * Math.max(-most, Math.min(most, off));

/** The code values of one picture, as the kernel has them. */
class Planes {
  constructor(layout, buffers) {
    Object.assign(this, layout); // width, height, bits, full, red, blue (luma weights), chroma
    const Code = this.bits > 8 ? Uint16Array : Uint8Array;
    // A copy where the message left it at an odd address.
    const codes = buffers.map((b) =>
      b.byteOffset % Code.BYTES_PER_ELEMENT
        ? new Code(b.buffer.slice(b.byteOffset, b.byteOffset + b.byteLength))
        : new Code(b.buffer, b.byteOffset, b.byteLength / Code.BYTES_PER_ELEMENT));
    [this.luma, this.cb, this.cr] = codes;
    this.wide = Math.ceil(this.width / this.chroma[0]); // chroma samples in a row
    const top = 2 ** this.bits - 1;
    const up = 2 ** (10 - this.bits);
    // Code values of 10-bit legal range are code * times + plus.
    this.times = this.full ? [876 / top, 896 / top] : [up, up];
    this.plus = this.full ? [64, 512 - ((top + 1) / 2) * (896 / top)] : [0, 0];
  }

  /** Y', Cb and Cr in 10 bits at a pixel. */
  codes(x, y) {
    const at = Math.floor(y / this.chroma[1]) * this.wide + Math.floor(x / this.chroma[0]);
    const raw = [this.luma[y * this.width + x], this.cb[at], this.cr[at]];
    const whole = this.full ? Math.round : Math.floor;
    return raw.map((v, i) => whole(v * this.times[i && 1] + this.plus[i && 1]));
  }

  /** R', G' and B' in 8 bits at a pixel. */
  rgb(x, y) {
    const [luma, cb, cr] = this.codes(x, y);
    const c = this.factors();
    const grey = (luma - 64) * c.unit;
    const to8 = (v) => Math.min(255, Math.max(0, Math.round(v)));
    return [
      to8(grey + c.red * (cr - 512)),
      to8(grey + c.green[0] * (cb - 512) + c.green[1] * (cr - 512)),
      to8(grey + c.blue * (cb - 512)),
    ];
  }

  /** What a code value above black adds to 8-bit R', G' and B' (ITU-R BT.709, 3). */
  factors() {
    const unit = 255 / 876, chroma = 255 / 896, green = 1 - this.red - this.blue;
    const [red, blue] = [2 * (1 - this.red) * chroma, 2 * (1 - this.blue) * chroma];
    return { unit, red, blue, green: [(-blue * this.blue) / green, (-red * this.red) / green] };
  }

  /** Pixels for the screen; a gain above 1 raises what stands out from its neighbourhood.
   *  A screen has 8 bits: the rest is dithered, or its steps would pass for bands. */
  pixels(gain) {
    const { width, height, wide, luma, cb, cr } = this;
    const [across, down] = this.chroma, shift = Math.log2(across);
    const t = this.tables(gain), mean = gain > 1 ? new Mean(luma, width, height) : null;
    const image = new ImageData(width, height), out = new Uint32Array(image.data.buffer);
    for (let y = 0, at = 0; y < height; y++) {
      const row = Math.floor(y / down) * wide, around = mean && mean.row(y);
      const noise = DITHER.subarray((y & 63) << 6, ((y & 63) << 6) + 64);
      for (let x = 0; x < width; x++, at++) {
        const place = row + (x >> shift), b = cb[place], r = cr[place], code = luma[at];
        let grey = t.grey[code] + noise[x & 63];
        if (around) grey += boosted((code - around[x]) * t.times, gain, STEPS) * t.unit;
        const red = grey + t.red[r], green = grey + t.fromCb[b] + t.fromCr[r];
        const blue = grey + t.blue[b];
        out[at] = 0xff000000 | (byte(blue) << 16) | (byte(green) << 8) | byte(red);
      }
    }
    return image;
  }

  /** What each code value adds to 8-bit R', G' and B'. */
  tables(gain) {
    const c = this.factors(), count = 2 ** this.bits;
    const table = (act) => Float32Array.from({ length: count }, (_, code) => act(code));
    const [lift, share] = gain > 1 ? LIFT : [0, 1];
    const chroma = (code) => code * this.times[1] + this.plus[1] - 512;
    return {
      unit: c.unit, times: this.times[0],
      grey: table((v) => lift + share * (v * this.times[0] + this.plus[0] - 64) * c.unit),
      red: table((v) => c.red * chroma(v)), blue: table((v) => c.blue * chroma(v)),
      fromCb: table((v) => c.green[0] * chroma(v)), fromCr: table((v) => c.green[1] * chroma(v)),
    };
  }

  /** The luma's difference from another picture of the same size, about mid grey: a 10-bit code
   *  value is as many levels of the screen as the gain. */
  less(other, gain) {
    const image = new ImageData(this.width, this.height);
    const out = new Uint32Array(image.data.buffer);
    const [t, p, u, q] = [this.times[0], this.plus[0], other.times[0], other.plus[0]];
    for (let i = 0; i < out.length; i++) {
      const off = this.luma[i] * t + p - (other.luma[i] * u + q);
      const grey = Math.min(255, Math.max(0, Math.round(128 + off * gain)));
      out[i] = 0xff000000 | (grey << 16) | (grey << 8) | grey;
    }
    return image;
  }
}

/** The mean of a neighbourhood about 60 pixels wide: squares averaged, blurred, and joined up. */
class Mean {
  constructor(luma, width, height) {
    this.width = width;
    this.columns = Math.ceil(width / CELL);
    this.rows = Math.ceil(height / CELL);
    this.cells = new Float32Array(this.columns * this.rows);
    for (let j = 0; j < this.rows; j++)
      for (let i = 0; i < this.columns; i++) {
        const right = Math.min(width, (i + 1) * CELL), below = Math.min(height, (j + 1) * CELL);
        let sum = 0;
        for (let y = j * CELL; y < below; y++)
          for (let x = i * CELL; x < right; x++) sum += luma[y * width + x];
        this.cells[j * this.columns + i] = sum / ((right - i * CELL) * (below - j * CELL));
      }
    for (let again = 0; again < 3; again++) {
      this.blur(this.columns, this.rows, 1, this.columns);
      this.blur(this.rows, this.columns, this.columns, 1);
    }
    this.line = new Float32Array(width);
  }

  /** Average over REACH cells each way along one direction; fewer at the picture's ends. */
  blur(length, lines, step, next) {
    const sums = new Float64Array(length + 1);
    for (let line = 0; line < lines; line++) {
      for (let i = 0; i < length; i++) sums[i + 1] = sums[i] + this.cells[line * next + i * step];
      for (let i = 0; i < length; i++) {
        const reach = Math.min(REACH, i, length - 1 - i); // even about it, or gradients would bend
        this.cells[line * next + i * step] =
          (sums[i + reach + 1] - sums[i - reach]) / (2 * reach + 1);
      }
    }
  }

  row(y) {
    const clamp = (v, most) => Math.min(most, Math.max(0, v));
    const v = clamp((y + 0.5) / CELL - 0.5, this.rows - 1), j = Math.floor(v), down = v - j;
    const above = j * this.columns, below = Math.min(j + 1, this.rows - 1) * this.columns;
    for (let x = 0; x < this.width; x++) {
      const u = clamp((x + 0.5) / CELL - 0.5, this.columns - 1), i = Math.floor(u), across = u - i;
      const k = Math.min(i + 1, this.columns - 1);
      const one = this.cells[above + i] * (1 - across) + this.cells[above + k] * across;
      const two = this.cells[below + i] * (1 - across) + this.cells[below + k] * across;
      this.line[x] = one * (1 - down) + two * down;
    }
    return this.line;
  }
}

/** One side of the comparison: the newest lossy picture, and the exact one where it has come. */
class Side {
  coming = -1; // the generation of the JPEG that is being decoded
  generation = -1; // of the one that has been, an ImageBitmap
  lossy = null;
  planes = null;
  bands = null; // a canvas
  ofBands = -1; // the generation that they are of
  made = new Map(); // what was made of the planes, by gain and width

  get exact() {
    return this.planes !== null && this.planes.generation === this.generation;
  }

  get mapped() {
    return this.ofBands === this.generation;
  }

  take(planes) {
    this.planes = planes;
    this.made.clear();
  }

  /** What to draw at a size; a smaller copy is kept, so that a wipe has nothing to scale. */
  image(gain, width, height) {
    const whole = this.exact ? this.kept(`${gain}`, () => held(this.planes.pixels(gain)))
      : gain > 1 && this.lossy ? this.boostedLossy(gain) : this.lossy;
    if (!this.exact || !whole || width >= whole.width) return whole;
    return this.kept(`${gain} ${width}`, () => {
      const canvas = document.createElement("canvas"), context = canvas.getContext("2d");
      [canvas.width, canvas.height] = [width, height];
      context.imageSmoothingQuality = "high";
      context.drawImage(whole, 0, 0, width, height);
      return canvas;
    });
  }

  kept(name, act) {
    if (!this.made.has(name)) {
      if (this.made.size > 6) this.made.clear(); // as many as two gains at a few sizes
      this.made.set(name, act());
    }
    return this.made.get(name);
  }

  boostedLossy(gain) {
    const canvas = document.createElement("canvas");
    const { width, height } = this.lossy;
    [canvas.width, canvas.height] = [width, height];
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(this.lossy, 0, 0);
    const image = context.getImageData(0, 0, width, height), data = image.data;
    const luma = new Float32Array(width * height);
    for (let i = 0; i < luma.length; i++)
      luma[i] = 0.2126 * data[4 * i] + 0.7152 * data[4 * i + 1] + 0.0722 * data[4 * i + 2];
    const mean = new Mean(luma, width, height);
    for (let y = 0, at = 0; y < height; y++) {
      const around = mean.row(y);
      for (let x = 0; x < width; x++, at++) {
        const more = boosted(luma[at] - around[x], gain, STEPS / 4) + LIFT[0];
        for (let channel = 4 * at; channel < 4 * at + 3; channel++)
          data[channel] = LIFT[1] * data[channel] + more;
      }
    }
    context.putImageData(image, 0, 0);
    return canvas;
  }
}
