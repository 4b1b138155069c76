/** Other reviewers' labels: how far they agree with one's own, and what is left to settle. */
App.agreement = (() => {
  const { el } = App.dom;
  const RESAMPLES = 500;
  const others = new Map(); // reviewer -> Map(row -> entry)

  const name = () => App.store.ofReport("others");

  function keep() {
    App.store.set(name(), [...others].map(([reviewer, entries]) => [reviewer, [...entries]]));
  }

  function load() {
    const kept = App.store.get(name());
    if (!Array.isArray(kept)) return;
    for (const pair of kept) {
      if (!Array.isArray(pair) || typeof pair[0] !== "string" || !Array.isArray(pair[1])) continue;
      const entries = pair[1].filter((one) => Array.isArray(one) && Number.isInteger(one[0]) && one[0] >= 0 && one[0] < App.meta.num_tces);
      others.set(pair[0].slice(0, 100), new Map(entries.map(([row, entry]) => [row, App.labels.sound(entry)]).filter(([, entry]) => entry)));
    }
  }

  function add(reviewer, entries) {
    others.set(reviewer, new Map([...(others.get(reviewer) || []), ...entries]));
    keep();
  }

  const othersOf = (row) => [...others].filter(([, entries]) => entries.has(row)).map(([reviewer, entries]) => [reviewer, entries.get(row)]);

  /** Cohen's kappa of pairs of labels; NaN where both always gave one and the same. */
  function kappa(pairs) {
    const count = pairs.length;
    const first = {};
    const second = {};
    let same = 0;
    for (const [a, b] of pairs) {
      first[a] = (first[a] || 0) + 1;
      second[b] = (second[b] || 0) + 1;
      same += a === b;
    }
    const chance = Object.keys(first).reduce((sum, label) => sum + (first[label] / count) * ((second[label] || 0) / count), 0);
    return chance === 1 ? NaN : (same / count - chance) / (1 - chance);
  }

  /** Interval of 95 % by resampling rows, the same each time. */
  function interval(pairs) {
    let seed = 12345;
    const random = () => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return (seed >>> 8) / 16777216;
    };
    const values = [];
    for (let i = 0; i < RESAMPLES; i++) {
      const value = kappa(pairs.map(() => pairs[Math.floor(random() * pairs.length)]));
      if (Number.isFinite(value)) values.push(value);
    }
    values.sort((a, b) => a - b);
    return values.length < RESAMPLES / 2 ? [NaN, NaN] : [values[Math.floor(0.025 * values.length)], values[Math.floor(0.975 * values.length)]];
  }

  const isPositive = (label) => (label === "PC" || label === "EB" ? "yes" : "no");

  function figures(pairs) {
    if (pairs.length < 2) return "too few rows";
    const value = kappa(pairs);
    if (!Number.isFinite(value)) return "not defined: both gave one label only";
    const [low, high] = interval(pairs);
    return `${value.toFixed(2)} (${Number.isFinite(low) ? `${low.toFixed(2)} to ${high.toFixed(2)}` : "no interval"})`;
  }

  function confusion(pairs, reviewer) {
    const names = Object.keys(App.meta.labels).filter((label) => pairs.some((pair) => pair.includes(label)));
    const count = (a, b) => pairs.filter((pair) => pair[0] === a && pair[1] === b).length;
    return el("table", { class: "confusion" },
      el("tr", {}, el("th", {}, `you \\ ${reviewer}`), names.map((label) => el("th", {}, label)), el("th", {}, "agreed")),
      names.map((a) => el("tr", {}, el("th", {}, a), names.map((b) => el("td", { class: a === b ? "same" : "" }, String(count(a, b)))),
        el("td", {}, `${Math.round((200 * count(a, a)) / Math.max(1, pairs.filter((pair) => pair[0] === a).length + pairs.filter((pair) => pair[1] === a).length))} %`))));
  }

  function settle(row, label) {
    App.labels.set([row], label, "consensus");
    show();
  }

  function compare(reviewer, entries) {
    const both = [...entries].filter(([row, entry]) => entry.label && App.labels.label(row));
    const blind = both.filter(([row, entry]) => entry.blind && App.labels.entry(row).blind && entry.method === "single" && ["single", "consensus"].includes(App.labels.entry(row).method));
    const first = (list) => list.map(([row, entry]) => [App.labels.entry(row).first, entry.first || entry.label]);
    const sure = first(blind).filter((pair) => !pair.includes("U"));
    const different = both.filter(([row, entry]) => App.labels.label(row) !== entry.label);
    const open = (row) => {
      App.dialogs.hide();
      App.panel.open(row);
    };
    return [
      el("h3", {}, reviewer),
      el("p", {}, `${both.length} TCEs have labels of both; ${different.length} differ.`),
      el("p", {}, "Cohen's kappa of the first labels that both gave blind, in random order, with 95 % intervals: ", el("b", { class: "kappa" }, `all classes ${figures(sure)}`), `, PC or EB against the rest ${figures(sure.map((pair) => pair.map(isPositive)))}; ${sure.length} TCEs, ${blind.length - sure.length} unsure left out.`),
      sure.length ? confusion(sure, reviewer) : null,
      el("ul", { class: "differences" }, different.slice(0, 200).map(([row, entry]) => el("li", {}, el("button", { class: "small", on: { click: () => open(row) } }, `TIC ${App.data.tic[row]}`), " ", App.filters.badge(App.labels.label(row)), " you, ", App.filters.badge(entry.label), ` ${reviewer}: settle as `,
        [...new Set([App.labels.label(row), entry.label])].map((label) => el("button", { class: "small", data: { settle: label }, on: { click: () => settle(row, label) } }, label))))),
    ];
  }

  function show() {
    App.dialogs.show("Agreement", others.size ? [...others].map(([reviewer, entries]) => compare(reviewer, entries)) : el("p", {}, "Import the labels of another reviewer (CSV) first. They stay hidden until you have given yours."));
  }

  return { load, add, othersOf, kappa, show };
})();
