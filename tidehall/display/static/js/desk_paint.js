/**
 * Writes a terminal's state into its page. ES2017.
 */
import { advice, keys, longestWaiting } from "./desk_state.js";
import { at, fromTop, mark, put, show } from "./page.js";
import { fill, span } from "./words.js";

const ROWS = 30; // as many as the server sends; the list scrolls

/** @param {any} page @param {any} ticket */
function itemName(page, ticket) {
  const item = ticket.item ? page.items[ticket.item] : null;
  return item ? item.name[page.lang] || item.name.zh : page.lines[ticket.line] || ticket.line;
}

/** @param {any} page @param {any} ticket */
function priorityName(page, ticket) {
  if (ticket.claimed) return fill(page.words["desk.claimed"], { name: page.priorities[ticket.claimed] || ticket.claimed });
  return page.priorities[ticket.priority] || ticket.priority;
}

/**
 * @param {any} desk
 * @param {any} page
 * @param {boolean} busy an answer is awaited
 * @param {string} note the opened note of the one in front
 */
export function paintDesk(desk, page, busy, note) {
  const window = desk.window;
  const ticket = window.ticket;
  const allowed = /** @type {string[]} */ (window.allowed || []);
  const state = window.closing ? "closing" : window.state;
  mark(at("terminal"), "data-state", state);
  put(at("state"), page.words["desk.state." + state]);
  put(at("who"), window.staff || page.words["desk.key.sign-in"]);
  show(at("nobody"), !ticket);
  show(at("somebody"), Boolean(ticket));
  mark(at("citizen"), "data-ticket", ticket ? ticket.state : "");
  fromTop(at("citizen"), ticket ? ticket.id : "");
  put(at("nobody-next"), page.words[advice(allowed, desk.waiting)]);
  if (ticket) {
    put(at("ticket-state"), page.words["desk.ticket." + ticket.state]);
    put(at("number"), ticket.number);
    put(at("item"), itemName(page, ticket));
    put(at("waited"), ticket.waited_s === null ? "" : span(ticket.waited_s));
    put(at("priority"), priorityName(page, ticket));
    put(at("calls"), fill(page.words["desk.calls_n"], { n: ticket.calls }));
    put(at("note"), note || page.words["desk.note_sealed"]);
    show(at("note-row"), Boolean(ticket.note));
    put(at("helper"), ticket.helper || "");
    show(at("helper-row"), Boolean(ticket.helper));
  }
  keys(allowed, Boolean(ticket)).forEach((key) => {
    const button = /** @type {HTMLButtonElement} */ (document.querySelector('[data-key="' + key.key + '"]'));
    mark(button, "data-press", key.action);
    put(button.querySelector("b"), page.words["desk.key." + key.action]);
    button.disabled = busy || !key.solid;
    button.classList.toggle("primary", key.primary);
  });
  Array.from(document.querySelectorAll(".bar [data-press]")).forEach((button) => {
    const able = allowed.indexOf(/** @type {string} */ (button.getAttribute("data-press"))) >= 0;
    /** @type {HTMLButtonElement} */ (button).disabled = busy || !able;
    show(/** @type {HTMLElement} */ (button), able);
  });
  show(at("undo"), allowed.indexOf("undo") >= 0);
  /** @type {any} */ (document.querySelector("#undo button")).disabled = busy;
  /** @type {any} */ (document.querySelector(".keys")).classList.toggle("busy", busy);
  list("waiting", desk.waiting, window.waiting === undefined ? desk.waiting.length : window.waiting, page,
    allowed.indexOf("call") >= 0 && !busy ? "call" : "", "desk.call_this");
  list("parked", desk.parked, desk.parked.length, page, allowed.indexOf("unsuspend") >= 0 && !busy ? "unsuspend" : "", "desk.key.unsuspend");
}

/**
 * @param {string} id
 * @param {any[]} tickets
 * @param {number} count
 * @param {any} page
 * @param {string} action
 * @param {string} word
 */
function list(id, tickets, count, page, action, word) {
  put(at(id + "-count"), count);
  show(at(id + "-none"), tickets.length === 0);
  const box = at(id);
  const shown = tickets.slice(0, ROWS);
  while (box.children.length > shown.length) box.removeChild(box.lastChild);
  while (box.children.length < shown.length) {
    const row = document.createElement("li");
    row.innerHTML = '<span class="number"></span><span class="what"></span><span class="time"></span><button class="small"></button>';
    box.appendChild(row);
  }
  shown.forEach((ticket, i) => {
    const row = box.children[i];
    put(row.children[0], ticket.number);
    const plain = ticket.priority === "normal" && !ticket.claimed;
    const parked = ticket.parked ? page.words["desk.suspend." + ticket.parked] + " · " : "";
    put(row.children[1], parked + (plain ? "" : priorityName(page, ticket) + " · ") + itemName(page, ticket));
    mark(row.children[2], "data-since", ticket.taken_at);
    const button = row.children[3];
    put(button, page.words[word]);
    button.disabled = !action;
    if (action) mark(button, "data-press", action);
    mark(button, "data-ticket", ticket.id);
  });
}

/**
 * What moves by itself.
 * @param {any} desk
 * @param {any} page
 * @param {import("./clock.js").HallClock} clock
 */
export function paintTimes(desk, page, clock) {
  const now = clock.now();
  const ticket = desk.window.ticket;
  const since = ticket ? (ticket.state === "called" ? ticket.called_at : ticket.started_at) : null;
  put(at("elapsed"), since ? span((now - Date.parse(since)) / 1000) : "");
  Array.from(document.querySelectorAll("#waiting .time, #parked .time")).forEach((cell) => {
    put(cell, span((now - Date.parse(cell.getAttribute("data-since") || "")) / 1000));
  });
  const first = longestWaiting(desk.waiting);
  put(at("longest"), first === null ? "" : fill(page.words["desk.longest"], { time: span((now - first) / 1000) }));
}
