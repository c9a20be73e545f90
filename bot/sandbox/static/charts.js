// Draws data_visualization blocks as inline SVG. Every chart has a title, a description, and a table with
// the same numbers, which screen readers read and anybody may unfold.

import { h, svg, uid } from "./dom.js";

const [NARROW, WIDE] = [280, 560];
const HEIGHT = 240;
const PAD = { top: 12, right: 12, bottom: 44, left: 52 };
// Pixels per letter of a tick label; a longer label is cut, and whole in its tooltip and in the table.
const LETTER = 6.4;
// Most letters of a slanted label: as many as Slack allows.
const SLANTED = 20;

// Width of the drawing; it is smaller on a small screen, so that its letters stay the same size.
let WIDTH = WIDE;
// Space on its left: more where the slanted label of the first bar would not fit.
let LEFT = PAD.left;

/** Render one `data_visualization` block. */
export function chart(block) {
  const { chart: spec = {}, title = "" } = block;
  WIDTH = Math.min(WIDE, Math.max(NARROW, innerWidth - 100));
  const data = spec.type === "pie" ? pieData(spec) : axisData(spec);
  LEFT = PAD.left;
  if (slant(spec, data)) LEFT = Math.max(LEFT, Math.ceil(Math.min(data.labels[0].length, SLANTED) * LETTER * 0.66 - slotOf(data) / 2));
  const titleId = uid("chart");
  const descId = uid("chart");
  const picture = svg(
    "svg",
    { class: "chart", role: "img", viewBox: `0 0 ${WIDTH} ${HEIGHT + slant(spec, data)}`, "aria-labelledby": `${titleId} ${descId}` },
    svg("title", { id: titleId }, title),
    svg("desc", { id: descId }, describe(spec, data)),
    ...(spec.type === "pie" ? drawPie(data) : drawAxes(spec, data)),
  );
  const names = spec.type === "pie" ? data.labels : data.series.map((series) => series.name);
  return h(
    "figure",
    { class: "figure" },
    h("figcaption", {}, title),
    picture,
    legend(names),
    h("details", { class: "figure-table" }, h("summary", {}, "Show as a table"), dataTable(spec, data, title)),
  );
}

function pieData(spec) {
  const segments = spec.segments || [];
  return { labels: segments.map((s) => s.label), values: segments.map((s) => Number(s.value) || 0) };
}

function axisData(spec) {
  const axis = spec.axis_config || {};
  const all = spec.series || [];
  const labels = axis.categories || [...new Set(all.flatMap((s) => (s.data || []).map((point) => point.label)))];
  const series = all.map((s) => {
    const found = new Map((s.data || []).map((point) => [point.label, Number(point.value)]));
    return { name: s.name, values: labels.map((label) => (found.has(label) ? found.get(label) : null)) };
  });
  return { labels, series, x: axis.x_label || "", y: axis.y_label || "" };
}

function describe(spec, data) {
  if (spec.type === "pie") {
    const total = data.values.reduce((a, b) => a + b, 0) || 1;
    return `Pie chart. ${data.labels.map((label, i) => `${label}: ${Math.round((100 * data.values[i]) / total)} percent`).join(", ")}.`;
  }
  return `${spec.type} chart of ${data.series.map((s) => s.name).join(", ")} over ${data.labels.length} points, ${data.labels[0] ?? ""} to ${data.labels.at(-1) ?? ""}.`;
}

function legend(names) {
  if (names.length < 2) return null;
  return h("ul", { class: "legend", "aria-hidden": "true" }, ...names.map((name, i) => h("li", {}, h("span", { class: `swatch fill-${i}` }), name)));
}

function dataTable(spec, data, title) {
  const pie = spec.type === "pie";
  const heads = pie ? ["Part", "Value"] : [data.x || "Label", ...data.series.map((s) => s.name)];
  const rows = data.labels.map((label, i) => [label, ...(pie ? [data.values[i]] : data.series.map((s) => s.values[i]))]);
  const cell = (value, i) => (i ? h("td", { class: "align-right numeric" }, value === null ? "–" : value.toLocaleString()) : h("th", { scope: "row" }, value));
  return h(
    "table",
    {},
    h("caption", { class: "sr-only" }, title),
    h("thead", {}, h("tr", {}, ...heads.map((head, i) => h("th", { scope: "col", class: i ? "align-right" : null }, head)))),
    h("tbody", {}, ...rows.map((row) => h("tr", {}, ...row.map(cell)))),
  );
}

function drawAxes(spec, data) {
  const scale = scaleOf(data.series.flatMap((s) => s.values).filter((v) => v !== null));
  const span = WIDTH - LEFT - PAD.right;
  const slot = slotOf(data);
  const x = (i) => (spec.type === "bar" ? LEFT + slot * (i + 0.5) : LEFT + (data.labels.length < 2 ? span / 2 : (span * i) / (data.labels.length - 1)));
  const y = (v) => PAD.top + (HEIGHT - PAD.top - PAD.bottom) * (1 - (v - scale.low) / (scale.high - scale.low));
  const marks = { bar: bars, area: areas, line: lines }[spec.type] || lines;
  return [...grid(scale, y), ...labelsOf(spec, data, x), axisTitle(data.y), ...marks(data, x, y, slot)];
}

function scaleOf(values) {
  const high = Math.max(0, ...values);
  const low = Math.min(0, ...values);
  const rough = (high - low || 1) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const fine = [1, 2, 2.5, 5, 10].find((n) => n * power >= rough) * power;
  const step = values.every(Number.isInteger) ? Math.ceil(fine) : fine; // whole numbers get whole ticks
  return { low: Math.floor(low / step) * step, high: Math.ceil((high || 1e-9) / step) * step || step, step };
}

