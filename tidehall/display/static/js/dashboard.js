/**
 * The supervisors' dashboard: rows, figures and curves follow the hall, a number opens what is behind it. ES2017.
 * Law: nothing is computed here but how long something lasts; what is not in sight is not drawn.
 */
import { everySecond, HallClock } from "./clock.js";
import { acts, say } from "./dashboard_acts.js";
import { Curves } from "./dashboard_curves.js";
import { panels } from "./dashboard_panel.js";
import { Feed } from "./feed.js";
import { patch } from "./office_lists.js";
import { Times } from "./office_times.js";
import { age, at, given, mark, put, show } from "./page.js";
import { span } from "./words.js";

const page = given();
const clock = new HallClock(page.now, page.zone, page.lang);
const times = new Times(clock);
const curves = new Curves(page.charts, page.curve);
let stale = page.stale_since;
let picked = Boolean(page.picked);

/** Everything that lasts, as of now: seconds in the cells, ages of alerts; what has become long says so. */
function count() {
  if (document.hidden) return;
  const now = clock.now();
  Array.from(document.querySelectorAll("[data-since]")).forEach((node) => {
    put(node, span((now - Date.parse(node.getAttribute("data-since") || "")) / 1000));
  });
  Array.from(document.querySelectorAll(".cell[data-late]")).forEach((cell) => {
    const kind = now >= Date.parse(cell.getAttribute("data-late") || "") ? "long" : "serving";
    if (cell.classList.contains(kind)) return;
    cell.classList.remove("long", "serving");
    cell.classList.add(kind);
    mark(cell, "data-kind", kind);
    put(cell.querySelector(".word"), page.words["dashboard.window." + kind]);
  });
  times.tick();
}

/** Which alerts are this person's, and where he may act: buttons of other zones, and what he has, are not shown. */
function own() {
  const me = at("me") ? at("me").value.trim() : "";
  Array.from(document.querySelectorAll("[data-part]")).forEach((row) => {
    const mine = page.mine.indexOf(row.getAttribute("data-post")) >= 0;
    show(row.querySelector(".mine"), mine);
    const form = row.querySelector("form");
    const has = me !== "" && form !== null && form.getAttribute("data-taken") === me;
    show(form, !has && (mine || page.runs.indexOf(row.getAttribute("data-part")) >= 0));
  });
}

/** Until somebody picks a zone, or reads a table, the curve is that of the zone which the first figure names. */
function follow() {
  const figure = document.querySelector("[data-worst]");
  const worst = figure ? figure.getAttribute("data-worst") || "" : "";
  if (picked || worst === curves.chosen || document.querySelector(".curve details[open]")) return;
  curves.choose(worst);
}

/** @param {{lists?: any, slots?: any, charts?: any}} shown */
function take(shown) {
  const lists = shown.lists || {};
  Object.keys(lists).forEach((name) => {
    const box = document.querySelector('[data-list="' + name + '"]');
    if (!box) return;
    patch(box, lists[name].order, lists[name].rows);
    show(document.querySelector('[data-none="' + name + '"]'), lists[name].order.length === 0);
  });
  const slots = shown.slots || {};
  Object.keys(slots).forEach((name) => put(document.querySelector('[data-slot="' + name + '"]'), slots[name]));
  if (shown.charts) curves.take(shown.charts);
  follow();
  own();
  count();
}

/** @param {any} frame */
function heard(frame) {
  if (frame.stale_since !== undefined) stale = frame.stale_since;
  take(frame.dashboard || frame);
}

const feed = new Feed(page.socket, {
  snapshot: heard,
  update: heard,
  beat: heard,
  refused(code) {
    if (code === 4401) say(page.words["desk.not_in"]);
  },
}, clock);

document.addEventListener("click", (event) => {
  const link = /** @type {Element} */ (event.target).closest("[data-curve]");
  if (!link || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  picked = true;
  curves.choose(link.getAttribute("data-curve") || "");
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  count();
  curves.draw();
});
panels(page);
acts(page);
everySecond(() => {
  feed.check();
  put(at("clock"), clock.clock());
  age(at("age"), page.words["common.as_of"], feed, clock, stale);
  count();
});
times.watch(document);
own();
count();
feed.open();
