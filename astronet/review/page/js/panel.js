/** The panel of one TCE: the plots in the order in which vetters look, the checks, the numbers, the label. */
App.panel = (() => {
  const { el, byId, replace } = App.dom;
  const { fixed, digits } = App.format;
  let row = -1;
  let content = {};
  let curve = null;
  let factor = 1;
  let isFull = false;
  let plots = [];

  const isOpen = () => row >= 0;

  function headline() {
    const data = App.data;
    const star = [["Tmag", fixed(2)(data.tmag[row])], ["Teff", `${fixed(0)(data.teff[row])} K`], ["R*", `${digits(3)(data.rstar[row])} R\u2609`]];
    const event = [["P", `${digits(7)(data.period[row])} d`], ["T0", `${fixed(4)(data.epoch[row])} BTJD`], ["duration", `${digits(3)(data.duration[row])} h`], ["depth", `${fixed(0)(data.depth[row])} ppm`], ["S/N", digits(3)(data.sn[row])], ["Rp", `${digits(3)(data.rp[row])} R\u2295`]];
    const pair = ([name, value]) => el("span", { class: "fact" }, el("span", { class: "name" }, name), value);
    const tic = data.tic[row];
    const links = /^\d+$/.test(tic) ? [
      el("a", { href: `https://exofop.ipac.caltech.edu/tess/target.php?id=${tic}`, target: "_blank", rel: "noopener noreferrer" }, "ExoFOP"),
      el("a", { href: `https://mast.stsci.edu/portal/Mashup/Clients/Mast/Portal.html?searchQuery=TIC%20${tic}`, target: "_blank", rel: "noopener noreferrer" }, "MAST"),
    ] : [];
    replace(byId("panel-title"), `TIC ${tic}${data.toi[row] ? ` ${data.toi[row]}` : ""}`, el("small", {}, `sector ${data.sector[row]}`));
    replace(byId("facts"), star.map(pair), event.map(pair), links);
    const [place, total] = [App.query.placeOf(row), App.query.order().length];
    byId("panel-place").textContent = App.blind.isOn() ? `${total} in random order` : `${place + 1} of ${total}`;
  }

  function opinion() {
    why();
    const box = byId("opinion");
    const { p, sd } = App.data;
    if (App.meta.blind) return replace(box, el("span", { class: "quiet" }, "no model in this report"));
    if (!App.blind.shows(row)) {
      const label = App.labels.label(row);
      return replace(box, label ? el("button", { id: "reveal", on: { click: reveal } }, `show the model's opinion (${App.keymap.name(App.keymap.keyOf("reveal"))})`) : el("span", { class: "quiet" }, "model hidden (blind)"));
    }
    const is = p[row] >= App.meta.threshold;
    return replace(box, el("span", { class: "fact" }, el("span", { class: "name", title: "of a planet or an eclipsing binary, mean and standard deviation of the models" }, "probability"), el("b", {}, fixed(3)(p[row])), ` \u00b1 ${fixed(3)(sd[row])}`),
      el("span", { class: "quiet" }, is ? "above the threshold" : "below the threshold", App.data.unlike[row] ? `; unlike training: ${App.data.unlike[row]}` : ""),
      App.format.known(App.data.vetting[row]) ? el("span", { class: "fact" }, el("span", { class: "name", title: "probability of a planet, by the second model" }, "vetting"), el("b", {}, fixed(3)(App.data.vetting[row]))) : null,
      App.data.disposition[row] ? el("span", { class: "fact" }, el("span", { class: "name" }, "catalog"), App.data.disposition[row]) : null,
      App.meta.known ? el("span", { class: "fact", title: App.meta.known }, el("span", { class: "name" }, "known"), App.data.known[row] || "no") : null);
  }

  /** What each input does to the probability: the log odds without it, over the members. */
  function why() {
    const found = App.blind.shows(row) && !App.meta.blind ? content.why || [] : [];
    byId("why").hidden = !found.length;
    const signed = (value) => (value > 0 ? "+" : "") + fixed(2)(value);
    replace(byId("why-rows"), found.map(([name, mean, low, high, left]) => el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, signed(mean)),
      el("td", {}, `${signed(low)} to ${signed(high)}`), el("td", {}, fixed(3)(left)), el("td", {}, mean < 0 ? "for" : "against"))));
  }

  function labelBar() {
    const entry = App.labels.entry(row);
    const button = ([name, told]) => el("button", { class: `label ${entry.label === name ? "on" : ""} label-${name}`, data: { set: name }, "aria-pressed": entry.label === name ? "true" : "false", title: told, on: { click: () => App.keys.act(`label:${name}`) } },
      el("kbd", {}, App.keymap.name(App.keymap.keyOf(`label:${name}`)).toUpperCase()), ` ${name}`);
    replace(byId("label-bar"), Object.entries(App.meta.labels).map(button),
      el("button", { class: entry.star ? "on" : "", id: "star", "aria-pressed": entry.star ? "true" : "false", title: "star (S)", on: { click: () => App.keys.act("star") } }, entry.star ? "\u2605" : "\u2606"),
      el("label", { class: "confidence" }, "confidence ", el("select", { id: "confidence", on: { change: (event) => App.labels.edit(row, { confidence: event.target.value }) } },
        [["", "\u2013"], ["1", "low"], ["2", "middle"], ["3", "high"]].map(([value, text]) => el("option", { value, selected: entry.confidence === value }, text)))));
    replace(byId("reasons"), App.meta.reasons.map((reason) =>
      el("label", {}, el("input", { type: "checkbox", checked: entry.reasons.includes(reason), data: { reason }, on: { change: toggleReason } }), reason)));
    const note = byId("note");
    if (document.activeElement !== note) note.value = entry.note;
    const others = App.agreement.othersOf(row);
    replace(byId("others"), App.blind.showsOthers(row) ? others.map(([name, other]) => el("span", { class: "fact" }, el("span", { class: "name" }, name), App.filters.badge(other.label), other.note)) : others.length ? "other reviewers' labels are shown after yours" : "");
  }

  function toggleReason(event) {
    const { reasons } = App.labels.entry(row);
    const name = event.target.dataset.reason;
    App.labels.edit(row, { reasons: event.target.checked ? [...reasons, name] : reasons.filter((one) => one !== name) });
  }

  function checkList(panel) {
    const words = { flag: "flag", pass: "pass", untestable: "?" };
    const found = panel.checks || App.meta.checks.map(([name]) => [name, "untestable", "no light curve"]);
    const titles = Object.fromEntries(App.meta.checks);
    const order = ["flag", "pass", "untestable"];
    const sorted = [...found].sort((a, b) => order.indexOf(a[1]) - order.indexOf(b[1]));
    replace(byId("checks"), sorted.map(([name, state, told, value, threshold]) =>
      el("li", { class: `check ${state}`, title: App.format.known(threshold) && App.format.known(value) ? `value ${digits(3)(value)}, threshold ${digits(3)(threshold)}` : "" },
        el("span", { class: "state" }, words[state]), el("b", {}, titles[name]), el("span", { class: "told" }, told))));
    const twins = App.data.twins[row];
    if (twins.length) byId("checks").append(el("li", {}, el("button", { on: { click: () => { close(); App.query.change({ ids: [App.data.row_id[row], ...twins].join(",") }); } } }, `show the ${twins.length + 1} TCEs of this ephemeris`)));
  }

  function draw() {
    App.lightcurve.clear(plots);
    plots = App.plots.draw(curve, { factor, isFull });
    byId("folded-at").textContent = factor === 1 ? "" : `folded at P \u00d7 ${factor}`;
  }

  /** Shows a row. */
  async function open(next) {
    const began = performance.now();
    row = next;
    content = {};
    factor = 1;
    isFull = false;
    byId("panel").hidden = false;
    byId("index").inert = true;
    document.body.classList.add("open");
    App.labels.seen();
    headline();
    opinion();
    labelBar();
    byId("problem").textContent = App.data.problem[row];
    byId("problem").hidden = !App.data.problem[row];
    try {
      const panel = await App.chunks.panel(next);
      if (row !== next) return;
      curve = App.curves.of(next, panel);
      content = panel;
      why();
      checkList(panel);
      replace(byId("source"), panel.paths ? `${panel.paths.join(", ")} \u00b7 SHA-256 ${panel.sha256.slice(0, 16)}\u2026 \u00b7 ${panel.num_cadences} cadences of ${digits(3)(panel.cadence_days * 1440)} min${panel.notes.length ? ` \u00b7 ${panel.notes.join("; ")}` : ""}` : "");
      draw();
      App.timings.panel = performance.now() - began;
      byId("panel").dataset.row = String(next);
      const order = App.query.order();
      const place = App.query.placeOf(next);
      App.chunks.prefetch([order[place + 1], order[place + 2]].filter((one) => one !== undefined));
    } catch (error) {
      if (row !== next) return;
      curve = null;
      App.lightcurve.clear(plots);
      plots = [];
      App.plots.clear();
      replace(byId("checks"));
      byId("source").textContent = "";
      byId("problem").textContent = error.message;
      byId("problem").hidden = false;
      byId("panel").dataset.row = String(next);
    }
  }

  function close() {
    if (!isOpen()) return;
    const last = row;
    row = -1;
    curve = null;
    App.lightcurve.clear(plots);
    plots = [];
    byId("panel").hidden = true;
    byId("index").inert = false;
    document.body.classList.remove("open");
    delete byId("panel").dataset.row;
    App.table.select(last, true);
    byId("list").focus();
  }

  function reveal() {
    if (!isOpen() || !App.blind.isOn() || App.meta.blind || !App.labels.label(row)) return;
    App.labels.edit(row, { revealed: App.labels.now() });
    opinion();
    if (curve) draw();
  }

  function scale(by) {
    if (!curve || !curve.isDrawn) return;
    factor = Math.min(4, Math.max(0.25, factor * by));
    draw();
  }

  function fullRange() {
    if (!curve || !curve.isDrawn) return;
    isFull = !isFull;
    draw();
  }

  function start() {
    byId("close").addEventListener("click", close);
    byId("previous").addEventListener("click", () => App.keys.act("previous"));
    byId("next").addEventListener("click", () => App.keys.act("next"));
    byId("note").addEventListener("change", (event) => App.labels.edit(row, { note: event.target.value.slice(0, App.labels.LONGEST_NOTE) }));
    byId("note").addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        event.stopPropagation();
        event.target.blur();
      }
    });
    App.labels.watch((rows) => {
      if (!isOpen() || (rows.length && !rows.includes(row))) return;
      labelBar();
      opinion();
    });
    let timer = 0;
    window.addEventListener("resize", () => {
      clearTimeout(timer);
      timer = setTimeout(() => curve && draw(), 150);
    });
  }

  return { start, open, close, isOpen, row: () => row, reveal, scale, fullRange, redraw: () => curve && draw() };
})();
