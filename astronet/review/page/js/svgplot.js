/** Small plots as SVG: a frame with ticks, and what is drawn into it in the units of the data. They print sharply. */
App.svgplot = (() => {
  const { svg } = App.dom;

  /** About `count` round numbers from low to high. */
  function ticks(low, high, count) {
    const rough = (high - low) / count;
    if (!(rough > 0) || !Number.isFinite(rough)) return [];
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough);
    const out = [];
    for (let tick = Math.ceil(low / step) * step; tick <= high + step * 1e-9; tick += step) out.push(Math.abs(tick) < step * 1e-9 ? 0 : tick);
    return out;
  }

  const tickText = (value) => (Math.abs(value) >= 1e7 ? value.toExponential(0).replace("e+", "e") : String(Number(value.toPrecision(6))));

  /**
   * A plot.
   * options: width, height, x: [low, high], y: [low, high], xLabel, yLabel, title, told (what it shows, in a sentence),
   * noY (no numbers on the y-axis).
   */
  function plot(options) {
    const { width, height, x, y } = options;
    const box = { left: options.noY ? 8 : 52, right: 8, top: options.title ? 18 : 6, bottom: options.xLabel ? 30 : options.noX ? 4 : 18 };
    const px = (value) => box.left + ((value - x[0]) / (x[1] - x[0])) * (width - box.left - box.right);
    const py = (value) => box.top + ((y[1] - value) / (y[1] - y[0])) * (height - box.top - box.bottom);
    const node = svg("svg", { class: "plot", width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": options.told || options.title || "" });
    const put = (tag, attributes, ...children) => {
      const child = svg(tag, attributes, ...children);
      node.append(child);
      return child;
    };
    const bottom = height - box.bottom;
    put("rect", { class: "frame", x: box.left, y: box.top, width: Math.max(0, width - box.left - box.right), height: Math.max(0, bottom - box.top) });
    if (!options.noX) {
      for (const tick of ticks(x[0], x[1], Math.max(3, width / 70))) {
        put("line", { class: "tick", x1: px(tick), x2: px(tick), y1: bottom, y2: bottom - 4 });
        put("text", { class: "ticktext", x: px(tick), y: bottom + 12, "text-anchor": "middle" }, tickText(tick));
      }
    }
    if (!options.noY) {
      for (const tick of ticks(y[0], y[1], Math.max(2, height / 40))) {
        put("line", { class: "grid", x1: box.left, x2: width - box.right, y1: py(tick), y2: py(tick) });
        put("text", { class: "ticktext", x: box.left - 4, y: py(tick) + 3.5, "text-anchor": "end" }, tickText(tick));
      }
    }
    if (options.title) put("text", { class: "title", x: box.left, y: 12 }, options.title);
    if (options.xLabel) put("text", { class: "axis", x: (box.left + width - box.right) / 2, y: height - 4, "text-anchor": "middle" }, options.xLabel);
    if (options.yLabel) put("text", { class: "axis", x: 10, y: (box.top + bottom) / 2, transform: `rotate(-90 10 ${(box.top + bottom) / 2})`, "text-anchor": "middle" }, options.yLabel);
    const inX = (value) => value >= x[0] && value <= x[1];
    const within = (value) => Math.min(y[1], Math.max(y[0], value));

    /** Points; what lies beyond the range becomes a caret at the edge. */
    function points(xs, ys, className, shape = "dot") {
      let dots = "";
      let carets = "";
      for (let i = 0; i < xs.length; i++) {
        if (!inX(xs[i]) || !Number.isFinite(ys[i]) || ys[i] === null) continue;
        const [a, b] = [px(xs[i]).toFixed(1), py(within(ys[i])).toFixed(1)];
        if (ys[i] > y[1]) carets += `M${a} ${b}m-2 4l2 -4l2 4`;
        else if (ys[i] < y[0]) carets += `M${a} ${b}m-2 -4l2 4l2 -4`;
        else if (shape === "square") dots += `M${a} ${b}m-2.5 -2.5h5v5h-5z`;
        else if (shape === "circle") dots += `M${a} ${b}m-3 0a3 3 0 1 0 6 0a3 3 0 1 0 -6 0z`;
        else dots += `M${a} ${b}h0`;
      }
      if (dots) put("path", { class: `${shape} ${className}`, d: dots });
      if (carets) put("path", { class: "caret", d: carets });
    }

    function line(xs, ys, className) {
      let d = "";
      for (let i = 0; i < xs.length; i++) {
        if (ys[i] === null || !Number.isFinite(ys[i]) || !inX(xs[i])) continue;
        d += `${d ? "L" : "M"}${px(xs[i]).toFixed(1)} ${py(within(ys[i])).toFixed(1)}`;
      }
      if (d) put("path", { class: `line ${className}`, d });
    }

    function errors(xs, ys, sigmas, className) {
      let d = "";
      for (let i = 0; i < xs.length; i++) {
        if (ys[i] === null || !inX(xs[i]) || !Number.isFinite(ys[i]) || !Number.isFinite(sigmas[i])) continue;
        d += `M${px(xs[i]).toFixed(1)} ${py(within(ys[i] - sigmas[i])).toFixed(1)}V${py(within(ys[i] + sigmas[i])).toFixed(1)}`;
      }
      if (d) put("path", { class: `error ${className}`, d });
    }

    function band(low, high, className) {
      const [top, end] = [py(within(high)), py(within(low))];
      put("rect", { class: `band ${className}`, x: box.left, width: width - box.left - box.right, y: top, height: Math.max(1, end - top) });
    }

    function mark(value, className, text) {
      if (!inX(value)) return;
      put("line", { class: `mark ${className}`, x1: px(value), x2: px(value), y1: box.top, y2: bottom });
      if (text) put("text", { class: "marktext", x: px(value) + 3, y: box.top + 10 }, text);
    }

    return { node, points, line, errors, band, mark };
  }

  return { plot, ticks };
})();
