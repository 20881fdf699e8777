/**
 * The small questions of the terminal: each makes the body of a command, sends it, and stays open until it is right.
 * ES2017.
 */
import { hold, stays } from "./dialogs.js";
import { at, put, show } from "./page.js";
import { fill } from "./words.js";

/** @typedef {(body: object) => Promise<import("./api.js").Answer|null>} Send */

/** What is left empty is not sent. @param {{[name: string]: any}} body */
function said(body) {
  const result = /** @type {{[name: string]: any}} */ ({});
  Object.keys(body).forEach((name) => {
    if (body[name]) result[name] = body[name];
  });
  return result;
}

/**
 * Asks what the action needs to know, and sends it.
 * @param {string} action
 * @param {any} ticket
 * @param {any} page
 * @param {Send} send
 */
export function askFor(action, ticket, page, send) {
  const lost = page.words["desk.lost"];
  /** @param {string} id @param {(how: string) => object|null} make */
  const ask = (id, make) => {
    hold(id, (how) => {
      const body = make(how);
      return body ? send(body).then((answer) => stays(answer, lost)) : Promise.resolve(page.words["desk.reject_need"]);
    });
  };
  if (action === "suspend") ask("ask-suspend", (kind) => ({ kind: kind }));
  else if (action === "pause") ask("ask-pause", (reason) => ({ reason: reason }));
  else if (action === "reject") {
    offerMissing(ticket, page);
    ask("ask-reject", missing);
  } else if (action === "transfer") {
    at("transfer-reason").value = at("transfer-note").value = at("to").value = "";
    at("place").value = "arrival";
    at("transfer-reason").required = false;
    ask("ask-transfer", transfer);
  } else if (action === "call" && ticket) {
    put(at("call-ask"), fill(page.words["desk.call_ask"], { number: ticket.number }));
    at("call-reason").value = "";
    ask("ask-call", () => ({ ticket: ticket.id, reason: at("call-reason").value }));
  } else send({});
}

at("place").addEventListener("change", () => {
  at("transfer-reason").required = at("place").value !== "arrival";
});

function transfer() {
  const parts = at("to").value.split(":");
  const kind = parts.shift();
  return said({
    [kind]: parts.join(":"),
    place: at("place").value,
    reason: at("transfer-reason").value,
    note: at("transfer-note").value,
  });
}

/** @param {any} ticket @param {any} page */
function offerMissing(ticket, page) {
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
  Array.from(at("ask-reject").querySelectorAll("input:checked")).forEach((/** @type {any} */ input) => (input.checked = false));
  at("missing-more").value = "";
}

/** Materials that are missing and reasons of the list; what is said beside them goes along, and never alone. */
function missing() {
  const found = Array.from(at("ask-reject").querySelectorAll("input:checked"), (input) => /** @type {any} */ (input).value);
  if (!found.length) return null;
  return { missing: at("missing-more").value ? found.concat(at("missing-more").value) : found };
}

/**
 * One of the two ways to sign in. The other button is no submit button any more, so Enter presses the one in sight.
 * @param {string} question "" for signing in plainly
 */
function way(question) {
  put(at("taken-by"), question);
  show(at("taken-by"), Boolean(question));
  const ways = /** @type {[string, boolean][]} */ ([["take-over", Boolean(question)], ["plain-sign-in", !question]]);
  ways.forEach(([id, on]) => {
    const button = at(id);
    button.type = on ? "submit" : "button";
    button.disabled = !on;
    show(button, on);
  });
}

/**
 * Who sits down; asks plainly before somebody is displaced, here or at the window where this person still is.
 * @param {any} window
 * @param {any} page
 * @param {Send} send
 */
export function signIn(window, page, send) {
  const words = page.words;
  way(window.staff ? fill(words["desk.taken_by"], { staff: window.staff, label: window.label }) : "");
  hold("sign-in", (how) => {
    const staff = at("staff").value;
    return send(how === "take-over" ? { staff: staff, take_over: true } : { staff: staff }).then((answer) => {
      const body = answer && answer.status === 409 ? answer.body : {};
      const free = (body.allowed || []).indexOf("take_over") >= 0;
      if (body.code === "window_taken") way(fill(words["desk.taken_by"], { staff: body.staff, label: window.label }));
      else if (body.code === "signed_in_elsewhere" && free) way(fill(words["desk.elsewhere"], { staff: staff, label: body.label }));
      else if (body.code === "signed_in_elsewhere") return fill(words["desk.elsewhere_busy"], { staff: staff, label: body.label });
      else return stays(answer, words["desk.lost"]);
      return null;
    });
  });
}
