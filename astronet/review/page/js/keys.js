/** What keys do. They are ignored in text fields, in dialogs, with Ctrl, Alt or Meta, and, but for moving, when held. */
App.keys = (() => {
  const { byId } = App.dom;
  let isTurnedOn = true;
  let learning = null; // [action, button]: the next key becomes that of the action

  const isOn = () => isTurnedOn;
  function turn(on) {
    isTurnedOn = on;
    App.store.set("keys-on", on);
  }

  function learn(action, button) {
    learning = [action, button];
    button.textContent = "press a key";
  }

  function taught(event) {
    const [action, button] = learning;
    if (["Shift", "Control", "Alt", "Meta", "AltGraph"].includes(event.key)) return;
    event.preventDefault();
    learning = null;
    const other = App.keymap.change(action, event.key);
    if (other) App.dom.say(`${App.keymap.name(event.key)} is taken`);
    button.textContent = other ? "taken: change" : "change";
    if (!other) App.dialogs.help();
  }

  const current = () => (App.panel.isOpen() ? App.panel.row() : App.table.selected());

  function go(row) {
    if (row === undefined || row < 0) return;
    App.table.select(row);
    if (App.panel.isOpen()) App.panel.open(row);
  }

  function move(by) {
    const order = App.query.order();
    const place = App.query.placeOf(current());
    go(order[Math.min(order.length - 1, Math.max(0, place + by))]);
  }

  function label(name) {
    const row = current();
    if (row < 0) return;
    if (!App.blind.reviewer()) {
      App.dialogs.who(() => label(name));
      return;
    }
    const next = App.query.nextUnlabeled(App.query.placeOf(row));
    App.labels.set([row], name, "single");
    App.dom.say(`${name}: TIC ${App.data.tic[row]}`);
    const isLast = next === row || next < 0;
    if (App.blind.isOn() && App.panel.isOpen() && App.keys.waits) return; // to look at the model's opinion first
    if (!isLast) go(next);
  }

  function back(row) {
    if (row < 0) {
      App.dom.say("nothing to undo");
      return;
    }
    go(row);
    App.dom.say(`TIC ${App.data.tic[row]}: ${App.labels.label(row) || "no label"}`);
  }

  const actions = {
    open: () => current() >= 0 && !App.panel.isOpen() && App.panel.open(current()),
    close: () => App.panel.close(),
    previous: () => move(-1),
    next: () => move(1),
    up: () => !App.panel.isOpen() && move(-1),
    down: () => !App.panel.isOpen() && move(1),
    unlabeled: () => go(App.query.nextUnlabeled(App.query.placeOf(current()))),
    undo: () => back(App.labels.undo()),
    redo: () => back(App.labels.redo()),
    note: () => {
      if (!App.blind.reviewer()) return App.dialogs.who(actions.note);
      if (!App.panel.isOpen() && current() >= 0) App.panel.open(current());
      return byId("note").focus();
    },
    star: () => {
      if (current() < 0) return undefined;
      if (!App.blind.reviewer()) return App.dialogs.who(actions.star);
      return App.labels.edit(current(), { star: !App.labels.entry(current()).star });
    },
    group: () => (App.blind.reviewer() ? current() >= 0 && App.bulk.group(current()) : App.dialogs.who()),
    reveal: () => App.panel.reveal(),
    half: () => App.panel.scale(0.5),
    double: () => App.panel.scale(2),
    "zoom-in": () => App.lightcurve.zoom(0.5),
    "zoom-out": () => App.lightcurve.zoom(2),
    "zoom-reset": () => App.lightcurve.zoom(0),
    "full-range": () => App.panel.fullRange(),
    search: () => {
      App.panel.close();
      byId("search").focus();
    },
    help: () => App.dialogs.help(),
    export: () => App.exchange.save(),
  };

  /** Does what an action of the key table says. */
  function act(action) {
    if (action.startsWith("label:")) return label(action.slice(6));
    if (action.startsWith("plot:")) return App.panel.isOpen() && byId(`card-${action.slice(5)}`).scrollIntoView({ block: "center" });
    return actions[action]();
  }

  function isText(node) {
    return node.isContentEditable || node.tagName === "TEXTAREA" || node.tagName === "SELECT" || (node.tagName === "INPUT" && !["checkbox", "button", "file"].includes(node.type));
  }

  function pressed(event) {
    if (learning) {
      taught(event);
      return;
    }
    if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented || byId("dialog").open) return;
    if (isText(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const action = App.keymap.actionOf(event.key);
    const isPlain = ["open", "close", "previous", "next", "up", "down", "help"].includes(action);
    if (!action || (!isTurnedOn && !isPlain)) return;
    if (event.repeat && !App.keymap.repeats(action)) return;
    const onButton = ["BUTTON", "A", "SUMMARY", "INPUT"].includes(event.target.tagName);
    if (onButton && (event.key === "Enter" || event.key === " ")) return; // which presses the button
    event.preventDefault();
    act(action);
  }

  function start() {
    isTurnedOn = App.store.get("keys-on") !== false;
    document.addEventListener("keydown", pressed);
  }

  return { start, act, isOn, turn, learn, waits: false };
})();
