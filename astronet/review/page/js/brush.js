/** Period and depth of the rows that are shown, both logarithmic: systematics stand out as columns. Drag to filter. */
App.brush = (() => {
  const { byId, color, context } = App.dom;
  const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT] = [400, 130, 40, 30, 6, 8];
  let from = null;
  let to = null;
  let limits = null;

  function extent(values) {
    let low = Infinity;
    let high = -Infinity;
    for (const value of values) {
      if (!(value > 0)) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    return low < high ? [Math.log10(low) - 0.05, Math.log10(high) + 0.05] : [0, 1];
  }

  const x = (period) => LEFT + ((Math.log10(period) - limits.x[0]) / (limits.x[1] - limits.x[0])) * (WIDTH - LEFT - RIGHT);
  const y = (depth) => HEIGHT - BOTTOM - ((Math.log10(depth) - limits.y[0]) / (limits.y[1] - limits.y[0])) * (HEIGHT - BOTTOM - TOP);
  const period = (place) => 10 ** (limits.x[0] + ((place - LEFT) / (WIDTH - LEFT - RIGHT)) * (limits.x[1] - limits.x[0]));
  const depth = (place) => 10 ** (limits.y[0] + ((HEIGHT - BOTTOM - place) / (HEIGHT - BOTTOM - TOP)) * (limits.y[1] - limits.y[0]));

  function draw() {
    const drawing = context(byId("brush"), WIDTH, HEIGHT);
    limits = limits || { x: extent(App.data.period), y: extent(App.data.depth) };
    drawing.font = "11px system-ui, sans-serif";
    drawing.fillStyle = color("quiet");
    drawing.textAlign = "center";
    for (const tick of [0.1, 0.3, 1, 3, 10, 30, 100, 300]) {
      if (x(tick) > LEFT && x(tick) < WIDTH - RIGHT) drawing.fillText(String(tick), x(tick), HEIGHT - BOTTOM + 12);
    }
    drawing.fillText("period, d", (LEFT + WIDTH) / 2, HEIGHT - 1);
    drawing.textAlign = "right";
    for (const [tick, text] of [[100, "100"], [1000, "1e3"], [1e4, "1e4"], [1e5, "1e5"]]) {
      if (y(tick) > TOP && y(tick) < HEIGHT - BOTTOM) {
        drawing.fillText(text, LEFT - 4, y(tick) + 4);
        drawing.fillRect(LEFT, y(tick), WIDTH - LEFT - RIGHT, 0.5);
      }
    }
    const size = App.query.order().length > 3000 ? 1.5 : 2.5;
    for (const row of App.query.order()) {
      if (!(App.data.period[row] > 0 && App.data.depth[row] > 0)) continue;
      const label = App.labels.label(row);
      drawing.fillStyle = color(label ? `label-${label}` : "data");
      drawing.fillRect(x(App.data.period[row]) - size / 2, y(App.data.depth[row]) - size / 2, size, size);
    }
    if (from && to) {
      drawing.strokeStyle = color("mark");
      drawing.strokeRect(Math.min(from[0], to[0]), Math.min(from[1], to[1]), Math.abs(from[0] - to[0]), Math.abs(from[1] - to[1]));
    }
  }

  function start() {
    const canvas = byId("brush");
    const place = (event) => {
      const box = canvas.getBoundingClientRect();
      return [Math.min(WIDTH - RIGHT, Math.max(LEFT, event.clientX - box.left)), Math.min(HEIGHT - BOTTOM, Math.max(TOP, event.clientY - box.top))];
    };
    canvas.addEventListener("pointerdown", (event) => {
      from = place(event);
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!from) return;
      to = place(event);
      draw();
    });
    canvas.addEventListener("pointerup", () => {
      const [start, end] = [from, to];
      from = to = null;
      const ranges = { ...App.query.state().ranges };
      delete ranges.period;
      delete ranges.depth;
      if (start && end && Math.abs(start[0] - end[0]) > 3) {
        const digits = (value) => Number(value.toPrecision(4));
        ranges.period = [start[0], end[0]].map(period).sort((a, b) => a - b).map(digits);
        ranges.depth = [start[1], end[1]].map(depth).sort((a, b) => a - b).map(digits);
      }
      App.query.change({ ranges });
    });
    App.query.watch(draw);
    App.labels.watch(draw);
  }

  return { start, draw };
})();
