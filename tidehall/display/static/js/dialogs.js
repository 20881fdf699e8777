/**
 * A question that stays open until the house has said yes: what was typed is never lost to a refusal. ES2017.
 */
import { at, given, put, show } from "./page.js";
import { fill } from "./words.js";

/** @param {HTMLDialogElement} dialog @param {string} sentence each line of its own; "": nothing is wrong */
function wrong(dialog, sentence) {
  let box = /** @type {HTMLElement|null} */ (dialog.querySelector(".wrong"));
  if (!box) {
    box = document.createElement("p");
    box.className = "wrong";
    box.setAttribute("role", "alert");
    const rows = dialog.querySelectorAll(".row");
    const last = rows[rows.length - 1];
    /** @type {ParentNode} */ (last.parentNode).insertBefore(box, last);
  }
  put(box, sentence);
  show(box, Boolean(sentence));
}

/**
 * Blanks alone are no text: trims what was typed, as the server would have it.
 * @param {HTMLFormElement} form
 * @returns {any} the first field that must be filled and is not
 */
function blank(form) {
  const typed = Array.from(form.querySelectorAll("input, textarea")).filter((node) => {
    const type = node.getAttribute("type");
    return type !== "checkbox" && type !== "radio" && type !== "hidden";
  });
  typed.forEach((/** @type {any} */ field) => {
    if (!field.readOnly) field.value = field.value.trim();
  });
  return typed.find((/** @type {any} */ field) => field.required && !field.value);
}

/**
 * Opens a dialog; `act` gets the value of the button that was pressed and answers "" when the dialog may close, or what
 * to say in it while it stays open (null: nothing). A button without a value leaves it.
 * @param {string} id
 * @param {(how: string) => Promise<string|null>} act
 * @returns {Promise<void>} when it is closed
 */
export function hold(id, act) {
  const dialog = at(id);
  const form = dialog.querySelector("form");
  let busy = false;
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    const button = /** @type {HTMLButtonElement|null} */ (event.submitter);
    const how = button ? button.value : "";
    if (!how) return dialog.close();
    if (busy) return;
    const empty = blank(form);
    if (empty) {
      const label = form.querySelector('label[for="' + empty.id + '"]');
      wrong(dialog, fill(given().words["common.blank"], { field: label ? label.textContent : "" }));
      return empty.focus();
    }
    busy = true;
    act(how).then((said) => {
      busy = false;
      if (said === "") dialog.close();
      else wrong(dialog, said || "");
    });
  };
  wrong(dialog, "");
  form.addEventListener("submit", submit);
  dialog.showModal();
  return new Promise((done) => {
    dialog.addEventListener("close", () => {
      form.removeEventListener("submit", submit);
      done();
    }, { once: true });
  });
}

/**
 * What a dialog says to an answer: nothing when it was done or can't be done any more (the page says that), else what
 * has to be put right.
 * @param {import("./api.js").Answer|null} answer
 * @param {string} lost what to say when the server was not reached
 */
export function stays(answer, lost) {
  if (!answer || answer.ok) return "";
  return mend(answer) ? answer.sentence || lost : "";
}

/** @param {import("./api.js").Answer} answer @returns {boolean} the same question, put right or asked again, may do */
export function mend(answer) {
  return [0, 422, 429, 503].indexOf(answer.status) >= 0;
}
