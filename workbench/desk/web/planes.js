// Y'CbCr planes: from code values to the pixels and numbers on screen.

import { LocalMean, boostOf, liftOf } from "./local_mean.js";

/** Dither thresholds, a tile of 64 by 64 from the low-discrepancy sequence R2. */
const DITHER = Float32Array.from({ length: 64 * 64 }, (_, at) =>
  ((at & 63) * 0.7548776662466927 + (at >> 6) * 0.5698402909980532) % 1);

const toByte = (value) => (value < 0 ? 0 : value >= 255 ? 255 : value | 0);
const rounded = (value) => Math.min(255, Math.max(0, Math.round(value)));
const rgba = (red, green, blue) => 0xff000000 | (blue << 16) | (green << 8) | red;

/** The code values of one picture: luma, Cb and Cr planes.
 *
 *  `layout` has: generation, width, height, bits, full (range), red and blue (luma weights), and
 *  chroma (luma samples for each chroma sample, across and down). */
export class Planes {
  constructor(layout, buffers) {
    Object.assign(this, layout);
    [this.luma, this.cb, this.cr] = buffers.map((view) => codeArray(view, this.bits));
    this.chromaWidth = Math.ceil(this.width / this.chroma[0]);
    const top = 2 ** this.bits - 1;
    const shift = 2 ** (10 - this.bits);
    // 10-bit legal range is code * scale + offset, for luma and for chroma.
    this.scale = this.full ? [876 / top, 896 / top] : [shift, shift];
    this.offset = this.full ? [64, 512 - ((top + 1) / 2) * (896 / top)] : [0, 0];
  }

  /** Return Y', Cb and Cr at a pixel as 10-bit code values. */
  codes(x, y) {
    const at = Math.floor(y / this.chroma[1]) * this.chromaWidth + Math.floor(x / this.chroma[0]);
    const raw = [this.luma[y * this.width + x], this.cb[at], this.cr[at]];
    const whole = this.full ? Math.round : Math.floor;
    return raw.map((v, i) => whole(v * this.scale[i && 1] + this.offset[i && 1]));
  }

  /** Return R', G' and B' at a pixel as 8-bit values. */
  rgb(x, y) {
    const [luma, cb, cr] = this.codes(x, y), c = this.coefficients();
    const grey = (luma - 64) * c.unit;
    return [
      rounded(grey + c.red * (cr - 512)),
      rounded(grey + c.green[0] * (cb - 512) + c.green[1] * (cr - 512)),
      rounded(grey + c.blue * (cb - 512)),
    ];
  }

  /** Return the 8-bit R', G' and B' that one 10-bit code value adds (ITU-R BT.709, item 3). */
  coefficients() {
    const unit = 255 / 876, chroma = 255 / 896, green = 1 - this.red - this.blue;
    const [red, blue] = [2 * (1 - this.red) * chroma, 2 * (1 - this.blue) * chroma];
    return { unit, red, blue, green: [(-blue * this.blue) / green, (-red * this.red) / green] };
  }

  /** Return RGBA pixels for the screen, a Uint32Array. A gain above 1 boosts banding.
   *  The screen has 8 bits; without the dither its rounding would look like banding. */
  pixels(gain) {
    const { width, height, chromaWidth, luma, cb, cr } = this;
    const [across, down] = this.chroma, shift = Math.log2(across);
    const t = this.tables(gain), mean = gain > 1 ? new LocalMean(luma, width, height) : null;
    const out = new Uint32Array(width * height);
    for (let y = 0, at = 0; y < height; y++) {
      const row = Math.floor(y / down) * chromaWidth, around = mean && mean.row(y);
      const noise = DITHER.subarray((y & 63) << 6, ((y & 63) << 6) + 64);
      for (let x = 0; x < width; x++, at++) {
        const chroma = row + (x >> shift), b = cb[chroma], r = cr[chroma], code = luma[at];
        let grey = t.grey[code] + noise[x & 63];
        if (around) grey += boostOf((code - around[x]) * t.scale, gain) * t.unit;
        out[at] = rgba(toByte(grey + t.red[r]), toByte(grey + t.greenFromCb[b] + t.greenFromCr[r]),
          toByte(grey + t.blue[b]));
      }
    }
    return out;
  }

  /** Return RGBA pixels as `pixels` does, through a Lut. The boost comes after it. */
  gradedPixels(gain, lut) {
    const { width, height, chromaWidth, luma, cb, cr } = this;
    const [across, down] = this.chroma, shift = Math.log2(across);
    const t = this.tables(1), mean = gain > 1 ? new LocalMean(luma, width, height) : null;
    const [lift, contrast] = liftOf(gain), colour = [0, 0, 0];
    const out = new Uint32Array(width * height);
    for (let y = 0, at = 0; y < height; y++) {
      const row = Math.floor(y / down) * chromaWidth, around = mean && mean.row(y);
      for (let x = 0; x < width; x++, at++) {
        const chroma = row + (x >> shift), b = cb[chroma], r = cr[chroma], code = luma[at];
        const grey = t.grey[code];
        lut.apply(grey + t.red[r], grey + t.greenFromCb[b] + t.greenFromCr[r], grey + t.blue[b], colour);
        let added = lift + DITHER[((y & 63) << 6) + (x & 63)];
        if (around) added += boostOf((code - around[x]) * t.scale, gain) * t.unit;
        out[at] = rgba(toByte(contrast * colour[0] + added), toByte(contrast * colour[1] + added),
          toByte(contrast * colour[2] + added));
      }
    }
    return out;
  }

  /** Return lookup tables of the 8-bit R', G' and B' that each code value adds. */
  tables(gain) {
    const c = this.coefficients(), count = 2 ** this.bits;
    const table = (act) => Float32Array.from({ length: count }, (_, code) => act(code));
    const [lift, contrast] = liftOf(gain);
    const chroma = (code) => code * this.scale[1] + this.offset[1] - 512;
    return {
      unit: c.unit,
      scale: this.scale[0],
      grey: table((v) => lift + contrast * (v * this.scale[0] + this.offset[0] - 64) * c.unit),
      red: table((v) => c.red * chroma(v)),
      blue: table((v) => c.blue * chroma(v)),
      greenFromCb: table((v) => c.green[0] * chroma(v)),
      greenFromCr: table((v) => c.green[1] * chroma(v)),
    };
  }

  /** Return the luma difference from another picture of the same size as RGBA pixels about mid
   *  grey. One 10-bit code value becomes `gain` levels of the screen. */
  difference(other, gain) {
    const out = new Uint32Array(this.width * this.height);
    const [scale, offset] = [this.scale[0], this.offset[0]];
    const [otherScale, otherOffset] = [other.scale[0], other.offset[0]];
    for (let i = 0; i < out.length; i++) {
      const codes = this.luma[i] * scale + offset - (other.luma[i] * otherScale + otherOffset);
      const grey = rounded(128 + codes * gain);
      out[i] = rgba(grey, grey, grey);
    }
    return out;
  }
}

/** View a message's bytes as code values. Bytes at an unaligned address are copied. */
function codeArray(view, bits) {
  const Code = bits > 8 ? Uint16Array : Uint8Array;
  return view.byteOffset % Code.BYTES_PER_ELEMENT
    ? new Code(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength))
    : new Code(view.buffer, view.byteOffset, view.byteLength / Code.BYTES_PER_ELEMENT);
}
