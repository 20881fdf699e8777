/**
 * Handing out at an issue window: the results of the citizen in front, and a search by the end of the receipt. ES2017.
 * Law: which results there are and what may be done with them comes from the server with every row.
 */
import { lists } from "./beside.js";
import { at, given, show } from "./page.js";

const page = given();
/** @type {string} */
let front = (page.desk.window.ticket && page.desk.window.ticket.id) || "";
let tail = "";

/** @param {string} text the end of a receipt's number, "": none */
function find(text) {
  tail = text;
  return lists.ask({ tail: tail });
}

/** What was signed for one result stands ready for the citizen's next ones. */
document.addEventListener("change", (event) => {
  const field = /** @type {HTMLInputElement} */ (event.target);
  if (field.name !== "signature") return;
  const others = /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll('[data-list="results"] [name=signature]'));
  others.forEach((other) => {
    if (!other.value) other.value = field.value;
  });
});
at("find-result").addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  find(at("tail").value.trim());
});
document.addEventListener("offices", () => {
  const found = /** @type {Element} */ (document.querySelector('[data-list="found"]'));
  show(at("none-found"), Boolean(tail) && found.children.length === 0);
});
document.addEventListener("frame", (/** @type {any} */ event) => {
  const desk = event.detail.hall || event.detail;
  if (!desk.window || desk.window.ticket === undefined) return;
  const now = (desk.window.ticket && desk.window.ticket.id) || "";
  if (now === front) return;
  front = now;
  at("tail").value = "";
  find("");
});
