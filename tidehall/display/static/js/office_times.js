/**
 * Countdowns: only those in view are counted, and what comes into view by scrolling at once. ES2017.
 * Law: the cost is that of what can be seen. The rows of a list stand below one another, so the first one in view is
 * found by halving.
 */
import { mark, put } from "./page.js";
import { span } from "./words.js";

/**
 * @param {Element} box a list
 * @returns {Element[]} its rows in view
 */
function inView(box) {
  const rows = box.children;
  const frame = /** @type {Element} */ (box.parentNode).getBoundingClientRect();
  const top = Math.max(0, frame.top);
  const bottom = Math.min(window.innerHeight, frame.bottom);
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle].getBoundingClientRect().bottom < top) low = middle + 1;
    else high = middle;
  }
  const found = [];
  for (; low < rows.length && rows[low].getBoundingClientRect().top < bottom; low++) found.push(rows[low]);
  return found;
}

export class Times {
  /** @param {import("./clock.js").HallClock} clock */
  constructor(clock) {
    this.clock = clock;
    this.boxes = Array.from(document.querySelectorAll("[data-list]"));
    /** @type {Element[]} countdowns outside the lists */
    this.loose = [];
    let asked = false;
    document.addEventListener("scroll", () => {
      if (asked) return;
      asked = true;
      requestAnimationFrame(() => {
        asked = false;
        this.tick();
      });
    }, { capture: true, passive: true });
  }

  /** @param {ParentNode} root whose countdowns run from now on; the server has drawn them as of now */
  watch(root) {
    const found = Array.from(root.querySelectorAll("[data-due]")).filter((node) => !node.closest("[data-list]"));
    this.loose = this.loose.filter((node) => node.isConnected && found.indexOf(node) < 0).concat(found);
  }

  /** @param {Element} node shows m:ss to the limit, or since */
  count(node) {
    const now = this.clock.now();
    const left = (Date.parse(node.getAttribute("data-due") || "") - now) / 1000;
    put(node, span(Math.abs(left)));
    const box = /** @type {Element} */ (node.parentNode);
    const word = box.querySelector("[data-word]");
    box.classList.toggle("late", left < 0);
    if (word) put(word, word.getAttribute(left < 0 ? "data-late" : "data-ok"));
    const bar = box.parentNode && /** @type {Element} */ (box.parentNode).querySelector("progress");
    if (bar) {
      const from = Date.parse(bar.getAttribute("data-from") || "");
      mark(bar, "value", String(Math.max(0, Math.round((now - from) / 1000))));
    }
  }

  /** Once a second, and while somebody scrolls. */
  tick() {
    this.loose = this.loose.filter((node) => node.isConnected);
    this.loose.forEach((node) => this.count(node));
    this.boxes.map(inView).forEach((rows) => rows.forEach((row) => {
      Array.from(row.querySelectorAll("[data-due]")).forEach((node) => this.count(node));
    }));
  }
}
