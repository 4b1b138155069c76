/** Labels out to a CSV file, and in again; a file may come from anybody. */
App.exchange = (() => {
  const { el, byId } = App.dom;
  const MOST_BYTES = 50e6;

  const sectorOf = (row) => App.data.sector[row];

  function record(row) {
    const entry = App.labels.entry(row);
    const free = App.csv.guard;
    const values = {
      row_id: App.data.row_id[row], tic_id: App.data.tic[row], toi_id: free(App.data.toi[row]), sector: sectorOf(row),
      period: App.format.known(App.data.period[row]) ? String(App.data.period[row]) : "",
      label: entry.label, confidence: entry.confidence, reasons: entry.reasons.join(";"), note: free(entry.note), reviewer: free(App.blind.reviewer()),
      labeled_at: entry.at, seconds: entry.seconds === null ? "" : String(entry.seconds), method: entry.method, blind: entry.blind ? "1" : "0",
      first_label: entry.first, revealed_at: entry.revealed, flags_shown: entry.flags, report_id: App.meta.report_id,
      catalog_sha256: App.meta.catalog_sha256, model: App.meta.model,
    };
    return App.meta.label_columns.map((name) => values[name]);
  }

  /** The CSV text of all labels and notes, by row_id. */
  function text() {
    const rows = App.labels.rows().filter((row) => App.labels.label(row) || App.labels.note(row) || App.labels.entry(row).first);
    const numeric = (a, b) => a.localeCompare(b, "en", { numeric: true });
    rows.sort((a, b) => numeric(App.data.row_id[a], App.data.row_id[b]) || numeric(App.data.tic[a], App.data.tic[b]) || a - b);
    return App.csv.write(App.meta.label_columns, rows.map(record));
  }

  function save() {
    if (!App.blind.reviewer()) return App.dialogs.who(save);
    const url = URL.createObjectURL(new Blob([text()], { type: "text/csv;charset=utf-8" }));
    const safe = App.blind.reviewer().replace(/[^A-Za-z0-9-]+/g, "_");
    const link = el("a", { href: url, download: `labels_${App.meta.report_id}_${safe}.csv` });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
    App.labels.markExported();
    App.dom.say(`${App.labels.count()} labels exported`);
    return undefined;
  }

  /** Entries of a CSV text by reviewer: {byReviewer: Map(name -> [[row, entry], ...]), problems: [text], report}. */
  function parse(csv) {
    const [header, ...lines] = App.csv.read(csv);
    const missing = ["row_id", "tic_id", "label", "reviewer", "report_id"].filter((name) => !(header || []).includes(name));
    if (missing.length) throw new Error(`it is not a file of labels: it has no column ${missing.join(", ")}`);
    const places = new Map(App.data.row_id.map((id, row) => [`${id} ${App.data.tic[row]} ${sectorOf(row)}`, row]));
    const found = { byReviewer: new Map(), problems: [], reports: new Set() };
    lines.forEach((cells, i) => {
      const value = (name) => (header.includes(name) ? cells[header.indexOf(name)] || "" : "");
      const row = places.get(`${value("row_id")} ${value("tic_id")} ${value("sector")}`);
      const reviewer = App.csv.unguard(value("reviewer")).slice(0, 100);
      const label = value("label");
      found.reports.add(value("report_id"));
      const told = cells.length !== header.length ? "has another number of cells than the header"
        : row === undefined ? "is of no TCE of this report"
          : label && !Object.hasOwn(App.meta.labels, label) ? "has an unknown label"
            : !reviewer.trim() ? "has no reviewer" : "";
      if (told) {
        found.problems.push(`row ${i + 2} ${told}`);
        return;
      }
      const seconds = Number(value("seconds"));
      const entry = App.labels.sound({
        label, confidence: value("confidence"), reasons: value("reasons").split(";"), note: App.csv.unguard(value("note")), at: value("labeled_at"),
        seconds: value("seconds") !== "" && seconds >= 0 ? seconds : null, method: value("method"), blind: value("blind") === "1", first: value("first_label") || label,
        revealed: value("revealed_at"), flags: value("flags_shown"), changed: Date.parse(value("labeled_at")) || 0, exported: true,
      });
      if (!found.byReviewer.has(reviewer)) found.byReviewer.set(reviewer, new Map());
      found.byReviewer.get(reviewer).set(row, entry);
    });
    return found;
  }

  function take(csv, isForced) {
    let found;
    try {
      found = parse(csv);
    } catch (error) {
      return App.dialogs.ask("The file was not read", el("p", { class: "problem" }, error.message), [["Close"]]);
    }
    const foreign = [...found.reports].filter((id) => id !== App.meta.report_id);
    if (foreign.length && !isForced) {
      return App.dialogs.ask("Labels of another report", el("p", {}, `The file is of report ${foreign.join(", ").slice(0, 200)}, this is ${App.meta.report_id}. Its TCEs may be others, with the same numbers.`), [["Leave it"], ["Import all the same", () => take(csv, true)]]);
    }
    const own = found.byReviewer.get(App.blind.reviewer()) || new Map();
    found.byReviewer.delete(App.blind.reviewer());
    const conflicts = [...own].filter(([row, entry]) => App.labels.label(row) && App.labels.label(row) !== entry.label);
    const mergeOwn = (isTheirs) => App.labels.merge([...own].filter(([row, entry]) => isTheirs || !App.labels.label(row) || App.labels.label(row) === entry.label)
      .map(([row, entry]) => [row, { ...entry, star: App.labels.entry(row).star }]));
    const others = [...found.byReviewer];
    others.forEach(([name, entries]) => App.agreement.add(name, entries));
    const told = [
      el("p", { id: "imported" }, `${own.size} rows of ${App.blind.reviewer() || "you"}, ${others.map(([name, entries]) => `${entries.size} of ${name}`).join(", ") || "none of other reviewers"}.`),
      found.problems.length ? el("details", { open: true }, el("summary", {}, `${found.problems.length} rows were left out`), el("ul", {}, found.problems.slice(0, 50).map((problem) => el("li", {}, problem)))) : null,
    ];
    if (conflicts.length) {
      const list = el("ul", {}, conflicts.slice(0, 50).map(([row, entry]) => el("li", {}, `TIC ${App.data.tic[row]}: here ${App.labels.label(row)}, in the file ${entry.label || "none"}`)));
      return App.dialogs.ask(`${conflicts.length} labels differ`, [told, list], [["Keep those here", () => mergeOwn(false)], ["Take those of the file", () => mergeOwn(true)]]);
    }
    mergeOwn(true);
    return App.dialogs.ask("Imported", told, [["Close"]]);
  }

  function start() {
    byId("export").addEventListener("click", save);
    byId("import").addEventListener("click", () => byId("file").click());
    byId("file").addEventListener("change", (event) => {
      const [file] = event.target.files;
      if (!file) return;
      const reader = new FileReader();
      reader.onload = () => take(reader.result, false);
      reader.onerror = () => App.dialogs.ask("The file was not read", el("p", {}, String(reader.error)), [["Close"]]);
      if (file.size > MOST_BYTES) App.dialogs.ask("The file was not read", el("p", {}, "It is larger than any file of labels."), [["Close"]]);
      else reader.readAsText(file);
      event.target.value = "";
    });
    window.addEventListener("beforeunload", (event) => {
      if (App.labels.unexported()) event.preventDefault();
    });
  }

  return { start, save, text, take };
})();
