"use strict";
(() => {
  const table = document.getElementById("projects");
  const filter = document.getElementById("filter");
  if (!table || !filter) return;
  const body = table.tBodies[0], rows = Array.from(body.rows);
  const words = filter.elements.words, rating = filter.elements.rating, left = document.getElementById("left");
  const show = () => {
    const wanted = words.value.trim().toLowerCase();
    let shown = 0;
    for (const row of rows) {
      const fits = row.textContent.toLowerCase().includes(wanted) && (!rating.value || row.dataset.rating === rating.value);
      row.hidden = !fits;
      if (fits) shown += 1;
    }
    left.textContent = shown + " of " + rows.length + " projects";
  };
  const sort = (head, column) => {
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const key = (row) => row.cells[column].dataset.sort;
    const value = (text) => (text !== "" && isFinite(text) ? Number(text) : text.toLowerCase());
    rows.sort((a, b) => {
      const x = value(key(a)), y = value(key(b));
      if ((x === "") !== (y === "")) return x === "" ? 1 : -1;
      const order = typeof x === typeof y ? (x < y ? -1 : x > y ? 1 : 0) : typeof x === "number" ? -1 : 1;
      return down ? -order : order;
    });
    body.append(...rows);
  };
  Array.from(table.tHead.rows[0].cells).forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", () => sort(head, column));
    head.replaceChildren(button);
  });
  filter.addEventListener("input", show);
  filter.addEventListener("submit", (event) => event.preventDefault());
  filter.hidden = false;
  show();
})();
