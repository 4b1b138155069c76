/** The list. Only the rows in sight are elements of the page; there may be ten thousand. */
App.table = (() => {
  const { el, byId, replace } = App.dom;
  const HEIGHT = 56;
  const SPARE = 6; // rows above and below those in sight
  let selected = -1;
  let rendered = new Map(); // row -> element

  function flagMarks(row) {
    const marks = App.meta.checks.filter((check, place) => (App.data.flags[row] >> place) & 1);
    const unknown = App.query.bits(App.data.untestable[row]);
    const titles = marks.map(([, title]) => title).join(", ");
    return el("span", { class: "flags", title: `${titles || "no flag"}; ${unknown} not testable` },
      el("b", { class: marks.length ? "flagged" : "" }, String(marks.length)),
      marks.slice(0, 3).map(([name]) => el("span", { class: "chip" }, App.filters.short(name))),
      marks.length > 3 ? "\u2026" : null);
  }

  function cell(column, row, place) {
    if (column.key === "views") return App.thumbnail.pair(row);
    if (column.key === "flags") return App.data.problem[row] ? el("span", { class: "problem", title: App.data.problem[row] }, "no light curve") : flagMarks(row);
    if (column.key === "label") return App.filters.badge(App.labels.label(row));
    if (column.key === "tic") {
      return [el("span", {}, App.columns.text(column, row, place)), App.labels.entry(row).star ? el("span", { class: "star", title: "starred" }, "\u2605") : null,
        App.data.twins[row].length ? el("span", { class: "chip", title: "other stars have the same ephemeris" }, `${App.data.twins[row].length + 1}\u00d7`) : null];
    }
    return App.columns.text(column, row, place);
  }

  function rowElement(row, place, columns) {
    const node = el("div", { class: "row", role: "row", "aria-rowindex": place + 2, "aria-selected": row === selected ? "true" : "false", id: `row-${row}`, data: { row } },
      columns.map((column) => el("div", { role: "gridcell", class: `cell ${column.numeric && column.format ? "number" : ""} c-${column.key}` }, cell(column, row, place))));
    node.style.top = `${place * HEIGHT}px`;
    node.style.gridTemplateColumns = template(columns);
    return node;
  }

  const template = (columns) => columns.map((column) => `${column.width}px`).join(" ");

  function header(columns) {
    const state = App.query.state();
    replace(byId("header"), columns.map((column) => {
      const key = column.sortKey || column.key;
      const isSorted = state.sort === key && !App.blind.isOn();
      const canSort = !["rank", "views"].includes(column.key) && !App.blind.isOn();
      const mark = isSorted ? (state.down ? " \u25bc" : " \u25b2") : "";
      return el("div", { role: "columnheader", class: `cell ${column.numeric && column.format ? "number" : ""}`, title: column.hint, "aria-sort": isSorted ? (state.down ? "descending" : "ascending") : null },
        canSort ? el("button", { class: "sort", data: { sort: key }, on: { click: () => App.query.sortBy(key) } }, column.title + mark) : column.title);
    }));
    byId("header").style.gridTemplateColumns = template(columns);
    const width = `${columns.reduce((sum, column) => sum + column.width, 0)}px`;
    byId("header").style.width = width;
    byId("rows").style.width = width;
  }

  /** Draws the rows in sight. `anew` draws even those that are there. */
  function render(anew) {
    const order = App.query.order();
    const columns = App.columns.shown();
    const list = byId("list");
    if (anew) {
      rendered.forEach((node) => node.remove());
      rendered = new Map();
      header(columns);
      byId("rows").style.height = `${order.length * HEIGHT}px`;
      byId("grid").setAttribute("aria-rowcount", String(order.length + 1));
      byId("empty").hidden = order.length > 0;
    }
    const top = Math.max(0, list.scrollTop - byId("header").offsetHeight);
    const first = Math.max(0, Math.floor(top / HEIGHT) - SPARE);
    const last = Math.min(order.length, Math.ceil((top + list.clientHeight) / HEIGHT) + SPARE);
    const wanted = new Set(order.subarray(first, last));
    for (const [row, node] of rendered) {
      if (!wanted.has(row)) {
        node.remove();
        rendered.delete(row);
      }
    }
    for (let place = first; place < last; place++) {
      const row = order[place];
      if (rendered.has(row)) continue;
      const node = rowElement(row, place, columns);
      rendered.set(row, node);
      byId("rows").append(node);
    }
    byId("list").setAttribute("aria-activedescendant", rendered.has(selected) ? `row-${selected}` : "");
  }

  /** Draws single rows again, where they are in sight. */
  function refresh(rows) {
    const columns = App.columns.shown();
    for (const row of rows) {
      const old = rendered.get(row);
      if (!old) continue;
      const node = rowElement(row, App.query.placeOf(row), columns);
      old.replaceWith(node);
      rendered.set(row, node);
    }
  }

  /** Selects a row, and scrolls to it. */
  function select(row, quiet) {
    const before = selected;
    selected = row;
    App.labels.seen();
    const place = App.query.placeOf(row);
    if (place >= 0) {
      const list = byId("list");
      const head = byId("header").offsetHeight;
      if (place * HEIGHT < list.scrollTop) list.scrollTop = place * HEIGHT;
      if ((place + 1) * HEIGHT + head > list.scrollTop + list.clientHeight) list.scrollTop = (place + 1) * HEIGHT + head - list.clientHeight;
    }
    render();
    refresh([before, row]);
    byId("list").setAttribute("aria-activedescendant", `row-${row}`);
    if (!quiet && row >= 0) App.dom.say(`${place + 1} of ${App.query.order().length}: TIC ${App.data.tic[row]}, ${App.labels.label(row) || "no label"}`);
  }

  function start() {
    byId("list").addEventListener("scroll", () => render(), { passive: true });
    window.addEventListener("resize", () => render());
    byId("rows").addEventListener("click", (event) => {
      const node = event.target.closest(".row");
      if (!node) return;
      select(Number(node.dataset.row), true);
      App.panel.open(Number(node.dataset.row));
    });
    App.query.watch(() => render(true));
    App.labels.watch((rows) => (rows.length ? refresh(rows) : render(true)));
  }

  return { start, render, refresh, select, selected: () => selected, HEIGHT };
})();
