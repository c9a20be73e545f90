// A small, common set of emoji by their Slack names. Those that a help desk uses most are drawn here, so
// that they look the same on a machine without an emoji font.

import { h, svg } from "./dom.js";

const CHARS = {
  "+1": "👍", thumbsup: "👍", "-1": "👎", thumbsdown: "👎", wave: "👋", pray: "🙏", tada: "🎉", eyes: "👀", bulb: "💡",
  white_check_mark: "✅", heavy_check_mark: "✔️", x: "❌", warning: "⚠️", no_entry: "⛔", rotating_light: "🚨",
  lock: "🔒", unlock: "🔓", closed_lock_with_key: "🔐", key: "🔑", hourglass: "⌛", hourglass_flowing_sand: "⏳",
  red_circle: "🔴", large_green_circle: "🟢", large_yellow_circle: "🟡", large_orange_circle: "🟠", large_blue_circle: "🔵",
  white_circle: "⚪", robot_face: "🤖", bust_in_silhouette: "👤", busts_in_silhouette: "👥", raising_hand: "🙋",
  speech_balloon: "💬", email: "✉️", envelope: "✉️", bell: "🔔", memo: "📝", clipboard: "📋", mag: "🔍", bar_chart: "📊",
  moneybag: "💰", chart_with_upwards_trend: "📈", information_source: "ℹ️", ticket: "🎫", clock3: "🕒", repeat: "🔁",
  arrow_right: "➡️", smile: "😄", slightly_smiling_face: "🙂", disappointed: "😞", heart: "❤️", fire: "🔥", rocket: "🚀",
  point_right: "👉", hand: "✋", shield: "🛡️", link: "🔗", question: "❓", sos: "🆘", test_tube: "🧪", zap: "⚡",
};

const dot = (fill) => [["circle", { cx: 10, cy: 10, r: 8, fill }]];
const line = (d, stroke, width = 2.2) => ["path", { d, fill: "none", stroke, "stroke-width": width, "stroke-linecap": "round", "stroke-linejoin": "round" }];
const box = (fill) => ["rect", { x: 1.5, y: 1.5, width: 17, height: 17, rx: 4, fill }];
const padlock = (shackle) => [line(shackle, "#8a94a0", 2.4), ["rect", { x: 3.5, y: 9, width: 13, height: 9, rx: 2, fill: "#e8a92c" }], ["circle", { cx: 10, cy: 13, r: 1.5, fill: "#7a5205" }]];
const glass = [line("M5 2.5h10M5 17.5h10", "#8a6d3b"), ["path", { d: "M6 3h8c0 4-3 5-3 7s3 3 3 7H6c0-4 3-5 3-7S6 7 6 3z", fill: "#cfe6f5" }], ["path", { d: "M7.2 16.5c.3-2 2.8-2.6 2.8-4 0 1.4 2.5 2 2.8 4z", fill: "#e8a92c" }]];

