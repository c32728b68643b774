// 3D LUT: the viewing transform of a picture, applied to R'G'B' by tetrahedral interpolation.

export class Lut {
  /** `values` are `size`³ triples from 0 to 1, red changing fastest. `id` names the LUT in caches. */
  constructor(size, values, id) {
    Object.assign(this, { size, values, id });
  }

  /** Transform a colour, each channel from 0 to 255, into `out`. */
  apply(red, green, blue, out) {
    const { size, values } = this, top = size - 1, unit = top / 255;
    const r = Math.min(top, Math.max(0, red * unit)), g = Math.min(top, Math.max(0, green * unit));
    const b = Math.min(top, Math.max(0, blue * unit));
    const i = Math.min(top - 1, r | 0), j = Math.min(top - 1, g | 0), k = Math.min(top - 1, b | 0);
    const x = r - i, y = g - j, z = b - k;
    const dx = 3, dy = 3 * size, dz = 3 * size * size, low = i * dx + j * dy + k * dz;
    const high = low + dx + dy + dz;
    // The cube's cell is six tetrahedra; each path goes from its low to its high corner.
    let one, two, u, v, w;
    if (x >= y) {
      if (y >= z) [one, two, u, v, w] = [low + dx, low + dx + dy, x, y, z];
      else if (x >= z) [one, two, u, v, w] = [low + dx, low + dx + dz, x, z, y];
      else [one, two, u, v, w] = [low + dz, low + dz + dx, z, x, y];
    } else if (x >= z) [one, two, u, v, w] = [low + dy, low + dy + dx, y, x, z];
    else if (y >= z) [one, two, u, v, w] = [low + dy, low + dy + dz, y, z, x];
    else [one, two, u, v, w] = [low + dz, low + dz + dy, z, y, x];
    const p = 255 * (1 - u), q = 255 * (u - v), s = 255 * (v - w), t = 255 * w;
    for (let c = 0; c < 3; c++)
      out[c] = p * values[low + c] + q * values[one + c] + s * values[two + c] + t * values[high + c];
  }

  /** Transform RGBA pixels, as of a JPEG, in place. */
  applyTo(data) {
    const out = [0, 0, 0];
    for (let at = 0; at < data.length; at += 4) {
      this.apply(data[at], data[at + 1], data[at + 2], out);
      [data[at], data[at + 1], data[at + 2]] = out;
    }
  }
}
