/** Which rows are shown, and in which order. All of it stands in the address, so that a view can be bookmarked. */
App.query = (() => {
  const UNLABELED = "none";
  const SORTS = {
    p: ["probability", true],
    sd: ["members disagree", true],
    margin: ["near the threshold", false],
    sn: ["S/N", true],
    period: ["period", false],
    flags: ["number of flags", false],
    tmag: ["Tmag", false],
    labeled: ["time of label", true],
    random: ["random", false],
    row_id: ["row_id", false],
  };
  const OPINIONS = ["p", "sd", "vetting", "known", "margin", "unlike", "disposition", "rank"];
  const fresh = () => ({ sort: "p", down: true, ranges: {}, include: [], exclude: [], flags: {}, search: "", starred: false, catalog: "", ids: "" });
  let state = fresh();
  let order = new Uint32Array(0);
  const watchers = [];

  const bits = (value) => {
    let count = 0;
    for (; value; value &= value - 1) count++;
    return count;
  };

  /** Numbers to sort by, [num_tces]; NaN comes last. */
  function keys(sort) {
    const data = App.data;
    const count = App.meta.num_tces;
    const of = (f) => Float64Array.from({ length: count }, (_, row) => f(row));
    if (sort === "margin") return of((row) => Math.abs(data.p[row] - App.meta.threshold));
    if (sort === "flags") return of((row) => bits(data.flags[row]));
    if (sort === "labeled") return of((row) => Date.parse(App.labels.entry(row).at) || NaN);
    if (sort === "random") return App.blind.order();
    if (sort === "row_id") return of((row) => Number(data.row_id[row]));
    if (sort === "sector" || sort === "camera" || sort === "events") return of((row) => parseFloat(data[sort === "events" ? "seen" : sort][row]));
    if (sort === "label") return of((row) => Object.keys(App.meta.labels).indexOf(App.labels.label(row)));
    if (["tic", "disposition", "unlike", "note"].includes(sort)) {
      const texts = of(() => 0);
      const text = (row) => (sort === "note" ? App.labels.note(row) : String((data[sort] || [])[row] || ""));
      const sorted = [...new Set(Array.from({ length: count }, (_, row) => text(row)))].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
      const place = new Map(sorted.map((value, i) => [value, i]));
      return texts.map((_, row) => place.get(text(row)));
    }
    return data[sort] instanceof Float64Array ? data[sort] : of(() => 0);
  }

  function passes() {
    const data = App.data;
    const blind = App.blind.isOn();
    const tests = [];
    for (const [key, [low, high]] of Object.entries(state.ranges)) {
      if ((blind && OPINIONS.includes(key)) || !(data[key] instanceof Float64Array)) continue;
      const values = data[key];
      tests.push((row) => values[row] >= low && values[row] <= high);
    }
    const labelOf = (row) => App.labels.label(row) || UNLABELED;
    if (state.include.length) tests.push((row) => state.include.includes(labelOf(row)));
    if (state.exclude.length) tests.push((row) => !state.exclude.includes(labelOf(row)));
    App.meta.checks.forEach(([name], place) => {
      const wanted = state.flags[name];
      if (!wanted) return;
      const is = { flag: (row) => (data.flags[row] >> place) & 1, untestable: (row) => (data.untestable[row] >> place) & 1 };
      tests.push(wanted === "pass" ? (row) => !is.flag(row) && !is.untestable(row) : (row) => is[wanted](row));
    });
    if (state.starred) tests.push((row) => App.labels.entry(row).star);
    if (state.catalog && data.disposition && !blind) tests.push((row) => data.disposition[row] === state.catalog);
    if (state.ids) {
      const ids = new Set(state.ids.split(","));
      tests.push((row) => ids.has(data.row_id[row]));
    }
    const search = state.search.trim().toLowerCase();
    if (search) {
      const wanted = search.replace(/^tic\s*/, "");
      tests.push((row) => data.tic[row].includes(wanted) || App.labels.note(row).toLowerCase().includes(search));
    }
    return tests;
  }

  /** Sorts and filters anew. */
  function run() {
    const began = performance.now();
    const tests = passes();
    const rows = [];
    next: for (let row = 0; row < App.meta.num_tces; row++) {
      for (const test of tests) if (!test(row)) continue next;
      rows.push(row);
    }
    const isForced = App.blind.isOn() && (OPINIONS.includes(state.sort) || state.sort !== "random");
    const by = keys(isForced ? "random" : state.sort);
    const sign = !isForced && state.down ? -1 : 1;
    rows.sort((a, b) => {
      const x = by[a];
      const y = by[b];
      if (x !== x || y !== y) return (x !== x) - (y !== y) || a - b;
      return sign * (x - y) || a - b;
    });
    order = Uint32Array.from(rows);
    App.timings.query = performance.now() - began;
    writeHash();
    watchers.forEach((handler) => handler());
  }

  function change(fields) {
    state = { ...state, ...fields };
    run();
  }

  function sortBy(key) {
    const isSame = state.sort === key;
    change({ sort: key, down: isSame ? !state.down : (SORTS[key] || ["", false])[1] });
  }

  function range(key, low, high) {
    const ranges = { ...state.ranges };
    if (low === null && high === null) delete ranges[key];
    else ranges[key] = [low === null ? -Infinity : low, high === null ? Infinity : high];
    change({ ranges });
  }

  function writeHash() {
    const out = new URLSearchParams();
    const plain = fresh();
    if (state.sort !== plain.sort || state.down !== plain.down) out.set("sort", (state.down ? "-" : "") + state.sort);
    for (const [key, [low, high]] of Object.entries(state.ranges)) out.set(`range.${key}`, `${Number.isFinite(low) ? low : ""}..${Number.isFinite(high) ? high : ""}`);
    for (const name of ["include", "exclude"]) if (state[name].length) out.set(name, state[name].join(","));
    for (const [name, wanted] of Object.entries(state.flags)) if (wanted) out.set(`check.${name}`, wanted);
    for (const name of ["search", "catalog", "ids"]) if (state[name]) out.set(name, state[name]);
    if (state.starred) out.set("starred", "1");
    const hash = out.toString();
    if (hash !== location.hash.slice(1)) history.replaceState(null, "", `#${hash}`);
  }

  function readHash() {
    const told = new URLSearchParams(location.hash.slice(1));
    state = fresh();
    const sort = told.get("sort") || "";
    if (sort) Object.assign(state, { sort: sort.replace(/^-/, ""), down: sort.startsWith("-") });
    for (const [key, value] of told) {
      const limit = (text, other) => (text !== "" && Number.isFinite(Number(text)) ? Number(text) : other);
      if (key.startsWith("range.")) {
        const [low, high] = value.split("..");
        state.ranges[key.slice(6)] = [limit(low, -Infinity), limit(high === undefined ? "" : high, Infinity)];
      } else if (key.startsWith("check.") && ["flag", "pass", "untestable"].includes(value)) {
        state.flags[key.slice(6)] = value;
      } else if (key === "include" || key === "exclude") {
        state[key] = value.split(",").filter((one) => one === UNLABELED || Object.hasOwn(App.meta.labels, one));
      } else if (["search", "catalog", "ids"].includes(key)) {
        state[key] = value;
      } else if (key === "starred") {
        state.starred = true;
      }
    }
  }

  const reset = () => {
    state = { ...fresh(), sort: state.sort, down: state.down };
    run();
  };
  const isFiltered = () => order.length < App.meta.num_tces;
  const watch = (handler) => watchers.push(handler);
  const placeOf = (row) => order.indexOf(row);

  /** The next row without a label after a place of the order, round its end; -1 where all have one. */
  function nextUnlabeled(place) {
    for (let step = 1; step <= order.length; step++) {
      const row = order[(place + step) % order.length];
      if (!App.labels.label(row)) return row;
    }
    return -1;
  }

  return { SORTS, OPINIONS, UNLABELED, bits, run, change, sortBy, range, reset, readHash, isFiltered, watch, placeOf, nextUnlabeled, state: () => state, order: () => order };
})();