const DRAWN = {
  "✅": [box("#1f9d57"), line("M5.8 10.3l2.9 3 5.6-6.4", "#fff")],
  "✔": [line("M4 10.5l4 4 8-9", "#1f9d57", 2.8)],
  "❌": [line("M4 4l12 12M16 4 4 16", "#d5344a", 3.2)],
  "⚠": [["path", { d: "M10 1.8 19 17.5H1z", fill: "#f2b824" }], line("M10 7.5v4.5M10 14.7v.1", "#4d3500")],
  "⛔": [["circle", { cx: 10, cy: 10, r: 8.5, fill: "#d5344a" }], line("M6 10h8", "#fff", 3)],
  "🔒": padlock("M6.5 9V6.5a3.5 3.5 0 0 1 7 0V9"),
  "🔓": padlock("M6.5 9V5.5a3.5 3.5 0 0 1 6.8-1.2"),
  "🔐": padlock("M6.5 9V6.5a3.5 3.5 0 0 1 7 0V9"),
  "🔑": [line("M9 11l7.5-7.5M13.5 6.5l2.5 2.5", "#e0a21f", 2.4), ["circle", { cx: 6.5, cy: 13.5, r: 3.2, fill: "none", stroke: "#e0a21f", "stroke-width": 2.6 }]],
  "⌛": glass,
  "⏳": glass,
  "🔴": dot("#d5344a"),
  "🟢": dot("#1f9d57"),
  "🟡": dot("#f2b824"),
  "🟠": dot("#ee7d22"),
  "🔵": dot("#2f7fd1"),
  "⚪": [["circle", { cx: 10, cy: 10, r: 7.5, fill: "#eef0f2", stroke: "#a5adb5", "stroke-width": 1 }]],
  "👤": [["circle", { cx: 10, cy: 6.5, r: 3.8, fill: "#5b6f86" }], ["path", { d: "M2.5 18c.5-5 3.7-6.5 7.5-6.5s7 1.5 7.5 6.5z", fill: "#5b6f86" }]],
  "🤖": [line("M10 2v3", "#5b6f86"), ["rect", { x: 3, y: 5, width: 14, height: 11.5, rx: 3, fill: "#8fa6bd" }], ["circle", { cx: 7.3, cy: 10, r: 1.5, fill: "#fff" }], ["circle", { cx: 12.7, cy: 10, r: 1.5, fill: "#fff" }], line("M7.5 13.5h5", "#fff", 1.4)],
  "💬": [["path", { d: "M2 3.5h16v10H10l-4 4v-4H2z", fill: "#8fb6dd" }], line("M5.5 7h9M5.5 10h6", "#fff", 1.5)],
  "✉": [["rect", { x: 1.5, y: 4, width: 17, height: 12, rx: 1.5, fill: "#dfe8f1" }], line("M2 5l8 6.5L18 5", "#6f8399", 1.5)],
  "📊": [["rect", { x: 1.5, y: 1.5, width: 17, height: 17, rx: 2, fill: "#eaf0f5" }], line("M6 15V9", "#1f9d57", 3), line("M10 15V5", "#2f7fd1", 3), line("M14 15v-4", "#d5344a", 3)],
  "💡": [["path", { d: "M10 1.8a5.7 5.7 0 0 0-3 10.5V14h6v-1.7a5.7 5.7 0 0 0-3-10.5z", fill: "#f6c945" }], line("M8 16h4M8.8 18h2.4", "#8a94a0", 1.6)],
  "🚨": [["path", { d: "M5 15a5 6 0 0 1 10 0z", fill: "#d5344a" }], ["rect", { x: 3, y: 15, width: 14, height: 3, rx: 1, fill: "#5b6f86" }], line("M10 2v3M3.5 5l2 2M16.5 5l-2 2", "#ee7d22", 1.6)],
  "👍": [["path", { d: "M7 9l3-6.5c1.6 0 2.2 1.2 1.9 2.5L11.5 8H16c1.2 0 1.9 1 1.6 2.1l-1.3 5.5c-.2.9-.9 1.4-1.8 1.4H7z", fill: "#f2b824" }], ["rect", { x: 2.5, y: 9, width: 3.5, height: 8.5, rx: 1, fill: "#2f7fd1" }]],
  "👎": [["path", { d: "M7 11l3 6.5c1.6 0 2.2-1.2 1.9-2.5L11.5 12H16c1.2 0 1.9-1 1.6-2.1l-1.3-5.5C16.1 3.5 15.4 3 14.5 3H7z", fill: "#f2b824" }], ["rect", { x: 2.5, y: 2.5, width: 3.5, height: 8.5, rx: 1, fill: "#2f7fd1" }]],
  "👀": [["ellipse", { cx: 6, cy: 10, rx: 4.2, ry: 6, fill: "#fff", stroke: "#5b6f86", "stroke-width": 1.2 }], ["ellipse", { cx: 14, cy: 10, rx: 4.2, ry: 6, fill: "#fff", stroke: "#5b6f86", "stroke-width": 1.2 }], ["circle", { cx: 7.2, cy: 11, r: 2, fill: "#22303c" }], ["circle", { cx: 15.2, cy: 11, r: 2, fill: "#22303c" }]],
  "🙂": [["circle", { cx: 10, cy: 10, r: 8.5, fill: "#f6c945" }], ["circle", { cx: 7, cy: 8.3, r: 1.1, fill: "#4d3500" }], ["circle", { cx: 13, cy: 8.3, r: 1.1, fill: "#4d3500" }], line("M6.5 12.3c1.8 2.2 5.2 2.2 7 0", "#4d3500", 1.3)],
  "ℹ": [box("#2f7fd1"), line("M10 9.2v5M10 6v.1", "#fff")],
  "📝": [["path", { d: "M3 1.5h10l3.5 3.5v13.5H3z", fill: "#eaf0f5" }], line("M6 7h7M6 10.5h7M6 14h4", "#6f8399", 1.4)],
  "🧪": [["path", { d: "M7.5 2h5v10a2.5 3.5 0 0 1-5 4z", fill: "#dfe8f1" }], ["path", { d: "M7.5 9h5v4.5a2.5 3 0 0 1-5 0z", fill: "#1f9d57" }], line("M6.5 2h7", "#8a94a0", 1.6)],
};

const PICTOGRAPH = /\p{Extended_Pictographic}️?/gu;

/** Make the node of an emoji by its Slack name, or null when the name is not in the set. */
export function emoji(name) {
  return CHARS[name] ? picture(CHARS[name], name.replaceAll("_", " ")) : null;
}

/** Split a plain text into text nodes and drawn emoji; `named` also reads `:names:` in it. */
export function withEmoji(text, named = false) {
  const nodes = [];
  const source = named ? text.replace(/:([a-z0-9_+-]{1,40}):/g, (all, name) => CHARS[name] || all) : text;
  let at = 0;
  for (const match of source.matchAll(PICTOGRAPH)) {
    if (!DRAWN[match[0].replace("\uFE0F", "")]) continue;
    nodes.push(source.slice(at, match.index), picture(match[0], null));
    at = match.index + match[0].length;
  }
  nodes.push(source.slice(at));
  return nodes.filter((node) => node !== "");
}

function picture(char, name) {
  const shapes = DRAWN[char.replace("\uFE0F", "")];
  const label = name || Object.keys(CHARS).find((key) => CHARS[key].replace("\uFE0F", "") === char.replace("\uFE0F", ""))?.replaceAll("_", " ");
  if (!shapes) return h("span", { class: "emoji", role: "img", "aria-label": label }, char);
  return h(
    "span",
    { class: "emoji", role: "img", "aria-label": label, title: label },
    svg("svg", { viewBox: "0 0 20 20", "aria-hidden": "true" }, ...shapes.map(([tag, attributes]) => svg(tag, attributes))),
  );
}
