/**
 * The guide desk: the lines, a number for somebody, and mending what went wrong. ES2017.
 */
import { get, newKey, send } from "./api.js";
import { everySecond, HallClock } from "./clock.js";
import { advance } from "./desk_state.js";
import { Feed } from "./feed.js";
import { mend } from "./dialogs.js";
import { age, at, given, put, show } from "./page.js";
import { choose } from "./guide_choice.js";
import { loadServices, services } from "./guide_services.js";
import { ticketList } from "./guide_tickets.js";
import { fill, minutes, span } from "./words.js";

const page = given();
const words = page.words;
const clock = new HallClock(page.now, page.zone, page.lang);
const base = "/api/v1/halls/" + page.hall;
const FINE_MS = 6000; // as long as "done" stands there
let lost = false; // the bar says that the server is away
/** @type {number|undefined} */
let fading;
let staff = page.staff;
let busy = false;
let sought = ""; // the number that was looked for last
let looks = 0; // how often
let reading = false; // the lists are asked for
let again = false; // something moved since

/** @param {string} sentence @param {boolean} [fine] */
function say(sentence, fine) {
  lost = false;
  window.clearTimeout(fading);
  if (fine) fading = window.setTimeout(() => say(""), FINE_MS);
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
 * @param {string} done what to say when it is done
 * @param {boolean} [asked] a dialog is open and says itself what has to be put right
 */
function press(path, body, done, asked) {
  if (busy) return Promise.resolve(null);
  busy = true;
  say("");
  return send(base + path, body, page.lang, newKey()).then((answer) => {
    busy = false;
    if (answer.ok) say(fill(done, answer.body), true);
    else if (!asked || !mend(answer)) {
      say(answer.sentence || words["desk.lost"]);
      lost = answer.status === 0 || answer.status === 503;
    }
    refresh();
    return answer;
  });
}

/** The lists of tickets, again from the server; one request at a time, and one more for what moved meanwhile. */
function refresh() {
  if (reading) {
    again = true;
    return;
  }
  reading = true;
  window.setTimeout(() => {
    again = false;
    loadServices(page, base);
    get("/desk/" + page.hall + "/guide/state", page.lang).then((answer) => {
      if (!answer.ok) return;
      show(at("missed-none"), answer.body.missed.length === 0);
      ticketList(at("missed"), answer.body.missed, page, press);
      if (sought) return look(sought);
    }).then(() => {
      reading = false;
      if (again) refresh();
    });
  }, 300);
}

/** @param {string} number @returns {Promise<void>} */
function look(number) {
  sought = number;
  const turn = ++looks;
  return get("/desk/" + page.hall + "/guide/state?number=" + encodeURIComponent(number), page.lang).then((answer) => {
    if (turn !== looks) return; // a later look has the word
    if (!answer.ok) {
      if (answer.status && answer.status !== 503) sought = "";
      return say(answer.sentence || words["common.unreachable"]);
    }
    show(at("found-none"), answer.body.found.length === 0);
    ticketList(at("found"), answer.body.found, page, press);
  });
}

at("find").addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  look(at("number").value.normalize("NFKC").trim().toUpperCase());
});
at("take").addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  const found = choose(at("what").value, page);
  if (!found.what) return say(found.said);
  const helper = at("helper").value.trim();
  press("/tickets", Object.assign({ channel: "guide", priority: at("priority").value }, helper ? { helper: helper } : {}, found.what), words["guide.done_take"]).then((answer) => {
    if (!answer || !answer.ok) return;
    const ticket = answer.body;
    show(at("taken"), true);
    put(at("taken-number"), ticket.number);
    put(at("taken-words"), fill(words[ticket.ahead ? "guide.taken" : "guide.taken_none"], { n: ticket.ahead, range: minutes(ticket.estimate, words) }));
    at("taken-link").href = "/t/" + ticket.token;
    at("what").value = "";
    at("priority").value = "normal";
    at("helper").value = "";
  });
});

/** @param {any} frame */
function wellAgain(frame) {
  if (lost && feed.back(frame)) say("");
}

const feed = new Feed(base + "/live", {
  snapshot(frame) {
    wellAgain(frame);
    staff = advance(staff, frame.hall);
    paintLines();
    refresh();
  },
  update(frame) {
    wellAgain(frame);
    staff = advance(staff, frame);
    paintLines();
    refresh();
  },
  beat(frame) {
    wellAgain(frame);
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
services(page, press);
paintLines();
refresh();
feed.open();
