/**
 * What the boards of calls write into their slots: a call in large type, a row of the last calls, a line's wait, the
 * foot. ES2017, for old TV boxes.
 */
import { isOpen, notice } from "./board_state.js";
import { at, mark, put, show } from "./page.js";
import { fill, range, waiting } from "./words.js";

const NEW_MS = 1000; // a call that came on the stage this lately moves once

/** @param {Element} row @param {string} name */
export const slot = (row, name) => row.querySelector("[data-slot=" + name + "]");

/**
 * @param {HTMLElement} place
 * @param {import("./board_state.js").Staged} staged
 * @param {boolean} open still waiting for this citizen
 * @param {boolean} moves whether a new call moves here
 */
export function paintCall(place, staged, open, moves) {
  const call = staged.call;
  put(slot(place, "number"), call.number);
  put(slot(place, "label"), call.label);
  place.classList.toggle("open", open);
  const key = call.call_id + "/" + call.attempt;
  if (moves && place.getAttribute("data-call") !== key && Date.now() - staged.since < NEW_MS) {
    place.classList.remove("new");
    void place.offsetWidth; // lets the one movement begin again
    place.classList.add("new");
  }
  mark(place, "data-call", key);
}

/** @param {Element} row of the last calls @param {any} call or nothing @param {any} board @param {{[key: string]: string}} words */
export function paintRow(row, call, board, words) {
  const open = Boolean(call && isOpen(board, call));
  put(slot(row, "number"), call && call.number);
  put(slot(row, "arrow"), call && (open ? words["board.please"] : "→"));
  put(slot(row, "label"), call && call.label);
  put(slot(row, "unit"), call && words["board.short_unit"]);
  row.classList.toggle("open", open);
}

/**
 * Lines take turns where there are more than fit.
 * @param {Element[]} cells
 * @param {number} most at a time
 * @param {any} board
 * @param {number} now hall time, ms
 * @param {{[key: string]: string}} words
 */
export function paintLines(cells, most, board, now, words) {
  const turn = Math.floor(now / 10000) % (Math.ceil(cells.length / most) || 1);
  cells.forEach((cell, i) => {
    const line = board.lines.find((/** @type {any} */ one) => one.id === cell.getAttribute("data-line"));
    show(/** @type {HTMLElement} */ (cell), Math.floor(i / most) === turn);
    if (!line) return;
    const minutes = line.waiting ? range(line.estimate) : null;
    put(slot(cell, "people"), waiting(line, words));
    put(slot(cell, "range"), minutes ? fill(words["board.range"], { low: minutes[0], high: minutes[1] }) : "");
  });
}

/** Who missed a call, what is to be known, and whether the hall is open. @param {any} board @param {{[key: string]: string}} words @param {string} lang */
export function paintFoot(board, words, lang) {
  const missed = board.missed.slice(0, 8);
  put(at("missed"), missed.length ? missed.join("  ") : words["board.none"]);
  const said = notice(board, lang, Date.now());
  put(at("notice"), said || words[board.issuing ? "board.notice" : "board.issuing_ended"]);
  const foot = at("notice").parentElement;
  if (foot) foot.classList.toggle("told", Boolean(said));
  show(at("session"), board.session !== "open");
  put(at("session"), board.session === "open" ? "" : words["board." + board.session]);
}
