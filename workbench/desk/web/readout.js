// Texts of the viewer: pixel values, timecode, and the description of the picture on screen.

export const SIDES = ["before", "after"];

export function pixelPosition(pixel) {
  return pixel ? `x ${pixel[0]}  y ${pixel[1]}` : "x –  y –";
}

/** Describe the pixel under the pointer. `side` is a PictureSide, `pixel` [x, y] or null. */
export function pixelValues(side, pixel) {
  if (pixel && side.exact) {
    const [y, cb, cr] = side.planes.codes(...pixel), [r, g, b] = side.planes.rgb(...pixel);
    return `Y ${y}  Cb ${cb}  Cr ${cr}   R ${r}  G ${g}  B ${b}`;
  }
  if (pixel && side.preview) return "exact values follow";
  return "Y –  Cb –  Cr –   R –  G –  B –";
}

/** Format a frame's position: a timecode, or seconds where the frame rate varies. */
export function framePosition({ frames, rate, even, times }, frame) {
  if (!frames) return "";
  const position = even ? timecode(frame, rate) : `${(times[frame] ?? 0).toFixed(2)} s`;
  return `${position}   frame ${frame} / ${frames - 1}`;
}

/** Format a frame number as a timecode. A fractional rate counts at the next whole rate. */
export function timecode(frame, rate) {
  const whole = Math.max(1, Math.round(rate)), seconds = Math.floor(frame / whole);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60,
    frame % whole];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}

/** Return the sides that a mode labels. */
export function labelledSides(mode) {
  if (mode === "difference") return [];
  return SIDES.includes(mode) ? [mode] : SIDES;
}

/** Return whether everything on screen is made of exact code values. */
export function showsExact(mode, sides, reference) {
  if (mode !== "difference") return labelledSides(mode).every((name) => sides[name].exact);
  return sides.after.exact && reference?.generation === sides.after.generation;
}

/** Describe what a Player does: its rate, what is rendered so far, and dropped frames. */
export function playingNote({ rate, dropped, cached: [known, all] }) {
  const fast = Math.abs(rate) > 1 ? ` ×${Math.abs(rate)}` : "";
  const parts = [`${rate < 0 ? "playing backwards" : "playing"}${fast}`];
  if (known < all) parts.push(`${known} of ${all} frames rendered`);
  if (dropped) parts.push(`${dropped} dropped`);
  return parts.join(" · ");
}

/** Describe the picture on screen. `scale` is device pixels for each picture pixel. */
export function viewNote({ mode, exact, playing, scale, gain, boost, map, difference, graded }) {
  const parts = [playing || (exact ? "exact" : "lossy"), `${Math.round(scale * 100)} %`];
  if (graded && mode !== "difference") parts.push("graded");
  if (mode === "difference" && !playing) parts.push(`${difference}, 1 code value = ${gain} levels`);
  else if (boost) parts.push(`band boost ×${gain}`);
  if (map && mode !== "difference" && !playing) parts.push("banding in magenta");
  return parts.join(" · ");
}
