// Turns one run of text, in Slack's mrkdwn or in Markdown, into DOM nodes. Both dialects share the scanner;
// a dialect is the list of marks that open and close an element. Text without a match stays text.

import { h, link } from "./dom.js";
import { emoji, withEmoji } from "./emoji.js";
import { slackDate } from "./format.js";

// No mark spans more characters than this, which keeps a hostile text of 40,000 stars quick to read.
const LONGEST_SPAN = 3000;
const WORD = /[\p{L}\p{N}]/u;

/** Marks of Slack's mrkdwn, longest first. */
export const MRKDWN = [["*", "strong"], ["_", "em"], ["~", "s"]];

/** Marks of Markdown, longest first. */
export const MARKDOWN = [["***", "strong", "em"], ["**", "strong"], ["__", "strong"], ["~~", "s"], ["*", "em"], ["_", "em"], ["~", "s"]];

/** Turn `&lt;`, `&gt;` and `&amp;` back into the characters they stand for. */
export function unescape(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

/** Turn one run of text into nodes; `env` knows the names of people and channels. */
export function inline(text, env, marks = MRKDWN) {
  const nodes = [];
  let plain = "";
  let at = 0;
  const flush = () => {
    if (plain) nodes.push(...withEmoji(unescape(plain)));
    plain = "";
  };
  while (at < text.length) {
    const hit = read(text, at, env, marks);
    if (hit) {
      flush();
      nodes.push(...[hit.node].flat());
      at += hit.length;
    } else {
      const step = marks === MARKDOWN && text[at] === "\\" && /[\\`*_~[\]()#+\-.!<>|{}]/.test(text[at + 1] || "") ? 1 : 0;
      plain += text[at + step];
      at += 1 + step;
    }
  }
  flush();
  return nodes;
}

function read(text, at, env, marks) {
  const char = text[at];
  if (char === "`") return readCode(text, at);
  if (char === "<") return readAngle(text, at, env);
  if (char === ":") return readEmoji(text, at);
  if (char === "h") return readUrl(text, at);
  if (char === "\n") return { node: h("br"), length: 1 };
  if (marks === MARKDOWN && (char === "[" || char === "!")) return readLink(text, at, env, marks);
  if ("*_~".includes(char)) return readMark(text, at, env, marks);
  return null;
}

function readCode(text, at) {
  const fence = /^`+/.exec(text.slice(at))[0];
  const end = text.indexOf(fence, at + fence.length);
  if (end < 0 || end === at + fence.length || text.slice(at, end).includes("\n")) return null;
  const code = unescape(text.slice(at + fence.length, end));
  return { node: h("code", {}, code), length: end + fence.length - at };
}

function readMark(text, at, env, marks) {
  if (marks === MRKDWN && text[at + 1] === text[at]) return null;
  if (at > 0 && WORD.test(text[at - 1]) && !(marks === MARKDOWN && text[at] === "*")) return null;
  for (const [mark, ...tags] of marks) {
    if (!text.startsWith(mark, at)) continue;
    const end = closing(text, at, mark);
    if (end < 0) continue;
    const inner = inline(text.slice(at + mark.length, end), env, marks);
    const node = tags.reduceRight((children, tag) => [h(tag, {}, ...children)], inner);
    return { node, length: end + mark.length - at };
  }
  return null;
}

function closing(text, at, mark) {
  const start = at + mark.length;
  if (/\s/.test(text[start] || " ")) return -1;
  for (let end = text.indexOf(mark, start + 1); end >= 0 && end - start < LONGEST_SPAN; end = text.indexOf(mark, end + 1)) {
    if (text.slice(start, end).includes("\n\n")) return -1;
    const tight = !/\s/.test(text[end - 1]);
    const after = text[end + mark.length] || "";
    if (tight && !WORD.test(after) && after !== mark[0]) return end;
  }
  return -1;
}

function readAngle(text, at, env) {
  const end = text.indexOf(">", at);
  if (end < 0) return null;
  const inside = text.slice(at + 1, end);
  const length = end + 1 - at;
  const bar = inside.indexOf("|");
  const target = bar < 0 ? inside : inside.slice(0, bar);
  const label = bar < 0 ? "" : unescape(inside.slice(bar + 1));
  const node = mention(target, label, env);
  return node && { node, length };
}

function mention(target, label, env) {
  let match = /^@([UWB][A-Z0-9]+)$/.exec(target);
  if (match) return personMention(match[1], env, label);
  match = /^#([CGD][A-Z0-9]+)$/.exec(target);
  if (match) return channelMention(match[1], env, label);
  match = /^!date\^(\d+)\^([^^]+)(?:\^.*)?$/.exec(target);
  if (match) return h("time", {}, slackDate(Number(match[1]), match[2]));
  match = /^!subteam\^(S[A-Z0-9]+)$/.exec(target);
  if (match) return groupMention(match[1], env, label);
  match = /^!(here|channel|everyone)$/.exec(target);
  if (match) return h("span", { class: "mention mention-me" }, `@${match[1]}`);
  if (/^(https?:\/\/|mailto:)/i.test(target)) return link(unescape(target), label || unescape(target).replace(/^mailto:/, ""));
  return null;
}

/** Show a person's name as a mention. */
export function personMention(id, env, label = "") {
  return h("span", { class: `mention${id === env.me ? " mention-me" : ""}` }, `@${env.nameOf(id) || label || id}`);
}

/** Show a user group as a mention; for its members it is highlighted. */
export function groupMention(id, env, label = "") {
  const group = env.groupOf(id);
  const mine = group?.users.includes(env.me);
  return h("span", { class: `mention${mine ? " mention-me" : ""}`, title: group?.name }, group ? `@${group.handle}` : label || "@group");
}

/** Show a channel's name as a mention that opens it. */
export function channelMention(id, env, label = "") {
  const name = `#${env.channelName(id) || label || id}`;
  if (!env.channelName(id)) return h("span", { class: "mention" }, name);
  return h("a", { class: "mention", href: env.hrefOf(id) }, name);
}

function readEmoji(text, at) {
  const match = /^:([a-z0-9_+-]+):/.exec(text.slice(at, at + 50));
  const node = match && emoji(match[1]);
  return node && { node, length: match[0].length };
}

function readUrl(text, at) {
  if (at > 0 && WORD.test(text[at - 1])) return null;
  const match = /^https?:\/\/[^\s<>|"]*[^\s<>|".,;:!?)\]'*_~]/.exec(text.slice(at, at + 3000));
  return match && { node: link(unescape(match[0])), length: match[0].length };
}

function readLink(text, at, env, marks) {
  const match = /^!?\[((?:[^[\]]|\[[^\]]*\])*)\]\(\s*<?([^\s)>]+)>?(?:\s+"[^"]*")?\s*\)/.exec(text.slice(at, at + 4000));
  if (!match) return null;
  return { node: link(unescape(match[2]), ...inline(match[1], env, marks)), length: match[0].length };
}
