/**
 * The small questions of the terminal: each gives the body of the command, or nothing. ES2017.
 */
import { at, put, show } from "./page.js";
import { fill } from "./words.js";

/**
 * @param {string} id of the dialog
 * @returns {Promise<string>} the value of the button, "" when left
 */
function opened(id) {
  const dialog = at(id);
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((done) => {
    dialog.addEventListener("close", () => done(dialog.returnValue), { once: true });
  });
}

/** What is left empty is not sent. @param {{[name: string]: any}} body */
function said(body) {
  const result = /** @type {{[name: string]: any}} */ ({});
  Object.keys(body).forEach((name) => {
    if (body[name]) result[name] = body[name];
  });
  return result;
}

/**
 * @param {string} action
 * @param {any} ticket
 * @param {any} page
 * @returns {Promise<object|null>} the command's body; null: nothing shall happen
 */
export function askFor(action, ticket, page) {
  if (action === "suspend") return opened("ask-suspend").then((kind) => (kind ? { kind: kind } : null));
  if (action === "pause") return opened("ask-pause").then((reason) => (reason ? { reason: reason } : null));
  if (action === "reject") return reject(ticket, page);
  if (action === "transfer") return transfer();
  if (action === "call" && ticket) return chosen(ticket, page);
  return Promise.resolve({});
}

/** @param {any} ticket @param {any} page */
function chosen(ticket, page) {
  put(at("call-ask"), fill(page.words["desk.call_ask"], { number: ticket.number }));
  at("call-reason").value = "";
  return opened("ask-call").then((yes) => (yes ? { reason: at("call-reason").value } : null));
}

function transfer() {
  at("transfer-reason").value = at("transfer-note").value = "";
  at("place").value = "arrival";
  return opened("ask-transfer").then((yes) => {
    if (!yes) return null;
    const parts = at("to").value.split(":");
    const kind = parts.shift();
    return said({
      [kind]: parts.join(":"),
      place: at("place").value,
      reason: at("transfer-reason").value,
      note: at("transfer-note").value,
    });
  });
}

/** @param {any} ticket @param {any} page */
function reject(ticket, page) {
  const item = ticket && ticket.item ? page.items[ticket.item] : null;
  const box = at("missing");
  box.textContent = "";
  ((item && item.materials) || []).forEach((/** @type {any} */ material) => {
    const label = document.createElement("label");
    const input = document.createElement("input");
    input.type = "checkbox";
    input.value = material.code;
    label.append(input, material.name[page.lang] || material.name.zh);
    box.append(label);
  });
  at("missing-more").value = "";
  at("missing-more").required = !item || !item.materials.length;
  return opened("ask-reject").then((yes) => {
    if (!yes) return null;
    const missing = Array.from(box.querySelectorAll("input:checked"), (input) => /** @type {any} */ (input).value);
    if (at("missing-more").value) missing.push(at("missing-more").value);
    return missing.length ? { missing: missing } : null;
  });
}

/**
 * Who sits down; asks plainly before somebody is displaced.
 * @param {any} window
 * @param {any} page
 * @param {(body: object) => Promise<any>} press
 */
export function signIn(window, page, press) {
  const taken = window.staff;
  put(at("taken-by"), taken ? fill(page.words["desk.taken_by"], { staff: taken }) : "");
  show(at("taken-by"), Boolean(taken));
  show(at("take-over"), Boolean(taken));
  show(at("plain-sign-in"), !taken);
  opened("sign-in").then((how) => {
    const staff = at("staff").value.trim();
    if (!how || !staff) return;
    press(how === "take-over" ? { staff: staff, take_over: true } : { staff: staff }).then((answer) => {
      if (answer && answer.status === 409 && answer.body.code === "window_taken") {
        signIn(Object.assign({}, window, { staff: answer.body.staff }), page, press);
      }
    });
  });
}
