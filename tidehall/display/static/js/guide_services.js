/**
 * Services that are no case, counted at the guide desk: one press each, taken back within the undo time. ES2017.
 */
import { get } from "./api.js";
import { at, put, show } from "./page.js";
import { fill } from "./words.js";

/** @type {number|undefined} */
let fading;
/** @type {any} what the undo button would take back */
let last = null;

/** @param {any} totals kind → how many today */
function paint(totals, /** @type {any} */ page) {
  Array.from(at("services").querySelectorAll("[data-service]")).forEach((node) => {
    const kind = node.getAttribute("data-service") || "";
    put(node.querySelector("[data-count]"), fill(page.words["guide.service_today"], { n: totals[kind] || 0 }));
  });
}

/** Today's figures, again from the server. @param {any} page @param {string} base */
export function loadServices(page, base) {
  return get(base + "/services", page.lang).then((answer) => {
    if (answer.ok) paint(answer.body.totals, page);
  });
}

/** @param {any} offered what can be taken back now, or nothing @param {any} page */
function offer(offered, page) {
  last = offered;
  window.clearTimeout(fading);
  show(at("service-undo"), Boolean(offered));
  if (!offered) return;
  put(at("service-undo"), fill(page.words["guide.service_undo"], { name: page.words["guide.service." + offered.kind] }));
  fading = window.setTimeout(() => offer(null, page), page.undo_s * 1000);
}

/** @param {any} page @param {(path: string, body: object, done: string) => Promise<any>} press */
export function services(page, press) {
  at("services").addEventListener("click", (/** @type {Event} */ event) => {
    const button = /** @type {Element} */ (event.target).closest("[data-service]");
    if (!button) return;
    const kind = button.getAttribute("data-service") || "";
    const body = { kind: kind, zone: at("service-zone").value, count: 1 };
    press("/services", body, fill(page.words["guide.service_done"], { name: page.words["guide.service." + kind] })).then((answer) => {
      if (!answer || !answer.ok) return;
      paint(answer.body.totals, page);
      offer(body, page);
    });
  });
  at("service-undo").addEventListener("click", () => {
    if (!last) return;
    const name = page.words["guide.service." + last.kind];
    press("/services", Object.assign({}, last, { count: -1 }), fill(page.words["guide.service_undone"], { name: name })).then((answer) => {
      if (!answer) return;
      offer(null, page);
      if (answer.ok) paint(answer.body.totals, page);
    });
  });
}
