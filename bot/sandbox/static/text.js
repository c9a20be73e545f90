// Turns whole texts into blocks of nodes: Slack's mrkdwn (message text, text objects) and Markdown
// (markdown blocks, streamed answers). Lines are first sorted into paragraphs, lists, quotes and code.

import { h } from "./dom.js";
import { withEmoji } from "./emoji.js";
import { inline, MARKDOWN, MRKDWN, unescape } from "./inline.js";

const DEEPEST_QUOTE = 5;
const RULE = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;
const ITEM = /^(\s*)(?:([•◦▪*+-])|(\d{1,9})[.)])\s+(.*)$/;

/** Turn Slack mrkdwn into nodes. */
export function mrkdwn(text, env) {
  return blocks(text || "", env, { marks: MRKDWN, item: /^(\s*)(?:([•◦▪-])|(\d{1,9})\.)\s+(.*)$/, rich: false });
}

/** Turn Markdown into nodes. */
export function markdown(text, env) {
  return blocks(text || "", env, { marks: MARKDOWN, item: ITEM, rich: true });
}

/** Turn a Slack text object (plain_text or mrkdwn) into nodes. */
export function textObject(object, env) {
  if (!object) return [];
  if (typeof object === "string") return mrkdwn(object, env);
  return object.type === "mrkdwn" ? mrkdwn(object.text, env) : plainLines(object.text || "");
}

/** Turn a text object into nodes that fit inside one line (a label, an option, a button). */
export function lineOf(object, env) {
  if (!object) return [];
  if (typeof object === "string") return plainLines(object);
  return object.type === "mrkdwn" ? inline(object.text, env) : plainLines(object.text || "");
}

function plainLines(text) {
  const parts = [];
  text.split("\n").forEach((line, index) => {
    if (index) parts.push(h("br"));
    parts.push(...withEmoji(line, true));
  });
  return parts;
}

function blocks(text, env, dialect, depth = 0) {
  const nodes = [];
  const lines = text.replace(/\r\n?/g, "\n").split("\n");
  let paragraph = [];
  const flush = () => {
    while (paragraph.length && !paragraph.at(-1).trim()) paragraph.pop();
    if (paragraph.length) nodes.push(h("p", {}, ...inline(paragraph.join("\n"), env, dialect.marks)));
    paragraph = [];
  };
  for (let at = 0; at < lines.length; ) {
    const taken = fence(lines, at) || quote(lines, at, env, dialect, depth) || list(lines, at, env, dialect) || (dialect.rich && richBlock(lines, at, env, dialect));
    if (taken) {
      flush();
      nodes.push(taken.node);
      at += taken.lines;
    } else {
      if (!lines[at].trim()) flush();
      else paragraph.push(dialect.rich ? lines[at].trimStart() : lines[at]);
      at += 1;
    }
  }
  flush();
  return nodes;
}

function fence(lines, at) {
  const open = /^\s*```([\w+-]*)(.*)$/.exec(lines[at]);
  if (!open) return null;
  const single = /^\s*```(.+)```\s*$/.exec(lines[at]);
  if (single) return { node: codeBlock(single[1]), lines: 1 };
  const body = open[2] ? [open[1] + open[2]] : [];
  let end = at + 1;
  while (end < lines.length && !lines[end].includes("```")) body.push(lines[end++]);
  if (end < lines.length) {
    const last = lines[end].slice(0, lines[end].indexOf("```"));
    if (last) body.push(last);
  }
  return { node: codeBlock(body.join("\n")), lines: end + 1 - at };
}

function codeBlock(code) {
  return h("pre", { tabindex: "0" }, h("code", {}, unescape(code)));
}

function quote(lines, at, env, dialect, depth) {
  if (depth >= DEEPEST_QUOTE) return null;
  const mark = /^\s*(?:>|&gt;)\s?(.*)$/;
  const body = [];
  let end = at;
  for (; end < lines.length; end++) {
    const match = mark.exec(lines[end]);
    if (!match) break;
    body.push(match[1]);
  }
  return end > at && { node: h("blockquote", {}, ...blocks(body.join("\n"), env, dialect, depth + 1)), lines: end - at };
}

function list(lines, at, env, dialect) {
  const first = dialect.item.exec(lines[at]);
  if (!first) return null;
  const indent = first[1].length;
  const ordered = Boolean(first[3]);
  const items = [];
  let end = at;
  while (end < lines.length) {
    const match = dialect.item.exec(lines[end]);
    if (match && match[1].length < indent) break;
    if (match && match[1].length < indent + 2) {
      if (Boolean(match[3]) !== ordered) break;
      items.push(h("li", {}, ...inline(match[4], env, dialect.marks)));
      end += 1;
    } else if (match) {
      const nested = list(lines, end, env, dialect);
      items.at(-1).append(nested.node);
      end += nested.lines;
    } else if (lines[end].trim() && /^\s{2,}/.test(lines[end])) {
      items.at(-1).append(" ", ...inline(lines[end].trim(), env, dialect.marks));
      end += 1;
    } else break;
  }
  const start = ordered && first[3] !== "1" ? first[3] : null;
  return { node: h(ordered ? "ol" : "ul", { start }, ...items), lines: end - at };
}

function richBlock(lines, at, env, dialect) {
  const heading = /^\s{0,3}(#{1,6})\s+(.+?)\s*#*$/.exec(lines[at]);
  if (heading) return { node: h("p", { class: `md-h md-h${Math.min(heading[1].length, 3)}`, role: "heading", "aria-level": "4" }, ...inline(heading[2], env, dialect.marks)), lines: 1 };
  if (/^\s{0,3}([-*_])(\s*\1){2,}\s*$/.test(lines[at])) return { node: h("hr"), lines: 1 };
  const rule = lines[at + 1] || "";
  if (lines[at].includes("|") && rule.includes("-") && RULE.test(rule)) return gfmTable(lines, at, env, dialect);
  return null;
}

function gfmTable(lines, at, env, dialect) {
  const cells = (line) => line.trim().replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
  const aligns = cells(lines[at + 1]).map((cell) => (cell.endsWith(":") ? (cell.startsWith(":") ? "center" : "right") : "left"));
  const row = (line, tag) =>
    h("tr", {}, ...cells(line).map((cell, index) => h(tag, { class: `align-${aligns[index] || "left"}`, scope: tag === "th" ? "col" : null }, ...inline(cell, env, dialect.marks))));
  let end = at + 2;
  while (end < lines.length && lines[end].includes("|")) end++;
  const table = h("table", {}, h("thead", {}, row(lines[at], "th")), h("tbody", {}, ...lines.slice(at + 2, end).map((line) => row(line, "td"))));
  return { node: h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Table" }, table), lines: end - at };
}
