/** The bar above the list: what is shown, in which order. */
App.filters = (() => {
  const { el, byId, replace } = App.dom;
  const SHORT = { odd_even: "odd", secondary: "sec", not_unique: "uniq", v_shape: "V", size: "size", duration: "dur", period_alias: "alias", edges: "edge", dumps: "dump", one_event: "one", sector_wide: "sector", sine: "sine", same_ephemeris: "eph", aperture: "apert", centroid: "centr" };
  const short = (name) => SHORT[name] || name;
  const badge = (label) => (label ? el("span", { class: `badge label-${label}`, title: App.meta.labels[label] }, label) : "");

  function labelChips() {
    const state = App.query.state();
    return [...Object.keys(App.meta.labels), App.query.UNLABELED].map((name) => {
      const is = state.include.includes(name) ? "only" : state.exclude.includes(name) ? "without" : "";
      const told = name === App.query.UNLABELED ? "no label" : App.meta.labels[name];
      return el("button", { class: `filter ${is}`, data: { label: name }, "aria-pressed": is ? "true" : "false", title: `${told}: click for only these, again for without these, again for all`, on: { click: () => cycle(name) } },
        is === "without" ? `\u2212${name}` : name);
    });
  }

  function cycle(name) {
    const { include, exclude } = App.query.state();
    const without = (list) => list.filter((one) => one !== name);
    if (include.includes(name)) App.query.change({ include: without(include), exclude: [...exclude, name] });
    else if (exclude.includes(name)) App.query.change({ exclude: without(exclude) });
    else App.query.change({ include: [...include, name] });
  }

  function checkSelects() {
    const state = App.query.state();
    return App.meta.checks.map(([name, title]) =>
      el("label", { class: "check-filter" }, el("span", {}, title),
        el("select", { data: { check: name }, on: { change: (event) => App.query.change({ flags: { ...App.query.state().flags, [name]: event.target.value } }) } },
          [["", "any"], ["flag", "flag"], ["pass", "pass"], ["untestable", "not testable"]].map(([value, text]) => el("option", { value, selected: (state.flags[name] || "") === value }, text)))));
  }

  function rangeInputs() {
    const blind = App.blind.isOn();
    const columns = App.columns.numeric().filter((column) => !(blind && column.blind) && App.data[column.key] instanceof Float64Array);
    return columns.map((column) => {
      const range = App.query.state().ranges[column.key] || [-Infinity, Infinity];
      const input = (side) => el("input", { type: "text", inputmode: "decimal", size: 7, "aria-label": `${column.title}, ${side ? "at most" : "at least"}`, value: Number.isFinite(range[side]) ? String(range[side]) : "", data: { range: column.key, side }, on: { change: () => take(column.key) } });
      return el("label", { class: "range-filter", title: column.hint }, el("span", {}, column.title), input(0), "\u2013", input(1));
    });
  }

  function take(key) {
    const limits = [0, 1].map((side) => {
      const text = document.querySelector(`input[data-range="${key}"][data-side="${side}"]`).value.trim();
      return text !== "" && Number.isFinite(Number(text)) ? Number(text) : null;
    });
    App.query.range(key, limits[0], limits[1]);
  }

  function draw() {
    const state = App.query.state();
    const blind = App.blind.isOn();
    replace(byId("label-filters"), labelChips());
    if (!byId("more").contains(document.activeElement)) replace(byId("more-filters"), checkSelects(), rangeInputs());
    const sorts = Object.entries(App.query.SORTS).filter(([key]) => !blind || key === "random");
    const listed = sorts.some(([key]) => key === state.sort) || blind ? sorts : [...sorts, [state.sort, [state.sort]]];
    replace(byId("sort"), listed.map(([key, [title]]) => el("option", { value: key, selected: key === state.sort || (blind && key === "random") }, title)));
    byId("down").textContent = state.down ? "\u25bc" : "\u25b2";
    byId("down").disabled = blind;
    byId("starred").checked = state.starred;
    if (document.activeElement !== byId("search")) byId("search").value = state.search;
    byId("count").textContent = `${App.query.order().length} of ${App.meta.num_tces}`;
    byId("reset").hidden = !App.query.isFiltered() && !Object.keys(state.ranges).length;
  }

  function start() {
    byId("sort").addEventListener("change", (event) => App.query.sortBy(event.target.value));
    byId("down").addEventListener("click", () => App.query.change({ down: !App.query.state().down }));
    byId("starred").addEventListener("change", (event) => App.query.change({ starred: event.target.checked }));
    byId("search").addEventListener("input", (event) => App.query.change({ search: event.target.value }));
    byId("reset").addEventListener("click", () => App.query.reset());
    App.query.watch(draw);
  }

  return { start, draw, badge, short };
})();
