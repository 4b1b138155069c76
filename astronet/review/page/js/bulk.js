/** One label for many TCEs at once: never without looking at some of them, and in one step that can be undone. */
App.bulk = (() => {
  const { el } = App.dom;
  const SAMPLE = 12;

  function sample(rows) {
    const left = [...rows];
    const out = [];
    while (left.length && out.length < SAMPLE) out.push(left.splice(Math.floor(Math.random() * left.length), 1)[0]);
    return out;
  }

  /** Labels all rows that the filters leave. */
  function start() {
    if (!App.blind.reviewer()) return App.dialogs.who(start);
    const rows = [...App.query.order()];
    if (!App.query.isFiltered()) {
      return App.dialogs.ask("Label many at once", el("p", {}, "Filter first: this works on the filtered TCEs, never on all."), [["Close"]]);
    }
    const labeled = rows.filter((row) => App.labels.label(row)).length;
    const choice = el("select", { id: "bulk-label" }, el("option", { value: "" }, "choose"), Object.entries(App.meta.labels).map(([name, told]) => el("option", { value: name }, `${name}, ${told}`)));
    return App.dialogs.ask(`Label ${rows.length} TCEs at once`,
      [el("p", {}, `${labeled} of them have a label, which will be replaced. The export marks these labels as method=bulk, so that a training can leave them out. ${SAMPLE} of them at random:`),
        el("div", { class: "sample" }, sample(rows).map((row) => el("div", {}, App.thumbnail.pair(row, 100, 36), el("span", {}, `TIC ${App.data.tic[row]}`)))),
        el("p", {}, el("label", {}, "Label ", choice))],
      [["Cancel"], [`Label ${rows.length} TCEs`, () => {
        if (!choice.value) return;
        App.labels.set(rows, choice.value, "bulk");
        App.dom.say(`${rows.length} TCEs labeled ${choice.value}; undo takes all back`);
      }]]);
  }

  /** Copies the label of a row to the other TCEs of its star and of its ephemeris. */
  function group(row) {
    const label = App.labels.label(row);
    const twins = new Set(App.data.twins[row]);
    const rows = [];
    for (let other = 0; other < App.meta.num_tces; other++) {
      if (other !== row && (App.data.tic[other] === App.data.tic[row] || twins.has(App.data.row_id[other]))) rows.push(other);
    }
    if (!label) return App.dom.say("Label this TCE first");
    if (!rows.length) return App.dom.say("No other TCE of this star or ephemeris");
    App.labels.set(rows, label, "group");
    return App.dom.say(`${label} copied to ${rows.length} TCEs of this star or ephemeris`);
  }

  return { start, group };
})();
