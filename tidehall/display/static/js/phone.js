/**
 * The phone ticket: the page is right without this; here it moves by itself while it is looked at. ES2017.
 */
import { send } from "./api.js";
import { everySecond, HallClock } from "./clock.js";
import { Feed } from "./feed.js";
import { age, at, given, put, show } from "./page.js";
import { advance, sentence } from "./ticket_state.js";
import { fill, range } from "./words.js";

const page = given();
const words = page.words;
const clock = new HallClock(page.now, page.zone, page.lang);
let ticket = page.ticket;
let lost = false; // the sentence in the page says that the server is away

function paint() {
  const called = ticket.state === "called";
  const line = sentence(ticket, words);
  document.documentElement.classList.toggle("called", called);
  document.title = ticket.number + " · " + line;
  put(at("sentence"), line);
  put(at("line"), ticket.line_name[page.lang]);
  put(at("label"), ticket.window_label);
  show(at("window"), called);
  show(at("wait"), ticket.state === "waiting");
  const next = ticket.ahead === 0;
  show(at("how-long"), !next);
  show(at("range"), !next);
  const minutes = range(ticket.estimate);
  put(at("range"), minutes ? fill(words["phone.range"], { low: minutes[0], high: minutes[1] }) : words["common.no_estimate"]);
  put(at("ahead"), next ? words["phone.next"] : fill(words["phone.ahead"], { n: ticket.ahead }));
  put(at("windows"), ticket.windows_text ? ticket.windows_text[page.lang] : "");
  const dots = at("dots");
  const many = Math.min(ticket.ahead || 0, 12);
  while (dots.children.length - 1 > many) dots.removeChild(dots.firstChild);
  while (dots.children.length - 1 < many) dots.insertBefore(document.createElement("i"), dots.firstChild);
  if (page.rate_when.length) show(at("rating"), page.rate_when.indexOf(ticket.state) >= 0);
  const can = page.can[ticket.state] || [];
  Array.from(document.querySelectorAll("[data-act]")).forEach((act) => {
    const name = /** @type {string} */ (act.getAttribute("data-act"));
    show(/** @type {HTMLElement} */ (act), can.indexOf(name) >= 0 && (name !== "back" || ticket.parked === "away" || ticket.parked === undefined));
  });
}

/** Browsers let a page buzz only after it has been touched. */
function buzz() {
  const touched = navigator.userActivation;
  if (navigator.vibrate && touched && touched.hasBeenActive) navigator.vibrate([300, 150, 300]);
}

/** @param {string} sentence @param {boolean} [away] it is about the connection */
function say(sentence, away) {
  lost = Boolean(away);
  put(at("said"), sentence);
  show(at("said"), Boolean(sentence));
}

/** @param {any} frame */
function take(frame) {
  if (lost && feed.back(frame)) say("");
  ticket = advance(ticket, frame);
  paint();
}

const feed = new Feed("/api/v1/tickets/" + page.token + "/live", {
  snapshot: take,
  update(frame) {
    const before = ticket.state;
    take(frame);
    if (ticket.state === "called" && (before !== "called" || frame.call)) buzz();
  },
  beat: take,
}, clock);

at("acts").addEventListener("submit", (/** @type {SubmitEvent} */ event) => {
  event.preventDefault();
  const button = /** @type {HTMLButtonElement} */ (event.submitter);
  const before = ticket.ahead;
  button.disabled = true;
  send("/api/v1/tickets/" + page.token + "/" + button.value, {}, page.lang).then((answer) => {
    button.disabled = false;
    const details = button.closest("details");
    if (details) details.open = false;
    say(answer.ok ? "" : answer.sentence || words["common.unreachable"], answer.status === 0 || answer.status === 503);
    if (answer.ok) {
      if (button.value === "postpone" && answer.body.ahead === before) {
        say(words[before === 0 ? "phone.nobody_behind" : "phone.nobody_behind_wait"]);
      }
      ticket = Object.assign({}, ticket, answer.body);
      paint();
    }
  });
});

document.addEventListener("visibilitychange", () => {
  if (document.hidden) feed.close();
  else feed.open();
});
everySecond(() => {
  if (!document.hidden) age(at("age"), words["common.as_of"], feed, clock, ticket.stale_since);
  feed.check();
});
if (!document.hidden) feed.open();
