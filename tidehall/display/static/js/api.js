/**
 * Commands to the server: one key per press, the same key when the answer got lost. ES2017.
 */

import { given } from "./page.js";

const ATTEMPTS = 4;

/** @typedef {{ok: boolean, status: number, body: any, sentence: string}} Answer status 0: not reached */

/** @returns {string} */
export function newKey() {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (b) => (b < 16 ? "0" : "") + b.toString(16)).join("");
}

/**
 * @param {string} path
 * @param {object} body
 * @param {string} lang
 * @param {string} [key]
 * @returns {Promise<Answer>}
 */
export function send(path, body, lang, key) {
  const headers = { "Content-Type": "application/json", "Accept-Language": lang, "Idempotency-Key": key || newKey() };
  const request = { method: "POST", headers: headers, body: JSON.stringify(body) };
  /** @param {number} left @returns {Promise<Answer>} */
  const attempt = (left) =>
    fetch(path, request).then(read, () => ({ ok: false, status: 0, body: {}, sentence: "" })).then((answer) => {
      if (left > 1 && (answer.status === 0 || answer.status === 503)) return later(400).then(() => attempt(left - 1));
      return answer;
    });
  return attempt(ATTEMPTS);
}

/**
 * @param {string} path
 * @param {string} lang
 * @returns {Promise<Answer>}
 */
export function get(path, lang) {
  return fetch(path, { headers: { "Accept-Language": lang } }).then(read, () => ({ ok: false, status: 0, body: {}, sentence: "" }));
}

/** @param {Response} response @returns {Promise<Answer>} */
function read(response) {
  return response.json().then(
    (body) => ({ ok: response.ok, status: response.status, body: body, sentence: response.ok ? "" : sentence(body) }),
    () => ({ ok: response.ok, status: response.status, body: {}, sentence: "" }),
  );
}

/**
 * What a problem says: each wrong field by its name with what is wrong in it, else the problem's own sentence. The
 * same rule as `of_field` in http/problems.py.
 * @param {any} problem
 * @returns {string}
 */
function sentence(problem) {
  if (!problem.errors || !problem.errors.length) return problem.detail || problem.title || "";
  const words = given().words;
  return problem.errors.map((/** @type {any} */ error) => {
    const name = words["common.field." + error.field.replace(/\[\d+\]$/, "").split(".").pop()];
    return (name ? name + words["common.colon"] : "") + error.detail;
  }).join("\n");
}

/** @param {number} ms @returns {Promise<void>} */
function later(ms) {
  return new Promise((done) => setTimeout(done, ms));
}
