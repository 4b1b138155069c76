/** Probabilities of the rows that are shown: 50 bins, logarithmic counts, stacked by label. Drag to filter. */
App.histogram = (() => {
  const { byId, color, context } = App.dom;
  const BINS = 50;
  const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [400, 130, 34, 30, 6];
  let from = null;

  const x = (p) => LEFT + p * (WIDTH - LEFT - 8);
  const probability = (place) => Math.min(1, Math.max(0, (place - LEFT) / (WIDTH - LEFT - 8)));

  function counts() {
    const names = [...Object.keys(App.meta.labels), ""];
    const out = names.map(() => new Uint32Array(BINS));
    for (const row of App.query.order()) {
      const p = App.data.p[row];
      if (p >= 0) out[names.indexOf(App.labels.label(row))][Math.min(BINS - 1, Math.floor(p * BINS))]++;
    }
    return [names, out];
  }

  function draw() {
    const canvas = byId("histogram");
    byId("histogram-box").hidden = App.blind.isOn();
    if (App.blind.isOn()) return;
    const drawing = context(canvas, WIDTH, HEIGHT);
    const [names, stacks] = counts();
    const totals = Array.from({ length: BINS }, (_, bin) => stacks.reduce((sum, stack) => sum + stack[bin], 0));
    const most = Math.max(10, ...totals);
    const level = (count) => Math.log10(count + 1) / Math.log10(most + 1);
    const y = (share) => HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP);
    drawing.font = "11px system-ui, sans-serif";
    drawing.strokeStyle = color("line");
    drawing.fillStyle = color("quiet");
    drawing.textAlign = "right";
    for (let tick = 1; tick <= most; tick *= 10) {
      drawing.fillText(String(tick), LEFT - 4, y(level(tick)) + 4);
      drawing.fillRect(LEFT, y(level(tick)), WIDTH - LEFT - 8, 0.5);
    }
    drawing.textAlign = "center";
    for (const tick of [0, 0.25, 0.5, 0.75, 1]) drawing.fillText(String(tick), x(tick), HEIGHT - BOTTOM + 12);
    drawing.fillText("probability", x(0.5), HEIGHT - 1);
    for (let bin = 0; bin < BINS; bin++) {
      let below = 0;
      names.forEach((name, i) => {
        if (!stacks[i][bin]) return;
        const height = (level(totals[bin]) * stacks[i][bin]) / totals[bin];
        drawing.fillStyle = color(name ? `label-${name}` : "data");
        drawing.fillRect(x(bin / BINS) + 0.5, y(below + height), x(1 / BINS) - x(0) - 1, y(below) - y(below + height));
        below += height;
      });
    }
    drawing.fillStyle = color("mark");
    drawing.fillRect(x(App.meta.threshold) - 0.75, TOP, 1.5, HEIGHT - BOTTOM - TOP);
    canvas.setAttribute("aria-label", `histogram of probabilities: ${App.query.order().length} TCEs, ${totals.slice(BINS / 2).reduce((a, b) => a + b, 0)} of 0.5 or more; threshold ${App.meta.threshold}`);
  }

  function start() {
    const canvas = byId("histogram");
    const place = (event) => probability(event.clientX - canvas.getBoundingClientRect().left);
    canvas.addEventListener("pointerdown", (event) => {
      from = place(event);
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointerup", (event) => {
      if (from === null) return;
      const to = place(event);
      const [low, high] = [Math.min(from, to), Math.max(from, to)];
      from = null;
      if (high - low < 0.01) App.query.range("p", null, null);
      else App.query.range("p", Math.round(low * 100) / 100, Math.round(high * 100) / 100);
    });
    App.query.watch(draw);
    App.labels.watch(draw);
  }

  return { start, draw };
})();
