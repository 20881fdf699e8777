/**
 * The grammar of the feed: which frame to apply, which to drop, when to ask for a snapshot.
 * Law: pure; the same frames give the same verdicts in node and in a TV box. ES2017.
 */

/** @typedef {{type: string, seq: number, prev?: number, at?: string, epoch?: string}} Frame */

/**
 * @param {number|null} last the seq this page has got to; null before the first snapshot
 * @param {Frame} frame
 * @returns {"snapshot"|"apply"|"ignore"|"resync"|"beat"}
 */
export function judge(last, frame) {
  if (frame.type === "snapshot") return "snapshot";
  if (frame.type === "beat") return last === null || frame.seq > last ? "resync" : "beat";
  if (frame.type !== "update") return "ignore";
  if (last === null) return "resync";
  if (frame.seq <= last) return "ignore";
  return (frame.prev === undefined ? -1 : frame.prev) <= last ? "apply" : "resync";
}

/**
 * Full jitter: anything between nothing and a ceiling that doubles up to `most`. People stand before these screens, so
 * a server that is back must be found within seconds.
 * @param {number} failures how many times in a row
 * @param {number} chance 0…1
 * @param {number} [most] ms
 * @returns {number} milliseconds
 */
export function pause(failures, chance, most) {
  return Math.round(chance * Math.min(most || 3000, 500 * Math.pow(2, Math.min(failures, 8))));
}

/**
 * `list` with each of `changes` put in the place of the one with its id (or at the end).
 * @template {{id: string}} T
 * @param {T[]} list
 * @param {T[]|undefined} changes
 * @returns {T[]}
 */
export function merge(list, changes) {
  if (!changes || !changes.length) return list;
  const result = list.slice();
  changes.forEach((change) => {
    const i = result.findIndex((one) => one.id === change.id);
    if (i < 0) result.push(change);
    else result[i] = Object.assign({}, result[i], change);
  });
  return result;
}
