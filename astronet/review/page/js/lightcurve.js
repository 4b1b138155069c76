/** Plots of many points, by uPlot: its axes, cursor and zoom; the points and marks are drawn here. */
App.lightcurve = (() => {
  const { color } = App.dom;
  let together = []; // plots that share their zoom
  let isFollowing = false;

  /**
   * A plot of points in a box.
   * options: x (ascending), y, range: [low, high] of y, xLabel, yLabel, height, size (of a point), isShared (zoom),
   * told, overlay(plot, drawing, scale): draws the marks, xRange.
   */
  function draw(box, options) {
    const { x, y } = options;
    const colors = { data: color("data"), text: color("text"), line: color("line"), mark: color("mark") };
    const axis = (label, size) => ({ label, stroke: colors.text, grid: { stroke: colors.line, width: 1 }, ticks: { stroke: colors.line }, font: "11px system-ui", labelFont: "11px system-ui", labelSize: 18, labelGap: 0, size, values: (_, ticks) => ticks.map((tick) => String(tick)) });
    const first = options.xRange || (x.length ? [x[0], x[x.length - 1]] : [0, 1]);
    const plot = new uPlot({
      width: Math.max(120, box.clientWidth),
      height: options.height,
      pxAlign: 1,
      legend: { show: false },
      cursor: { points: { show: false }, y: false, drag: { x: true, y: false } },
      scales: { x: { time: false, range: (_, low, high) => [low, high] }, y: { range: () => options.range } },
      axes: [axis(options.xLabel, options.xLabel ? 26 : 22), axis(options.yLabel, 68)],
      series: [{}, { paths: () => null, points: { show: false } }],
      hooks: {
        draw: [(self) => paint(self, options, colors)],
        setScale: [(self, key) => key === "x" && options.isShared && follow(self)],
      },
    }, [x, y], box);
    plot.setScale("x", { min: first[0], max: first[1] });
    plot.root.setAttribute("role", "img");
    plot.root.setAttribute("aria-label", options.told || "");
    plot.whole = first;
    plot.options = options;
    if (options.isShared) together.push(plot);
    return plot;
  }

  function paint(plot, options, colors) {
    const drawing = plot.ctx;
    const { left, top, width, height } = plot.bbox;
    const scale = window.devicePixelRatio || 1;
    const [low, high] = options.range;
    const { x, y } = options;
    const from = plot.scales.x.min;
    const to = plot.scales.x.max;
    drawing.save();
    drawing.beginPath();
    drawing.rect(left, top, width, height);
    drawing.clip();
    if (options.under) options.under(plot, drawing, scale);
    const size = Math.max(1, Math.round((options.size || 2) * scale));
    drawing.fillStyle = colors.data;
    const carets = [];
    for (let i = 0; i < x.length; i++) {
      if (x[i] < from || x[i] > to || !Number.isFinite(y[i])) continue;
      const px = left + ((x[i] - from) / (to - from)) * width;
      if (y[i] < low || y[i] > high) {
        carets.push([px, y[i] > high]);
        continue;
      }
      const py = top + ((high - y[i]) / (high - low)) * height;
      drawing.fillRect(Math.round(px - size / 2), Math.round(py - size / 2), size, size);
    }
    drawing.fillStyle = colors.mark;
    for (const [px, isAbove] of carets) {
      const edge = isAbove ? top : top + height;
      const way = isAbove ? 1 : -1;
      drawing.beginPath();
      drawing.moveTo(px, edge);
      drawing.lineTo(px - 3 * scale, edge + way * 5 * scale);
      drawing.lineTo(px + 3 * scale, edge + way * 5 * scale);
      drawing.fill();
    }
    if (options.over) options.over(plot, drawing, scale);
    drawing.restore();
  }

  function follow(plot) {
    if (isFollowing) return;
    isFollowing = true;
    const { min, max } = plot.scales.x;
    for (const other of together) if (other !== plot) other.setScale("x", { min, max });
    isFollowing = false;
  }

  /** Zooms the light curves about their middle; factor 0 shows all. */
  function zoom(factor) {
    const plot = together[0];
    if (!plot) return;
    const { min, max } = plot.scales.x;
    const middle = (min + max) / 2;
    const half = ((max - min) / 2) * factor;
    plot.setScale("x", factor ? { min: middle - half, max: middle + half } : { min: plot.whole[0], max: plot.whole[1] });
  }

  function clear(plots) {
    plots.forEach((plot) => plot.destroy());
    together = together.filter((plot) => !plots.includes(plot));
  }

  /** Canvas places of a value: for the marks. */
  const place = (plot, x, y) => [plot.valToPos(x, "x", true), plot.valToPos(y, "y", true)];

  function polyline(plot, drawing, xs, ys, stroke, width) {
    drawing.strokeStyle = stroke;
    drawing.lineWidth = width;
    drawing.beginPath();
    let isDown = false;
    for (let i = 0; i < xs.length; i++) {
      if (ys[i] === null || !Number.isFinite(ys[i])) {
        isDown = false;
        continue;
      }
      const [px, py] = place(plot, xs[i], ys[i]);
      if (isDown) drawing.lineTo(px, py);
      else drawing.moveTo(px, py);
      isDown = true;
    }
    drawing.stroke();
  }

  function vertical(plot, drawing, x, stroke, scale, dash = []) {
    const [px] = place(plot, x, 0);
    drawing.strokeStyle = stroke;
    drawing.lineWidth = scale;
    drawing.setLineDash(dash.map((one) => one * scale));
    drawing.beginPath();
    drawing.moveTo(px, plot.bbox.top);
    drawing.lineTo(px, plot.bbox.top + plot.bbox.height);
    drawing.stroke();
    drawing.setLineDash([]);
  }

  return { draw, zoom, clear, place, polyline, vertical };
})();
