/**
 * What a supervisor does on the dashboard: every form is one call of the API, pressed once. ES2017.
 */
import { newKey, send } from "./api.js";
import { bodyOf, signed } from "./office_forms.js";
import { at, put, show } from "./page.js";

const ME = "tidehall-me";
const SAID_MS = 6000;
/** @type {number|null} */
let fading = null;

/** @param {string} sentence @param {boolean} [fine] */
export function say(sentence, fine) {
  const box = at(at("behind") && at("behind").open ? "behind-said" : "said");
  put(box, sentence);
  box.classList.toggle("fine", Boolean(fine));
  show(box, Boolean(sentence));
  if (fading !== null) window.clearTimeout(fading);
  fading = fine ? window.setTimeout(() => show(box, false), SAID_MS) : null;
}

/** @param {any} page the data island */
export function acts(page) {
  const base = "/api/v1/halls/" + page.hall;
  const field = at("me"); // none where nothing is done in somebody's name
  if (field && !field.readOnly) {
    field.value = sessionStorage.getItem(ME) || "";
    field.addEventListener("change", () => sessionStorage.setItem(ME, field.value.trim()));
  }

  document.addEventListener("submit", (event) => {
    const form = /** @type {HTMLFormElement} */ (event.target);
    const path = form.getAttribute("data-api");
    if (!path) return;
    event.preventDefault();
    const body = bodyOf(form);
    if (form.hasAttribute("data-runner") && !body.zone) body.zone = null; // the pool
    if (!signed(form, body, field ? field.value.trim() : "")) {
      say(page.words["office.say_who"]);
      field.focus();
      return;
    }
    const buttons = Array.from(form.querySelectorAll("button"));
    buttons.forEach((button) => (button.disabled = true));
    send(base + path, body, page.lang, newKey()).then((answer) => {
      buttons.forEach((button) => (button.disabled = false));
      say(answer.ok ? page.words["office.done"] : answer.sentence || page.words["common.unreachable"], answer.ok);
      form.dispatchEvent(new CustomEvent("answered", { bubbles: true, detail: answer }));
    });
  });
}
