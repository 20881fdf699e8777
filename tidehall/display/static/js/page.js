/**
 * What a page was given (its data island), and writing into its slots. ES2017.
 */

/** @returns {any} the JSON that stands in the page */
export function given() {
  return JSON.parse(/** @type {HTMLElement} */ (document.getElementById("given")).textContent || "{}");
}

/**
 * @param {string} id
 * @returns {any}
 */
export function at(id) {
  return document.getElementById(id);
}

/**
 * Text, only when it changed.
 * @param {Element|null} node
 * @param {string|number|null|undefined} text
 */
export function put(node, text) {
  const value = text === null || text === undefined ? "" : String(text);
  if (node && node.textContent !== value) node.textContent = value;
}

/**
 * @param {Element|null} node
 * @param {string} name
 * @param {string} value
 */
export function mark(node, name, value) {
  if (node && node.getAttribute(name) !== value) node.setAttribute(name, value);
}

/**
 * A part of the page that scrolls begins at its top again when it stands for something else.
 * @param {Element} node
 * @param {string} about what it stands for now
 */
export function fromTop(node, about) {
  if (node.getAttribute("data-about") === about) return;
  node.setAttribute("data-about", about);
  node.scrollTop = 0;
}

/**
 * Shown or not.
 * @param {HTMLElement|null} node
 * @param {boolean} visible
 */
export function show(node, visible) {
  if (node && node.hidden === visible) node.hidden = !visible;
}

/**
 * After the browser has painted.
 * @param {() => void} work
 */
export function painted(work) {
  requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
      channel.port1.close();
      work();
    };
    channel.port2.postMessage(0);
  });
}

/**
 * The age line: says since when the data stand, or nothing.
 * @param {HTMLElement|null} node
 * @param {string} sentence with {time}
 * @param {import("./feed.js").Feed} feed
 * @param {import("./clock.js").HallClock} clock
 * @param {string|null|undefined} stale since when the server itself cannot write, RFC 3339
 * @returns {boolean} old
 */
export function age(node, sentence, feed, clock, stale) {
  const silent = feed.oldSince();
  const since = stale ? Date.parse(stale) : silent;
  if (since !== null) put(node, sentence.replace("{time}", clock.clock(since)));
  show(node, since !== null);
  return since !== null;
}
