/**
 * The guide desk: the lines, a number for somebody, and mending what went wrong. ES2017.
 */
import { get, newKey, send } from "./api.js";
import { everySecond, HallClock } from "./clock.js";
import { advance } from "./desk_state.js";
import { Feed } from "./feed.js";
import { age, at, given, put, show } from "./page.js";
import { fill, range, span } from "./words.js";

const page = given();
const words = page.words;
const clock = new HallClock(page.now, page.zone, page.lang);
const base = "/api/v1/halls/" + page.hall;
let staff = page.staff;
let busy = false;
/** @type {any[]} */
let found = [];
/** @type {number|null} */
let reload = null;

/** @param {string} sentence @param {boolean} [fine] */
function say(sentence, fine) {
  put(at("said"), sentence);
  at("said").classList.toggle("fine", Boolean(fine));
  show(at("said"), Boolean(sentence));
}

/** @param {any} estimate @returns {string} */
function minutes(estimate) {
  const pair = range(estimate);
  return pair ? fill(words["board.range"], { low: pair[0], high: pair[1] }) : words["common.no_estimate"];
}

function paintLines() {
  staff.lines.forEach((/** @type {any} */ line) => {
    const row = document.querySelector('[data-line="' + line.id + '"]');
    if (!row) return;
    put(row.querySelector("[data-slot=waiting]"), line.waiting);
    put(row.querySelector("[data-slot=longest]"), line.waiting ? span(line.longest_wait_s) : "");
    put(row.querySelector("[data-slot=windows]"), line.open_windows);
    put(row.querySelector("[data-slot=range]"), minutes(line.estimate));
  });
}

/**
 * @param {string} path
 * @param {object} body
 */
function press(path, body) {
  if (busy) return Promise.resolve(null);
  busy = true;
  say("");
  return send(base + path, body, page.lang, newKey()).then((answer) => {
    busy = false;
    if (answer.ok) say(words["guide.done"], true);
    else say(answer.sentence || words["desk.lost"]);
    refresh();
    return answer;
  });
}

/** @param {string} id @param {string} title @returns {Promise<boolean>} */
function sure(id, title) {
  const dialog = at(id);
  put(dialog.querySelector("h2"), title);
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((done) => dialog.addEventListener("close", () => done(dialog.returnValue === "yes"), { once: true }));
}

/** What can be done with a ticket stands in `page.can` (from the life table), never here. */
const acts = {
  restore: (/** @type {any} */ ticket) => {
    at("reason").value = "";
    return sure("ask-reason", fill(words["guide.restore_ask"], { number: ticket.number })).then((yes) => yes && press("/tickets/" + ticket.id + "/restore", { reason: at("reason").value }));
  },
  cancel: (/** @type {any} */ ticket) => sure("ask-sure", fill(words["guide.cancel_ask"], { number: ticket.number })).then((yes) => yes && press("/tickets/" + ticket.id + "/cancel", {})),
  back: (/** @type {any} */ ticket) => press("/tickets/" + ticket.id + "/back", {}),
  confirm: (/** @type {any} */ ticket) => press("/tickets/" + ticket.id + "/priority", { priority: ticket.claimed }),
  refuse: (/** @type {any} */ ticket) => press("/tickets/" + ticket.id + "/priority", { priority: "normal" }),
};

/** @param {any} ticket @returns {string[]} */
function can(ticket) {
  return (page.can[ticket.state] || []).filter((/** @type {string} */ act) => {
    if (act === "confirm" || act === "refuse") return Boolean(ticket.claimed);
    return act !== "back" || ticket.parked === "away";
  });
}

/** @param {string} id @param {any[]} tickets */
function paintTickets(id, tickets) {
  const box = at(id);
  box.textContent = "";
  tickets.slice(0, 20).forEach((ticket) => {
    const row = document.createElement("li");
    const head = document.createElement("div");
    head.className = "head";
    const number = document.createElement("span");
    number.className = "number";
    put(number, ticket.number);
    const state = document.createElement("span");
    const parts = [words["desk.ticket." + ticket.state], page.lines[ticket.line]];
    if (ticket.misses) parts.push(fill(words["guide.misses"], { n: ticket.misses }));
    if (ticket.state === "waiting") parts.push(fill(words["guide.taken"], { n: ticket.ahead, range: minutes(ticket.estimate) }));
    if (ticket.window && page.windows[ticket.window]) parts.push(fill(words["guide.at_window"], { label: page.windows[ticket.window] }));
    put(state, parts.join(" · "));
    head.append(number, state);
    const row2 = document.createElement("div");
    row2.className = "acts";
    can(ticket).forEach((act) => {
      const button = document.createElement("button");
      button.className = "small";
      put(button, fill(words["guide." + act], { name: page.priorities[ticket.claimed] || "" }));
      button.addEventListener("click", () => /** @type {any} */ (acts)[act](ticket));
      row2.append(button);
    });
    row.append(head, row2);
    box.append(row);
  });
}

/** The lists of tickets, again from the server; at most one request at a time. */
function refresh() {
  if (reload !== null) return;
  reload = window.setTimeout(() => {
    get("/desk/" + page.hall + "/guide/state", page.lang).then((answer) => {
      reload = null;
      if (!answer.ok) return;
      show(at("missed-none"), answer.body.missed.length === 0);
      paintTickets("missed", answer.body.missed);
      if (found.length) look(found[0].number);
    });
  }, 300);
}

/** @param {string} number */
function look(number) {
  get("/desk/" + page.hall + "/guide/state?number=" + encodeURIComponent(number), page.lang).then((answer) => {
    if (!answer.ok) return say(answer.sentence || words["common.unreachable"]);
    found = answer.body.found;
    show(at("found-none"), found.length === 0);
    paintTickets("found", found);
  });
}

at("find").addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  look(at("number").value.trim().toUpperCase());
});
at("take").addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  const asked = at("what").value.split(" · ")[0].trim();
  const line = page.letters[asked.toUpperCase()];
  if (!line && !page.codes[asked]) return say(words["guide.unclear"]);
  const body = Object.assign({ channel: "guide", priority: at("priority").value }, line ? { line: line } : { item: asked });
  press("/tickets", body).then((answer) => {
    if (!answer || !answer.ok) return;
    const ticket = answer.body;
    show(at("taken"), true);
    put(at("taken-number"), ticket.number);
    put(at("taken-words"), fill(words["guide.taken"], { n: ticket.ahead, range: minutes(ticket.estimate) }));
    at("taken-link").href = "/t/" + ticket.token;
    at("what").value = "";
    at("priority").value = "normal";
  });
});

const feed = new Feed(base + "/live", {
  snapshot(frame) {
    staff = advance(staff, frame.hall);
    paintLines();
    refresh();
  },
  update(frame) {
    staff = advance(staff, frame);
    paintLines();
    refresh();
  },
  beat(frame) {
    staff = advance(staff, frame);
    paintLines();
  },
  refused(code) {
    if (code === 4401) say(words["desk.not_in"]);
  },
}, clock);

everySecond(() => {
  feed.check();
  put(at("clock"), clock.clock());
  age(at("age"), words["common.as_of"], feed, clock, staff.stale_since);
});
paintLines();
refresh();
feed.open();
