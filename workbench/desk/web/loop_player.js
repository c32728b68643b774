// Loop player: plays one second of decoded frames again and again.

/** Return the index of the frame to show. `ends` are the seconds at which each frame ends. */
export function frameAt(ends, seconds) {
  const within = seconds % ends[ends.length - 1];
  return Math.max(0, ends.findIndex((end) => within < end));
}

export class LoopPlayer {
  requested = false; // the user asked for a loop, which may still be on its way
  frames = null; // {before, after} of the frame on screen, or null

  constructor(onFrame) {
    this.onFrame = onFrame;
    this.timer = 0;
  }

  get playing() {
    return this.frames !== null;
  }

  /** Play frames from their start. `before` and `after` are ImageBitmaps, one for each end. */
  start(before, after, ends) {
    cancelAnimationFrame(this.timer);
    const began = performance.now();
    const tick = () => {
      const at = frameAt(ends, (performance.now() - began) / 1000);
      this.frames = { before: before[at], after: after[at] };
      this.onFrame();
      this.timer = requestAnimationFrame(tick);
    };
    this.frames = { before: before[0], after: after[0] };
    this.timer = requestAnimationFrame(tick);
  }

  /** Stop playing, or drop a loop that has not arrived yet. */
  stop() {
    this.requested = false;
    cancelAnimationFrame(this.timer);
    this.frames = null;
  }
}
