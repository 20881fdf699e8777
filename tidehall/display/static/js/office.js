/**
 * A page of the offices: its lists follow the hall, its forms act, a case opens beside its list. ES2017.
 */
import { countUnfiled } from "./archive_count.js";
import { everySecond, HallClock } from "./clock.js";
import { Feed } from "./feed.js";
import { say, wire } from "./office_wire.js";
import { age, at, given, put } from "./page.js";

const page = given();
const clock = new HallClock(page.now, page.zone, page.lang);
const lists = wire(page, clock);
let stale = page.stale_since;

/**
 * @param {string} id of the case beside the list
 * @param {ParentNode[]} [roots] where to mark it, if not everywhere
 */
function select(id, roots) {
  (roots || [document]).forEach((root) => Array.from(root.querySelectorAll("[data-case]")).forEach((link) => {
    if (link.getAttribute("data-case") === id) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }));
}

document.addEventListener("click", (event) => {
  const link = /** @type {Element} */ (event.target).closest("[data-case]");
  if (!link) return;
  event.preventDefault();
  const id = /** @type {string} */ (link.getAttribute("data-case"));
  history.replaceState(null, "", "?case=" + encodeURIComponent(id));
  say("");
  select(id);
  page.chosen = id;
  lists.ask({ case: id });
});
document.addEventListener("offices", (/** @type {any} */ event) => select(page.chosen || "", event.detail));
if (page.chosen) lists.asked = { case: page.chosen };
select(page.chosen || "");

/** @param {any} frame */
const heard = (frame) => {
  if (frame.stale_since !== undefined) stale = frame.stale_since;
};
const feed = new Feed("/api/v1/halls/" + page.hall + "/live", {
  snapshot: (frame) => heard(frame.hall || frame),
  update: heard,
  beat: heard,
  refused(code) {
    if (code === 4401) say(page.words["desk.not_in"]);
  },
}, clock);
everySecond(() => {
  feed.check();
  countUnfiled(clock);
  put(at("clock"), clock.clock());
  age(at("age"), page.words["common.as_of"], feed, clock, stale);
});
countUnfiled(clock);
feed.open();
