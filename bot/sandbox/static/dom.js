// Builds every node of the page. Text only ever becomes a text node and links only ever carry a
// checked address, so nothing a person or a bot writes can turn into markup.

const SVG = "http://www.w3.org/2000/svg";

/** Make an element; `on*` props listen, `vars` sets CSS custom properties, false and null are left out. */
export function h(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** Make an SVG element in the same way. */
export function svg(tag, props, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

/** Replace the children of a node. */
export function put(node, ...children) {
  node.replaceChildren(...children.flat(Infinity).filter(shown));
  return node;
}

/** Link to an address if it is one a browser may follow, else show the label as plain text. */
export function link(url, ...label) {
  const text = label.length ? label : [url];
  if (!/^(https?:\/\/|mailto:)/i.test(url)) return h("span", {}, ...text);
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, ...text);
}

/** Show an icon of the set below, hidden from screen readers (its button carries the label). */
export function icon(name) {
  return svg(
    "svg",
    { class: `icon icon-${name}`, viewBox: "0 0 20 20", "aria-hidden": "true", focusable: "false" },
    ...ICONS[name].split("|").map((d) => svg("path", { d })),
  );
}

/** Make a button that shows an icon and says its label. */
export function iconButton(name, label, onclick, props = {}) {
  return h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, onclick, ...props }, icon(name));
}

let serial = 0;

/** Return an element id that no other element of the page has. */
export function uid(prefix) {
  serial += 1;
  return `${prefix}-${serial}`;
}

function shown(child) {
  return child !== null && child !== undefined && child !== false && child !== "";
}

function fill(node, props, children) {
  for (const [name, value] of Object.entries(props || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "vars") for (const [key, v] of Object.entries(value)) node.style.setProperty(key, v);
    else if (name === "value" || name === "checked" || name === "selected") node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter(shown));
  return node;
}

const ICONS = {
  attach: "M14.5 9.5l-5 5a3.2 3.2 0 0 1-4.5-4.5l6-6a2.1 2.1 0 0 1 3 3l-5.8 5.8a1 1 0 0 1-1.5-1.5l5-5",
  alert: "M10 3.2 17.5 16.5h-15z|M10 8v4|M10 14.2v.1",
  back: "M12.5 4.5 7 10l5.5 5.5",
  bolt: "M11 2.5 4.5 11.5H9l-.5 6 7-9.5H11z",
  check: "M4.5 10.5l3.5 3.5 7.5-8",
  chevron: "M7.5 5 12.5 10l-5 5",
  close: "M5 5l10 10|M15 5 5 15",
  down: "M10 4v11|M5 10.5l5 5 5-5",
  edit: "M4 16l.8-3.2L13 4.5l2.5 2.5-8.3 8.2z",
  error: "M10 2.8a7.2 7.2 0 1 0 0 14.4 7.2 7.2 0 0 0 0-14.4z|M7.5 7.5l5 5|M12.5 7.5l-5 5",
  eye: "M2.5 10S5.3 5 10 5s7.5 5 7.5 5-2.8 5-7.5 5-7.5-5-7.5-5z|M10 8a2 2 0 1 0 0 4 2 2 0 0 0 0-4z",
  file: "M5.5 2.8h6l3 3v11.4h-9z|M11.3 3v3h3",
  hash: "M8 3.5 6.5 16.5|M13.5 3.5 12 16.5|M4 7.5h12.5|M3.5 12.5H16",
  home: "M3.5 9.5 10 4l6.5 5.5V16.5h-4.5v-4.5H8v4.5H3.5z",
  image: "M3.5 4.5h13v11h-13z|M4 14l4-4 3 3 2-2 3.5 3.5|M12.8 7.5v.1",
  info: "M10 2.8a7.2 7.2 0 1 0 0 14.4 7.2 7.2 0 0 0 0-14.4z|M10 9.2v4.3|M10 6.5v.1",
  link: "M8.5 11.5l3-3|M7.5 8.5 5.8 10.2a2.8 2.8 0 0 0 4 4l1.7-1.7|M12.5 11.5l1.7-1.7a2.8 2.8 0 0 0-4-4L8.5 7.5",
  menu: "M3.5 5.5h13|M3.5 10h13|M3.5 14.5h13",
  more: "M10 4.7v.1|M10 10v.1|M10 15.2v.1",
  forward: "M11 4.5 16.5 10 11 15.5|M16.5 10H8a5 5 0 0 0-4.5 5",
  phone: "M6.5 2.5h7a1 1 0 0 1 1 1v13a1 1 0 0 1-1 1h-7a1 1 0 0 1-1-1v-13a1 1 0 0 1 1-1z|M9 15.3h2",
  reply: "M4 4.5h12v8.5H9.5L6 16v-3H4z",
  send: "M3.5 4 17 10 3.5 16l1.8-6z|M5.5 10H11",
  stop: "M6 6h8v8H6z",
  thumb: "M6.5 9v7.5h-3V9z|M6.5 9.5 9.7 3.4c1.3 0 2.1 1 1.8 2.3L11 8.3h4.2c1 0 1.7.9 1.5 1.8l-1.1 5.2c-.2.7-.8 1.2-1.5 1.2H6.5",
  trash: "M4 5.5h12|M8 5.5V3.5h4v2|M5.5 5.5l.7 11h7.6l.7-11",
};
