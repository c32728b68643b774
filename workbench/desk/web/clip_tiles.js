// Clip tiles widget: a list of clips with thumbnails and verdicts. It asks the kernel only for the
// tiles that are on screen.

import { element, setText } from "./dom.js";

const ASKING_DELAY = 80; // milliseconds without a scroll until the visible tiles are asked for
const MAX_KNOWN = 2000; // thumbnails in the browser, about 8 MB
const ENDING = 14; // characters at the end of a name that are never cut: take and file type
const VERDICTS = { pass: "PASS", note: "NOTE", warn: "WARN", fail: "FAIL" };

/** Return the index that a key goes to in a list, or null for other keys. */
export function indexAfter(index, count, key) {
  const to = { ArrowUp: index - 1, ArrowDown: index + 1, Home: 0, End: count - 1 }[key];
  return to === undefined || !count ? null : Math.min(count - 1, Math.max(0, to));
}

/** Return a name as [start, ending]. Where room is short, the start is cut, so that takes differ. */
export function nameParts(name) {
  const characters = [...name.normalize()]; // one for a letter and its accent
  return [characters.slice(0, -ENDING).join(""), characters.slice(-ENDING).join("")];
}

export class ClipTilesView {
  constructor({ model, el }) {
    this.model = model;
    this.tiles = new Map(); // elements by location, in the order of the list
    this.known = new Map(); // thumbnail, verdict and problem by location
    this.visible = new Set(); // locations on screen
    this.timer = 0;
    this.list = element("div", { class: "wb-tiles", role: "listbox", "aria-label": "Clips" });
    this.list.addEventListener("keydown", (event) => this.onKey(event));
    el.append(this.list);
    this.observer = new IntersectionObserver((entries) => this.see(entries), { root: this.list });
    this.listeners = {
      "change:clips": () => this.takeClips(),
      "change:chosen": () => this.takeChosen(),
      "msg:custom": (content, buffers) => this.take(content, buffers),
    };
    for (const [name, listener] of Object.entries(this.listeners)) model.on(name, listener);
    this.takeClips();
  }

  remove() {
    clearTimeout(this.timer);
    this.observer.disconnect();
    this.forget();
    for (const [name, listener] of Object.entries(this.listeners)) this.model.off(name, listener);
  }

  /** Free the thumbnails. The kernel has them still. */
  forget() {
    for (const { url } of this.known.values()) if (url) URL.revokeObjectURL(url);
    this.known.clear();
  }

  takeClips() {
    this.observer.disconnect();
    if (this.known.size > MAX_KNOWN) this.forget();
    this.visible.clear();
    this.tiles = new Map(this.model.get("clips").map(([name, location]) => {
      const tile = element("div", { class: "wb-tile", role: "option", tabindex: "-1", title: name },
        element("span", { class: "wb-tile-picture" }, element("img", { alt: "" })),
        element("span", { class: "wb-tile-name" },
          ...nameParts(name).map((part) => element("span", {}, part))),
        element("span", { class: "wb-verdict" }));
      tile.setAttribute("aria-label", name);
      tile.dataset.clip = location;
      tile.addEventListener("click", () => this.choose(location));
      return [location, tile];
    }));
    this.list.replaceChildren(...this.tiles.values());
    this.list.hidden = !this.tiles.size;
    for (const [location, tile] of this.tiles) {
      this.show(location);
      this.observer.observe(tile);
    }
    this.takeChosen();
  }

  takeChosen() {
    const chosen = this.model.get("chosen"), [first] = this.tiles.keys();
    const reachable = this.tiles.has(chosen) ? chosen : first;
    for (const [location, tile] of this.tiles) {
      tile.setAttribute("aria-selected", String(location === chosen));
      tile.tabIndex = location === reachable ? 0 : -1;
    }
    this.tiles.get(chosen)?.scrollIntoView({ block: "nearest" });
  }

  choose(location) {
    this.model.set("chosen", location);
    this.model.save_changes();
    this.takeChosen();
  }

  onKey(event) {
    const all = [...this.tiles.keys()], at = all.indexOf(event.target.dataset.clip);
    const next = indexAfter(at, all.length, event.key);
    if (next !== null) this.tiles.get(all[next]).focus();
    else if (event.key === "Enter" || event.key === " ") this.choose(all[at]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  see(entries) {
    for (const { isIntersecting, target } of entries)
      if (isIntersecting) this.visible.add(target.dataset.clip);
      else this.visible.delete(target.dataset.clip);
    this.askSoon();
  }

  askSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const wanted = [...this.tiles.keys()].filter((one) => this.visible.has(one) && !this.known.get(one)?.current);
      if (wanted.length) this.model.send({ wanted });
    }, ASKING_DELAY);
  }

  take(content, buffers) {
    if (content.kind === "changed") {
      for (const known of this.known.values()) known.current = false;
      this.askSoon();
    } else if (content.kind === "tile") {
      const { clip, verdict, problem } = content, last = this.known.get(clip)?.url;
      if (last) URL.revokeObjectURL(last);
      const url = buffers[0].byteLength
        ? URL.createObjectURL(new Blob([buffers[0]], { type: "image/jpeg" })) : "";
      this.known.set(clip, { url, verdict, problem, current: true });
      this.show(clip);
    }
  }

  show(location) {
    const tile = this.tiles.get(location), known = this.known.get(location);
    if (!tile || !known) return;
    const [picture, , badge] = tile.children, verdict = known.problem ? "fail" : known.verdict;
    if (known.url) picture.firstChild.src = known.url;
    picture.classList.toggle("wb-shown", Boolean(known.url));
    setText(badge, known.problem ? "?" : VERDICTS[verdict] ?? "");
    badge.dataset.verdict = verdict ?? "";
    badge.title = known.problem;
    tile.setAttribute("aria-label", [tile.title, known.problem || badge.textContent].filter(Boolean).join(", "));
  }
}

function render(context) {
  const view = new ClipTilesView(context);
  return () => view.remove();
}

export default { render };
