/**
 * Lists whose rows the server draws: asks for what moved since, and puts in only that. ES2017.
 * Law: a row that did not change is not touched; what somebody is typing stays.
 */
import { get } from "./api.js";
import { typed } from "./office_forms.js";
import { painted, put, show } from "./page.js";

/** @param {string} html @returns {Element} */
function drawn(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return /** @type {Element} */ (template.content.firstElementChild);
}

/**
 * Bring a list's rows into the given order with the given rows replaced.
 * @param {Element} box
 * @param {string[]} order ids
 * @param {{[id: string]: string}} rows what changed, as HTML
 * @returns {Element[]} the rows that are new in the page
 */
export function patch(box, order, rows) {
  const wanted = new Set(order);
  const have = /** @type {Map<string, Element>} */ (new Map());
  Array.from(box.children).forEach((row) => {
    const id = /** @type {string} */ (row.getAttribute("data-id"));
    if (wanted.has(id)) have.set(id, row);
    else box.removeChild(row);
  });
  const fresh = /** @type {Element[]} */ ([]);
  let cursor = box.firstElementChild;
  order.forEach((id) => {
    let row = have.get(id);
    const html = rows[id];
    if (html !== undefined && !(row && /** @type {any} */ (row).drawn === html)) {
      const next = drawn(html);
      /** @type {any} */ (next).drawn = html;
      if (row) {
        const back = typed(row);
        if (cursor === row) cursor = next;
        box.replaceChild(next, row);
        back(next);
      }
      row = next;
      fresh.push(next);
    }
    if (!row) return; // not sent and not here: the next answer has it
    if (cursor && cursor !== row && cursor.nextElementSibling === row) {
      const moved = cursor;
      cursor = row;
      box.removeChild(moved); // its own turn comes
    }
    if (cursor === row) cursor = row.nextElementSibling;
    else box.insertBefore(row, cursor);
  });
  return fresh;
}

export class Lists {
  /**
   * @param {{source: string, seq: number}} office where the rows come from, and up to where the page has them
   * @param {string} lang
   * @param {(fresh: Element[]) => void} drawn what is new in the page
   */
  constructor(office, lang, drawn) {
    this.office = office;
    this.lang = lang;
    this.drawn = drawn;
    this.asked = {}; // further parameters of the source
    this.busy = false;
    this.again = false;
    this.since = 0; // when the frame came that the running request answers, performance.now()
  }

  /** @param {{[name: string]: string}} more the source's further parameters from now on; all is asked for anew */
  ask(more) {
    this.asked = Object.assign({}, this.asked, more);
    return this.refresh();
  }

  /** @returns {Promise<void>} */
  refresh() {
    if (this.busy) {
      this.again = true;
      return Promise.resolve();
    }
    this.busy = true;
    this.since = performance.now();
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

  /** @param {any} body */
  take(body) {
    let fresh = /** @type {Element[]} */ ([]);
    Object.keys(body.lists).forEach((name) => {
      const box = document.querySelector('[data-list="' + name + '"]');
      if (!box) return;
      fresh = fresh.concat(patch(box, body.lists[name].order, body.lists[name].rows));
      show(document.querySelector('[data-none="' + name + '"]'), body.lists[name].order.length === 0);
    });
    Object.keys(body.slots).forEach((name) => {
      const slot = document.querySelector('[data-slot="' + name + '"]');
      put(slot, body.slots[name]);
      if (slot && slot.hasAttribute("data-n")) slot.setAttribute("data-n", body.slots[name]);
    });
    Object.keys(body.panes).forEach((name) => {
      const pane = /** @type {any} */ (document.querySelector('[data-pane="' + name + '"]'));
      if (!pane || pane.drawn === body.panes[name]) return;
      const back = typed(pane);
      pane.drawn = pane.innerHTML = body.panes[name];
      back(pane);
      fresh.push(pane);
    });
    this.office.seq = body.seq;
    this.drawn(fresh);
    const since = this.since;
    painted(() => performance.measure && performance.measure("offices", { start: since }));
  }
}
