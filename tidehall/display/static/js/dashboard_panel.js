/**
 * What is behind a number, beside the dashboard: a dialog that the server fills. ES2017.
 * Law: without this script the same link opens the same tables as a page of their own.
 */
import { get } from "./api.js";
import { at, put, show } from "./page.js";

/**
 * The inside of a panel, as the server draws it.
 * @param {string} address of the page with the same tables
 * @param {string} lang
 * @returns {Promise<import("./api.js").Answer>} its `title` and `html`
 */
export function part(address, lang) {
  const mark = address.indexOf("?") < 0 ? "?" : "&";
  return get(address + mark + "part=1" + (/[?&]lang=/.test(address) ? "" : "&lang=" + lang), lang);
}

/** @param {any} page the data island */
export function panels(page) {
  const dialog = at("behind");
  /** @type {string[]} what was opened, the newest last */
  const trail = [];

  /** @param {string} address @param {boolean} [again] the same once more: what was said of it stays */
  function fill(address, again) {
    return part(address, page.lang).then((answer) => {
      if (!answer.ok || !again) {
        show(at("behind-said"), !answer.ok);
        put(at("behind-said"), answer.ok ? "" : answer.sentence || page.words["common.unreachable"]);
      }
      if (!answer.ok) return;
      put(at("behind-title"), answer.body.title);
      at("behind-body").innerHTML = answer.body.html;
      show(at("behind-back"), trail.length > 1);
      if (again) return;
      dialog.scrollTop = 0;
      if (dialog.open) at("behind-title").focus(); // what had the focus is gone
    });
  }

  document.addEventListener("click", (event) => {
    const link = /** @type {Element} */ (event.target).closest("a.opens");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const address = link.getAttribute("href") || "";
    trail.push(address);
    fill(address).then(() => {
      if (!dialog.open) dialog.showModal();
    });
  });
  at("behind-back").addEventListener("click", () => {
    trail.pop();
    fill(trail[trail.length - 1]);
  });
  at("behind-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (/** @type {Event} */ event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("close", () => {
    trail.length = 0;
    at("behind-body").textContent = "";
  });
  document.addEventListener("answered", (/** @type {any} */ event) => {
    if (dialog.open && event.detail.ok && trail.length) fill(trail[trail.length - 1], true);
  });
}
