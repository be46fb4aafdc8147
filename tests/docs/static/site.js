/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mark what site.css needs to show a table's cells below each other: the heading of each cell, and tables with many columns. */
document.addEventListener("DOMContentLoaded", () => {
  for (const table of document.querySelectorAll("article table.docutils:not(.longtable)")) {
    const heads = [...table.querySelectorAll("thead th")].map((head) => head.innerText.trim());
    if (heads.length > 4) table.classList.add("wide");
    for (const row of table.querySelectorAll("tbody tr"))
      [...row.children].forEach((cell, place) => {
        if (place && heads.length > 2 && heads[place]) cell.dataset.head = heads[place];
      });
  }
});
