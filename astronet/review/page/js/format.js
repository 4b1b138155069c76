/** Numbers as text. What is not known is a dash. */
App.format = (() => {
  const NONE = "\u2013";
  const known = (value) => typeof value === "number" && Number.isFinite(value);
  const fixed = (digits) => (value) => (known(value) ? value.toFixed(digits) : NONE);
  const digits = (count) => (value) => {
    if (!known(value)) return NONE;
    const text = Number(value).toPrecision(count);
    return text.includes("e") ? String(Number(text)) : text;
  };
  /** A value with its standard deviation, "1240 +- 60". */
  const withError = (value, sigma) => (known(value) ? `${Math.round(value)} \u00b1 ${known(sigma) ? Math.max(1, Math.round(sigma)) : "?"}` : NONE);
  const duration = (seconds) =>
    seconds < 90 ? `${seconds.toFixed(seconds < 10 ? 1 : 0)} s` : seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
  return { NONE, known, fixed, digits, withError, duration };
})();
