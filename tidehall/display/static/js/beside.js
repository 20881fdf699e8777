/**
 * The offices' part of a page of the line (window terminal, guide desk): its own lists and forms, the page's clock and
 * feed. ES2017.
 */
import { countUnfiled } from "./archive_count.js";
import { everySecond, HallClock } from "./clock.js";
import { wire } from "./office_wire.js";
import { at, given } from "./page.js";

const page = given();
const box = at("beside");
page.office = { source: box.getAttribute("data-source"), seq: Number(box.getAttribute("data-seq")) };
const clock = new HallClock(page.now, page.zone, page.lang);
document.addEventListener("frame", (/** @type {any} */ event) => event.detail.type !== "update" && clock.sync(event.detail.at));

countUnfiled(clock);
everySecond(() => countUnfiled(clock));

/** The page's lists of the offices. */
export const lists = wire(page, clock);
