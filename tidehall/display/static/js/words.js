/**
 * Sentences and figures as people read them; the same rules as the templates'. ES2017.
 */

/**
 * @param {string} text "前面 {n} 人"
 * @param {{[name: string]: any}} [values]
 * @returns {string}
 */
export function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (_, name) => (values && values[name] !== undefined ? String(values[name]) : ""));
}

/**
 * An honest range in minutes, rounded outward and never 0: 12–20.
 * @param {{p10_s: number, p90_s: number}|null|undefined} estimate
 * @returns {[number, number]|null}
 */
export function range(estimate) {
  if (!estimate) return null;
  const low = Math.max(1, Math.floor(estimate.p10_s / 60));
  return [low, Math.max(low + 1, Math.ceil(estimate.p90_s / 60))];
}

/** @param {string} text @returns {string} in lower case and half width, as the server's texts for searching are */
export function folded(text) {
  return text.normalize("NFKC").toLowerCase();
}

/** @param {string} typed @returns {string[]} what a search looks for: words or, in Chinese, the whole text */
export function sought(typed) {
  return folded(typed).split(/\s+/).filter(Boolean);
}

/**
 * Whether a text has all that is looked for; the same rule as `search` in kiosk.py.
 * @param {string} text folded
 * @param {string[]} parts
 * @returns {boolean} looking for nothing finds nothing
 */
export function fits(text, parts) {
  return parts.length > 0 && parts.every((part) => text.indexOf(part) >= 0);
}

/**
 * Seconds as m:ss, or h:mm:ss.
 * @param {number} seconds
 * @returns {string}
 */
export function span(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  const two = (/** @type {number} */ n) => (n < 10 ? "0" + n : String(n));
  const tail = two(Math.floor(s / 60) % 60) + ":" + two(s % 60);
  return s >= 3600 ? Math.floor(s / 3600) + ":" + tail : tail.replace(/^0/, "");
}

/**
 * A wait as a short range, or that nothing can be said.
 * @param {{p10_s: number, p90_s: number}|null|undefined} estimate
 * @param {{[key: string]: string}} words
 * @returns {string}
 */
export function minutes(estimate, words) {
  const pair = range(estimate);
  return pair ? fill(words["board.range"], { low: pair[0], high: pair[1] }) : words["common.no_estimate"];
}

/**
 * How many wait in a line; nobody is not "0 people".
 * @param {{waiting: number, open_windows: number}} line
 * @param {{[key: string]: string}} words
 * @returns {string}
 */
export function waiting(line, words) {
  if (line.waiting) return fill(words["board.people"], { n: line.waiting });
  return words[line.open_windows ? "board.nobody" : "board.no_window"];
}
