// One side of the comparison: its JPEG preview, its exact code values and its banding map.

import { canvasOf, emptyCanvas } from "./dom.js";
import { boostRgba } from "./local_mean.js";

const MAX_CACHED = 6; // canvases: two gains at a few sizes

export class PictureSide {
  pending = -1; // generation of the JPEG that is being decoded
  generation = -1; // generation of `preview`
  preview = null; // an ImageBitmap of the newest decoded JPEG
  planes = null;
  map = null; // a canvas with the banding map
  mapGeneration = -1;
  cache = new Map(); // canvases made of the planes, by gain and width

  /** Whether the code values are those of the newest picture. */
  get exact() {
    return this.planes !== null && this.planes.generation === this.generation;
  }

  /** The banding map of the newest picture, or null. */
  get currentMap() {
    return this.mapGeneration === this.generation ? this.map : null;
  }

  setPlanes(planes) {
    this.planes = planes;
    this.cache.clear();
  }

  setPreview(picture, generation) {
    if (this.preview) this.preview.close();
    [this.preview, this.generation] = [picture, generation];
  }

  /** Return the canvas to draw at this size, through a Lut or null. A scaled copy is cached, so
   *  that a moving wipe does not scale the picture again. */
  image(gain, width, height, lut = null) {
    if (!this.exact)
      return (gain > 1 || lut) && this.preview ? changedPicture(this.preview, gain, lut) : this.preview;
    const { planes } = this, key = `${gain} ${lut ? lut.id : ""}`;
    const full = this.cached(key, () =>
      canvasOf(lut ? planes.gradedPixels(gain, lut) : planes.pixels(gain), planes.width, planes.height));
    if (width >= full.width) return full;
    return this.cached(`${key} ${width}`, () => {
      const canvas = emptyCanvas(width, height), context = canvas.getContext("2d");
      context.imageSmoothingQuality = "high";
      context.drawImage(full, 0, 0, width, height);
      return canvas;
    });
  }

  cached(key, make) {
    if (!this.cache.has(key)) {
      if (this.cache.size > MAX_CACHED) this.cache.clear();
      this.cache.set(key, make());
    }
    return this.cache.get(key);
  }
}

/** Return an 8-bit picture, as of a JPEG, through a Lut or null, and boosted where gain is above 1. */
export function changedPicture(picture, gain, lut) {
  const { width, height } = picture, canvas = emptyCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(picture, 0, 0);
  const image = context.getImageData(0, 0, width, height);
  if (lut) lut.applyTo(image.data);
  if (gain > 1) boostRgba(image.data, width, height, gain);
  context.putImageData(image, 0, 0);
  return canvas;
}
