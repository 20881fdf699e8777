/**
 * An issue board as plain data: what stands on which page. ES2017, for old TV boxes.
 */

/** @typedef {{zone: string, day: string, tails: string[]}} Group */
/** @typedef {{day: string, tails: string[]}} Block a day's heading with what stands below it on this page */

/**
 * The board after a frame; what a frame does not name stays.
 * @param {any} board
 * @param {any} frame
 */
export function advanceReady(board, frame) {
  const next = Object.assign({}, board);
  ["ready", "session", "stale_since", "notices"].forEach((name) => {
    if (frame[name] !== undefined) next[name] = frame[name];
  });
  return next;
}

/**
 * A zone's groups on pages of so many rows; a day that goes on overleaf has its heading there again.
 * @param {Group[]} groups
 * @param {number} across cells in a row
 * @param {number} rows on a page, the headings' too; at least 2
 * @returns {Block[][]}
 */
export function pagesOf(groups, across, rows) {
  /** @type {Block[][]} */
  const pages = [];
  let left = 0;
  groups.forEach((group) => {
    let rest = group.tails.slice();
    while (rest.length) {
      if (left < 2 || !pages.length) {
        pages.push([]);
        left = rows;
      }
      const fits = Math.min(rest.length, (left - 1) * across);
      pages[pages.length - 1].push({ day: group.day, tails: rest.slice(0, fits) });
      left -= 1 + Math.ceil(fits / across);
      rest = rest.slice(fits);
    }
  });
  return pages;
}

/**
 * A receipt's day, 20261122, as people say it.
 * @param {string} day
 * @param {string} sentence with {month} and {day}
 * @returns {string}
 */
export function dayWords(day, sentence) {
  if (!/^\d{8}$/.test(day)) return day;
  return sentence.replace("{month}", String(Number(day.slice(4, 6)))).replace("{day}", String(Number(day.slice(6))));
}
