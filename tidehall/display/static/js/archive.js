/**
 * A unit's list of the day: several papers filed at once, or kept in use for a reason. ES2017.
 * Law: every case is a command of its own; what the server refuses stays ticked, with its reason said.
 */
import { send } from "./api.js";
import { say } from "./office_wire.js";
import { at, given, mark, put, show } from "./page.js";
import { fill } from "./words.js";

const page = given();
const words = page.words;
const bar = at("filing-bar");
let busy = false;

/** @typedef {{id: string, rows: Element[], papers: string[], closes: boolean}} Picked `closes`: with it the case ends */

/** @param {ParentNode} root @param {string} what @returns {any[]} */
function all(root, what) {
  return Array.from(root.querySelectorAll(what));
}

/** @returns {Picked[]} the cases of which something is ticked; a case may stand in several lists */
function picked() {
  const found = /** @type {Map<string, Picked>} */ (new Map());
  all(at("filing"), "li.filing").filter((row) => row.querySelector("input:checked")).forEach((row) => {
    const id = row.getAttribute("data-id");
    /** @type {Picked} */
    const one = found.get(id) || { id: id, rows: [], papers: [], closes: false };
    one.rows.push(row);
    one.papers = one.papers.concat(all(row, "[data-pick]:checked").map((box) => box.value));
    one.closes = row.getAttribute("data-rest") === String(one.papers.length);
    found.set(id, one);
  });
  return Array.from(found.values());
}

function paint() {
  all(at("filing"), "li.filing").forEach((row) => {
    const whole = row.querySelector("[data-whole]");
    const boxes = all(row, "[data-pick]");
    const ticked = boxes.filter((box) => box.checked).length;
    if (whole && boxes.length) {
      whole.checked = ticked === boxes.length;
      whole.indeterminate = ticked > 0 && ticked < boxes.length;
    }
  });
  const found = picked();
  const papers = found.reduce((sum, one) => sum + one.papers.length, 0);
  const closing = found.filter((one) => one.closes).length;
  put(at("picked"), papers);
  const then = at("file-then");
  put(then, closing ? fill(words["archive.then.closes"], { n: closing }) : then.getAttribute("data-plain"));
  at("keeping").disabled = !papers || busy;
  mark(document.body, "data-picking", found.length ? "yes" : "");
  show(bar, found.length > 0);
}

/** @param {Picked} one @param {string} reason "" files @returns {Promise<import("./api.js").Answer>} */
function tell(one, reason) {
  const path = "/api/v1/halls/" + page.hall + "/cases/" + encodeURIComponent(one.id);
  if (reason) return send(path + "/keep", { papers: one.papers, reason: reason }, page.lang);
  if (one.closes) return send(path + "/archive", {}, page.lang);
  return send(path + "/file", { papers: one.papers }, page.lang);
}

/** One case after the other. @param {string} reason "" files */
function run(reason) {
  const found = reason ? picked().filter((one) => one.papers.length) : picked();
  let done = 0;
  let no = "";
  busy = true;
  all(bar, "button").forEach((button) => (button.disabled = true));
  say("");
  return found.reduce((before, one) => before.then(() => tell(one, reason)).then((answer) => {
    if (!answer.ok) return void (no = no || answer.sentence || words["desk.lost"]);
    done += one.papers.length;
    one.rows.forEach((row) => all(row, "input:checked").forEach((box) => (box.checked = false)));
  }), Promise.resolve()).then(() => {
    busy = false;
    all(bar, "button").forEach((button) => (button.disabled = false));
    if (!no) bar.reset();
    other();
    const what = fill(words[reason ? "archive.done.keep" : "archive.done.file"], { n: done });
    say(no ? what + " " + no : what, !no);
    paint();
  });
}

function other() {
  const free = bar.elements.reason.value === "other";
  show(at("other-why"), free);
  bar.elements.text.required = free;
}

at("filing").addEventListener("change", (/** @type {any} */ event) => {
  if (event.target.hasAttribute("data-whole")) {
    all(event.target.closest("li.filing"), "[data-pick]").forEach((box) => (box.checked = event.target.checked));
  }
  paint();
});
at("filing").addEventListener("submit", (/** @type {Event} */ event) => event.preventDefault());
all(document, "[data-pick-all]").forEach((button) => button.addEventListener("click", () => {
  const boxes = all(document, '[data-list="' + button.getAttribute("data-pick-all") + '"] input');
  const on = !boxes.every((box) => box.checked);
  boxes.forEach((box) => (box.checked = on));
  paint();
}));
bar.addEventListener("change", other);
bar.addEventListener("submit", (/** @type {SubmitEvent} */ event) => {
  event.preventDefault();
  const how = /** @type {any} */ (event.submitter).value;
  const fields = bar.elements;
  const reason = fields.reason.value === "other" ? fields.text.value.trim() : fields.reason.value;
  if (how === "keep" && !reason) {
    say(words["archive.say_why"]);
    return (fields.reason.value === "other" ? fields.text : fields.reason).focus();
  }
  if (!busy) run(how === "keep" ? reason : "");
});
window.addEventListener("beforeprint", () => put(at("printed-at"), at("clock").textContent));
document.addEventListener("offices", paint);
paint();
