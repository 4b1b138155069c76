/** Every key of the page, in one table. Letters are those that are typed, wherever they lie on the keyboard. */
App.keymap = (() => {
  // [action, key, what it does, whether holding it down repeats it]
  const defaults = [
    ["label:PC", "p", "planet candidate"],
    ["label:EB", "e", "eclipsing binary"],
    ["label:V", "v", "stellar variability"],
    ["label:IS", "i", "instrumental"],
    ["label:J", "j", "junk"],
    ["label:O", "o", "other"],
    ["label:U", "u", "unsure"],
    ["open", "Enter", "open the panel"],
    ["close", "Escape", "back to the list"],
    ["previous", "ArrowLeft", "previous TCE", true],
    ["next", "ArrowRight", "next TCE", true],
    ["up", "ArrowUp", "previous TCE (list)", true],
    ["down", "ArrowDown", "next TCE (list)", true],
    ["unlabeled", " ", "next TCE without a label"],
    ["undo", "z", "undo"],
    ["redo", "Z", "redo"],
    ["note", "n", "write a note (Esc leaves it)"],
    ["star", "s", "star"],
    ["group", "g", "copy the label to the other TCEs of this star and ephemeris"],
    ["reveal", "x", "show the model's opinion after a blind label"],
    ["half", "[", "fold at half the period"],
    ["double", "]", "fold at twice the period"],
    ["zoom-in", "+", "zoom in", true],
    ["zoom-out", "-", "zoom out", true],
    ["zoom-reset", "0", "whole light curve"],
    ["full-range", "r", "full range of flux"],
    ["search", "/", "search"],
    ["help", "?", "this help"],
    ["export", "w", "export the labels (CSV)"],
    ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((number) => [`plot:${number}`, String(number), `plot ${number}`]),
  ];
  let keys = {};

  function load() {
    keys = {};
    const changed = App.store.get("keys") || {};
    for (const [action, key] of defaults) keys[action] = typeof changed[action] === "string" ? changed[action] : key;
    if (new Set(Object.values(keys)).size !== defaults.length) keys = Object.fromEntries(defaults.map(([action, key]) => [action, key]));
  }

  /** Gives an action another key; returns what has that key already, or "". */
  function change(action, key) {
    const other = Object.keys(keys).find((name) => keys[name] === key && name !== action);
    if (other) return other;
    keys[action] = key;
    App.store.set("keys", keys);
    return "";
  }

  const actionOf = (key) => Object.keys(keys).find((action) => keys[action] === key);
  const repeats = (action) => Boolean((defaults.find(([name]) => name === action) || [])[3]);
  const name = (key) => (key === " " ? "Space" : key.replace("Arrow", ""));
  const list = () => defaults.map(([action, , told]) => ({ action, key: keys[action], told }));
  const keyOf = (action) => keys[action];

  return { load, change, actionOf, repeats, name, list, keyOf };
})();
