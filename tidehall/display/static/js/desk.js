/**
 * The window's terminal: keyboard first; only what the server allows now is solid. ES2017.
 */
import { get, newKey, send } from "./api.js";
import { everySecond, HallClock } from "./clock.js";
import { askFor, signIn } from "./desk_dialogs.js";
import { mend } from "./dialogs.js";
import { paintDesk, paintTimes } from "./desk_paint.js";
import { advance, KEYS } from "./desk_state.js";
import { Feed } from "./feed.js";
import { age, at, given, put, show } from "./page.js";
import { fill } from "./words.js";

const page = given();
const clock = new HallClock(page.now, page.zone, page.lang);
const base = "/api/v1/halls/" + page.hall;
let desk = page.desk;
let busy = false;
let note = { reference: "", text: "" };
let lost = false; // the bar says that the server is away
const seat = "staff " + page.hall + " " + page.window;
let mine = sessionStorage.getItem(seat) || desk.window.staff || ""; // who signed in here

/** Who sits here from now on, by this page. @param {string} staff "": nobody */
function sit(staff) {
  mine = staff;
  if (staff) sessionStorage.setItem(seat, staff);
  else sessionStorage.removeItem(seat);
}

/** Somebody else has taken the window over; nothing may be pressed in his name. */
function displaced() {
  const staff = desk.window.staff;
  if (!mine && staff) sit(staff);
  return Boolean(staff && staff !== mine);
}

function paint() {
  const out = displaced();
  openNote();
  put(at("displaced-by"), out ? fill(page.words["desk.displaced"], { staff: desk.window.staff }) : "");
  show(at("displaced"), out);
  paintDesk(desk, page, busy || out, note.text);
  paintTimes(desk, page, clock);
}

/** @param {string} sentence @param {boolean} [fine] */
function say(sentence, fine) {
  lost = false;
  put(at("said"), sentence);
  at("said").classList.toggle("fine", Boolean(fine));
  show(at("said"), Boolean(sentence));
}

/** @param {any} frame */
function take(frame) {
  if (lost && feed.back(frame)) say("");
  desk = advance(desk, frame);
  paint();
}

/**
 * @param {string} action
 * @param {object} body
 * @param {boolean} [asked] a dialog is open and says itself what has to be put right
 */
function press(action, body, asked) {
  if (busy) return Promise.resolve(null);
  busy = true;
  say("");
  paint();
  return send(base + "/windows/" + page.window + "/" + action, body, page.lang, newKey()).then((answer) => {
    busy = false;
    if (answer.ok) {
      if (answer.body.window && (desk.window.seq || 0) <= (answer.body.window.seq || answer.body.seq)) {
        desk = advance(desk, { window: Object.assign({}, desk.window, answer.body.window) });
      }
      if ((action === "call" || action === "next") && !answer.body.ticket) say(page.words["desk.nobody_came"], true);
    } else if (!(asked && (mend(answer) || action === "sign-in"))) {
      say(answer.sentence || page.words["desk.lost"]);
      lost = answer.status === 0 || answer.status === 503;
    }
    paint();
    return answer;
  });
}

/** A note that another window wrote lies under seal; staff may open it, for the one in front only. */
function openNote() {
  const ticket = desk.window.ticket;
  const sealed = ticket && ticket.note && ticket.note.indexOf("sealed:") === 0 ? ticket.note : "";
  if (!sealed || sealed === note.reference) return;
  note = { reference: sealed, text: "" };
  get(base + "/texts/" + encodeURIComponent(sealed), page.lang).then((answer) => {
    if (answer.ok && note.reference === sealed) note.text = answer.body.text;
    paint();
  });
}

/** @param {string} action @param {string} [ticket] */
function start(action, ticket) {
  if (busy || displaced() || document.querySelector("dialog[open]")) return;
  if (action !== "call" && desk.window.allowed.indexOf(action) < 0) return;
  const about = ticket ? desk.waiting.concat(desk.parked).find((/** @type {any} */ t) => t.id === ticket) : desk.window.ticket;
  askFor(action, action === "call" && !ticket ? null : about, page, (body) => {
    if (action === "sign-out") sit("");
    const asked = Boolean(document.querySelector("dialog[open]"));
    return press(action, action === "unsuspend" ? { ticket: ticket } : body, asked);
  });
}

/** Whoever signs in here sits here, even before the house's answer; a refusal leaves it as it was. */
function seatOneself() {
  if (document.querySelector("dialog[open]")) return;
  signIn(desk.window, page, (/** @type {any} */ body) => {
    const before = mine;
    sit(body.staff);
    return press("sign-in", body, true).then((answer) => {
      if (!answer || !answer.ok) sit(before);
      paint();
      return answer;
    });
  });
}

document.addEventListener("click", (event) => {
  const button = /** @type {Element} */ (event.target).closest("[data-press]");
  if (button && !(/** @type {HTMLButtonElement} */ (button).disabled)) {
    start(/** @type {string} */ (button.getAttribute("data-press")), button.getAttribute("data-ticket") || undefined);
  }
});
document.addEventListener("keydown", (event) => {
  if (!KEYS.some(([key]) => key === event.key) || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  if (event.repeat) return;
  const button = /** @type {HTMLButtonElement} */ (document.querySelector('[data-key="' + event.key + '"]'));
  if (button && !button.disabled) start(/** @type {string} */ (button.getAttribute("data-press")));
});

const feed = new Feed(base + "/live?window=" + encodeURIComponent(page.window), {
  snapshot(frame) {
    desk = advance(desk, frame.hall || frame);
    take(frame);
  },
  update: take,
  beat: take,
  refused(code) {
    if (code === 4401) say(page.words["desk.not_in"]);
  },
}, clock);

everySecond(() => {
  feed.check();
  put(at("clock"), clock.clock());
  age(at("age"), page.words["common.as_of"], feed, clock, desk.stale_since);
  paintTimes(desk, page, clock);
});
at("change-staff").addEventListener("click", seatOneself);
at("displaced-sign-in").addEventListener("click", seatOneself);
paint();
if (!desk.window.staff) seatOneself();
feed.open();
