/** Makes elements. Text is only ever set as text: nothing on this page parses HTML. */
App.dom = (() => {
  const SVG = "http://www.w3.org/2000/svg";

  function fill(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value === undefined || value === null || value === false) continue;
      if (name === "on") {
        for (const [event, handler] of Object.entries(value)) node.addEventListener(event, handler);
      } else if (name === "data") {
        Object.assign(node.dataset, value);
      } else {
        node.setAttribute(name, value === true ? "" : String(value));
      }
    }
    for (const child of children.flat(Infinity)) {
      if (child !== undefined && child !== null && child !== false) node.append(child);
    }
    return node;
  }

  /** An HTML element: el("button", {class: "x", on: {click: f}}, "text", child). */
  const el = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
  const svg = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);
  const byId = (id) => document.getElementById(id);

  function replace(node, ...children) {
    node.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
    return node;
  }

  /** A color of the style sheet, which the dark style changes. */
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  /** Sets the size of a canvas for sharp lines on this screen; returns its context in CSS pixels. */
  function context(canvas, width, height, scale = window.devicePixelRatio || 1) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    const drawing = canvas.getContext("2d");
    drawing.setTransform(scale, 0, 0, scale, 0, 0);
    return drawing;
  }

  /** Tells people who do not see the screen, and those who do, what has just happened. */
  function say(text) {
    byId("said").textContent = text;
  }

  function warn(text) {
    const bar = byId("warning");
    bar.hidden = !text;
    byId("warning-text").textContent = text;
  }

  return { el, svg, byId, replace, color, context, say, warn };
})();
