/**
 * The board of a hall with a few zones: a column for each, with the grammar of the zone board. Runs for weeks.
 * Law: slots are created once by the server's page and only rewritten. ES2017, for old TV boxes.
 */
import { paintCall, paintFoot, paintLines, paintRow } from "./board_paint.js";
import { advance, answered, byZone, forget, isOpen, offer, settledStage, turn } from "./board_state.js";
import { everySecond, HallClock } from "./clock.js";
import { Feed } from "./feed.js";
import { age, at, given, mark, painted, put, show } from "./page.js";

const ROWS = 3; // last calls of a zone
const LINES = 2; // lines of a zone at a time; more take turns
const page = given();
const words = page.words;
const clock = new HallClock(page.now, page.zone, page.lang);
let board = page.board;
let recent = page.recent;
/** @type {{[zone: string]: import("./board_state.js").Stage}} */
const stages = {};
const told = new Set(); // the calls that the server has been told of, those on the screen only
const columns = Array.from(document.querySelectorAll(".column"));
const zoneOf = (/** @type {Element} */ column) => column.getAttribute("data-zone") || "";

/** @param {string} zone */
function part(zone) {
  return { calls: board.calls.filter((/** @type {any} */ call) => call.zone === zone) };
}

/** @param {boolean} [afresh] after a snapshot nothing rings again */
function settle(afresh) {
  recent = byZone(recent, board.recent, ROWS);
  columns.forEach((column) => {
    const zone = zoneOf(column);
    const own = part(zone);
    const before = afresh || !stages[zone] ? settledStage(own, Date.now()) : forget(stages[zone], own.calls);
    stages[zone] = answered(turn(before, Date.now(), 1), own, Date.now());
  });
}

/** @param {Element} column */
function paintColumn(column) {
  const zone = zoneOf(column);
  const staged = stages[zone].top[0];
  const place = /** @type {HTMLElement} */ (column.querySelector(".call"));
  show(place, Boolean(staged));
  show(/** @type {HTMLElement} */ (column.querySelector(".idle")), !staged);
  if (staged) paintCall(place, staged, isOpen(board, staged.call), true);
  else mark(place, "data-call", "");
  Array.from(column.querySelectorAll(".row")).forEach((row, i) => paintRow(row, recent[zone][i], board, words));
  paintLines(Array.from(column.querySelectorAll(".line")), LINES, board, clock.now(), words);
}

function paint() {
  columns.forEach(paintColumn);
  paintFoot(board, words, page.lang);
}

/** Tells the server what stands on the screen, once per call. */
function report() {
  const seq = feed.last;
  if (seq === null) return;
  const tops = columns.map((column) => stages[zoneOf(column)].top[0]).filter((staged) => staged && isOpen(board, staged.call));
  const keys = tops.map((staged) => staged.call.call_id + "/" + staged.call.attempt);
  const fresh = tops.filter((_, i) => !told.has(keys[i])).map((staged) => staged.call.call_id);
  told.clear();
  keys.forEach((key) => told.add(key));
  painted(() => {
    if (!fresh.length) feed.shown(seq);
    fresh.forEach((call) => feed.shown(seq, call));
  });
}

settle(true);
const feed = new Feed("/api/v1/halls/" + page.hall + "/boards/" + page.board.id + "/live", {
  snapshot(frame) {
    board = frame.board;
    settle(true);
    paint();
    report();
  },
  update(frame) {
    board = advance(board, frame);
    const call = frame.call;
    if (call && stages[call.zone] && isOpen(board, call)) stages[call.zone] = offer(stages[call.zone], call, Date.now(), 1);
    settle();
    paint();
    report();
  },
  beat(frame) {
    board = advance(board, frame);
    paint();
  },
}, clock);

everySecond(() => {
  feed.check();
  const before = columns.map((column) => stages[zoneOf(column)].top[0]);
  settle();
  paint();
  if (columns.some((column, i) => stages[zoneOf(column)].top[0] !== before[i])) report();
  put(at("clock"), clock.clock());
  put(at("date"), clock.date());
  const old = age(at("age"), words["common.as_of"], feed, clock, board.stale_since);
  at("board").classList.toggle("stale", old);
});
feed.open();
