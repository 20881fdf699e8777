/**
 * What is behind a number, opened by its own address: what may be done there is done here too. ES2017.
 */
import { acts } from "./dashboard_acts.js";
import { part } from "./dashboard_panel.js";
import { at, given } from "./page.js";

const page = given();
acts(page);
document.addEventListener("answered", (/** @type {any} */ event) => {
  if (!event.detail.ok) return;
  part(location.pathname + location.search, page.lang).then((answer) => {
    if (answer.ok) at("behind-body").innerHTML = answer.body.html;
  });
});
