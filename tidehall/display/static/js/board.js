/**
 * The zone board: eight fixed rows, three fixed places for calls, one chain of timers. Runs for weeks.
 * Law: slots are created once by the server's page and only rewritten. ES2017, for old TV boxes.
 */
import { paintCall, paintFoot, paintLines, paintRow, slot } from "./board_paint.js";
import { advance, answered, forget, isOpen, offer, settledStage, turn } from "./board_state.js";
import { everySecond, HallClock } from "./clock.js";
import { Feed } from "./feed.js";
import { age, at, given, mark, painted, put, show } from "./page.js";

const page = given();
const MAX_LINES = page.lang === "en" ? 3 : 4; // in one row of the foot, as long as names are; more take turns
const words = page.words;
const clock = new HallClock(page.now, page.zone, page.lang);
let board = page.board;
let stage = settledStage(board, Date.now());
let told = ""; // the call that the server has been told of

const slots = (/** @type {string} */ selector) => Array.from(document.querySelectorAll(selector));
const places = /** @type {HTMLElement[]} */ (slots("#stage .call"));
const rows = slots("#recent .row");
const lines = slots("#lines .line");

function paintStage() {
  const top = stage.top;
  mark(at("stage"), "data-calls", String(top.length));
  places.forEach((place, i) => {
    const staged = top[i];
    show(place, Boolean(staged));
    if (!staged) return;
    const call = staged.call;
    place.classList.toggle("wide", call.label.length > 3);
    if (page.zones) put(slot(place, "zone"), page.zones[call.zone]);
    paintCall(place, staged, isOpen(board, call), i === 0);
  });
  show(at("idle"), top.length === 0);
  const last = board.recent[0];
  show(at("last"), top.length === 0 && Boolean(last));
  put(at("last-number"), last && last.number);
  put(at("last-label"), last && last.label);
  paintFoot(board, words, page.lang);
}

function paint() {
  paintStage();
  rows.forEach((row, i) => paintRow(row, board.recent[i], board, words));
  paintWaits();
}

/** How many wait in each line, and how long. */
function paintWaits() {
  paintLines(lines, MAX_LINES, board, clock.now(), words);
}

/** Tells the server what stands on the screen, once per call. */
function report() {
  const top = stage.top[0];
  const key = top ? top.call.call_id + "/" + top.call.attempt : "";
  const fresh = top && key !== told && isOpen(board, top.call);
  told = key;
  const seq = feed.last;
  if (seq !== null) painted(() => feed.shown(seq, fresh ? top.call.call_id : undefined));
}

const feed = new Feed("/api/v1/halls/" + page.hall + "/boards/" + page.board.id + "/live", {
  snapshot(frame) {
    board = frame.board;
    stage = settledStage(board, Date.now());
    paint();
    report();
  },
  update(frame) {
    board = advance(board, frame);
    stage = forget(stage, board.calls);
    if (frame.call && isOpen(board, frame.call)) stage = offer(stage, frame.call, Date.now());
    stage = answered(stage, board, Date.now());
    paint();
    report();
  },
  beat(frame) {
    board = advance(board, frame);
    paintWaits();
  },
}, clock);

everySecond(() => {
  feed.check();
  const before = stage.top[0];
  stage = answered(turn(stage, Date.now()), board, Date.now());
  paintStage();
  paintWaits();
  if (stage.top[0] !== before) report();
  put(at("clock"), clock.clock());
  put(at("date"), clock.date());
  const old = age(at("age"), words["common.as_of"], feed, clock, board.stale_since);
  at("board").classList.toggle("stale", old);
});
feed.open();
