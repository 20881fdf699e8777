/**
 * The wait curves: figures made by the server, drawn by plotly where they can be seen. ES2017.
 * Law: at most one redraw a second, none while nothing has changed or the page is hidden; what is drawn is never
 * remembered as data, the next figure replaces it whole.
 */
import { show } from "./page.js";

const CONFIG = { displayModeBar: false, responsive: true, displaylogo: false, showTips: false };
const LEAST_MS = 1000;

export class Curves {
  /**
   * @param {{[zone: string]: any}} charts plotly figures by zone
   * @param {string} chosen the zone whose curve is shown
   */
  constructor(charts, chosen) {
    this.charts = charts;
    this.chosen = chosen;
    /** @type {{[zone: string]: string}} the figure that stands on the page */
    this.drawn = {};
    this.last = 0;
    /** @type {number|null} */
    this.later = null;
    const script = document.getElementById("plotly");
    if (script) script.addEventListener("load", () => this.draw());
    this.select();
    this.draw();
  }

  /** @param {{[zone: string]: any}} charts the newest of each */
  take(charts) {
    this.charts = charts;
    this.draw();
  }

  /** @param {string} zone */
  choose(zone) {
    if (!this.charts[zone]) return;
    this.chosen = zone;
    this.select();
    this.draw();
  }

  /** The chosen zone's curve and row. */
  select() {
    Array.from(document.querySelectorAll(".curve")).forEach((node) => {
      show(/** @type {HTMLElement} */ (node), node.getAttribute("data-zone") === this.chosen);
    });
    Array.from(document.querySelectorAll("[data-curve]")).forEach((link) => {
      if (link.getAttribute("data-curve") === this.chosen) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    });
  }

  /** Draw the chosen curve, now or when its second is over. */
  draw() {
    const plotly = /** @type {any} */ (window).Plotly;
    const figure = this.charts[this.chosen];
    const node = document.querySelector('[data-plot="' + this.chosen + '"]');
    if (!plotly || !figure || !node || document.hidden) return;
    const text = JSON.stringify(figure);
    if (this.drawn[this.chosen] === text) return;
    const wait = this.last + LEAST_MS - Date.now();
    if (wait > 0 && this.drawn[this.chosen]) {
      if (this.later === null) {
        this.later = window.setTimeout(() => {
          this.later = null;
          this.draw();
        }, wait);
      }
      return;
    }
    this.last = Date.now();
    this.drawn[this.chosen] = text;
    plotly.react(node, figure.data, figure.layout, CONFIG);
    document.dispatchEvent(new CustomEvent("drawn", { detail: this.chosen }));
  }
}
