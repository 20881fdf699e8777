/**
 * The strip above a window: its number, its work, whom it serves. ES2017, for old TV boxes.
 */
import { advanceStrip } from "./board_state.js";
import { everySecond, HallClock } from "./clock.js";
import { Feed } from "./feed.js";
import { age, at, given, mark, painted, put, show } from "./page.js";

const page = given();
const words = page.words;
const clock = new HallClock(page.now, page.zone, page.lang);
let strip = page.strip;

/** @param {string} [call] */
function paint(call) {
  mark(at("strip"), "data-state", strip.state);
  mark(at("strip"), "data-doing", strip.doing || "");
  put(at("number"), strip.number);
  put(at("work"), strip.lines.map((/** @type {any} */ line) => line.name[page.lang] || line.name.zh).join(" · ") || words["strip.no_lines"]);
  put(at("doing"), strip.doing ? words["strip." + strip.doing] : "");
  put(at("state"), words["strip." + strip.state]);
  show(at("number"), Boolean(strip.number));
  show(at("doing"), Boolean(strip.number));
  show(at("state"), !strip.number);
  const seq = feed.last;
  if (seq !== null) painted(() => feed.shown(seq, call));
}

const feed = new Feed("/api/v1/halls/" + page.hall + "/boards/" + encodeURIComponent(page.strip.id) + "/live", {
  snapshot(frame) {
    strip = frame.board;
    paint();
  },
  update(frame) {
    strip = advanceStrip(strip, frame);
    paint(frame.call && frame.call.call_id);
  },
  beat(frame) {
    strip = advanceStrip(strip, frame);
  },
}, clock);

everySecond(() => {
  feed.check();
  age(at("age"), words["common.as_of"], feed, clock, strip.stale_since);
});
feed.open();
