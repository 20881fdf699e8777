/**
 * The guide desk's lists of tickets, and what it may do with each. ES2017.
 * Law: which steps a ticket's state has stands in `page.can` (made from the life table), never here.
 */
import { hold, stays } from "./dialogs.js";
import { at, put } from "./page.js";
import { fill, minutes } from "./words.js";

/** @typedef {(path: string, body: object, done: string, asked?: boolean) => Promise<any>} Press */

/** @param {string} id @param {string} title @param {any} page @param {() => Promise<any>} act */
function sure(id, title, page, act) {
  put(at(id).querySelector("h2"), title);
  hold(id, () => act().then((answer) => stays(answer, page.words["desk.lost"])));
}

/**
 * @param {string} act
 * @param {any} ticket
 * @param {any} page
 * @param {Press} press
 */
function run(act, ticket, page, press) {
  const path = "/tickets/" + ticket.id + "/";
  const number = { number: ticket.number };
  const done = fill(page.words["guide.done"], number);
  if (act === "restore") {
    at("reason").value = "";
    sure("ask-reason", fill(page.words["guide.restore_ask"], number), page, () =>
      press(path + "restore", { reason: at("reason").value }, done, true));
  } else if (act === "cancel") {
    sure("ask-sure", fill(page.words["guide.cancel_ask"], number), page, () => press(path + "cancel", {}, done, true));
  } else if (act === "back") {
    press(path + "back", {}, done);
  } else {
    press(path + "priority", { priority: act === "confirm" ? ticket.claimed : "normal" }, done);
  }
}

/** @param {any} ticket @param {any} page @returns {string[]} */
function can(ticket, page) {
  return (page.can[ticket.state] || []).filter((/** @type {string} */ act) => {
    if (act === "confirm" || act === "refuse") return Boolean(ticket.claimed);
    return act !== "back" || ticket.parked === "away";
  });
}

/** @param {any} ticket @param {any} page @returns {string} */
function about(ticket, page) {
  const words = page.words;
  const parts = [words["desk.ticket." + ticket.state], page.lines[ticket.line]];
  if (ticket.misses) parts.push(fill(words["guide.misses"], { n: ticket.misses }));
  if (ticket.state === "waiting") parts.push(fill(words[ticket.ahead ? "guide.taken" : "guide.taken_none"], { n: ticket.ahead, range: minutes(ticket.estimate, words) }));
  if (ticket.window && page.windows[ticket.window]) parts.push(fill(words["guide.at_window"], { label: page.windows[ticket.window] }));
  return parts.join(" · ");
}

/**
 * A ticket's row as it is now. Its buttons are made anew only when there are others: a finger may be on one of them.
 * @param {any} row
 * @param {any} ticket
 * @param {any} page
 * @param {Press} press
 */
function bring(row, ticket, page, press) {
  row.ticket = ticket;
  put(row.querySelector(".number"), ticket.number);
  put(row.querySelector(".head span + span"), about(ticket, page));
  const acts = can(ticket, page);
  const drawn = acts.concat(ticket.claimed || "").join(" ");
  if (row.acts === drawn) return;
  row.acts = drawn;
  row.lastChild.textContent = "";
  acts.forEach((act) => {
    const button = document.createElement("button");
    button.className = "small";
    put(button, fill(page.words["guide." + act], { name: page.priorities[ticket.claimed] || "" }));
    button.addEventListener("click", () => run(act, row.ticket, page, press));
    row.lastChild.append(button);
  });
}

/**
 * @param {Element} box
 * @param {any[]} tickets
 * @param {any} page
 * @param {Press} press
 */
export function ticketList(box, tickets, page, press) {
  /** @type {Map<string, any>} */
  const have = new Map(Array.from(box.children, (/** @type {any} */ row) => [row.ticket.id, row]));
  tickets.forEach((ticket, place) => {
    let row = have.get(ticket.id);
    if (!row) {
      row = document.createElement("li");
      row.innerHTML = '<div class="head"><span class="number"></span><span></span></div><div class="acts"></div>';
    }
    have.delete(ticket.id);
    bring(row, ticket, page, press);
    if (box.children[place] !== row) box.insertBefore(row, box.children[place] || null);
  });
  have.forEach((row) => box.removeChild(row));
}
