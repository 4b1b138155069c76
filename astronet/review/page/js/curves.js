/** What a panel shows of a row, unpacked: times in days (BTJD), flux in ppm about the median. */
App.curves = (() => {
  const NEAR_DURATIONS = 3;

  /** Times folded at a period about an epoch, in days from -period / 2 to period / 2. */
  function fold(time, period, epoch) {
    const out = new Float64Array(time.length);
    for (let i = 0; i < time.length; i++) {
      const cycles = (time[i] - epoch) / period;
      out[i] = (cycles - Math.floor(cycles + 0.5)) * period;
    }
    return out;
  }

  /** x and y in ascending order of x. */
  function sorted(x, y) {
    const order = Uint32Array.from(x, (_, i) => i).sort((a, b) => x[a] - x[b]);
    return [Float64Array.from(order, (i) => x[i]), Float64Array.from(order, (i) => y[i])];
  }

  function quantile(values, share) {
    const finite = Float64Array.from(values).filter(Number.isFinite).sort();
    return finite.length ? finite[Math.min(finite.length - 1, Math.floor(share * finite.length))] : NaN;
  }

  function of(row, panel) {
    const data = App.data;
    const curve = { row, panel, period: data.period[row], epoch: data.epoch[row], duration: data.duration[row] / 24, depth: data.depth[row], isDrawn: Boolean(panel.flux) };
    if (!curve.isDrawn) return curve;
    curve.time = App.unpack.times(panel.time);
    curve.flux = App.unpack.ppm(panel.flux);
    curve.raw = panel.raw ? App.unpack.ppm(panel.raw) : null;
    curve.phase = fold(curve.time, curve.period, curve.epoch);
    const depth = Math.max(curve.depth > 0 ? curve.depth : 0, panel.fit && panel.fit.ppm > 0 ? panel.fit.ppm : 0);
    const noise = 5 * panel.white_ppm;
    curve.range = [-Math.max(1.6 * depth, noise), Math.max(0.6 * depth, noise)];
    const all = Array.from(curve.flux);
    curve.fullRange = [Math.min(...[quantile(all, 0), curve.range[0]]), Math.max(quantile(all, 0.9999), curve.range[1])];
    curve.near = NEAR_DURATIONS * curve.duration;
    return curve;
  }

  /** Times of the middles of the bins of {low, high, ppm}. */
  const middles = (binned) => binned.ppm.map((_, i) => binned.low + ((i + 0.5) / binned.ppm.length) * (binned.high - binned.low));

  /** The fitted trapezoid at hours from the ephemeris' event, ppm. */
  function trapezoid(curve, hours) {
    const fit = curve.panel.fit;
    if (!fit) return hours.map(() => NaN);
    const shift = 24 * fold([fit.t0], curve.period, curve.epoch)[0];
    const ingress = Math.max(fit.ingress * fit.hours, 1e-6);
    return hours.map((hour) => -fit.ppm * Math.min(1, Math.max(0, (fit.hours / 2 - Math.abs(hour - shift)) / ingress)));
  }

  const steps = (low, high, count) => Array.from({ length: count + 1 }, (_, i) => low + (i / count) * (high - low));

  return { of, fold, sorted, middles, trapezoid, steps, quantile };
})();
