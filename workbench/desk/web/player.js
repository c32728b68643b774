// Player: plays cached frames from in to out at the clip's rate, and counts those it drops.

const AHEAD = 6; // frames that are decoded before they are due
const FASTEST = 8; // times the clip's rate

/** Return the playback rate after the key j (towards -1) or l (towards 1). */
export function shuttled(rate, towards) {
  if (Math.sign(rate) !== towards) return towards;
  return Math.abs(rate) < FASTEST ? 2 * rate : rate;
}

/** Return the time of a frame in seconds. `clip` has frames, rate, even and times. */
export function timeOf(frame, { rate, even, times }) {
  return even ? frame / rate : times[frame];
}

/** Return the frame on screen at a time, within `first` to `last`. */
export function frameAtTime(seconds, first, last, clip) {
  if (clip.even) return Math.min(last, Math.max(first, Math.floor(seconds * clip.rate + 1e-6)));
  let low = first, high = last;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (clip.times[middle] <= seconds + 1e-6) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Bring a time that left the range back in at its other end. `end` is the end of the last frame. */
export function wrapped(seconds, start, end) {
  const length = end - start;
  return start + ((((seconds - start) % length) + length) % length);
}

export class Player {
  rate = 0; // times the clip's rate; negative plays backwards, 0 is stopped
  frames = null; // {before, after} of the frame on screen: ImageBitmaps, or null
  frame = 0; // on screen
  dropped = 0;
  generation = -1;
  ready = false; // whether the kernel has said which frames belong to the look
  range = { first: 0, last: 0, frames: [] };
  jpegs = new Map(); // {before, after} of each frame that came
  decoded = new Map(); // promises and pictures of the frames that are due soon

  /** `decode` makes an ImageBitmap of a JPEG, `clip` returns the clip, `onFrame` paints. */
  constructor(decode, clip, onFrame) {
    Object.assign(this, { decode, clip, onFrame, timer: 0 });
  }

  get playing() {
    return this.rate !== 0;
  }

  /** The number of frames that are cached, and of those that there will be. */
  get cached() {
    return [this.range.frames.filter((frame) => this.jpegs.has(frame)).length, this.range.frames.length];
  }

  /** Play at a rate from a frame on. */
  play(rate, frame) {
    if (!this.playing) {
      this.frame = frame;
      this.seconds = timeOf(frame, this.clip());
      this.dropped = 0;
      this.ready = false;
    }
    this.rate = rate;
    this.last = performance.now();
    cancelAnimationFrame(this.timer);
    this.timer = requestAnimationFrame(() => this.tick());
  }

  /** Stop, and return the frame on screen. */
  stop() {
    this.rate = 0;
    this.frames = null;
    cancelAnimationFrame(this.timer);
    this.forgetDecoded(() => false);
    return this.frame;
  }

  setRange({ generation, first, last, frames }) {
    if (generation !== this.generation) {
      this.generation = generation;
      this.jpegs.clear();
      this.forgetDecoded(() => false);
    }
    this.range = { first: frames[0] ?? first, last: Math.min(last, frames.at(-1) ?? last), frames };
    this.ready = true;
  }

  take({ generation, frames }, buffers) {
    if (generation !== this.generation) return;
    frames.forEach((frame, n) =>
      this.jpegs.set(frame, { before: buffers[n], after: buffers[n + frames.length] }));
    if (this.playing) this.onFrame(); // the count of cached frames
  }

  tick() {
    if (!this.playing) return;
    this.timer = requestAnimationFrame(() => this.tick());
    const now = performance.now(), passed = (now - this.last) / 1000, clip = this.clip();
    if (!this.ready) {
      this.last = now;
      return;
    }
    const { first, last } = this.range, one = 1 / clip.rate;
    this.last = now;
    const start = timeOf(first, clip), end = timeOf(last, clip) + one;
    const moved = this.frames ? passed * this.rate : 0; // the first frame is always shown
    const seconds = wrapped(this.seconds + moved, start, end);
    const next = frameAtTime(seconds, first, last, clip);
    const picture = this.decoded.get(next);
    this.decodeAhead(next);
    if (this.frames && next === this.frame) {
      this.seconds = seconds;
      return;
    }
    if (!picture?.before) {
      // The clock waits for a frame that is not rendered yet, and drops one that decodes too late.
      if (this.frames && this.jpegs.has(next)) this.seconds = seconds;
      return;
    }
    const skipped = Math.abs(next - this.frame) - 1, wraps = Math.sign(next - this.frame) !== Math.sign(this.rate);
    if (this.frames && Math.abs(this.rate) === 1 && !wraps && skipped > 0) this.dropped += skipped;
    this.seconds = seconds;
    this.frame = next;
    this.frames = picture;
    this.onFrame();
  }

  /** Decode the frames that are due next, and close those that are not. */
  decodeAhead(from) {
    const step = Math.sign(this.rate) * Math.max(1, Math.abs(this.rate)), wanted = new Set([this.frame]);
    const { first, last } = this.range, length = last - first + 1;
    for (let n = 0; n < AHEAD; n++)
      wanted.add(first + ((((from + n * step - first) % length) + length) % length));
    this.forgetDecoded((frame) => wanted.has(frame));
    for (const frame of wanted) {
      const jpegs = this.jpegs.get(frame);
      if (!jpegs || this.decoded.has(frame)) continue;
      const entry = {};
      this.decoded.set(frame, entry);
      Promise.all([this.decode(jpegs.before), this.decode(jpegs.after)]).then(([before, after]) => {
        if (this.decoded.get(frame) === entry) Object.assign(entry, { before, after });
        else for (const picture of [before, after]) picture.close();
      });
    }
  }

  forgetDecoded(stays) {
    for (const [frame, pictures] of this.decoded)
      if (!stays(frame)) {
        this.decoded.delete(frame);
        if (pictures !== this.frames) for (const one of Object.values(pictures)) one.close();
      }
  }
}
