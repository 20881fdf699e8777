/**
 * Hall time on this page: the server's, never the device's. ES2017.
 * Law: a demonstration's clock may run faster than ours; two marks say how much.
 */
export class HallClock {
  /**
   * @param {string} now RFC 3339, when the server made the page
   * @param {string} zone e.g. Asia/Shanghai
   * @param {string} lang zh or en
   */
  constructor(now, zone, lang) {
    this.speed = 1;
    this.base = Date.parse(now);
    this.mark = performance.now();
    const locale = lang === "zh" ? "zh-CN" : "en-GB";
    this.minutes = new Intl.DateTimeFormat(locale, { timeZone: zone, hour: "2-digit", minute: "2-digit", hour12: false });
    this.days = new Intl.DateTimeFormat(locale, { timeZone: zone, month: "long", day: "numeric", weekday: "long" });
  }

  /** @param {string} at RFC 3339 from the server */
  sync(at) {
    const time = Date.parse(at);
    const passed = performance.now() - this.mark;
    if (isNaN(time)) return;
    if (passed > 2000) this.speed = Math.min(1000, Math.max(0, (time - this.base) / passed));
    this.base = time;
    this.mark += passed;
  }

  /** @returns {number} hall time, ms */
  now() {
    return this.base + (performance.now() - this.mark) * this.speed;
  }

  /** @param {number} [time] @returns {string} HH:MM */
  clock(time) {
    return this.minutes.format(time === undefined ? this.now() : time);
  }

  /** @returns {string} */
  date() {
    return this.days.format(this.now());
  }
}

/**
 * One chain of timers for the page: runs `work` at every full second, and never twice at once.
 * @param {() => void} work
 */
export function everySecond(work) {
  const turn = () => {
    work();
    window.setTimeout(turn, 1000 - (Date.now() % 1000) + 5);
  };
  window.setTimeout(turn, 1000);
}
