/**
 * Countdowns: only those that can be seen are counted. ES2017.
 */
import { mark, put } from "./page.js";
import { span } from "./words.js";

export class Times {
  /** @param {import("./clock.js").HallClock} clock */
  constructor(clock) {
    this.clock = clock;
    /** @type {Set<Element>} */
    this.seen = new Set();
    this.eyes = new IntersectionObserver((found) => {
      found.forEach((one) => {
        if (one.isIntersecting) {
          this.seen.add(one.target);
          this.count(one.target);
        } else this.seen.delete(one.target);
      });
    });
  }

  /** @param {ParentNode} root whose countdowns run from now on */
  watch(root) {
    Array.from(root.querySelectorAll("[data-due]")).forEach((node) => {
      this.count(node);
      this.eyes.observe(node);
    });
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

  /** Once a second. */
  tick() {
    this.seen.forEach((node) => {
      if (node.isConnected) this.count(node);
      else {
        this.seen.delete(node);
        this.eyes.unobserve(node);
      }
    });
  }
}
