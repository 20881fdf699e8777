/**
 * What makes a page of the offices live: forms that act, lists that follow, texts that are unsealed, countdowns. ES2017.
 */
import { get, newKey, send } from "./api.js";
import { everySecond } from "./clock.js";
import { bodyOf, signed } from "./office_forms.js";
import { Lists } from "./office_lists.js";
import { Times } from "./office_times.js";
import { at, put, show } from "./page.js";

const ME = "tidehall-me";
const AGAIN_MS = 2000;

/** @param {string} sentence @param {boolean} [fine] */
export function say(sentence, fine) {
  put(at("said"), sentence);
  at("said").classList.toggle("fine", Boolean(fine));
  show(at("said"), Boolean(sentence));
}

/** @returns {string} who sits here, as far as the page has been told */
export function me() {
  const field = at("me");
  return field ? field.value.trim() : "";
}

/**
 * @param {any} page the data island; `page.office` says where the rows come from
 * @param {import("./clock.js").HallClock} clock
 */
export function wire(page, clock) {
  const base = "/api/v1/halls/" + page.hall;
  const times = new Times(clock);
  const lists = new Lists(page.office, page.lang, fresh);
  const opened = /** @type {{[reference: string]: Promise<string>}} */ ({});

  /** @param {ParentNode[]} roots */
  function fresh(roots) {
    roots.forEach((root) => {
      times.watch(root);
      Array.from(root.querySelectorAll("[data-taken]")).forEach((form) => {
        show(/** @type {HTMLElement} */ (form), !me() || form.getAttribute("data-taken") !== me());
      });
      Array.from(root.querySelectorAll("[data-sealed]")).forEach((node) => {
        const reference = node.getAttribute("data-sealed") || "";
        opened[reference] = opened[reference] || get(base + "/texts/" + encodeURIComponent(reference), page.lang)
          .then((answer) => (answer.ok ? answer.body.text : page.words["office.sealed"]));
        opened[reference].then((text) => put(node, text));
      });
    });
    document.dispatchEvent(new CustomEvent("offices", { detail: roots }));
  }

  /** @param {HTMLFormElement} form */
  function act(form) {
    const body = bodyOf(form);
    if (!signed(form, body, me())) {
      say(page.words["office.say_who"]);
      return at("me").focus();
    }
    const buttons = Array.from(form.querySelectorAll("button"));
    buttons.forEach((button) => (button.disabled = true));
    say("");
    const path = (form.getAttribute("data-api") || "").replace("{me}", encodeURIComponent(me()));
    press(form, buttons, path, Object.assign(body, /** @type {any} */ (form).more), newKey());
  }

  /**
   * One press, sent until somebody answers: under the same key it happens once.
   * @param {HTMLFormElement} form @param {HTMLButtonElement[]} buttons @param {string} path @param {object} body @param {string} key
   */
  function press(form, buttons, path, body, key) {
    send(base + path, body, page.lang, key).then((answer) => {
      if (answer.status === 0) {
        say(page.words["office.saved_offline"]);
        setTimeout(() => press(form, buttons, path, body, key), AGAIN_MS);
        return;
      }
      buttons.forEach((button) => (button.disabled = false));
      if (answer.ok) form.reset();
      if (answer.ok) say(page.words["office.done." + (form.getAttribute("data-said") || "")] || page.words["office.done"], true);
      else say(answer.sentence || page.words["desk.lost"] || page.words["common.unreachable"]);
      form.dispatchEvent(new CustomEvent("answered", { bubbles: true, detail: answer }));
      lists.refresh();
    });
  }

  document.addEventListener("submit", (event) => {
    const form = /** @type {HTMLFormElement} */ (event.target);
    if (!form.getAttribute("data-api")) return;
    event.preventDefault();
    act(form);
  });
  document.addEventListener("input", (event) => {
    const field = /** @type {any} */ (event.target);
    const form = field.form;
    if (!form) return;
    if (field.name === "amount" && form.reason) form.reason.required = Math.round(Number(field.value) * 100) !== Number(form.getAttribute("data-fee"));
    if (field.name === "method" && form.signature) form.signature.required = field.value === "window";
  });
  document.addEventListener("frame", (/** @type {any} */ event) => {
    const frame = event.detail;
    const news = frame.offices !== undefined || frame.alerts !== undefined || frame.advice !== undefined;
    if (frame.type === "snapshot" || news) lists.refresh();
  });
  const field = at("me");
  if (field && !field.readOnly) {
    field.value = field.value || sessionStorage.getItem(ME) || "";
    field.addEventListener("change", () => sessionStorage.setItem(ME, me()));
  }
  everySecond(() => times.tick());
  fresh([document]);
  return lists;
}
