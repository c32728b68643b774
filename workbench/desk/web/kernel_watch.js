// Kernel watch: notices that the kernel no longer answers.

const EVERY = 5000; // milliseconds between two questions
const PATIENCE = 20_000; // milliseconds without an answer: a busy kernel takes a while

export class KernelWatch {
  lost = false;

  /** `ask` sends a command to the kernel, which answers. `show` receives whether it is lost.
   *  A page in the background is not watched, because browsers slow its timers down. */
  constructor(ask, show) {
    this.ask = ask;
    this.show = show;
    this.answered = performance.now();
    this.timer = setInterval(() => this.check(), EVERY);
  }

  check() {
    if (document.hidden) {
      this.answered = performance.now();
      return;
    }
    try {
      this.ask("alive");
    } catch {
      // The connection is closed; no answer will come.
    }
    this.setLost(performance.now() - this.answered > PATIENCE);
  }

  heard() {
    this.answered = performance.now();
    this.setLost(false);
  }

  setLost(lost) {
    if (lost === this.lost) return;
    this.lost = lost;
    this.show(lost);
  }

  stop() {
    clearInterval(this.timer);
  }
}
