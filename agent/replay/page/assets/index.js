"use strict";
{
  const body = document.querySelector("#episodes tbody");
  const heads = [...document.querySelectorAll("#episodes thead th")];
  const rows = [...body.rows];
  const outcome = document.getElementById("outcome");
  const text = document.getElementById("text");
  const shown = document.getElementById("shown");

  const order = (compare) => body.append(...rows.sort(compare));
  const byDefault = (a, b) => a.dataset.order - b.dataset.order;

  function sort(column, falling) {
    const number = heads[column].classList.contains("number") || column === 0;
    const value = (row) => row.cells[column].dataset.value;
    order((a, b) => {
      const [one, other] = [value(a), value(b)];
      // What has no value stays at the end, whichever way the others go.
      if (!one || !other) return Boolean(other) - Boolean(one) || byDefault(a, b);
      const difference = number ? one - other : one.localeCompare(other);
      return (falling ? -difference : difference) || byDefault(a, b);
    });
    heads.forEach((head, n) => {
      if (n === column) head.setAttribute("aria-sort", falling ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
  }

  function filter() {
    const wanted = text.value.trim().toLowerCase();
    let count = 0;
    for (const row of rows) {
      const fits = (!outcome.value || row.dataset.outcome === outcome.value)
        && (!wanted || row.textContent.toLowerCase().includes(wanted));
      row.hidden = !fits;
      count += fits;
    }
    shown.textContent = `${count} of ${rows.length}`;
  }

  heads.forEach((head, column) => {
    head.querySelector("button").addEventListener("click", () => {
      sort(column, head.getAttribute("aria-sort") === "ascending");
    });
  });
  document.getElementById("reset").addEventListener("click", () => {
    order(byDefault);
    heads.forEach((head) => head.removeAttribute("aria-sort"));
  });
  document.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
  outcome.addEventListener("change", filter);
  text.addEventListener("input", filter);
  filter();  // a browser restores what was typed before a reload
}
