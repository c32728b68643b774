// Zoom and pan: where a picture lies on the canvas.

export const MAX_ZOOM = 16;
const ROUNDING = 1.001; // scales this close to the fitted one count as fitted

/** The position and scale of a picture on the canvas. */
export class Placement {
  picture = [16, 9]; // width and height in the picture's own pixels
  pixelAspect = 1; // width of a pixel over its height
  canvas = [1, 1]; // width and height in device pixels
  panes = 1; // panes beside each other, each with the whole picture
  zoom = 0; // device pixels for each picture pixel; 0 fits the picture into the pane
  centre = [0.5, 0.5]; // the picture's point at the middle of a pane, as shares of its size

  /** Width and height of one pane in device pixels. */
  get paneSize() {
    return [this.canvas[0] / this.panes, this.canvas[1]];
  }

  get fitScale() {
    const [width, height] = this.picture;
    return Math.min(this.paneSize[0] / (width * this.pixelAspect), this.paneSize[1] / height);
  }

  /** Device pixels for the height of each picture pixel. */
  get scale() {
    return this.zoom || this.fitScale;
  }

  /** Device pixels for the width and the height of each picture pixel. */
  get scales() {
    return [this.scale * this.pixelAspect, this.scale];
  }

  /** Whether the whole picture is visible. */
  get showsWhole() {
    return this.scale <= this.fitScale * ROUNDING;
  }

  /** The picture's width and height on the canvas in device pixels. */
  get drawnSize() {
    return this.picture.map((side, i) => side * this.scales[i]);
  }

  /** Return the canvas position of a pane's top left picture corner. */
  origin(pane) {
    const [left, top] = this.drawnSize.map((drawn, i) => {
      const available = this.paneSize[i];
      if (drawn <= available) return Math.round((available - drawn) / 2);
      const offset = available / 2 - this.centre[i] * drawn;
      return Math.round(Math.min(0, Math.max(available - drawn, offset)));
    });
    return [pane * Math.round(this.paneSize[0]) + left, top];
  }

  /** Return where a picture of another size lies when it is fitted into this one's place: its left
   *  and top from the origin, and its width and height, in device pixels. Null is this picture. */
  fitted(size) {
    const [wide, high] = this.drawnSize;
    if (!size) return [0, 0, wide, high];
    const scale = Math.min(wide / size[0], high / size[1]);
    const [width, height] = size.map((side) => side * scale);
    return [(wide - width) / 2, (high - height) / 2, width, height];
  }

  /** Return the pixel of a fitted picture, `columns` by `rows` pixels, at a pixel of this one, or
   *  null beside it. */
  fittedPixel([x, y], size, columns, rows) {
    const [left, top, width, height] = this.fitted(size), [across, down] = this.scales;
    const at = [Math.floor((((x + 0.5) * across - left) / width) * columns),
      Math.floor((((y + 0.5) * down - top) / height) * rows)];
    return at[0] >= 0 && at[1] >= 0 && at[0] < columns && at[1] < rows ? at : null;
  }

  /** Return the number of the pane at a canvas position. */
  paneAt(x) {
    return Math.min(this.panes - 1, Math.max(0, Math.floor(x / this.paneSize[0])));
  }

  /** Return the picture pixel at a canvas position, or null outside the picture. */
  pixelAt([x, y]) {
    const [left, top] = this.origin(this.paneAt(x));
    const [across, down] = this.scales;
    const at = [Math.floor((x - left) / across), Math.floor((y - top) / down)];
    return at.every((v, i) => v >= 0 && v < this.picture[i]) ? at : null;
  }

  /** Set the zoom and keep the picture's point under `anchor` where it is. The default anchor is
   *  the middle of the pane. */
  zoomTo(zoom, anchor = [this.paneSize[0] / 2, this.paneSize[1] / 2]) {
    const pane = this.paneAt(anchor[0]), origin = this.origin(pane);
    const fixed = anchor.map((v, i) => (v - origin[i]) / this.scales[i]);
    const inPane = [anchor[0] - pane * this.paneSize[0], anchor[1]];
    this.zoom = Math.min(MAX_ZOOM, zoom);
    if (this.zoom)
      this.centre = fixed.map((v, i) =>
        (v - (inPane[i] - this.paneSize[i] / 2) / this.scales[i]) / this.picture[i]);
    this.clampCentre();
  }

  /** Zoom so that a region of the picture, in its pixels, fills a pane. */
  zoomToRegion({ x, y, width, height }) {
    const fill = Math.min(this.paneSize[0] / (width * this.pixelAspect), this.paneSize[1] / height);
    this.zoom = Math.min(MAX_ZOOM, Math.max(this.fitScale, fill));
    this.centre = [(x + width / 2) / this.picture[0], (y + height / 2) / this.picture[1]];
    this.clampCentre();
  }

  /** Zoom by powers of two. Zooming out stops at the fitted picture. */
  zoomBy(steps, anchor) {
    const zoom = this.scale * 2 ** steps;
    this.zoomTo(zoom <= this.fitScale * ROUNDING ? 0 : zoom, anchor);
  }

  /** Move the picture by device pixels, starting from an earlier `centre`. */
  pan(centre, moved) {
    this.centre = centre.map((c, i) => c - moved[i] / this.drawnSize[i]);
    this.clampCentre();
  }

  /** Keep the picture's edges at or outside the pane's, so that a drag has no dead range. */
  clampCentre() {
    this.centre = this.centre.map((c, i) => {
      const half = this.paneSize[i] / 2 / this.drawnSize[i];
      return half >= 0.5 ? 0.5 : Math.min(1 - half, Math.max(half, c));
    });
  }
}
