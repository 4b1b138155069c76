/** One A4 page a TCE, of those that the filters leave (or the starred ones), in light colors. */
App.print = (() => {
  const { el, byId, replace } = App.dom;
  const { digits, fixed } = App.format;
  const MOST = 200;
  const WIDTH = 700;

  async function page(row) {
    const data = App.data;
    const entry = App.labels.entry(row);
    const panel = await App.chunks.panel(row);
    const curve = App.curves.of(row, panel);
    const shows = App.blind.shows(row);
    const head = [
      el("h1", {}, `TIC ${data.tic[row]} ${data.toi[row]}`, el("small", {}, ` sector ${data.sector[row]}, row_id ${data.row_id[row]}`)),
      el("p", {}, `P ${digits(7)(data.period[row])} d, T0 ${fixed(4)(data.epoch[row])} BTJD, duration ${digits(3)(data.duration[row])} h, depth ${fixed(0)(data.depth[row])} ppm, S/N ${digits(3)(data.sn[row])}, Tmag ${fixed(2)(data.tmag[row])}, R* ${digits(3)(data.rstar[row])} Rsun, Rp ${digits(3)(data.rp[row])} Rearth`),
      el("p", {}, `label ${entry.label || "none"}${entry.at ? `, ${App.blind.reviewer()}, ${entry.at}` : ""}${shows ? `; probability ${fixed(3)(data.p[row])} \u00b1 ${fixed(3)(data.sd[row])}` : ""}; report ${App.meta.report_id}`),
      entry.note ? el("p", { class: "note" }, entry.note) : null,
    ];
    return el("section", { class: "sheet" }, head, curve.isDrawn ? plots(curve) : el("p", { class: "problem" }, data.problem[row]), el("ul", { class: "sheet-checks" }, (panel.checks || []).map(([name, state, told]) => el("li", {}, `${state === "untestable" ? "not testable" : state}: ${Object.fromEntries(App.meta.checks)[name]}: ${told}`))));
  }

  function plots(curve) {
    const { plot } = App.svgplot;
    const { time, flux, range } = curve;
    const lc = plot({ width: WIDTH, height: 150, x: [time[0], time[time.length - 1]], y: range, xLabel: "BTJD, days", yLabel: "ppm" });
    lc.points(time, flux, "data");
    const whole = plot({ width: WIDTH, height: 150, x: [-0.25, 0.75], y: range, xLabel: "phase", yLabel: "ppm", title: "whole orbit" });
    whole.points(curve.phase.map((one) => (one / curve.period < -0.25 ? one / curve.period + 1 : one / curve.period)), flux, "data");
    whole.line(App.curves.middles(curve.panel.whole), curve.panel.whole.ppm, "bins");
    const span = Math.min(curve.near, curve.period / 2) * 24;
    const near = plot({ width: WIDTH / 2 - 4, height: 170, x: [-span, span], y: range, xLabel: "hours", yLabel: "ppm", title: `event: ${Math.round(curve.depth)} ppm in the catalog` });
    near.points(curve.phase.map((one) => one * 24), flux, "data");
    const grid = App.curves.steps(-span, span, 120);
    near.line(grid, App.curves.trapezoid(curve, grid), "mark");
    return [lc.node, whole.node, near.node, App.plots.oddEven(curve, range, WIDTH / 2, 170), App.plots.secondary(curve, WIDTH / 2, 150), App.plots.network(curve, WIDTH / 2)];
  }

  async function start() {
    const order = [...App.query.order()];
    const starred = order.filter((row) => App.labels.entry(row).star);
    const rows = (App.panel.isOpen() ? [App.panel.row()] : starred.length ? starred : order).slice(0, MOST);
    App.dom.say(`preparing ${rows.length} pages`);
    const box = byId("print");
    replace(box);
    document.documentElement.classList.add("printing");
    for (const row of rows) {
      try {
        box.append(await page(row));
      } catch (error) {
        box.append(el("section", { class: "sheet" }, el("p", { class: "problem" }, error.message)));
      }
    }
    window.print();
    document.documentElement.classList.remove("printing");
  }

  window.addEventListener("afterprint", () => replace(byId("print")));
  return { start };
})();
