/** The two views of a row as the network reads them: out of transit at 0, the event at -1, in all rows alike. */
App.thumbnail = (() => {
  const LOW = -1.5;
  const HIGH = 1.0;
  const FEW_EVENTS = 2;

  /** Draws one view: bytes from LOW to HIGH, a dot a bin. */
  function draw(canvas, values, width, height, isFaint) {
    const { color, context } = App.dom;
    const drawing = context(canvas, width, height);
    const y = (value) => ((HIGH - value) / (HIGH - LOW)) * (height - 4) + 2;
    drawing.fillStyle = color("mark");
    drawing.fillRect(0, 0, 0, 0);
    drawing.strokeStyle = color("line");
    drawing.lineWidth = 1;
    drawing.beginPath();
    for (const level of [0, -1]) {
      drawing.moveTo(0, Math.round(y(level)) + 0.5);
      drawing.lineTo(width, Math.round(y(level)) + 0.5);
    }
    drawing.stroke();
    drawing.fillStyle = color("mark");
    drawing.beginPath(); // the middle of the event
    drawing.moveTo(width / 2 - 3, 0);
    drawing.lineTo(width / 2 + 3, 0);
    drawing.lineTo(width / 2, 4);
    drawing.fill();
    drawing.fillStyle = isFaint ? color("faint") : color("data");
    const size = values.length > 100 ? 1.5 : 2;
    for (let i = 0; i < values.length; i++) {
      const value = LOW + (values[i] / 255) * (HIGH - LOW);
      drawing.fillRect(((i + 0.5) / values.length) * width - size / 2, y(value) - size / 2, size, size);
    }
  }

  /** The bytes of a view of a row; of length 0 where its piece is not loaded. */
  function bytes(name, row) {
    const size = App.meta.rows_of_index;
    const views = App.data.views[Math.floor(row / size)];
    if (!views || !views[name]) return new Uint8Array(0);
    const { length, data } = views[name];
    return data.subarray((row % size) * length, ((row % size) + 1) * length);
  }

  function pair(row, width = 128, height = 44) {
    const canvases = ["global_view", "local_view"].map((name) => {
      const canvas = App.dom.el("canvas", { class: "thumbnail", "aria-hidden": "true" });
      draw(canvas, bytes(name, row), width, height, App.data.seen[row] < FEW_EVENTS && !App.data.problem[row]);
      return canvas;
    });
    return App.dom.el("span", { class: "thumbnails" }, canvases);
  }

  return { pair, bytes, draw, LOW, HIGH };
})();
