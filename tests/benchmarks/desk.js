// Timed in the page itself, while nothing watches it: hands by events, eyes by what was painted.
async (moves) => {
  const viewer = document.querySelector(".wbv"), scopes = document.querySelector(".wbs");
  const handle = document.querySelectorAll(".noUi-handle")[1]; // the deband's strength
  const frame = viewer.querySelector("input[type=range]");
  const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
  const key = (name) =>
    handle.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true }));
  const painted = () => Number(viewer.dataset.after);
  const stale = () => document.querySelector(".wb-stale, .wbs-stale") !== null;

  /** Act, and return after how many milliseconds the picture came, was measured, was exact. */
  async function timed(act, rest) {
    const before = painted(), began = performance.now(), seen = [0, 0, 0];
    let wasStale = false;
    const look = () => {
      const now = performance.now() - began;
      wasStale ||= stale();
      if (!seen[0] && painted() > before) seen[0] = now;
      if (!seen[1] && wasStale && !stale()) seen[1] = now;
      if (!seen[2] && painted() > before && viewer.dataset.afterExact === "true") seen[2] = now;
    };
    const watch = new MutationObserver(look);
    const box = scopes.closest(".widget-vbox");
    watch.observe(box, { attributes: true, subtree: true, attributeFilter: ["class"] });
    watch.observe(viewer, { attributes: true });
    act();
    await wait(rest);
    watch.disconnect();
    return seen;
  }

  const found = { slider: [], scrub: [], burst: [] };
  for (let i = 0; i < moves; i++)
    found.slider.push(await timed(() => key("ArrowRight"), 1000));
  let at = 0;
  for (let i = 0; i < moves; i++) {
    at = (at + 89) % (Number(frame.max) + 1); // any frame, and never the next
    found.scrub.push(await timed(() => {
      frame.value = at;
      frame.dispatchEvent(new Event("input"));
    }, 1000));
  }
  for (let again = 0; again < 5; again++) {
    const seen = [];
    const note = () => { if (seen.at(-1)?.[0] !== painted()) seen.push([painted(), performance.now()]); };
    viewer.addEventListener("painted", note);
    for (let i = 0; i < 200; i++) {
      key(i < 100 ? "ArrowRight" : "ArrowLeft");
      await wait(10);
    }
    const end = performance.now();
    await wait(2500);
    viewer.removeEventListener("painted", note);
    const last = seen.at(-1)[1];
    found.burst.push([seen.filter(([, time]) => time < end).length, last - end]);
  }
  return found;
}
