/**
 * A form as the body of a command: what a field's `data-as` says is how its value goes. ES2017.
 * Law: nothing is decided here; what is empty is not sent.
 */

/** @param {any} field @returns {any} undefined: not said */
function value(field) {
  const as = field.getAttribute("data-as");
  if (as === "present") return { code: field.value, present: field.checked };
  if ((field.type === "checkbox" || field.type === "radio") && !field.checked) return undefined;
  const text = field.value.trim();
  if (!text) return undefined;
  if (as === "flag") return true;
  if (as === "fen") return Math.round(Number(text) * 100);
  if (as === "int") return Number(text);
  if (as === "words") return text.split(/[,，、;；\n]+/).map((/** @type {string} */ part) => part.trim()).filter(Boolean);
  return text;
}

/**
 * @param {HTMLFormElement} form
 * @returns {{[name: string]: any}} names with dots are objects: applicant.name
 */
export function bodyOf(form) {
  const body = /** @type {{[name: string]: any}} */ ({});
  Array.from(form.elements).forEach((/** @type {any} */ field) => {
    if (!field.name || field.disabled) return;
    const said = value(field);
    if (said === undefined) return;
    const parts = field.name.split(".");
    const last = parts.pop();
    const into = parts.reduce((/** @type {any} */ at, /** @type {string} */ part) => (at[part] = at[part] || {}), body);
    const as = field.getAttribute("data-as");
    const many = as === "list" || as === "words" || as === "present";
    into[last] = many ? (into[last] || []).concat(said) : said;
  });
  return body;
}

/**
 * Adds who acts, where the page has to say it: data-me="runner", "staff?" when it may be left out, "path" when it
 * stands in the address.
 * @param {HTMLFormElement} form
 * @param {{[name: string]: any}} body
 * @param {string} me
 * @returns {boolean} false: it must be said first
 */
export function signed(form, body, me) {
  const wanted = form.getAttribute("data-me");
  if (!wanted) return true;
  if (me && wanted !== "path") body[wanted.replace("?", "")] = me;
  return Boolean(me) || wanted.slice(-1) === "?";
}

/**
 * What was typed, ticked or unfolded in a part of the page that is about to be drawn anew.
 * @param {ParentNode} root
 * @returns {(fresh: ParentNode) => void} puts it back
 */
export function typed(root) {
  const kept = /** @type {{[key: string]: any}} */ ({});
  const unfolded = Array.from(root.querySelectorAll("details[open] > summary"), (node) => node.textContent);
  const active = /** @type {any} */ (document.activeElement);
  let focus = "";
  fields(root, (key, field) => {
    const tick = field.type === "checkbox" || field.type === "radio";
    if (tick ? field.checked !== field.defaultChecked : field.value !== untouched(field)) {
      kept[key] = tick ? field.checked : field.value;
    }
    if (field === active) focus = key;
  });
  return (fresh) => {
    Array.from(fresh.querySelectorAll("details > summary")).forEach((node) => {
      const fold = /** @type {HTMLDetailsElement} */ (node.parentNode);
      if (unfolded.indexOf(node.textContent) >= 0) fold.open = true;
    });
    fields(fresh, (key, field) => {
      if (kept[key] !== undefined) {
        if (typeof kept[key] === "boolean") field.checked = kept[key];
        else field.value = kept[key];
      }
      if (key === focus) field.focus();
    });
  };
}

/** @param {any} field @returns {string} its value as the server drew it */
function untouched(field) {
  if (field.tagName !== "SELECT") return field.defaultValue;
  const options = Array.from(field.options);
  const drawn = options.find((/** @type {any} */ option) => option.defaultSelected) || options[0];
  return drawn ? /** @type {any} */ (drawn).value : "";
}

/**
 * @param {ParentNode} root
 * @param {(key: string, field: any) => void} work
 */
function fields(root, work) {
  Array.from(root.querySelectorAll("form input, form textarea, form select")).forEach((node) => {
    const field = /** @type {any} */ (node);
    const tick = field.type === "checkbox" || field.type === "radio";
    work([field.form.getAttribute("data-api"), field.name, tick ? field.value : ""].join("|"), field);
  });
}
