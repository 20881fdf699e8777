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
import { fill as fillIn, fits, sought } from "./words.js";

const page = given();
const words = page.words;
const base = "/api/v1/halls/" + page.hall;
/** @type {any} */
let front = page.desk.window.ticket;
let key = newKey();
/** @type {string[]} */
let missing = [];
let latest = ""; // what was asked last
let chosen = ""; // the item whose form is open

/** @param {string} name @param {string} html */
function fill(name, html) {
  /** @type {any} */ (document.querySelector('[data-pane="' + name + '"]')).innerHTML = html;
}

/** An answer that comes after a later question was asked is not shown. @param {string} query @param {string} pane @returns {Promise<boolean>} */
function pane(query, pane) {
  latest = query;
  return get(lists.office.source + "?" + query, page.lang).then((answer) => {
    if (latest !== query) return false;
    if (answer.ok) fill(pane, answer.body.panes[pane]);
    else say(answer.sentence || words["desk.lost"]);
    return answer.ok;
  });
}

/** @param {string} code @returns {Promise<any>} */
function choose(code) {
  key = newKey();
  chosen = code;
  put(at("intake-said"), "");
  show(at("intake-said"), false);
  return pane("item=" + encodeURIComponent(code), "intake");
}

/** What was typed: a code, a name, an alias or a part of one; the one item that fits opens, else it is said. */
function search() {
  const asked = at("intake-item").value.normalize("NFKC").trim();
  const first = asked.split(" · ")[0].trim();
  const exact = Object.keys(page.items).find((code) => code.toLowerCase() === first.toLowerCase() || page.items[code].name[page.lang] === asked);
  const parts = sought(asked);
  const found = exact ? [exact] : asked.length < 2 ? [] : Object.keys(page.codes).filter((code) => fits(page.codes[code], parts));
  if (found.length === 1) return found[0] === chosen ? undefined : choose(found[0]);
  chosen = "";
  latest = "";
  fill("intake", "");
  const said = asked.length < 2 ? "" : fillIn(words[found.length ? "office.several_like" : "office.none_like"], { n: found.length, asked: asked });
  put(at("intake-said"), said);
  show(at("intake-said"), Boolean(said));
}

/** Begin with the ticket's item, where it has one. */
function open() {
  chosen = "";
  busy(true);
  show(at("intake"), true);
  show(at("intake-done"), false);
  fill("intake", "");
  const code = front && front.item;
  at("intake-item").value = code ? code + " · " + (page.items[code].name[page.lang] || page.items[code].name.zh) : "";
  if (code) choose(code);
  at("intake-item").focus();
}

/** The citizen in one line while papers are taken in, and until the receipt is printed. @param {boolean} on */
function busy(on) {
  at("beside").classList.toggle("busy", on);
}

/** Nobody can look for a case without a number to know its applicant by. @param {HTMLFormElement} form @returns {boolean} */
function reachable(form) {
  const box = at("no-contact");
  const known = ["applicant.id_number", "applicant.phone"].some((name) => /** @type {any} */ (form.elements.namedItem(name)).value.trim());
  show(box, !known);
  if (known || box.querySelector("input").checked) return true;
  say(words["office.no_contact_why"]);
  box.scrollIntoView({ block: "nearest" });
  return false;
}

/** @param {boolean} incomplete */
function takeIn(incomplete) {
  const form = /** @type {HTMLFormElement} */ (at("intake-form"));
  if (!reachable(form)) return;
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
  show(at("notice-keep"), Boolean(document.querySelector('#intake-form [name="materials"]:checked')));
  return pane("item=" + encodeURIComponent(item) + "&missing=" + encodeURIComponent(codes.join(",")), "notice")
    .then((fine) => fine && at("ask-notice").showModal());
}

/** @param {any} done @param {boolean} incomplete */
function taken(done, incomplete) {
  key = newKey();
  show(at("intake"), false);
  show(at("intake-done"), true);
  put(at("receipt-link"), words[done.case.stage === "received" ? "office.print_kept" : "office.print_receipt"]);
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
at("intake-item").addEventListener("input", search);
document.addEventListener("change", (event) => {
  const field = /** @type {any} */ (event.target);
  if (field.name !== "delivery.method") return;
  field.form.elements.namedItem("delivery.address").required = field.value === "courier";
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
    busy(false);
  }
  front = window.ticket;
});
