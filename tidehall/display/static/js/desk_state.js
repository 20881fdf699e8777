/**
 * What a window's terminal shows, as a value. Pure; no rule of the hall stands here: `window.allowed` says what can
 * be done now. ES2017.
 */
import { merge } from "./frames.js";

/** The row of keys: F-key → the actions that it can stand for, the first allowed one wins. */
export const KEYS = [
  ["F1", ["next", "call"]],
  ["F2", ["recall"]],
  ["F3", ["no-show"]],
  ["F4", ["start"]],
  ["F5", ["suspend"]],
  ["F6", ["transfer"]],
  ["F7", ["reject"]],
  ["F8", ["finish"]],
  ["F9", ["pause", "resume"]],
];
const FIRST = ["start", "next", "call", "resume"]; // the one key to press next, by look

/**
 * @param {any} desk
 * @param {any} frame snapshot's hall object, update or beat
 * @returns {any}
 */
export function advance(desk, frame) {
  const next = Object.assign({}, desk);
  if (frame.windows) next.windows = merge(desk.windows, frame.windows);
  if (frame.lines) next.lines = merge(desk.lines, frame.lines);
  ["window", "waiting", "parked", "session", "issuing", "alerts", "stale_since"].forEach((name) => {
    if (frame[name] !== undefined) next[name] = frame[name];
  });
  const own = (frame.windows || []).find((/** @type {any} */ w) => desk.window && w.id === desk.window.id);
  if (own && frame.window === undefined) next.window = Object.assign({}, desk.window, own);
  return next;
}

/**
 * What each key does now.
 * @param {string[]} allowed
 * @param {boolean} serving somebody is in front
 * @returns {{key: string, action: string, solid: boolean, primary: boolean}[]}
 */
export function keys(allowed, serving) {
  const able = (/** @type {string} */ name) => allowed.indexOf(name) >= 0;
  const row = KEYS.map(([key, actions]) => {
    const list = /** @type {string[]} */ (actions).filter((name) => name !== "next" || serving);
    const action = list.find(able) || list[list.length - 1];
    return { key: /** @type {string} */ (key), action: action, solid: able(action), primary: false };
  });
  const first = FIRST.find((name) => row.some((one) => one.solid && one.action === name));
  row.forEach((one) => {
    one.primary = one.solid && one.action === first;
  });
  return row;
}

/**
 * What the empty desk should do next, as a word of the locale.
 * @param {string[]} allowed
 * @param {any[]} waiting
 * @returns {string}
 */
export function advice(allowed, waiting) {
  if (allowed.indexOf("call") >= 0) return waiting.length ? "desk.next_call" : "desk.next_wait";
  if (allowed.indexOf("resume") >= 0) return "desk.next_resume";
  return "desk.next_open";
}

/**
 * Since when the one who has waited longest waits; the list shows the same span in its row.
 * @param {{taken_at: string}[]} waiting
 * @returns {number|null} ms, null: nobody waits
 */
export function longestWaiting(waiting) {
  return waiting.length ? Math.min.apply(null, waiting.map((ticket) => Date.parse(ticket.taken_at))) : null;
}
