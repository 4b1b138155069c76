/**
 * What the browser keeps between visits. It is not a safe place (another folder or browser does not see it): labels are
 * safe once they are exported.
 */
App.store = (() => {
  const PREFIX = "astronet";
  let isBroken = false;

  const keyOf = (name) => `${PREFIX}:${name}`;

  function get(name) {
    try {
      return JSON.parse(localStorage.getItem(keyOf(name)));
    } catch (error) {
      return null;
    }
  }

  /** Keeps a value; where the browser refuses, a red bar says so and stays. */
  function set(name, value) {
    try {
      if (value === null) localStorage.removeItem(keyOf(name));
      else localStorage.setItem(keyOf(name), JSON.stringify(value));
      if (isBroken) App.dom.warn("");
      isBroken = false;
      return true;
    } catch (error) {
      isBroken = true;
      App.dom.warn(`This browser does not keep your labels (${error.name}): export them now, and again before you leave.`);
      return false;
    }
  }

  const ofReport = (name) => `${App.meta.report_id}:${name}`;
  return { keyOf, get, set, ofReport };
})();
