// Renders rich_text blocks: the structured text that Slack's own composer makes.

import { h, link } from "./dom.js";
import { emoji, withEmoji } from "./emoji.js";
import { slackDate } from "./format.js";
import { channelMention, groupMention, personMention } from "./inline.js";

const STYLES = [["code", "code"], ["bold", "strong"], ["italic", "em"], ["strike", "s"], ["underline", "u"]];

/** Turn a rich_text block into nodes; neighbouring lists are nested by their indent. */
export function richText(block, env) {
  const nodes = [];
  for (const element of block.elements || []) {
    const last = nodes.at(-1);
    if (element.type === "rich_text_list" && element.indent > 0 && /^[OU]L$/.test(last?.tagName || "")) nest(last, element, env);
    else nodes.push(part(element, env));
  }
  return nodes;
}

function part(element, env) {
  switch (element.type) {
    case "rich_text_list":
      return list(element, env);
    case "rich_text_quote":
      return h("blockquote", {}, h("p", {}, ...run(element, env)));
    case "rich_text_preformatted":
      return h("pre", { tabindex: "0" }, h("code", {}, ...run(element, env)));
    default:
      return h("p", {}, ...run(element, env));
  }
}

function list(element, env) {
  const start = element.offset ? element.offset + 1 : null;
  const items = (element.elements || []).map((item) => h("li", {}, ...run(item, env)));
  return h(element.style === "ordered" ? "ol" : "ul", { start }, ...items);
}

function nest(root, element, env) {
  let parent = root;
  for (let level = 1; level < element.indent; level++) {
    const deeper = parent.lastElementChild?.querySelector(":scope > ul, :scope > ol");
    if (!deeper) break;
    parent = deeper;
  }
  parent.lastElementChild.append(list(element, env));
}

function run(element, env) {
  return (element.elements || []).flatMap((leaf) => styled(leafOf(leaf, env), leaf.style));
}

function leafOf(leaf, env) {
  switch (leaf.type) {
    case "text":
      return lines(leaf.text || "");
    case "link":
      return [link(leaf.url || "", leaf.text || leaf.url || "")];
    case "user":
      return [personMention(leaf.user_id, env)];
    case "channel":
      return [channelMention(leaf.channel_id, env)];
    case "emoji":
      return [emoji(leaf.name) || `:${leaf.name}:`];
    case "date":
      return [h("time", {}, leaf.fallback && !leaf.format ? leaf.fallback : slackDate(leaf.timestamp, leaf.format))];
    case "broadcast":
      return [h("span", { class: "mention mention-me" }, `@${leaf.range}`)];
    case "usergroup":
      return [groupMention(leaf.usergroup_id, env)];
    default:
      return [leaf.text || leaf.value || ""];
  }
}

function lines(text) {
  return text.split("\n").flatMap((line, index) => (index ? [h("br"), ...withEmoji(line)] : withEmoji(line)));
}

function styled(nodes, style) {
  if (!style) return nodes;
  return STYLES.reduce((inner, [flag, tag]) => (style[flag] ? [h(tag, {}, ...inner)] : inner), nodes);
}
