/**
 * The kiosk works without this; here: search while typing, back to the start when left alone, and no dead
 * browser page when the server is away. ES2017.
 */
import { everySecond, HallClock } from "./clock.js";
import { at, given, put, show } from "./page.js";
import { fill } from "./words.js";

const page = given();
const clock = new HallClock(page.now, page.zone, page.lang);
let touched = Date.now();
let busy = false;

/** @param {string} sentence */
function say(sentence) {
  let box = document.querySelector(".said");
  if (!box) {
    box = document.createElement("p");
    box.className = "said";
    box.setAttribute("role", "alert");
    at("kiosk").insertBefore(box, at("kiosk").firstChild);
  }
  put(box, sentence);
  box.scrollIntoView({ block: "nearest" });
}

/** @param {string} address */
function go(address) {
  if (busy) return;
  busy = true;
  fetch(address, { method: "HEAD", cache: "no-store" }).then(() => location.assign(address), () => {
    busy = false;
    say(page.words["common.unreachable"]);
  });
}

document.addEventListener("click", (event) => {
  const link = /** @type {Element} */ (event.target).closest("a");
  if (!link || event.defaultPrevented) return;
  event.preventDefault();
  go(link.href);
});
["pointerdown", "keydown", "input"].forEach((name) => {
  document.addEventListener(name, () => {
    touched = Date.now();
  }, { passive: true });
});

const search = at("q");
if (search) {
  const choices = Array.from(document.querySelectorAll("#found li"));
  const filter = () => {
    const parts = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let hits = 0;
    choices.forEach((choice) => {
      const text = choice.getAttribute("data-find") || "";
      const hit = parts.length > 0 && parts.every((/** @type {string} */ part) => text.indexOf(part) >= 0);
      if (hit) hits += 1;
      show(/** @type {HTMLElement} */ (choice), hit);
    });
    show(at("found"), hits > 0);
    show(at("none"), parts.length > 0 && hits === 0);
    show(at("zones"), parts.length === 0 || hits === 0);
  };
  search.addEventListener("input", filter);
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
        throw new Error((said && said.textContent) || page.words["common.unreachable"]);
      });
    }).catch((error) => {
      busy = false;
      button.disabled = false;
      put(button, label);
      say(error instanceof TypeError ? page.words["common.unreachable"] : error.message);
    });
  });
}

everySecond(() => {
  put(at("clock"), clock.clock());
  const idle = at("idle");
  if (!idle) return;
  const left = page.idle_s - Math.floor((Date.now() - touched) / 1000);
  put(idle, fill(page.words["kiosk.idle"], { n: Math.max(0, left) }));
  show(idle, true);
  if (left <= 0) go(at("home").href);
});
