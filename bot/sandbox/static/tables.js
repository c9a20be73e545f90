// Renders table and data_table blocks; a data_table also sorts, filters and has pages.

import { h, put, uid } from "./dom.js";
import { count } from "./format.js";
import { richText } from "./richtext.js";
import { lineOf } from "./text.js";

/** Render a `table` block: first row as header, alignment and wrapping by column. */
export function table(block, env) {
  const settings = block.column_settings || [];
  const classes = (index) => {
    const column = settings[index] || {};
    return `align-${column.align || "left"}${column.is_wrapped ? "" : " nowrap"}`;
  };
  const row = (cells, tag) => h("tr", {}, ...cells.map((cell, index) => h(tag, { class: classes(index), scope: tag === "th" ? "col" : null }, ...cellOf(cell, env))));
  const [head, ...body] = block.rows || [];
  return frame("Table", h("table", {}, h("thead", {}, row(head || [], "th")), h("tbody", {}, ...body.map((cells) => row(cells, "td")))));
}

/** Render a `data_table` block: caption, sortable columns, filter and pages. */
export function dataTable(block, env) {
  const [head = [], ...rows] = block.rows || [];
  const size = block.page_size || 5;
  const rowHeader = block.row_header_column_index || 0;
  const view = { sort: -1, ascending: true, page: 0, filter: "" };
  const body = h("tbody");
  const status = h("span", { class: "table-status", role: "status" });
  const previous = h("button", { type: "button", class: "button button-small", onclick: () => turn(-1) }, "Previous");
  const next = h("button", { type: "button", class: "button button-small", onclick: () => turn(1) }, "Next");
  const headers = head.map((cell, index) =>
    h("th", { scope: "col", class: numeric(rows, index) ? "align-right" : null }, h("button", { type: "button", class: "sort", onclick: () => sortBy(index) }, ...cellOf(cell, env))),
  );

  function turn(step) {
    view.page += step;
    draw();
  }
  function sortBy(index) {
    view.ascending = view.sort === index ? !view.ascending : true;
    view.sort = index;
    view.page = 0;
    draw();
  }
  function draw() {
    const found = arranged(rows, view);
    const pages = Math.max(1, Math.ceil(found.length / size));
    view.page = Math.min(Math.max(view.page, 0), pages - 1);
    const visible = found.slice(view.page * size, view.page * size + size);
    put(body, visible.map((cells) => h("tr", {}, ...cells.map((cell, index) => bodyCell(cell, index)))));
    headers.forEach((th, index) => th.setAttribute("aria-sort", view.sort === index ? (view.ascending ? "ascending" : "descending") : "none"));
    status.textContent = pages > 1 ? `${count(found.length, "row")}, page ${view.page + 1} of ${pages}` : count(found.length, "row");
    previous.disabled = view.page === 0;
    next.disabled = view.page >= pages - 1;
  }
  function bodyCell(cell, index) {
    const classes = numeric(rows, index) ? "align-right numeric" : null;
    return index === rowHeader ? h("th", { scope: "row", class: classes }, ...cellOf(cell, env)) : h("td", { class: classes }, ...cellOf(cell, env));
  }
  draw();
  const many = rows.length > size;
  const box = h("table", {}, h("caption", {}, block.caption || ""), h("thead", {}, h("tr", {}, ...headers)), body);
  return h("div", { class: "data-table" }, many && filterBox(view, draw), frame(block.caption || "Table", box), h("div", { class: "table-foot" }, status, many && previous, many && next));
}

function filterBox(view, draw) {
  const id = uid("filter");
  const oninput = (event) => {
    view.filter = event.target.value.toLowerCase();
    view.page = 0;
    draw();
  };
  return h("div", { class: "table-filter" }, h("label", { for: id, class: "sr-only" }, "Filter rows"), h("input", { id, type: "search", class: "input", placeholder: "Filter rows", oninput }));
}

function arranged(rows, view) {
  const found = rows.filter((cells) => !view.filter || cells.some((cell) => plain(cell).toLowerCase().includes(view.filter)));
  if (view.sort < 0) return found;
  const direction = view.ascending ? 1 : -1;
  const byNumber = numeric(rows, view.sort);
  const order = (a, b) => (byNumber ? a.value - b.value : plain(a).localeCompare(plain(b)));
  return [...found].sort((a, b) => direction * order(a[view.sort], b[view.sort]));
}

function numeric(rows, index) {
  return rows.length > 0 && rows.every((cells) => cells[index]?.type === "raw_number");
}

function plain(cell) {
  if (!cell) return "";
  if (cell.type !== "rich_text") return String(cell.text ?? cell.value ?? "");
  const words = (part) => part.text || (part.elements || []).map(words).join(" ");
  return words(cell);
}

function cellOf(cell, env) {
  if (!cell) return [];
  if (cell.type === "rich_text") return richText(cell, env);
  if (cell.type === "raw_number") return [cell.text || String(cell.value)];
  if (cell.type === "button") return [env.element(cell)];
  if (cell.type === "mrkdwn") return lineOf({ type: "mrkdwn", text: cell.text || "" }, env);
  return wrapping(cell.text || "").flatMap((part, index) => [index ? h("wbr") : null, ...lineOf({ type: "plain_text", text: part }, env)]);
}

/** Let a name such as `look_up_my_account` break after an underscore; an emoji's name does not break. */
function wrapping(text) {
  return text.includes(":") ? [text] : text.split(/(?<=_)(?=\w)/);
}

function frame(label, box) {
  return h("div", { class: "table-scroll", role: "region", "aria-label": label, tabindex: "0" }, box);
}
