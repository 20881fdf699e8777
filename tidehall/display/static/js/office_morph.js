/**
 * A row drawn anew, without throwing the old one away: only texts and attributes that differ are written. ES2017.
 * Law: what takes part in a form is replaced whole when it stands for something else; the browser lays out nothing but
 * what has changed, however long the list is.
 */

/** @type {string[]} what says that an element stands for the same as before */
const SAME = ["name", "value", "type", "data-api", "data-id", "data-sealed"];

/**
 * @param {any} old
 * @param {any} next
 * @returns {boolean} whether the old node can become the next
 */
function alike(old, next) {
  if (old.nodeType !== next.nodeType || old.nodeName !== next.nodeName) return false;
  return old.nodeType !== 1 || SAME.every((name) => old.getAttribute(name) === next.getAttribute(name));
}

/**
 * @param {Element} old
 * @param {Element} next
 */
function attributes(old, next) {
  Array.from(next.attributes).forEach((one) => {
    if (old.getAttribute(one.name) !== one.value) old.setAttribute(one.name, one.value);
  });
  Array.from(old.attributes).forEach((one) => {
    if (!next.hasAttribute(one.name)) old.removeAttribute(one.name);
  });
}

/**
 * The node among `at` and those after it that can become `next`; texts only stand for the text in their own place.
 * @param {any} at
 * @param {any} next
 * @returns {any} null: there is none
 */
function same(at, next) {
  if (next.nodeType !== 1) return at && alike(at, next) ? at : null;
  while (at && !alike(at, next)) at = at.nextSibling;
  return at;
}

/**
 * Bring a node to where another one is; the other one may be used up for it.
 * @param {any} old
 * @param {any} next stands for the same (`data-id`)
 */
export function morph(old, next) {
  if (old.nodeType !== 1) {
    if (old.data !== next.data) old.data = next.data;
    return;
  }
  attributes(old, next);
  let at = old.firstChild;
  /** @param {any} end the first node that stays */
  const drop = (end) => {
    while (at !== end) {
      const over = at;
      at = at.nextSibling;
      old.removeChild(over);
    }
  };
  Array.from(next.childNodes).forEach((/** @type {any} */ child) => {
    const found = same(at, child);
    if (!found) return old.insertBefore(child, at);
    drop(found);
    at = found.nextSibling;
    morph(found, child);
  });
  drop(null);
}
