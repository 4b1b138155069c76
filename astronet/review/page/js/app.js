/** Starts the page: reads the index, draws the list, and sets up what the buttons do. */
(() => {
  const { byId, replace } = App.dom;
  App.meta = JSON.parse(byId("meta").textContent);
  App.timings = { start: performance.now() };
  const NUMBERS = ["epoch", "period", "depth", "duration", "sn", "tmag", "rp", "rstar", "teff", "density", "camera_density", "p", "sd", "vetting"];

  /** All rows by column; numbers as Float64Array, NaN where not known. */
  async function readIndex() {
    const count = Math.ceil(App.meta.num_tces / App.meta.rows_of_index);
    const parts = await Promise.all(Array.from({ length: count }, (_, i) => App.chunks.load(`index-${i}`)));
    const data = {};
    for (const name of Object.keys(parts[0])) {
      if (!Array.isArray(parts[0][name])) continue;
      const values = parts.flatMap((part) => part[name]);
      data[name] = NUMBERS.includes(name) ? Float64Array.from(values, (value) => (value === null ? NaN : value)) : values;
    }
    data.p = data.p || new Float64Array(App.meta.num_tces).fill(NaN);
    data.sd = data.sd || new Float64Array(App.meta.num_tces).fill(NaN);
    data.vetting = data.vetting || new Float64Array(App.meta.num_tces).fill(NaN);
    data.views = [];
    App.data = data;
    return count;
  }

  /** Thumbnails come after the list: it can be read meanwhile. */
  function readViews(count) {
    for (let i = 0; i < count; i++) {
      App.chunks.load(`views-${i}`).then((part) => {
        const views = {};
        for (const name of ["global_view", "local_view"]) if (part[name]) views[name] = { length: part[name].length, data: App.unpack.bytes(part[name].data) };
        App.data.views[i] = views;
        App.table.render(true);
        App.timings.views = performance.now();
      }).catch((error) => App.dom.warn(error.message));
    }
  }

  function progress() {
    const count = App.labels.count();
    const seconds = App.labels.rows().map((row) => App.labels.entry(row)).filter((entry) => entry.label && entry.seconds !== null).map((entry) => entry.seconds).sort((a, b) => a - b);
    const typical = seconds.length ? seconds[Math.floor(seconds.length / 2)] : NaN;
    const left = App.meta.num_tces - count;
    byId("progress").textContent = App.blind.reviewer() ? `${App.blind.reviewer()}${App.blind.isOn() ? " (blind)" : ""}: ${count} of ${App.meta.num_tces} labeled${typical > 0 ? `, ${App.format.duration(typical)} each, ${App.format.duration(typical * left)} left` : ""}` : "looking only";
    const unexported = App.labels.unexported();
    byId("unexported").textContent = unexported ? `${unexported} not exported` : "";
    byId("unexported").hidden = !unexported;
  }

  App.begin = (name, blind) => {
    App.blind.begin(name, blind);
    App.labels.load();
    App.query.run();
    if (App.panel.isOpen()) App.panel.open(App.panel.row());
    else App.table.select(App.query.nextUnlabeled(-1), true);
    progress();
  };

  function style(name) {
    document.documentElement.dataset.theme = name;
    App.store.set("theme", name);
    byId("theme").textContent = { auto: "style: auto", dark: "style: dark", light: "style: light" }[name];
    redraw();
  }

  function redraw() {
    if (!App.data) return;
    App.table.render(true);
    App.histogram.draw();
    App.brush.draw();
    App.panel.redraw();
  }

  function buttons() {
    const order = ["auto", "dark", "light"];
    byId("theme").addEventListener("click", () => style(order[(order.indexOf(document.documentElement.dataset.theme) + 1) % 3]));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    byId("help").addEventListener("click", App.dialogs.help);
    byId("who").addEventListener("click", () => App.dialogs.who());
    byId("columns").addEventListener("click", App.dialogs.columns);
    byId("bulk").addEventListener("click", App.bulk.start);
    byId("agreement").addEventListener("click", App.agreement.show);
    byId("print-button").addEventListener("click", App.print.start);
    byId("warning-close").addEventListener("click", () => App.dom.warn(""));
    window.addEventListener("hashchange", () => {
      App.query.readHash();
      App.query.run();
    });
  }

  async function start() {
    const theme = App.store.get("theme");
    document.documentElement.dataset.theme = ["dark", "light"].includes(theme) ? theme : "auto";
    byId("theme").textContent = `style: ${document.documentElement.dataset.theme}`;
    App.keymap.load();
    let count;
    try {
      count = await readIndex();
    } catch (error) {
      replace(byId("rows"));
      byId("empty").hidden = false;
      byId("empty").textContent = error.message;
      App.dom.warn(error.message);
      return;
    }
    App.agreement.load();
    const known = App.blind.resume();
    App.query.readHash();
    for (const part of [App.table, App.histogram, App.brush, App.filters, App.panel, App.exchange, App.keys]) part.start();
    App.labels.watch(progress);
    App.labels.load();
    App.query.run();
    buttons();
    progress();
    App.table.select(App.query.order()[0], true);
    byId("list").focus();
    if (!known) App.dialogs.who();
    requestAnimationFrame(() => {
      App.timings.drawn = performance.now();
      readViews(count);
      document.documentElement.dataset.ready = "true";
    });
  }

  window.astronetReport = App; // for tests and for the console
  // What is inside the page comes after this script.
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
