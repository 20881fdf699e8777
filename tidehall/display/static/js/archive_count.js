/**
 * How many originals are still open at this unit today: always in sight, a warning in the last hour before closing.
 * ES2017.
 */
import { at, mark, put } from "./page.js";

const HOUR = 3600000;

/** @param {import("./clock.js").HallClock} clock Once a second. */
export function countUnfiled(clock) {
  const box = at("unfiled");
  if (!box) return;
  const open = Number(box.querySelector("[data-slot=unfiled]").textContent) > 0;
  const left = Date.parse(at("unfiled-by").textContent) - clock.now();
  const standing = !open ? "none" : left < 0 ? "late" : left < HOUR ? "soon" : "calm";
  mark(box, "data-standing", standing);
  put(at("unfiled-words"), at("unfiled-words").getAttribute("data-" + standing));
}
