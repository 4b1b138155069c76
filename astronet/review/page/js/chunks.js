/** Loads the data, piece by piece. From a disk no other way is open than scripts: each calls astronetChunk(). */
App.chunks = (() => {
  const KEPT = 10; // pieces of panels in memory
  const received = new Map();
  const pending = new Map();
  const panels = new Map(); // number of the piece -> promise, the last used last

  window.astronetChunk = (key, text) => received.set(key, text);

  function taken(key) {
    const value = JSON.parse(received.get(key));
    received.delete(key);
    if (value.report !== App.meta.report_id) {
      throw new Error(`data/${key}.js is of another report: copy the whole folder again`);
    }
    return value;
  }

  /** Promise of the value of a piece such as "index-0"; it fails with a message that names the file. */
  function load(key) {
    if (pending.has(key)) return pending.get(key);
    const promise = new Promise((resolve, reject) => {
      if (App.meta.is_inlined) {
        if (received.has(key)) resolve(taken(key));
        else reject(new Error(`the page lacks its part ${key}: make the report again`));
        return;
      }
      const script = document.createElement("script");
      script.onload = () => {
        script.remove();
        try {
          if (!received.has(key)) throw new Error(`data/${key}.js is damaged: copy the whole folder again`);
          resolve(taken(key));
        } catch (error) {
          reject(error);
        }
      };
      script.onerror = () => {
        script.remove();
        reject(new Error(`data/${key}.js is missing: copy the whole folder, not index.html alone`));
      };
      script.src = `data/${key}.js`;
      document.head.append(script);
    });
    pending.set(key, promise);
    promise.catch(() => {}).finally(() => pending.delete(key));
    return promise;
  }

  function piece(number) {
    const promise = panels.get(number) || load(`lc-${String(number).padStart(4, "0")}`);
    panels.delete(number);
    panels.set(number, promise);
    promise.catch(() => panels.delete(number)); // so that it is tried again
    for (const old of panels.keys()) {
      if (panels.size <= KEPT) break;
      panels.delete(old);
    }
    return promise;
  }

  /** Promise of what the panel of a row shows. */
  async function panel(row) {
    const size = App.meta.rows_of_panels;
    return (await piece(Math.floor(row / size))).tces[row % size];
  }

  /** Loads the panels of rows that will be looked at next. */
  function prefetch(rows) {
    for (const row of rows) piece(Math.floor(row / App.meta.rows_of_panels)).catch(() => {});
  }

  return { load, panel, prefetch };
})();
