/**
 * What a board shows, as a value; and the stage of calls in large type.
 * Law: pure, and bounded: nothing here grows with the days. ES2017.
 */
import { merge } from "./frames.js";

/** @typedef {{call_id: string, attempt: number, number: string, window: string, label: string, zone: string, at: string}} Call */
/** @typedef {{call: Call, since: number, closed?: number}} Staged `closed`: since when it is answered */
/** @typedef {{top: Staged[], queue: Call[]}} Stage */

export const STACK_MS = 10000; // calls this close together stand on the stage together
export const LARGE_MS = 4000; // each call's moment in large type, and how long an answered one stays
const NOTICE_MS = 10000; // how long each of several notices stands
const PLACES = 3;
const QUEUE = 9; // calls that may wait for their moment

/**
 * @param {any} board
 * @param {any} frame an update or a beat
 * @returns {any} the board after it
 */
export function advance(board, frame) {
  const next = Object.assign({}, board);
  if (frame.lines) next.lines = merge(board.lines, frame.lines);
  if (frame.windows) next.windows = merge(board.windows, frame.windows);
  return take(next, frame, ["calls", "recent", "missed", "session", "issuing", "stale_since", "notices"]);
}

/**
 * @param {any} strip what stands above a window
 * @param {any} frame an update or a beat
 * @returns {any} the strip after it
 */
export function advanceStrip(strip, frame) {
  return take(Object.assign({}, strip), frame, ["state", "number", "doing", "lines", "calls", "session", "stale_since"]);
}

/** @param {any} next @param {any} frame @param {string[]} names */
function take(next, frame, names) {
  names.forEach((name) => {
    if (frame[name] !== undefined) next[name] = frame[name];
  });
  return next;
}

/**
 * What a supervisor says on the board; several take turns.
 * @param {any} board
 * @param {string} lang
 * @param {number} now ms
 * @returns {string} nothing when nobody says anything
 */
export function notice(board, lang, now) {
  const said = board.notices || [];
  return said.length ? said[Math.floor(now / NOTICE_MS) % said.length].text[lang] : "";
}

/** @returns {Stage} */
export function emptyStage() {
  return { top: [], queue: [] };
}

/**
 * A stage after a snapshot: the newest open call, with no fuss; calls already rung are not rung again. A call that is
 * answered would send people to a window that no longer waits for them.
 * @param {any} board
 * @param {number} now ms
 * @returns {Stage}
 */
export function settledStage(board, now) {
  const call = board.calls.length ? newest(board.calls) : null;
  return { top: call ? [{ call: call, since: now - STACK_MS }] : [], queue: [] };
}

/** @param {Call[]} calls @returns {Call} */
function newest(calls) {
  return calls.reduce((a, b) => (Date.parse(b.at) > Date.parse(a.at) ? b : a));
}

/**
 * A new call asks for the stage.
 * @param {Stage} stage
 * @param {Call} call
 * @param {number} now
 * @param {number} [places] how many calls stand together
 */
export function offer(stage, call, now, places) {
  const seen = stage.top.concat(stage.queue.map((c) => ({ call: c, since: 0 })));
  if (seen.some((s) => s.call.call_id === call.call_id && s.call.attempt === call.attempt)) return stage;
  return turn({ top: stage.top, queue: stage.queue.concat([call]).slice(-QUEUE) }, now, places);
}

/**
 * Time passes: old calls leave the stack, waiting ones come up.
 * @param {Stage} stage
 * @param {number} now
 * @param {number} [places] how many calls stand together
 */
export function turn(stage, now, places) {
  const most = places || PLACES;
  let top = stage.top.filter((s, i) => i === 0 || now - s.since < STACK_MS);
  if (top.length > 1 && now - top[0].since >= STACK_MS) top = top.slice(0, 1);
  const queue = stage.queue.slice();
  while (queue.length) {
    const call = queue[0];
    const rest = top.filter((s) => now - s.since < STACK_MS && s.call.number !== call.number);
    if (rest.length >= most && now - rest[rest.length - 1].since < LARGE_MS) break;
    queue.shift();
    top = [/** @type {Staged} */ ({ call: call, since: now })].concat(rest).slice(0, most);
  }
  return { top: top, queue: queue };
}

/**
 * The stage with the open calls of `board`: an answered one leaves after its moment, and then the newest open one, if
 * there is one, stands there.
 * @param {Stage} stage
 * @param {any} board
 * @param {number} now
 * @returns {Stage}
 */
export function answered(stage, board, now) {
  const top = stage.top
    .map((s) => (isOpen(board, s.call) ? (s.closed ? { call: s.call, since: s.since } : s) : s.closed ? s : Object.assign({ closed: now }, s)))
    .filter((s) => !s.closed || now - Math.max(s.closed, s.since) < LARGE_MS);
  if (!top.length && !stage.queue.length) return settledStage(board, now);
  return { top: top, queue: stage.queue };
}

/**
 * The last calls of each zone, newest first, as far as this screen has heard of them.
 * @param {{[zone: string]: Call[]}} before
 * @param {Call[]} recent newest first
 * @param {number} most
 * @returns {{[zone: string]: Call[]}}
 */
export function byZone(before, recent, most) {
  const next = Object.assign({}, before);
  recent.slice().reverse().forEach((call) => {
    if (!next[call.zone]) return;
    const key = (/** @type {Call} */ c) => c.call_id + "/" + c.attempt;
    if (next[call.zone].some((c) => key(c) === key(call))) return;
    next[call.zone] = [call].concat(next[call.zone].filter((c) => c.number !== call.number))
      .sort((a, b) => Date.parse(b.at) - Date.parse(a.at)).slice(0, most);
  });
  return next;
}

/**
 * Calls that wait for their moment and are no longer open need none.
 * @param {Stage} stage
 * @param {Call[]} open
 */
export function forget(stage, open) {
  const queue = stage.queue.filter((c) => open.some((o) => o.call_id === c.call_id));
  return queue.length === stage.queue.length ? stage : { top: stage.top, queue: queue };
}

/**
 * @param {any} board
 * @param {Call} call
 * @returns {boolean} still waiting for this citizen
 */
export function isOpen(board, call) {
  return board.calls.some((/** @type {Call} */ c) => c.call_id === call.call_id);
}
