/**
 * Lists whose rows the server draws: asks for what moved since, and puts in only that. ES2017.
 * Law: a row that did not change is not touched; what somebody is typing stays.
 */
import { get } from "./api.js";
import { typed } from "./office_forms.js";
import { morph } from "./office_morph.js";
import { fromTop, painted, put, show } from "./page.js";

/** @param {string} html @returns {Element} */
function drawn(html) {
  const template = Object.assign(document.createElement("template"), { innerHTML: html });
  return /** @type {Element} */ (template.content.firstElementChild);
}

/**
 * A row as it is now: the old one brought up to date, or a new one.
 * @param {string} html
 * @param {Element|undefined} row
 * @returns {Element|null} null: it looks as before
 */
function redrawn(html, row) {
  if (row && /** @type {any} */ (row).drawn === html) return null;
  const next = drawn(html);
  const now = row || next;
  if (row) {
    const back = typed(row);
    morph(row, next);
    back(row);
  }
  /** @type {any} */ (now).drawn = html;
  return now;
}

/**
 * Bring a list's rows into the given order with the given rows replaced.
 * @param {any} box the list; only this function puts rows into it
 * @param {string[]} order ids
 * @param {{[id: string]: string}} rows what changed, as HTML
 * @returns {Element[]} the rows that are new in the page, or not as they were
 */
export function patch(box, order, rows) {
  /** @type {Map<string, Element>} */
  const have = box.have || new Map(Array.from(box.children, (/** @type {Element} */ row) => [row.getAttribute("data-id"), row]));
  const fresh = /** @type {Element[]} */ ([]);
  Object.keys(rows).forEach((id) => {
    const next = redrawn(rows[id], have.get(id));
    if (!next) return;
    have.set(id, next);
    fresh.push(next);
  });
  box.have = have;
  const line = order.join(" ");
  if (box.line === line) return fresh; // nothing came, went or moved
  const wanted = new Set(order);
  have.forEach((row, id) => {
    if (wanted.has(id)) return;
    if (row.parentNode === box) box.removeChild(row);
    have.delete(id);
  });
  let cursor = box.firstElementChild;
  let whole = true;
  order.forEach((id) => {
    const row = have.get(id);
    if (!row) return (whole = false); // not sent and not here: the next answer has it
    if (cursor && cursor !== row && cursor.nextElementSibling === row) {
      const moved = cursor;
      cursor = row;
      box.removeChild(moved); // its own turn comes
    }
    if (cursor === row) cursor = row.nextElementSibling;
    else box.insertBefore(row, cursor);
  });
  box.line = whole ? line : "";
  return fresh;
}

export class Lists {
  /**
   * @param {{source: string, seq: number}} office where the rows come from, and up to where the page has them
   * @param {string} lang
   * @param {(fresh: Element[]) => void} drawn what is new in the page, or not as it was
   */
  constructor(office, lang, drawn) {
    this.office = office;
    this.lang = lang;
    this.drawn = drawn;
    this.asked = {}; // further parameters of the source
    /** @type {Map<string, any>} the page's lists and slots, which stay; looking for them costs a walk over all rows */
    this.parts = new Map();
    this.busy = false;
    this.again = false;
    this.since = 0; // when the frame came that the running request answers, performance.now()
    this.next = 0; // the same of the request after it
  }

  /** @param {{[name: string]: string}} more the source's further parameters from now on; all is asked for anew */
  ask(more) {
    this.asked = Object.assign({}, this.asked, more);
    return this.refresh();
  }

  /** @returns {Promise<void>} */
  refresh() {
    const now = performance.now();
    if (this.busy) {
      if (!this.again) this.next = now;
      this.again = true;
      return Promise.resolve();
    }
    this.busy = true;
    this.since = this.next || now;
    this.next = 0;
    const query = new URLSearchParams(this.asked);
    query.set("since", String(this.office.seq));
    const mark = this.office.source.indexOf("?") < 0 ? "?" : "&";
    return get(this.office.source + mark + query.toString(), this.lang).then((answer) => {
      this.busy = false;
      if (answer.ok) this.take(answer.body);
      if (this.again) {
        this.again = false;
        return this.refresh();
      }
    });
  }

  /**
   * @param {string} kind list, none, slot or pane
   * @param {string} name
   * @returns {any} the part of the page
   */
  part(kind, name) {
    const key = kind + " " + name;
    let found = this.parts.get(key);
    if (!found || !found.isConnected) {
      found = document.querySelector("[data-" + kind + '="' + name + '"]');
      this.parts.set(key, found);
    }
    return found;
  }

  /** @param {any} body */
  take(body) {
    let fresh = /** @type {Element[]} */ ([]);
    Object.keys(body.lists).forEach((name) => {
      const box = this.part("list", name);
      if (!box) return;
      fresh = fresh.concat(patch(box, body.lists[name].order, body.lists[name].rows));
      show(this.part("none", name), body.lists[name].order.length === 0);
    });
    Object.keys(body.slots).forEach((name) => {
      const slot = this.part("slot", name);
      put(slot, body.slots[name]);
      if (slot && slot.hasAttribute("data-n")) slot.setAttribute("data-n", body.slots[name]);
    });
    Object.keys(body.panes).forEach((name) => {
      const pane = this.part("pane", name);
      if (!pane || pane.drawn === body.panes[name]) return;
      const back = typed(pane);
      pane.drawn = pane.innerHTML = body.panes[name];
      back(pane);
      const about = pane.querySelector("[data-stands-for]");
      if (about) fromTop(pane, about.getAttribute("data-stands-for"));
      fresh.push(pane);
    });
    this.office.seq = body.seq;
    this.drawn(fresh);
    const since = this.since;
    painted(() => performance.measure && performance.measure("offices", { start: since }));
  }
}
