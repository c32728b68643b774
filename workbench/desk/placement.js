// Where a picture lies on the canvas. Read together with viewer.js.

const MOST_ZOOM = 16;

/** A picture's place: fitted in, or so many device pixels for each of its own. */
class Placement {
  picture = [16, 9]; // pixels
  canvas = [1, 1]; // device pixels
  panes = 1; // side by side, each with the whole picture
  zoom = 0; // device pixels for each of the picture; 0 fits it in
  centre = [0.5, 0.5]; // what of the picture is in the middle of a pane, 0 to 1

  get room() {
    return [this.canvas[0] / this.panes, this.canvas[1]];
  }

  get fitting() {
    return Math.min(this.room[0] / this.picture[0], this.room[1] / this.picture[1]);
  }

  get scale() {
    return this.zoom || this.fitting;
  }

  /** Whether all of the picture is to be seen. */
  get whole() {
    return this.scale <= this.fitting * 1.001;
  }

  /** Where a pane's picture begins on the canvas. */
  origin(pane) {
    const [left, top] = this.picture.map((side, i) => {
      const long = side * this.scale, room = this.room[i];
      if (long <= room) return Math.round((room - long) / 2);
      return Math.round(Math.min(0, Math.max(room - long, room / 2 - this.centre[i] * long)));
    });
    return [pane * Math.round(this.room[0]) + left, top];
  }

  pane(x) {
    return Math.min(this.panes - 1, Math.max(0, Math.floor(x / this.room[0])));
  }

  /** The pixel of the picture at a place on the canvas, or null outside it. */
  pixelAt([x, y]) {
    const [left, top] = this.origin(this.pane(x));
    const at = [Math.floor((x - left) / this.scale), Math.floor((y - top) / this.scale)];
    return at.every((v, i) => v >= 0 && v < this.picture[i]) ? at : null;
  }

  /** Zoom about a place on the canvas; without one, about the middle. 0 fits the picture in. */
  zoomTo(zoom, about = [this.room[0] / 2, this.room[1] / 2]) {
    const pane = this.pane(about[0]), origin = this.origin(pane);
    const at = about.map((v, i) => (v - origin[i]) / this.scale); // what stays where it is
    const inPane = [about[0] - pane * this.room[0], about[1]];
    this.zoom = Math.min(MOST_ZOOM, zoom);
    if (this.zoom)
      this.centre = at.map((v, i) =>
        (v - (inPane[i] - this.room[i] / 2) / this.zoom) / this.picture[i]);
    this.settle();
  }

  /** One step of the wheel; further out than all of the picture is that. */
  wheel(steps, about) {
    const zoom = this.scale * 2 ** steps;
    this.zoomTo(zoom <= this.fitting * 1.001 ? 0 : zoom, about);
  }

  /** Move the picture by device pixels from where its middle was. */
  pan(from, by) {
    this.centre = from.map((c, i) => c - by[i] / (this.picture[i] * this.scale));
    this.settle();
  }

  /** Keep the middle where the picture still fills the pane, so that a drag answers at once. */
  settle() {
    this.centre = this.centre.map((c, i) => {
      const half = this.room[i] / 2 / (this.picture[i] * this.scale);
      return half >= 0.5 ? 0.5 : Math.min(1 - half, Math.max(half, c));
    });
  }
}
