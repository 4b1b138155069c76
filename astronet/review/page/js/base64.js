/** Unpacks what astronet/review/packing.py packs. */
App.unpack = (() => {
  function bytes(text) {
    const raw = atob(text);
    const out = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i++) out[i] = raw.charCodeAt(i);
    return out;
  }

  /** Times in days (BTJD) of {start, unit, data}: steps of 16 bits; 65535 is a part of a long step. */
  function times(packed) {
    const raw = bytes(packed.data);
    const view = new DataView(raw.buffer);
    const out = [];
    let units = 0;
    for (let i = 0; i < raw.length; i += 2) {
      const step = view.getUint16(i, true);
      if (step === 65535) {
        units += 65534;
      } else {
        units += step;
        out.push(packed.start + units * packed.unit);
      }
    }
    return Float64Array.from(out);
  }

  /** Flux in ppm about the median of {scale, data}; NaN where there is none. */
  function ppm(packed) {
    const raw = bytes(packed.data);
    const view = new DataView(raw.buffer);
    const out = new Float64Array(raw.length / 2);
    for (let i = 0; i < out.length; i++) {
      const value = view.getInt16(2 * i, true);
      out[i] = value === App.meta.flux.missing ? NaN : value * packed.scale * 1e6;
    }
    return out;
  }

  return { bytes, times, ppm };
})();
