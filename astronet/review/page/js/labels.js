/**
 * The labels of the reviewer: given, taken back, undone, and kept by the browser in pieces of 500 rows, so that a key
 * writes little.
 */
App.labels = (() => {
  const PIECE = 500;
  const LONGEST_NOTE = 5000;
  const ofRow = new Map(); // row -> entry
  const undone = [];
  const done = [];
  const watchers = [];
  let shownSince = performance.now();

  const NONE = { label: "", confidence: "", reasons: [], note: "", star: false, at: "", seconds: null, method: "", blind: false, first: "", revealed: "", flags: "", changed: 0, exported: true };
  const entry = (row) => ofRow.get(row) || NONE;
  const label = (row) => entry(row).label;
  const note = (row) => entry(row).note;
  const now = () => new Date().toISOString().replace(/\.\d+Z$/, "Z");
  const isEmpty = (one) => !one.label && !one.note && !one.star && !one.first && !one.confidence && !one.reasons.length;

  function flagsShown(row) {
    return App.meta.checks.filter((check, place) => (App.data.flags[row] >> place) & 1).map(([name]) => name).join(";");
  }

  const pieceName = (number) => App.store.ofReport(`${App.blind.reviewer()}:labels:${number}`);

  function keep(rows) {
    if (!App.blind.reviewer()) return;
    for (const number of new Set(rows.map((row) => Math.floor(row / PIECE)))) {
      const kept = {};
      for (let row = number * PIECE; row < Math.min((number + 1) * PIECE, App.meta.num_tces); row++) {
        if (ofRow.has(row)) kept[row] = ofRow.get(row);
      }
      App.store.set(pieceName(number), Object.keys(kept).length ? kept : null);
    }
  }

  /** What the browser holds may be anything: only what has the form of an entry is taken. */
  function sound(value) {
    if (!value || typeof value !== "object") return null;
    const text = (one, longest = 200) => (typeof one === "string" ? one.slice(0, longest) : "");
    const known = (one) => (Object.hasOwn(App.meta.labels, one) ? one : "");
    const told = {
      label: known(value.label),
      confidence: ["1", "2", "3"].includes(value.confidence) ? value.confidence : "",
      reasons: Array.isArray(value.reasons) ? value.reasons.filter((one) => App.meta.reasons.includes(one)) : [],
      note: text(value.note, LONGEST_NOTE),
      star: value.star === true,
      at: text(value.at, 30),
      seconds: App.format.known(value.seconds) ? value.seconds : null,
      method: App.meta.methods.includes(value.method) ? value.method : "",
      blind: value.blind === true,
      first: known(value.first),
      revealed: text(value.revealed, 30),
      flags: text(value.flags, 500),
      changed: App.format.known(value.changed) ? value.changed : 0,
      exported: value.exported === true,
    };
    return told;
  }

  /** Reads what the browser has kept for this reviewer. */
  function load() {
    ofRow.clear();
    done.length = 0;
    undone.length = 0;
    for (let number = 0; number * PIECE < App.meta.num_tces; number++) loadPiece(number);
    notify([]);
  }

  function loadPiece(number) {
    const kept = App.store.get(pieceName(number)) || {};
    for (const [key, value] of Object.entries(kept)) {
      const row = Number(key);
      const told = sound(value);
      const inside = Number.isInteger(row) && row >= number * PIECE && row < Math.min((number + 1) * PIECE, App.meta.num_tces);
      if (told && inside && told.changed >= entry(row).changed) ofRow.set(row, told);
    }
  }

  // Another tab of the same report: the newest label of a row wins.
  window.addEventListener("storage", (event) => {
    if (!App.meta || !App.blind.reviewer() || !event.key) return;
    const start = App.store.keyOf(App.store.ofReport(`${App.blind.reviewer()}:labels:`));
    if (!event.key.startsWith(start)) return;
    loadPiece(Number(event.key.slice(start.length)));
    App.dom.say("Labels of another tab have been taken over.");
    notify([]);
  });

  function put(changes, side) {
    for (const change of changes) {
      const value = change[side];
      if (isEmpty(value)) ofRow.delete(change.row);
      else ofRow.set(change.row, { ...value, changed: Date.now(), exported: false });
    }
    keep(changes.map((change) => change.row));
    notify(changes.map((change) => change.row));
  }

  /** Changes entries of rows as one step that can be undone; `edit` gives the new fields of an entry. */
  function change(rows, edit) {
    const changes = rows.map((row) => ({ row, before: { ...entry(row) }, after: { ...entry(row), ...edit(row, entry(row)) } }));
    done.push(changes);
    undone.length = 0;
    put(changes, "after");
  }

  /** Gives rows a label. */
  function set(rows, value, method) {
    const seconds = method === "single" ? Math.round((performance.now() - shownSince) / 100) / 10 : null;
    change(rows, (row, before) => ({
      label: value,
      at: now(),
      seconds,
      method,
      blind: before.first ? before.blind : App.blind.isOn(),
      first: before.first || value,
      flags: flagsShown(row),
    }));
    shownSince = performance.now();
  }

  const edit = (row, fields) => change([row], () => fields);

  /** Undoes or redoes a step; returns its first row, or -1 where there is none. */
  function step(from, to, side) {
    const changes = from.pop();
    if (!changes) return -1;
    to.push(changes);
    put(changes, side);
    return changes[0].row;
  }
  const undo = () => step(done, undone, "before");
  const redo = () => step(undone, done, "after");

  function markExported() {
    for (const [row, one] of ofRow) ofRow.set(row, { ...one, exported: true });
    keep([...ofRow.keys()]);
    notify([]);
  }

  /** Takes over entries of a file: [row, entry] pairs. */
  function merge(pairs) {
    const taken = new Map(pairs);
    change([...taken.keys()], (row) => taken.get(row));
  }

  const rows = () => [...ofRow.keys()];
  const count = () => rows().filter((row) => label(row)).length;
  const unexported = () => rows().filter((row) => !entry(row).exported).length;
  const watch = (handler) => watchers.push(handler);
  const notify = (changed) => watchers.forEach((handler) => handler(changed));
  const seen = () => {
    shownSince = performance.now();
  };

  return { entry, label, note, set, edit, undo, redo, load, markExported, merge, rows, count, unexported, watch, seen, sound, now, LONGEST_NOTE };
})();