function grid(scale, y) {
  const nodes = [];
  for (let k = 0; scale.low + k * scale.step <= scale.high + scale.step / 2; k++) {
    const value = scale.low + k * scale.step;
    const text = value.toLocaleString([], { maximumSignificantDigits: 4, notation: Math.abs(value) >= 10_000 ? "compact" : "standard" });
    nodes.push(svg("line", { class: value === 0 ? "axis" : "gridline", x1: LEFT, x2: WIDTH - PAD.right, y1: y(value), y2: y(value) }));
    nodes.push(svg("text", { class: "tick", x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, text));
  }
  return nodes;
}

/** Label the axis: each bar, slanted where the labels are long, and some points of a line with many. */
function labelsOf(spec, data, x) {
  const every = spec.type === "bar" ? 1 : Math.ceil(data.labels.length / 8);
  const more = slant(spec, data);
  const room = more ? SLANTED : roomOf(data) * every;
  const place = (i) => {
    const at = { x: x(i), y: HEIGHT - PAD.bottom + 16 };
    if (more) return { ...at, "text-anchor": "end", transform: `rotate(-50 ${at.x} ${at.y})` };
    return { ...at, "text-anchor": data.labels.length > 3 && i === data.labels.length - 1 && at.x > WIDTH - 24 ? "end" : "middle" };
  };
  const ticks = data.labels.map((label, i) => (i % every ? null : svg("text", { class: "tick", ...place(i) }, cut(label, Math.floor(room)), hint(label))));
  const title = data.x && svg("text", { class: "axis-title", x: LEFT + (WIDTH - LEFT - PAD.right) / 2, y: HEIGHT + more - 8, "text-anchor": "middle" }, data.x);
  return [...ticks, title];
}

/** Return how much higher the picture must be because the labels of its bars do not fit side by side. */
function slant(spec, data) {
  const longest = Math.max(0, ...(data.labels || []).map((label) => label.length));
  return spec.type === "bar" && longest > roomOf(data) ? Math.ceil(Math.min(longest, SLANTED) * LETTER * 0.77) - 12 : 0;
}

function slotOf(data) {
  return (WIDTH - LEFT - PAD.right) / Math.max(1, data.labels.length);
}

function roomOf(data) {
  return slotOf(data) / LETTER;
}

function cut(label, room) {
  return label.length > room ? `${label.slice(0, Math.max(1, room - 1))}…` : label;
}

function axisTitle(text) {
  const middle = PAD.top + (HEIGHT - PAD.top - PAD.bottom) / 2;
  return text && svg("text", { class: "axis-title", x: 11, y: middle, "text-anchor": "middle", transform: `rotate(-90 11 ${middle})` }, text);
}

function bars(data, x, y, slot) {
  const width = Math.min(36, (slot * 0.72) / Math.max(1, data.series.length));
  return data.series.flatMap((series, k) =>
    series.values.map((value, i) => {
      if (value === null) return null;
      const left = x(i) - (width * data.series.length) / 2 + k * width;
      const box = { x: left + 0.5, y: Math.min(y(value), y(0)), width: width - 1, height: Math.abs(y(value) - y(0)), rx: 2 };
      return svg("rect", { class: `fill-${k}`, ...box }, hint(series.name, data.labels[i], value));
    }),
  );
}

function areas(data, x, y) {
  return data.series.flatMap((series, k) => {
    const points = pointsOf(series, x, y);
    if (!points.length) return [];
    const base = y(0);
    const outline = points.map((p) => `${p.x},${p.y}`).join(" ");
    return [svg("polygon", { class: `fill-${k} soft`, points: `${points[0].x},${base} ${outline} ${points.at(-1).x},${base}` }), svg("polyline", { class: `stroke-${k}`, points: outline })];
  });
}

function lines(data, x, y) {
  return data.series.flatMap((series, k) => {
    const points = pointsOf(series, x, y);
    const dots = points.map((p) => svg("circle", { class: `fill-${k}`, cx: p.x, cy: p.y, r: 3 }, hint(series.name, data.labels[p.i], p.value)));
    return [svg("polyline", { class: `stroke-${k}`, points: points.map((p) => `${p.x},${p.y}`).join(" ") }), ...dots];
  });
}

function pointsOf(series, x, y) {
  return series.values.map((value, i) => ({ i, value, x: x(i), y: value === null ? 0 : y(value) })).filter((p) => p.value !== null);
}

function drawPie(data) {
  const total = data.values.reduce((a, b) => a + b, 0) || 1;
  const [cx, cy, r] = [WIDTH / 2, HEIGHT / 2, HEIGHT / 2 - 14];
  let turn = -Math.PI / 2;
  return data.values.map((value, i) => {
    const share = value / total;
    const note = hint(data.labels[i], `${Math.round(share * 100)}%`, value);
    if (share > 0.9999) return svg("circle", { class: `fill-${i} slice`, cx, cy, r }, note);
    const from = turn;
    turn += share * 2 * Math.PI;
    const at = (angle) => `${cx + r * Math.cos(angle)} ${cy + r * Math.sin(angle)}`;
    return svg("path", { class: `fill-${i} slice`, d: `M${cx} ${cy}L${at(from)}A${r} ${r} 0 ${share > 0.5 ? 1 : 0} 1 ${at(turn)}Z` }, note);
  });
}

function hint(...parts) {
  return svg("title", {}, parts.map((part) => (typeof part === "number" ? part.toLocaleString() : part)).join(", "));
}
