/**
 * The runner's hands: several tasks at once, and a number typed or scanned instead of looking. ES2017.
 */
import { say } from "./office_wire.js";
import { at, given, put, show } from "./page.js";
import { fill } from "./words.js";

const words = given().words;
const bar = at("batch");

/** @returns {string[]} the ticked tasks */
function ticked() {
  return Array.from(document.querySelectorAll("[data-batch]:checked"), (box) => /** @type {any} */ (box).value);
}

function paint() {
  const ids = ticked();
  bar.more = { ids: ids };
  put(at("batch-words"), fill(words["office.batch_pick"], { n: ids.length }));
  show(bar, ids.length > 0);
}

document.addEventListener("change", paint);
document.addEventListener("offices", paint);
bar.addEventListener("answered", () => {
  Array.from(document.querySelectorAll("[data-batch]:checked")).forEach((box) => {
    /** @type {any} */ (box).checked = false;
  });
  paint();
});

/** A scanned receipt (its number, its tail, or an address that ends with it) does the task's next step. */
at("scan").addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  const code = at("code").value.trim().replace(/^.*[/=]/, "");
  at("code").value = "";
  const found = code ? Array.from(document.querySelectorAll("[data-receipt]")).filter((row) => {
    return (row.getAttribute("data-receipt") || "").slice(-code.length) === code || row.getAttribute("data-id") === code;
  }) : [];
  if (found.length !== 1) return say(words[found.length ? "office.scan_many" : "office.scan_none"]);
  const button = found[0].querySelector("button.go") || found[0].querySelector("button");
  found[0].scrollIntoView({ block: "center" });
  if (button) /** @type {HTMLButtonElement} */ (button).click();
});
