/**
 * The zone board: eight fixed rows, three fixed places for calls, one chain of timers. Runs for weeks.
 * Law: slots are created once by the server's page and only rewritten. ES2017, for old TV boxes.
 */
import { advance, answered, forget, isOpen, offer, settledStage, turn } from "./board_state.js";
import { everySecond, HallClock } from "./clock.js";
import { Feed } from "./feed.js";
import { age, at, given, mark, painted, put, show } from "./page.js";
import { fill, range, waiting } from "./words.js";

const page = given();
const MAX_LINES = page.lang === "en" ? 3 : 4; // in one row of the foot, as long as names are; more take turns
const words = page.words;
const clock = new HallClock(page.now, page.zone, page.lang);
let board = page.board;
let stage = settledStage(board, Date.now());
let told = ""; // the call that the server has been told of

const slots = (/** @type {string} */ selector) => Array.from(document.querySelectorAll(selector));
const slot = (/** @type {Element} */ row, /** @type {string} */ name) => row.querySelector("[data-slot=" + name + "]");
const places = slots("#stage .call");
const rows = slots("#recent .row");
const lines = slots("#lines .line");

function paintStage() {
  const top = stage.top;
  mark(at("stage"), "data-calls", String(top.length));
  places.forEach((place, i) => {
    const staged = top[i];
    show(/** @type {HTMLElement} */ (place), Boolean(staged));
    if (!staged) return;
    const call = staged.call;
    put(slot(place, "number"), call.number);
    put(slot(place, "label"), call.label);
    place.classList.toggle("wide", call.label.length > 3);
    if (page.zones) put(slot(place, "zone"), page.zones[call.zone]);
    place.classList.toggle("open", isOpen(board, call));
    const key = call.call_id + "/" + call.attempt;
    if (i === 0 && place.getAttribute("data-call") !== key && Date.now() - staged.since < 1000) {
      place.classList.remove("new");
      void (/** @type {HTMLElement} */ (place).offsetWidth); // lets the one movement begin again
      place.classList.add("new");
    }
    mark(place, "data-call", key);
  });
  show(at("idle"), top.length === 0);
  const last = board.recent[0];
  show(at("last"), top.length === 0 && Boolean(last));
  put(at("last-number"), last && last.number);
  put(at("last-label"), last && last.label);
  show(at("session"), board.session !== "open");
  put(at("session"), board.session === "open" ? "" : words["board." + board.session]);
}

function paintLists() {
  rows.forEach((row, i) => {
    const call = board.recent[i];
    put(slot(row, "number"), call && call.number);
    put(slot(row, "arrow"), call && (isOpen(board, call) ? words["board.please"] : "→"));
    put(slot(row, "label"), call && call.label);
    put(slot(row, "unit"), call && words["board.short_unit"]);
    row.classList.toggle("open", Boolean(call && isOpen(board, call)));
  });
  const missed = board.missed.slice(0, 8);
  put(at("missed"), missed.length ? missed.join("  ") : words["board.none"]);
  put(at("notice"), words[board.issuing ? "board.notice" : "board.issuing_ended"]);
}

function paintLines() {
  const pages = Math.ceil(lines.length / MAX_LINES) || 1;
  const turnOf = Math.floor(clock.now() / 10000) % pages;
  lines.forEach((cell, i) => {
    const line = board.lines.find((/** @type {any} */ l) => l.id === cell.getAttribute("data-line"));
    show(/** @type {HTMLElement} */ (cell), Math.floor(i / MAX_LINES) === turnOf);
    if (!line) return;
    const minutes = line.waiting ? range(line.estimate) : null;
    put(slot(cell, "people"), waiting(line, words));
    put(slot(cell, "range"), minutes ? fill(words["board.range"], { low: minutes[0], high: minutes[1] }) : "");
  });
}

function paint() {
  paintStage();
  paintLists();
  paintLines();
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
    paintLines();
  },
}, clock);

everySecond(() => {
  feed.check();
  const before = stage.top[0];
  stage = answered(turn(stage, Date.now()), board, Date.now());
  paintStage();
  paintLines();
  if (stage.top[0] !== before) report();
  put(at("clock"), clock.clock());
  put(at("date"), clock.date());
  const old = age(at("age"), words["common.as_of"], feed, clock, board.stale_since);
  at("board").classList.toggle("stale", old);
});
feed.open();
