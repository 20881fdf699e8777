/**
 * Papers ready, by the ends of receipts: a column for each zone, page by page where they are many. ES2017, for old TV
 * boxes.
 */
import { notice } from "./board_state.js";
import { everySecond, HallClock } from "./clock.js";
import { Feed } from "./feed.js";
import { age, at, given, painted, put, show } from "./page.js";
import { advanceReady, dayWords, pagesOf } from "./ready_state.js";

const PAGE_S = 12; // how long a page stands
const page = given();
const words = page.words;
const clock = new HallClock(page.now, page.zone, page.lang);
let board = page.board;
/** @type {Set<string>} */
let known = new Set(keys());
let turned = 0;

/** @returns {string[]} every receipt on the board, whole */
function keys() {
  return [].concat(...board.ready.map((/** @type {any} */ group) => group.tails.map((/** @type {string} */ tail) => group.day + tail)));
}

/** @param {Element} column */
function paintColumn(column) {
  const zone = column.getAttribute("data-zone");
  const groups = board.ready.filter((/** @type {any} */ group) => group.zone === zone);
  const box = /** @type {HTMLElement} */ (column.querySelector("[data-slot=tails]"));
  const style = getComputedStyle(box);
  const across = style.gridTemplateColumns.split(" ").length;
  const height = parseFloat(style.gridAutoRows) || 1;
  const room = column.getBoundingClientRect().bottom - box.getBoundingClientRect().top;
  const pages = pagesOf(groups, across, Math.max(2, Math.floor(room / height)));
  const now = pages.length ? Math.floor(turned / PAGE_S) % pages.length : 0;
  put(column.querySelector("[data-slot=page]"), pages.length > 1 ? (now + 1) + "/" + pages.length : "");
  show(column.querySelector("[data-slot=none]"), groups.length === 0);
  const shown = JSON.stringify(pages[now] || []);
  if (/** @type {any} */ (box).shown === shown) return;
  /** @type {any} */ (box).shown = shown;
  box.textContent = "";
  (pages[now] || []).forEach((block) => {
    const day = document.createElement("p");
    day.className = "day";
    put(day, dayWords(block.day, words["board.receipts_of"]));
    box.appendChild(day);
    block.tails.forEach((tail) => {
      const cell = document.createElement("span");
      cell.className = known.has(block.day + tail) ? "number" : "number new";
      put(cell, tail);
      box.appendChild(cell);
    });
  });
}

function paint() {
  Array.from(document.querySelectorAll(".ready-column")).forEach(paintColumn);
  known = new Set(keys());
}

/** @param {any} frame */
function told(frame) {
  paint();
  const call = frame.call && frame.call.call_id;
  const seq = feed.last;
  if (seq !== null) painted(() => feed.shown(seq, call));
}

const feed = new Feed("/api/v1/halls/" + page.hall + "/boards/" + encodeURIComponent(board.id) + "/live", {
  snapshot(frame) {
    board = frame.board;
    told(frame);
  },
  update(frame) {
    board = advanceReady(board, frame);
    told(frame);
  },
  beat(frame) {
    board = advanceReady(board, frame);
    const seq = feed.last;
    if (seq !== null) feed.shown(seq);
  },
}, clock);

everySecond(() => {
  feed.check();
  turned += 1;
  if (turned % PAGE_S === 0) paint();
  put(at("notice"), notice(board, page.lang, Date.now()) || words["board.ready_notice"]);
  put(at("clock"), clock.clock());
  const old = age(at("age"), words["common.as_of"], feed, clock, board.stale_since);
  at("board").classList.toggle("stale", old);
});
paint();
feed.open();
