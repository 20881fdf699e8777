/**
 * What somebody wants, as the guide typed it: a line's letter, an item's code, or words. Pure. ES2017.
 */
import { fill, fits, folded, sought } from "./words.js";

const MOST = 5; // names in one sentence

/**
 * @param {string} typed
 * @param {any} page its letters, lines, items and what their search looks through (codes)
 * @returns {{what: object|null, said: string}} the one thing that fits, or what to say
 */
export function choose(typed, page) {
  const asked = typed.normalize("NFKC").trim();
  const first = asked.split(" · ")[0].trim();
  const line = page.letters[first.toUpperCase()];
  if (line) return { what: { line: line }, said: "" };
  const code = Object.keys(page.codes).find((one) => one.toLowerCase() === first.toLowerCase());
  if (code) return { what: { item: code }, said: "" };
  const parts = sought(asked);
  const found = Object.keys(page.letters).filter((letter) => fits(folded(page.lines[page.letters[letter]]), parts))
    .map((letter) => ({ what: { line: page.letters[letter] }, name: letter + " · " + page.lines[page.letters[letter]] }))
    .concat(Object.keys(page.codes).filter((one) => fits(page.codes[one], parts)).map((one) => {
      const name = page.items[one].name;
      return { what: /** @type {any} */ ({ item: one }), name: one + " · " + (name[page.lang] || name.zh) };
    }));
  if (found.length === 1) return { what: found[0].what, said: "" };
  if (!found.length) return { what: null, said: fill(page.words["guide.unclear"], { asked: asked }) };
  const names = found.slice(0, MOST).map((one) => one.name).join("；") + (found.length > MOST ? " …" : "");
  return { what: null, said: fill(page.words["guide.several"], { asked: asked, n: found.length, names: names }) };
}
