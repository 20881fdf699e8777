/**
 * A citizen's ticket as the phone shows it. Pure. ES2017.
 */
import { fill } from "./words.js";

/**
 * @param {any} ticket
 * @param {any} frame an update has the whole ticket, a beat what time has changed
 * @returns {any}
 */
export function advance(ticket, frame) {
  const next = Object.assign({}, ticket, frame.ticket);
  if (frame.stale_since !== undefined) next.stale_since = frame.stale_since;
  return next;
}

/**
 * The one sentence of the page; the same choice as the server's.
 * @param {any} ticket
 * @param {{[key: string]: string}} words
 * @returns {string}
 */
export function sentence(ticket, words) {
  let key = "phone." + ticket.state;
  if (ticket.state === "waiting" && ticket.calls > 0) key = "phone.waiting_again";
  if (ticket.state === "suspended" && ticket.parked) key = "phone.suspended_" + ticket.parked;
  return fill(words[key] || words["phone." + ticket.state] || "", { label: ticket.window_label || "" });
}
