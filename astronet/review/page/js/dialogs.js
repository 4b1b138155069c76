/** The dialogs: who labels, help and keys, columns, questions. */
App.dialogs = (() => {
  const { el, byId, replace } = App.dom;

  function show(title, ...content) {
    const dialog = byId("dialog");
    dialog.classList.remove("curtain");
    replace(dialog, el("form", { method: "dialog", class: "dialog-head" }, el("h2", {}, title), el("button", { class: "close", "aria-label": "close" }, "\u00d7")), content);
    dialog.onclose = () => !App.panel.isOpen() && byId("list").focus(); // so that the keys go on
    if (!dialog.open) dialog.showModal();
    return dialog;
  }
  const hide = () => byId("dialog").open && byId("dialog").close();

  /** Asks who labels. Without a name there is no labeling. */
  function who(then) {
    const name = el("input", { id: "reviewer-name", type: "text", maxlength: 100, autocomplete: "off", value: App.blind.reviewer() });
    const blind = el("input", { id: "reviewer-blind", type: "checkbox", checked: App.blind.reviewer() ? App.blind.isOn() : true });
    const told = el("p", { class: "problem", id: "reviewer-problem" });
    const begin = () => {
      if (!name.value.trim()) {
        told.textContent = "Give a name or initials: each label says whose it is.";
        name.focus();
        return;
      }
      hide();
      App.begin(name.value.trim(), blind.checked);
      if (then) then();
    };
    name.addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        event.preventDefault();
        begin();
      }
    });
    show("Who labels?",
      el("p", {}, el("label", {}, "Name or initials ", name)),
      App.meta.blind ? el("p", { class: "quiet" }, "This report holds no probabilities: all labels are blind.") : el("p", {}, el("label", {}, blind, " blind: hide the model's opinion, the catalog's and other reviewers', in random order. Best for labels that networks will learn from.")),
      told,
      el("p", {}, el("button", { id: "reviewer-begin", class: "primary", on: { click: begin } }, "Label"), " ", el("button", { id: "reviewer-look", on: { click: hide } }, "Only look")))
      .classList.toggle("curtain", !App.blind.reviewer()); // whoever labels blind has not seen the ranking behind it
    name.focus();
  }

  function help() {
    const off = el("input", { type: "checkbox", id: "keys-on", checked: App.keys.isOn(), on: { change: (event) => App.keys.turn(event.target.checked) } });
    const list = el("table", { class: "keys" }, App.keymap.list().map(({ action, key, told }) =>
      el("tr", {}, el("td", {}, el("kbd", {}, App.keymap.name(key))), el("td", {}, told), el("td", {}, el("button", { class: "small", data: { change: action }, on: { click: (event) => App.keys.learn(action, event.target) } }, "change")))));
    show("Keys", el("p", {}, el("label", {}, off, " single keys work")), list,
      el("p", { class: "quiet" }, `Report ${App.meta.report_id}, astronet ${App.meta.version}${App.meta.model ? `, ${App.meta.model}` : ""}. Labels are kept by this browser until you export them.`));
  }

  function columns() {
    const hidden = App.columns.hidden();
    show("Columns", el("div", { class: "choices" }, App.columns.all.filter((column) => !column.fixed).map((column) =>
      el("label", {}, el("input", { type: "checkbox", checked: !hidden.has(column.key), data: { column: column.key }, on: { change: () => { App.columns.toggle(column.key); App.table.render(true); } } }), ` ${column.title}`, el("span", { class: "quiet" }, ` ${column.hint}`)))));
  }

  /** A question with its answers: [[text, handler], ...]. */
  function ask(title, content, answers) {
    show(title, content, el("p", {}, answers.map(([text, handler], i) => el("button", { class: i ? "" : "primary", data: { answer: i }, on: { click: () => { hide(); if (handler) handler(); } } }, text))));
  }

  return { show, hide, who, help, columns, ask };
})();
