/**
 * A field of the kiosk with its keypad: keys on the screen, a keyboard, or a scanner that types wherever the finger was
 * last. ES2017.
 * Law: what was typed goes to the server as it is; whether it is a receipt's number is said there.
 */
import { at } from "./page.js";

/** @param {(address: string) => void} go to the next step, leaving no trace in the browser's history */
export function typing(go) {
  const form = /** @type {HTMLFormElement|null} */ (at("typing"));
  if (!form) return;
  const field = /** @type {HTMLInputElement} */ (at("typed"));

  /** @param {string} key of the keypad */
  function press(key) {
    const text = field.value;
    if (key === "erase") field.value = text.slice(0, -1);
    else if (text.length < field.maxLength) field.value = text + key;
    field.focus();
  }

  form.addEventListener("click", (event) => {
    const key = /** @type {Element} */ (event.target).closest("[name=press]");
    if (!key) return;
    event.preventDefault();
    press(/** @type {HTMLButtonElement} */ (key).value);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const fields = new URLSearchParams(/** @type {any} */ (new FormData(form)));
    go(form.action.split("?")[0] + "?" + fields.toString());
  });
  document.addEventListener("keydown", (event) => {
    if (event.target === field || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "Enter" && field.value) {
      event.preventDefault(); // a scanner's, not for the key under the last finger
      form.requestSubmit();
    } else if (event.key.length === 1) {
      field.focus(); // and this sign goes there
    }
  });
  field.focus();
  field.setSelectionRange(field.value.length, field.value.length);
}
