// Tables whose rows follow data. Cells know their column's title, which a narrow page shows beside them.

import { element, find, reconcile, setHidden, setText } from "./dom.js";

export class Table {
  /**
   * @param {string} place the id of the element to put the table into
   * @param {string} caption what the table lists, for those who hear it
   * @param {Array<{title: string, text?: Function, kind?: string, fill?: Function}>} columns the first one heads its
   *   row; `text` gives a cell's text for an item, `fill` changes the cell instead
   * @param {Function} key what tells items apart
   */
  constructor(place, caption, columns, key) {
    this.columns = columns;
    this.key = key;
    this.body = element("tbody", { role: "rowgroup" });
    this.empty = element("p", { class: "aside empty" });
    // Roles are stated because a narrow page lays out rows as blocks, which would otherwise no longer be a table.
    this.table = element(
      "table", { role: "table" },
      element("caption", { class: "unseen" }, caption),
      element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, ...columns.map(heading))),
      this.body);
    find(place).replaceChildren(this.table, this.empty);
    this.show([], "");
  }

  /** Shows items, or a sentence where there are none. */
  show(items, sentence) {
    reconcile(this.body, items, this.key, () => this.#row(), (row, item) => this.#fill(row, item));
    setHidden(this.table, items.length === 0);
    setHidden(this.empty, items.length > 0);
    setText(this.empty, sentence);
  }

  #row() {
    const cells = this.columns.map((column, index) => element(index === 0 ? "th" : "td", {
      role: index === 0 ? "rowheader" : "cell",
      class: column.kind ?? "words",
      "data-title": column.title,
      ...(index === 0 ? { scope: "row" } : {}),
    }));
    return element("tr", { role: "row" }, ...cells);
  }

  #fill(row, item) {
    this.columns.forEach((column, index) => {
      const cell = row.children[index];
      if (column.fill) column.fill(cell, item);
      else setText(cell, column.text(item));
    });
  }
}

function heading(column) {
  return element("th", { scope: "col", role: "columnheader", class: column.kind ?? "words" }, column.title);
}
