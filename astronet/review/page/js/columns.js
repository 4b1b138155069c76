/** The columns of the table: what each shows, how wide it is, and whether blind mode hides it. */
App.columns = (() => {
  const { fixed, digits, NONE } = App.format;
  const HIDDEN_AT_FIRST = ["camera", "rstar", "teff", "density", "camera_density", "row_id"];
  const number = (key, title, width, format, hint, more) => ({ key, title, width, hint, format, numeric: true, ...more });

  const all = [
    { key: "rank", title: "#", width: 48, hint: "place in this order", blind: true, text: (row, place) => String(place + 1) },
    { key: "views", title: "whole orbit, event", width: 268, hint: "the very bins that the network reads", fixed: true },
    { key: "tic", title: "TIC", width: 138, hint: "TIC ID, and number of the TCE", text: (row) => App.data.tic[row] + (App.data.toi[row] ? ` ${App.data.toi[row]}` : ""), sortText: true, fixed: true },
    { key: "sector", title: "sector", width: 62, hint: "sector of the light curve", text: (row) => App.data.sector[row] },
    number("p", "prob.", 66, fixed(3), "probability of a planet or an eclipsing binary", { blind: true }),
    number("sd", "s.d.", 60, fixed(3), "standard deviation of the members", { blind: true }),
    number("vetting", "vetting", 66, fixed(3), "probability of a planet, by the model behind the triage", { blind: true }),
    { key: "label", title: "label", width: 64, hint: "your label", fixed: true, text: (row) => App.labels.label(row) },
    { key: "flags", title: "flags", width: 158, hint: "checks that raise a flag", numeric: true },
    number("period", "period, d", 88, digits(6), "period in days"),
    number("depth", "depth, ppm", 94, (value) => (App.format.known(value) ? String(Math.round(value)) : NONE), "depth of the event"),
    number("duration", "dur., h", 62, digits(3), "duration of the event in hours"),
    number("sn", "S/N", 56, digits(3), "signal to pink noise of the search"),
    number("tmag", "Tmag", 58, fixed(2), "TESS magnitude of the star"),
    number("rp", "Rp, R\u2295", 64, digits(3), "radius of what eclipses, in Earth radii, if no other light is in the aperture"),
    number("rstar", "R*, R\u2609", 64, digits(3), "radius of the star in solar radii"),
    number("teff", "Teff, K", 64, fixed(0), "temperature of the star"),
    { key: "events", title: "events", width: 76, hint: "events with data, of those predicted", text: (row) => `${App.data.seen[row]}/${App.data.predicted[row]}`, sortKey: "seen", numeric: true },
    number("density", "crowded", 68, digits(3), "events of other TCEs at the times of its events, over the mean of the sector"),
    number("camera_density", "cr. camera", 80, digits(3), "the same, of the camera"),
    { key: "unlike", title: "unlike training", width: 130, hint: "inputs of the model that are unlike all of training", blind: true, text: (row) => (App.data.unlike ? App.data.unlike[row] : "") },
    { key: "disposition", title: "catalog", width: 66, hint: "disposition of the catalog", blind: true, text: (row) => (App.data.disposition ? App.data.disposition[row] : "") },
    { key: "known", title: "known", width: 130, hint: "what the tables of --known call it", blind: true, text: (row) => (App.data.known ? App.data.known[row] : "") },
    { key: "camera", title: "cam.", width: 50, hint: "camera", text: (row) => String(App.data.camera[row] || NONE) },
    { key: "row_id", title: "row_id", width: 70, hint: "row of the catalog", text: (row) => App.data.row_id[row] },
    { key: "note", title: "note", width: 160, hint: "your note", text: (row) => App.labels.note(row) },
  ];

  const hidden = () => new Set(App.store.get("columns") || HIDDEN_AT_FIRST);

  /** Columns to show now: those that the user keeps, without what blind mode hides. */
  function shown() {
    const away = hidden();
    const isEmpty = ({ key }) => (key === "vetting" && !App.data.vetting.some(Number.isFinite)) || (key === "known" && !App.meta.known);
    return all.filter((column) => !away.has(column.key) && !(column.blind && App.blind.isOn()) && !isEmpty(column));
  }

  function toggle(key) {
    const away = hidden();
    if (!away.delete(key)) away.add(key);
    App.store.set("columns", [...away]);
  }

  const text = (column, row, place) => (column.text ? column.text(row, place) : column.format ? column.format(App.data[column.key] ? App.data[column.key][row] : NaN) : "");
  const numeric = () => all.filter((column) => column.numeric && column.format);

  return { all, hidden, shown, toggle, text, numeric };
})();
