/**
 * The kiosk works without this; here: search while typing, back to the start when left alone, and no dead
 * browser page when the server is away. ES2017.
 * Law: a visit leaves no trace in the browser's history; nobody's number comes back to the next one by going back.
 */
import { everySecond, HallClock } from "./clock.js";
import { typing } from "./kiosk_typing.js";
import { at, given, mark, put, show } from "./page.js";
import { fill, fits, sought } from "./words.js";

const page = given();
const clock = new HallClock(page.now, page.zone, page.lang);
const LOOK_MS = 5000; // between two looks whether the server is there
let touched = Date.now();
let busy = false;
let lost = false; // the sentence on the page says that the server is away
let heard = clock.now(); // hall time of the last sign of life
let looked = Date.now();
let looking = false;

/** @param {string} sentence @param {boolean} [away] it is about the connection */
function say(sentence, away) {
  lost = Boolean(away);
  let box = document.querySelector(".said");
  if (!box) {
    box = document.createElement("p");
    box.className = "said";
    box.setAttribute("role", "alert");
    at("kiosk").insertBefore(box, at("kiosk").firstChild);
  }
  put(box, sentence);
  mark(box, "data-lost", lost ? "yes" : "");
  show(/** @type {HTMLElement} */ (box), true);
  box.scrollIntoView({ block: "nearest" });
}

/** @param {string} address */
function go(address) {
  if (busy) return;
  busy = true;
  fetch(address, { method: "HEAD", cache: "no-store" }).then(() => location.replace(address), () => {
    busy = false;
    say(page.words["common.unreachable"], true);
  });
}

/** Without a feed the kiosk asks now and then whether the house is there, and says when it is not. */
function look() {
  if (looking || Date.now() - looked < LOOK_MS) return;
  looking = true;
  const stop = new AbortController();
  const timer = window.setTimeout(() => stop.abort(), LOOK_MS);
  fetch("/kiosk/" + page.hall + "/here", { method: "POST", cache: "no-store", signal: stop.signal }).catch(() => undefined);
  fetch("/readyz", { cache: "no-store", signal: stop.signal }).then((answer) => answer.ok, () => false).then((well) => {
    window.clearTimeout(timer);
    looking = false;
    looked = Date.now();
    if (well) heard = clock.now();
    put(at("age"), well ? "" : fill(page.words["common.as_of"], { time: clock.clock(heard) }));
    show(at("age"), !well);
    const box = /** @type {HTMLElement|null} */ (document.querySelector(".said[data-lost]"));
    if (well && lost && box) show(box, false);
  });
}

document.addEventListener("click", (event) => {
  const link = /** @type {Element} */ (event.target).closest("a");
  if (!link || link.target || event.defaultPrevented) return;
  event.preventDefault();
  go(link.href);
});
["pointerdown", "keydown", "input"].forEach((name) => {
  document.addEventListener(name, () => {
    touched = Date.now();
  }, { passive: true });
});

typing(go);
const search = at("q");
if (search) {
  const choices = Array.from(document.querySelectorAll("#found li"));
  const filter = () => {
    const parts = sought(search.value);
    let hits = 0;
    choices.forEach((choice) => {
      const hit = fits(choice.getAttribute("data-find") || "", parts);
      if (hit) hits += 1;
      show(/** @type {HTMLElement} */ (choice), hit);
    });
    show(at("found"), hits > 0);
    show(at("none"), parts.length > 0 && hits === 0);
    show(at("zones"), parts.length === 0 || hits === 0);
  };
  search.addEventListener("input", filter);
  search.form.addEventListener("submit", (/** @type {Event} */ event) => event.preventDefault()); // found already
  if (search.value) filter(); // typed before this script was there
}

const form = at("take");
if (form) {
  form.addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    if (busy) return;
    busy = true;
    const button = form.querySelector(".take");
    const label = button.textContent;
    button.disabled = true;
    put(button, page.words["kiosk.taking"]);
    const fields = new URLSearchParams(/** @type {any} */ (new FormData(form)));
    fetch(form.action, { method: "POST", body: fields }).then((response) => {
      if (response.redirected && response.ok) return location.replace(response.url);
      return response.text().then((html) => {
        const said = new DOMParser().parseFromString(html, "text/html").querySelector(".said");
        if (!said) return location.replace(response.url); // a page that goes back to the start by itself
        throw new Error(said.textContent || page.words["common.unreachable"]);
      });
    }).catch((error) => {
      busy = false;
      button.disabled = false;
      put(button, label);
      const away = error instanceof TypeError;
      say(away ? page.words["common.unreachable"] : error.message, away);
    });
  });
}

everySecond(() => {
  put(at("clock"), clock.clock());
  look();
  const idle = at("idle");
  if (!idle) return;
  const left = page.idle_s - Math.floor((Date.now() - touched) / 1000);
  put(idle, fill(page.words["kiosk.idle"], { n: Math.max(0, left) }));
  show(idle, true);
  if (left <= 0) go(at("home").href);
});
