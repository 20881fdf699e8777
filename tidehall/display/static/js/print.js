/** Prints what is on the page. ES2017. */
const button = document.getElementById("print");
if (button) button.addEventListener("click", () => window.print());
