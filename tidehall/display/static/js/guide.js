/**
 * The guide desk: the lines, a number for somebody, and mending what went wrong. ES2017.
 */
import { get, newKey, send } from "./api.js";
import { everySecond, HallClock } from "./clock.js";
import { advance } from "./desk_state.js";
import { Feed } from "./feed.js";
import { age, at, given, put, show } from "./page.js";
import { ticketList } from "./guide_tickets.js";
import { fill, minutes, span } from "./words.js";

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

function paintLines() {
  staff.lines.forEach((/** @type {any} */ line) => {
    const row = document.querySelector('[data-line="' + line.id + '"]');
    if (!row) return;
    put(row.querySelector("[data-slot=waiting]"), line.waiting);
    put(row.querySelector("[data-slot=longest]"), line.waiting ? span(line.longest_wait_s) : "");
    put(row.querySelector("[data-slot=windows]"), line.open_windows);
    put(row.querySelector("[data-slot=range]"), minutes(line.estimate, words));
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

/** The lists of tickets, again from the server; at most one request at a time. */
function refresh() {
  if (reload !== null) return;
  reload = window.setTimeout(() => {
    get("/desk/" + page.hall + "/guide/state", page.lang).then((answer) => {
      reload = null;
      if (!answer.ok) return;
      show(at("missed-none"), answer.body.missed.length === 0);
      ticketList(at("missed"), answer.body.missed, page, press);
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
    ticketList(at("found"), found, page, press);
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
    put(at("taken-words"), fill(words["guide.taken"], { n: ticket.ahead, range: minutes(ticket.estimate, words) }));
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
