/** CSV text: written so that no spreadsheet takes a cell for a formula, and read back. */
App.csv = (() => {
  const starts = () => App.meta.formula_starts;
  const begins = (text) => starts().some((start) => text.startsWith(start));
  const guard = (text) => (begins(text) ? `'${text}` : text);
  const unguard = (text) => (text.startsWith("'") && begins(text.slice(1)) ? text.slice(1) : text);
  const cell = (text) => (/[",\r\n]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text);

  /** Text of a header and rows of text. */
  const write = (header, rows) => [header, ...rows].map((row) => row.map((text) => cell(String(text))).join(",") + "\r\n").join("");

  /** Rows of cells of a CSV text; quotes as RFC 4180 has them. */
  function read(text) {
    const rows = [];
    let row = [];
    let at = text.charCodeAt(0) === 0xfeff ? 1 : 0;
    while (at < text.length) {
      let value = "";
      if (text[at] === '"') {
        at++;
        for (;;) {
          const end = text.indexOf('"', at);
          if (end < 0) throw new Error("a quote is not closed: the file is cut off");
          value += text.slice(at, end);
          at = end + 1;
          if (text[at] !== '"') break;
          value += '"';
          at++;
        }
      } else {
        const start = at;
        while (at < text.length && !",\r\n".includes(text[at])) at++;
        value = text.slice(start, at);
      }
      row.push(value);
      if (text[at] === ",") {
        at++;
        if (at === text.length) row.push("");
        continue;
      }
      if (text[at] === "\r") at++;
      if (text[at] === "\n") at++;
      else if (at < text.length && text[at - 1] !== "\r") throw new Error("text after a closing quote: the file is damaged");
      if (row.length > 1 || row[0] !== "") rows.push(row);
      row = [];
    }
    if (row.length) rows.push(row);
    return rows;
  }

  return { guard, unguard, write, read };
})();
