/** The ten plots of a panel. */
App.plots = (() => {
  const { el, byId, color, replace } = App.dom;
  const { withError, digits } = App.format;
  const MOST_EVENTS = 24;
  const box = (number) => byId(`plot-${number}`);
  const width = (number) => Math.max(120, box(number).clientWidth);

  function told(curve) {
    const { panel } = curve;
    const seen = panel.events.seen.reduce((a, b) => a + b, 0);
    return `${seen} events, depth ${panel.fit ? Math.round(panel.fit.ppm) : Math.round(curve.depth)} ppm`;
  }

  function eventMarks(curve) {
    return (plot, drawing, scale) => {
      const bottom = plot.bbox.top + plot.bbox.height;
      const { number, time, seen } = curve.panel.events;
      time.forEach((at, i) => {
        const [px] = App.lightcurve.place(plot, at, 0);
        const isOdd = Math.abs(number[i]) % 2 === 1;
        drawing.strokeStyle = drawing.fillStyle = seen[i] ? color(isOdd ? "odd" : "even") : color("faint");
        drawing.lineWidth = 1.5 * scale;
        drawing.beginPath();
        drawing.moveTo(px, bottom - 9 * scale);
        drawing.lineTo(px - 4 * scale, bottom - 1);
        drawing.lineTo(px + 4 * scale, bottom - 1);
        drawing.closePath();
        if (isOdd && seen[i]) drawing.fill();
        else drawing.stroke();
      });
      for (const dump of curve.panel.dumps) App.lightcurve.vertical(plot, drawing, dump, color("mark"), scale, [1, 5]);
      for (const edge of curve.panel.edges) App.lightcurve.vertical(plot, drawing, edge, color("faint"), scale, [4, 4]);
    };
  }

  function timeSeries(curve, range) {
    const out = [];
    const shared = { x: curve.time, isShared: true, size: 2, over: eventMarks(curve) };
    out.push(App.lightcurve.draw(box(1), { ...shared, y: curve.flux, range, height: 170, xLabel: "BTJD, days", yLabel: "detrended, ppm", told: `detrended light curve, ${told(curve)}` }));
    if (curve.raw) {
      const low = App.curves.quantile(curve.raw, 0.002);
      const high = App.curves.quantile(curve.raw, 0.998);
      const room = 0.15 * (high - low) + 1;
      out.push(App.lightcurve.draw(box(2), { ...shared, y: curve.raw, range: [low - room, high + room], height: 130, xLabel: "", yLabel: "raw, ppm", told: "light curve before detrending" }));
    } else {
      replace(box(2), el("p", { class: "quiet" }, "no flux before detrending in this file"));
    }
    return out;
  }

  function whole(curve, range, factor) {
    const period = curve.period * factor;
    const folded = App.curves.fold(curve.time, period, curve.epoch).map((phase) => {
      const cycles = phase / period;
      return cycles < -0.25 ? cycles + 1 : cycles;
    });
    const [x, y] = App.curves.sorted(folded, curve.flux);
    const { whole: binned, dips } = curve.panel;
    const over = (plot, drawing, scale) => {
      App.lightcurve.vertical(plot, drawing, 0, color("mark"), scale, [2, 3]);
      App.lightcurve.vertical(plot, drawing, 0.5, color("mark"), scale, [2, 3]);
      if (factor !== 1) return;
      App.lightcurve.polyline(plot, drawing, App.curves.middles(binned), binned.ppm, color("bins"), 2 * scale);
      drawing.font = `${11 * scale}px system-ui, sans-serif`;
      for (const [name, text] of [["secondary", "2nd"], ["third", "3rd"], ["brightening", "bump"]]) {
        if (!dips[name]) continue;
        const [px] = App.lightcurve.place(plot, dips[name].phase, 0);
        drawing.fillStyle = color("text");
        drawing.fillText(text, Math.min(plot.bbox.left + plot.bbox.width - 26 * scale, Math.max(plot.bbox.left + 2, px - 8 * scale)), plot.bbox.top + (name === "brightening" ? 12 : plot.bbox.height / scale - 6) * scale);
      }
    };
    const second = dips.secondary ? `second dip ${Math.round(dips.secondary.ppm)} ppm at phase ${dips.secondary.phase}` : "no second dip";
    return App.lightcurve.draw(box(3), { x, y, range, xRange: [-0.25, 0.75], height: 200, xLabel: "phase", yLabel: "ppm", size: 1.5, over, told: `whole orbit folded; ${second}` });
  }

  function near(curve, range, factor) {
    const span = Math.min(curve.near, (curve.period * factor) / 2) * 24;
    const hours = App.curves.fold(curve.time, curve.period * factor, curve.epoch).map((phase) => phase * 24);
    const [x, y] = App.curves.sorted(hours, curve.flux);
    const { near: binned } = curve.panel;
    const grid = App.curves.steps(-span, span, 200);
    const under = (plot, drawing) => {
      const [left] = App.lightcurve.place(plot, -curve.duration * 12, 0);
      const [right] = App.lightcurve.place(plot, curve.duration * 12, 0);
      drawing.fillStyle = color("box");
      drawing.fillRect(left, plot.bbox.top, right - left, plot.bbox.height);
    };
    const over = (plot, drawing, scale) => {
      App.lightcurve.polyline(plot, drawing, grid, App.curves.trapezoid(curve, grid), color("mark"), 1.5 * scale);
      if (factor !== 1) return;
      const middles = App.curves.middles(binned);
      drawing.strokeStyle = drawing.fillStyle = color("bins");
      drawing.lineWidth = 1.5 * scale;
      middles.forEach((at, i) => {
        if (binned.ppm[i] === null) return;
        const [px, py] = App.lightcurve.place(plot, at, binned.ppm[i]);
        const [, top] = App.lightcurve.place(plot, at, binned.ppm[i] + (binned.error[i] || 0));
        drawing.fillRect(px - 2.5 * scale, py - 2.5 * scale, 5 * scale, 5 * scale);
        drawing.beginPath();
        drawing.moveTo(px, top);
        drawing.lineTo(px, 2 * py - top);
        drawing.stroke();
      });
    };
    const shape = curve.panel.fit ? `ingress ${curve.panel.fit.ingress} of the duration` : "no fit";
    return App.lightcurve.draw(box(4), { x, y, range, xRange: [-span, span], height: 200, xLabel: "hours from the event", yLabel: "ppm", size: 2, under, over, told: `folded near the event, ${told(curve)}, ${shape}` });
  }

  /** Points within `span` days of the events of odd or even number, hours and ppm. */
  function half(curve, remainder, span) {
    const [xs, ys] = [[], []];
    for (let i = 0; i < curve.time.length; i++) {
      const number = Math.round((curve.time[i] - curve.epoch) / curve.period);
      if (Math.abs(number % 2) !== remainder || Math.abs(curve.phase[i]) > span) continue;
      xs.push(curve.phase[i] * 24);
      ys.push(curve.flux[i]);
    }
    return [xs, ys];
  }

  function oddEven(curve, range, total, height) {
    const span = Math.min(2 * curve.duration, curve.period / 2);
    return [["odd", 1, "circle"], ["even", 0, "square"]].map(([name, remainder, shape]) => {
      const stats = curve.panel[name];
      const plot = App.svgplot.plot({ width: total / 2 - 4 + (remainder ? 22 : -22), height, x: [-span * 24, span * 24], y: range, xLabel: "hours", title: `${name} ${withError(stats.ppm, stats.sigma)}`, told: `${name} events: depth ${withError(stats.ppm, stats.sigma)} ppm`, noY: remainder === 0 });
      if (stats.ppm !== null) plot.band(-stats.ppm - stats.sigma, -stats.ppm + stats.sigma, name);
      const [xs, ys] = half(curve, remainder, span);
      plot.points(xs, ys, name, xs.length > 400 ? "dot" : shape);
      if (stats.hours !== null) plot.mark(stats.hours, name);
      return plot.node;
    });
  }

  function secondary(curve, total, height) {
    const { dips, white_ppm: white } = curve.panel;
    const wanted = dips.secondary && dips.secondary.phase !== 0.5 ? [0.5, dips.secondary.phase] : [0.5];
    const depth = Math.max(dips.secondary ? Math.abs(dips.secondary.ppm) : 0, 1);
    const range = [-Math.max(2.5 * depth, 4 * white), Math.max(1.5 * depth, 4 * white)];
    return wanted.map((phase, i) => {
      const span = Math.min(3 * curve.duration, curve.period / 4) * 24;
      const hours = App.curves.fold(curve.time, curve.period, curve.epoch + phase * curve.period).map((one) => one * 24);
      const isBest = dips.secondary && phase === dips.secondary.phase;
      const title = isBest ? `${withError(dips.secondary.ppm, dips.secondary.sigma)} at ${digits(3)(phase)}` : "phase 0.5";
      const plot = App.svgplot.plot({ width: total / wanted.length - 4 + (wanted.length < 2 ? 0 : i ? -22 : 22), height, x: [-span, span], y: range, xLabel: "hours", title, noY: i > 0, told: `second dip: ${title}` });
      plot.points(hours, curve.flux, "data");
      plot.mark(-curve.duration * 12, "quiet");
      plot.mark(curve.duration * 12, "quiet");
      if (isBest) plot.band(-dips.secondary.ppm - dips.secondary.sigma, -dips.secondary.ppm + dips.secondary.sigma, "even");
      return plot.node;
    });
  }

  function eachEvent(curve, range, total, most = MOST_EVENTS) {
    const span = Math.min(2.5 * curve.duration, curve.period / 2);
    const { number, time, seen, ppm, sigma } = curve.panel.events;
    const each = Math.max(120, total / Math.max(4, Math.floor(total / 180)) - 8);
    const shown = number.map((_, i) => i).slice(0, most);
    const nodes = shown.map((i) => {
      const isOdd = Math.abs(number[i]) % 2 === 1;
      const title = seen[i] ? `${number[i]}: ${withError(ppm[i], sigma[i])}` : `${number[i]}: no data`;
      const plot = App.svgplot.plot({ width: each, height: 90, x: [-span * 24, span * 24], y: range, title, noY: true, told: `event ${title} ppm at BTJD ${time[i]}` });
      const [xs, ys] = [[], []];
      for (let j = 0; j < curve.time.length; j++) {
        if (Math.abs(curve.time[j] - time[i]) > span) continue;
        xs.push((curve.time[j] - time[i]) * 24);
        ys.push(curve.flux[j]);
      }
      plot.mark(-curve.duration * 12, "quiet");
      plot.mark(curve.duration * 12, "quiet");
      plot.points(xs, ys, isOdd ? "odd" : "even", xs.length > 100 ? "dot" : isOdd ? "circle" : "square");
      return plot.node;
    });
    const rest = number.length - shown.length;
    return [nodes, rest > 0 ? el("button", { on: { click: () => replace(box(7), eachEvent(curve, range, total, Infinity)) } }, `${rest} more events`) : null];
  }

  function aliases(curve, range, total) {
    return [["P/2", 0.5], ["2 P", 2], ["P/3", 1 / 3], ["3 P", 3]].map(([name, by]) => {
      const period = curve.period * by;
      const phase = App.curves.fold(curve.time, period, curve.epoch).map((one) => (one / period < -0.25 ? one / period + 1 : one / period));
      const plot = App.svgplot.plot({ width: total / 2 - 4, height: 110, x: [-0.25, 0.75], y: range, title: `${name} = ${digits(5)(period)} d`, told: `folded at ${name}` });
      plot.points(phase, curve.flux, "data");
      return plot.node;
    });
  }

  function apertures(curve, total) {
    const found = curve.panel.apertures;
    if (found.length < 2) return [el("p", { class: "quiet" }, "one aperture in this file: not testable")];
    const [low, high] = [Math.min(...found.map(([, d, s]) => d - 2 * s)), Math.max(...found.map(([, d, s]) => d + 2 * s))];
    const room = 0.1 * (high - low) + 1;
    const plot = App.svgplot.plot({ width: total - 4, height: 150, x: [-0.5, found.length - 0.5], y: [low - room, high + room], yLabel: "depth, ppm", noX: true, told: found.map(([name, d, s]) => `${name}: ${withError(d, s)} ppm`).join("; ") });
    const xs = found.map((_, i) => i);
    plot.errors(xs, found.map(([, d]) => d), found.map(([, , s]) => s), "bins");
    plot.points(xs, found.map(([, d]) => d), "bins", "square");
    return [plot.node, el("p", { class: "quiet" }, found.map(([name], i) => `${i + 1}: ${name}`).join(", "))];
  }

  function network(curve, total) {
    const { views, members } = curve.panel;
    const nodes = Object.entries(views).map(([name, text]) => {
      const bytes = App.unpack.bytes(text);
      const values = Array.from(bytes, (byte) => App.thumbnail.LOW + (byte / 255) * (App.thumbnail.HIGH - App.thumbnail.LOW));
      const plot = App.svgplot.plot({ width: total / 2 - 4, height: 120, x: [0, bytes.length], y: [App.thumbnail.LOW, App.thumbnail.HIGH], title: `${name}, ${bytes.length} bins`, told: `${name} as the network reads it` });
      plot.points(values.map((_, i) => i + 0.5), values, "data", bytes.length > 100 ? "dot" : "square");
      return plot.node;
    });
    if (!App.blind.shows(curve.row) || !members.length) return nodes;
    const strip = App.svgplot.plot({ width: total - 4, height: 60, x: [-0.02, 1.02], y: [-1, 1], xLabel: "probability by each member", noY: true, told: `members: ${members.map((one) => one.toFixed(3)).join(", ")}` });
    strip.mark(App.meta.threshold, "mark", "threshold");
    strip.points(members, members.map((_, i) => ((i % 5) - 2) * 0.3), "bins", "circle");
    return [...nodes, strip.node];
  }

  function clear() {
    for (let number = 1; number <= 10; number++) replace(box(number));
  }

  /** Draws all; returns the plots that uPlot holds. */
  function draw(curve, { factor, isFull }) {
    clear();
    if (!curve.isDrawn) {
      replace(box(10), network(curve, width(10)));
      return [];
    }
    const range = isFull ? curve.fullRange : curve.range;
    const held = [...timeSeries(curve, range), whole(curve, range, factor), near(curve, range, factor)];
    replace(box(5), oddEven(curve, range, width(5), 200));
    replace(box(6), secondary(curve, width(6), 200));
    replace(box(7), eachEvent(curve, range, width(7)));
    replace(box(8), aliases(curve, range, width(8)));
    replace(box(9), apertures(curve, width(9)));
    replace(box(10), network(curve, width(10)));
    return held;
  }

  return { draw, clear, oddEven, secondary, network };
})();
