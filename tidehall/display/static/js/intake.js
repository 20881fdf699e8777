/**
 * Taking papers in at the window, below the citizen: item, papers, delivery, receipt; and a question to the middle
 * office. ES2017.
 * Law: what an item asks for and what may be done comes from the server, as a form and as the answer to it.
 */
import { get, newKey, send } from "./api.js";
import { lists } from "./beside.js";
import { bodyOf } from "./office_forms.js";
import { say } from "./office_wire.js";
import { at, given, put, show } from "./page.js";

const page = given();
const words = page.words;
const base = "/api/v1/halls/" + page.hall;
/** @type {any} */
let front = page.desk.window.ticket;
let key = newKey();
/** @type {string[]} */
let missing = [];

/** @param {string} name @param {string} html */
function fill(name, html) {
  /** @type {any} */ (document.querySelector('[data-pane="' + name + '"]')).innerHTML = html;
}

/** @param {string} query @param {string} pane @returns {Promise<boolean>} */
function pane(query, pane) {
  return get(lists.office.source + "?" + query, page.lang).then((answer) => {
    if (answer.ok) fill(pane, answer.body.panes[pane]);
    else say(answer.sentence || words["desk.lost"]);
    return answer.ok;
  });
}

/** @param {string} code @returns {Promise<any>} */
function choose(code) {
  key = newKey();
  return pane("item=" + encodeURIComponent(code), "intake");
}

/** Begin with the ticket's item, where it has one. */
function open() {
  show(at("intake"), true);
  show(at("intake-done"), false);
  fill("intake", "");
  const code = front && front.item;
  at("intake-item").value = code ? code + " · " + (page.items[code].name[page.lang] || page.items[code].name.zh) : "";
  if (code) choose(code);
  at("intake-item").focus();
}

/** @param {boolean} incomplete */
function takeIn(incomplete) {
  const form = /** @type {HTMLFormElement} */ (at("intake-form"));
  const body = bodyOf(form);
  body.ticket = body.source === "courier" ? null : front && front.id;
  if (incomplete) body.incomplete = true;
  const button = /** @type {HTMLButtonElement} */ (form.querySelector("button.go"));
  button.disabled = true;
  say("");
  return send(base + "/windows/" + page.window + "/cases", body, page.lang, key).then((answer) => {
    button.disabled = false;
    if (answer.ok) return taken(answer.body, incomplete);
    key = newKey();
    if (answer.body.code === "materials_missing") return notice(body.item, answer.body.missing);
    say(answer.sentence || words["desk.lost"]);
  });
}

/** One notice of everything that is missing, to print. @param {string} item @param {string[]} codes */
function notice(item, codes) {
  missing = codes;
  return pane("item=" + encodeURIComponent(item) + "&missing=" + encodeURIComponent(codes.join(",")), "notice")
    .then((fine) => fine && at("ask-notice").showModal());
}

/** @param {any} done @param {boolean} incomplete */
function taken(done, incomplete) {
  key = newKey();
  show(at("intake"), false);
  show(at("intake-done"), true);
  put(at("receipt-number"), done.receipt.number);
  at("receipt-copies").textContent = "";
  done.receipt.copies.forEach((/** @type {any} */ copy) => {
    const row = document.createElement("li");
    row.textContent = copy.name[page.lang] || copy.name.zh;
    at("receipt-copies").append(row);
  });
  at("receipt-link").href = "/receipt/" + page.hall + "/" + done.case.id;
  at("trace-link").href = "/case/" + page.hall + "/" + done.case.id;
  lists.refresh();
  if (!incomplete) return;
  return send(base + "/cases/" + done.case.id + "/request-correction", { missing: missing }, page.lang).then((answer) => {
    if (!answer.ok) say(answer.sentence || words["desk.lost"]);
    lists.refresh();
  });
}

Object.keys(page.items).forEach((code) => {
  const option = document.createElement("option");
  option.value = code + " · " + (page.items[code].name[page.lang] || page.items[code].name.zh);
  at("intake-items").append(option);
});
at("intake-open").addEventListener("click", open);
at("intake-again").addEventListener("click", open);
at("intake-item").addEventListener("input", () => {
  const code = at("intake-item").value.split(" · ")[0].trim();
  if (page.items[code]) choose(code);
});
document.addEventListener("submit", (event) => {
  if (/** @type {Element} */ (event.target).id !== "intake-form") return;
  event.preventDefault();
  takeIn(false);
});
at("notice-print").addEventListener("click", () => window.print());
at("notice-close").addEventListener("click", () => at("ask-notice").close());
at("notice-keep").addEventListener("click", () => {
  at("ask-notice").close();
  takeIn(true);
});
at("ask-open").addEventListener("click", () => {
  at("ask-item").value = (at("intake-form") && at("intake-form").getAttribute("data-item")) || (front && front.item) || "";
  at("ask-middle").showModal();
});
at("ask-middle").addEventListener("answered", (/** @type {any} */ event) => event.detail.ok && at("ask-middle").close());
at("ask-middle").querySelector("[data-close]").addEventListener("click", () => at("ask-middle").close());
document.addEventListener("frame", (/** @type {any} */ event) => {
  const desk = event.detail.hall || event.detail;
  const window = desk.window || (desk.windows || []).find((/** @type {any} */ one) => one.id === page.window);
  if (!window || window.ticket === undefined) return;
  if ((window.ticket && window.ticket.id) !== (front && front.id)) {
    show(at("intake"), false);
    show(at("intake-done"), false);
  }
  front = window.ticket;
});
