/** Who labels, and whether the model's opinion is hidden meanwhile. */
App.blind = (() => {
  let name = "";
  let on = false;

  const reviewer = () => name;
  const isOn = () => on || App.meta.blind;

  /** Begins to label as somebody; the choice is kept for the next visit. */
  function begin(reviewerName, isBlind) {
    name = reviewerName;
    on = Boolean(isBlind);
    App.store.set(App.store.ofReport("reviewer"), name ? { name, blind: on } : null);
  }

  function resume() {
    const kept = App.store.get(App.store.ofReport("reviewer"));
    if (!kept || typeof kept.name !== "string" || !kept.name) return false;
    name = kept.name.slice(0, 100);
    on = kept.blind === true;
    return true;
  }

  /** Whether what the model says of a row may be seen. */
  const shows = (row) => !App.meta.blind && (!on || Boolean(App.labels.entry(row).revealed));

  /** Whether other reviewers' labels of a row may be seen: not before one's own. */
  const showsOthers = (row) => Boolean(App.labels.label(row));

  /** A number from 0 to 1 that depends on a text alone. */
  function chance(text) {
    let hash = 2166136261;
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16777619);
    hash = Math.imul(hash ^ (hash >>> 15), 2246822507);
    hash = Math.imul(hash ^ (hash >>> 13), 3266489909);
    return ((hash ^ (hash >>> 16)) >>> 0) / 4294967296;
  }

  /** The order in which this reviewer sees the rows: random, but piece by piece, so that few files are loaded. */
  function order() {
    const size = App.meta.rows_of_panels;
    const keys = new Float64Array(App.meta.num_tces);
    for (let row = 0; row < keys.length; row++) {
      const piece = Math.floor(row / size);
      keys[row] = Math.floor(chance(`${App.meta.report_id}:${name}:piece:${piece}`) * 1e9) + chance(`${App.meta.report_id}:${name}:${row}`);
    }
    return keys;
  }

  return { reviewer, isOn, begin, resume, shows, showsOthers, order };
})();
