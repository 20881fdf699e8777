/**
 * The window's terminal: keyboard first; only what the server allows now is solid. ES2017.
 */
import { get, newKey, send } from "./api.js";
import { everySecond, HallClock } from "./clock.js";
import { askFor, signIn } from "./desk_dialogs.js";
import { paintDesk, paintTimes } from "./desk_paint.js";
import { advance, KEYS } from "./desk_state.js";
import { Feed } from "./feed.js";
import { age, at, given, put, show } from "./page.js";

const page = given();
const clock = new HallClock(page.now, page.zone, page.lang);
const base = "/api/v1/halls/" + page.hall;
let desk = page.desk;
let busy = false;
let note = { reference: "", text: "" };

function paint() {
  openNote();
  paintDesk(desk, page, busy, note.text);
  paintTimes(desk, page, clock);
}

/** @param {string} sentence @param {boolean} [fine] */
function say(sentence, fine) {
  put(at("said"), sentence);
  at("said").classList.toggle("fine", Boolean(fine));
  show(at("said"), Boolean(sentence));
}

/**
 * @param {string} action
 * @param {object} body
 */
function press(action, body) {
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
    } else {
      say(answer.sentence || page.words["desk.lost"]);
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
  if (busy || document.querySelector("dialog[open]")) return;
  if (action !== "call" && desk.window.allowed.indexOf(action) < 0) return;
  askFor(action, ticket ? desk.waiting.concat(desk.parked).find((/** @type {any} */ t) => t.id === ticket) : desk.window.ticket, page)
    .then((body) => body && press(action, ticket ? Object.assign({ ticket: ticket }, body) : body));
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
    desk = advance(desk, frame);
    paint();
  },
  update(frame) {
    desk = advance(desk, frame);
    paint();
  },
  beat(frame) {
    desk = advance(desk, frame);
    paint();
  },
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
at("change-staff").addEventListener("click", () => {
  signIn(desk.window, page, (/** @type {object} */ body) => press("sign-in", body));
});
paint();
if (!desk.window.staff) signIn(desk.window, page, (/** @type {object} */ body) => press("sign-in", body));
feed.open();
