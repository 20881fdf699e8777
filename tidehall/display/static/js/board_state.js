/**
 * What a board shows, as a value; and the stage of calls in large type.
 * Law: pure, and bounded: nothing here grows with the days. ES2017.
 */
import { merge } from "./frames.js";

/** @typedef {{call_id: string, attempt: number, number: string, window: string, label: string, zone: string, at: string}} Call */
/** @typedef {{call: Call, since: number}} Staged */
/** @typedef {{top: Staged[], queue: Call[]}} Stage */

export const STACK_MS = 10000; // calls this close together stand on the stage together
export const LARGE_MS = 4000; // each call's moment in large type
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
  return take(next, frame, ["calls", "recent", "missed", "session", "issuing", "stale_since"]);
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

/** @returns {Stage} */
export function emptyStage() {
  return { top: [], queue: [] };
}

/**
 * A stage after a snapshot: the newest open call, with no fuss; calls already rung are not rung again.
 * @param {any} board
 * @param {number} now ms
 * @returns {Stage}
 */
export function settledStage(board, now) {
  const call = board.calls.length ? newest(board.calls) : board.recent[0];
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
 */
export function offer(stage, call, now) {
  const seen = stage.top.concat(stage.queue.map((c) => ({ call: c, since: 0 })));
  if (seen.some((s) => s.call.call_id === call.call_id && s.call.attempt === call.attempt)) return stage;
  return turn({ top: stage.top, queue: stage.queue.concat([call]).slice(-QUEUE) }, now);
}

/**
 * Time passes: old calls leave the stack, waiting ones come up.
 * @param {Stage} stage
 * @param {number} now
 */
export function turn(stage, now) {
  let top = stage.top.filter((s, i) => i === 0 || now - s.since < STACK_MS);
  if (top.length > 1 && now - top[0].since >= STACK_MS) top = top.slice(0, 1);
  const queue = stage.queue.slice();
  while (queue.length) {
    const call = queue[0];
    const rest = top.filter((s) => now - s.since < STACK_MS && s.call.number !== call.number);
    if (rest.length >= 3 && now - rest[rest.length - 1].since < LARGE_MS) break;
    queue.shift();
    top = [{ call: call, since: now }].concat(rest).slice(0, 3);
  }
  return { top: top, queue: queue };
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
