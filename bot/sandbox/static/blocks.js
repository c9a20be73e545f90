// Renders Block Kit. `renderBlocks` returns the nodes of a list of blocks; `env` says on which surface they
// are, knows names, and passes what a person does with them to the page.

import { chart } from "./charts.js";
import { h, icon, link, uid } from "./dom.js";
import { control, isInput } from "./elements.js";
import { inline } from "./inline.js";
import { richText } from "./richtext.js";
import { dataTable, table } from "./tables.js";
import { lineOf, markdown, mrkdwn, textObject } from "./text.js";

/** Render blocks in order; `env.fields` (a Map) collects the inputs by block id when it is given. */
export function renderBlocks(blocks, env) {
  return (blocks || []).map((block, index) => renderBlock(block, env, index)).filter(Boolean);
}

function renderBlock(block, env, index) {
  const make = BLOCKS[block.type];
  const body = make ? make(block, env, block.block_id || String(index)) : [unknown(block)];
  const node = h("div", { class: `block block-${block.type}`, "data-block-id": block.block_id || null }, ...[body].flat().filter(Boolean));
  if (env.surface !== "message" || block.type !== "table") return node;
  node.classList.add("block-wide");
  return node;
}

const BLOCKS = {
  section, header, context, actions, image, input, container, alert, card, plan, video,
  context_actions: (block, env) => h("div", { class: "row" }, ...elementsOf(block.elements, block, env)),
  divider: () => h("hr"),
  markdown: (block, env) => markdown(block.text, env),
  rich_text: (block, env) => richText(block, env),
  table: (block, env) => table(block, env),
  data_table: (block, env) => dataTable(block, { ...env, element: (element) => one(element, block, env) }),
  data_visualization: (block) => chart(block),
  task_card: (block, env) => h("ol", { class: "tasks" }, task(block, env)),
  carousel: (block, env) => h("div", { class: "carousel", role: "group", tabindex: "0", "aria-label": "Cards" }, ...(block.elements || []).map((item) => card(item, env))),
  file: () => h("span", { class: "chip" }, icon("file"), "Remote file"),
};

function unknown(block) {
  return h("p", { class: "unknown" }, `This page cannot show a block of type ${block.type}.`);
}

function one(element, block, env) {
  if (element.type === "image") return picture(element, "small");
  if (element.type === "mrkdwn" || element.type === "plain_text") return h("span", {}, ...lineOf(element, env));
  const made = control(element, env, { block_id: block.block_id, dispatch: true, state: env.stateOf?.(block.block_id, element.action_id) });
  if (!made) return h("span", { class: "unknown" }, element.type);
  if (made.read && isInput(element)) env.fields?.set(`${block.block_id} ${element.action_id}`, { block, element, read: made.read, focus: made.focus, node: made.node });
  return made.node;
}

function elementsOf(elements, block, env) {
  return (elements || []).map((element) => one(element, block, env));
}

function section(block, env) {
  const text = block.text && h("div", { class: "section-text" }, ...textObject(block.text, env));
  const fields = block.fields && h("div", { class: "fields" }, ...block.fields.map((field) => h("div", { class: "field" }, ...textObject(field, env))));
  const accessory = block.accessory && h("div", { class: "accessory" }, one(block.accessory, block, env));
  return h("div", { class: "section" }, h("div", { class: "section-main" }, text, fields), accessory);
}

function header(block, env) {
  return h("h3", {}, ...lineOf(block.text, env));
}

function context(block, env) {
  return h("div", { class: "context" }, ...(block.elements || []).map((element) => (element.type === "image" ? picture(element, "tiny") : h("span", {}, ...lineOf(element, env)))));
}

function actions(block, env) {
  return h("div", { class: "row" }, ...elementsOf(block.elements, block, env));
}

// The page loads nothing from elsewhere, so an image is shown as its alternative text and its address.
function picture(element, size) {
  const label = element.alt_text || "Image";
  return h("span", { class: `picture picture-${size}`, role: "img", "aria-label": label, title: label }, icon("image"), size === "large" && h("span", {}, label));
}

function image(block, env) {
  return [block.title && h("p", { class: "caption" }, ...lineOf(block.title, env)), picture(block, "large"), block.image_url && h("p", { class: "caption" }, link(block.image_url))];
}

function video(block, env) {
  return [h("p", {}, h("strong", {}, ...lineOf(block.title, env))), picture(block, "large"), block.title_url && link(block.title_url)];
}

function container(block, env, key) {
  const title = block.rich_text_title ? richText(block.rich_text_title, env) : lineOf(block.title, env);
  const head = [h("span", { class: "container-title" }, ...title), block.subtitle && h("span", { class: "container-subtitle" }, ...lineOf(block.subtitle, env))];
  const body = () => h("div", { class: "container-body" }, ...renderBlocks(block.child_blocks, env));
  if (!block.is_collapsible) return h("section", { class: "container" }, h("div", { class: `container-head${block.has_header_divider ? " ruled" : ""}` }, ...head), body());
  const name = `${env.key || ""}/${key}`;
  const open = env.unfolded?.get(name) ?? !block.default_collapsed;
  const ontoggle = (event) => env.unfolded?.set(name, event.target.open);
  return h("details", { class: "container", open, ontoggle }, h("summary", { class: "container-head" }, icon("chevron"), ...head), body());
}

const ALERT_ICONS = { default: "info", info: "info", warning: "alert", error: "error", success: "check" };

function alert(block, env) {
  const level = block.level in ALERT_ICONS ? block.level : "default";
  return h("div", { class: `alert alert-${level}`, role: "note" }, icon(ALERT_ICONS[level]), h("div", {}, ...textObject(block.text, env)));
}

function card(block, env) {
  const words = [["title", "card-title"], ["subtitle", "card-subtitle"], ["body", "card-body"]];
  return h(
    "div",
    { class: "card" },
    block.hero_image && picture(block.hero_image, "large"),
    h("div", { class: "card-words" }, block.icon && picture(block.icon, "small"), ...words.map(([key, look]) => block[key] && h("div", { class: look }, ...lineOf(block[key], env)))),
    block.actions && h("div", { class: "row" }, ...elementsOf(block.actions, block, env)),
  );
}

function input(block, env) {
  const element = block.element || {};
  const id = uid("field");
  const labelId = `${id}-label`;
  const made = control(element, env, { id, labelId, block_id: block.block_id, dispatch: Boolean(block.dispatch_action), state: env.stateOf?.(block.block_id, element.action_id) });
  if (!made) return unknown(element);
  const label = [...lineOf(block.label, env), block.optional && h("span", { class: "optional" }, " (optional)")];
  const group = made.node.matches(".choices");
  const error = h("p", { class: "field-error", id: `${id}-error`, hidden: true });
  const hint = block.hint && h("p", { class: "hint", id: `${id}-hint` }, ...lineOf(block.hint, env));
  if (hint) made.node.setAttribute("aria-describedby", `${id}-hint`);
  if (!block.optional && !group) made.node.setAttribute("aria-required", "true");
  env.fields?.set(`${block.block_id} ${element.action_id}`, { block, element, read: made.read, focus: made.focus, node: made.node, error });
  return [group ? h("div", { class: "label", id: labelId }, ...label) : h("label", { class: "label", for: id, id: labelId }, ...label), made.node, error, hint];
}

const TASK_WORDS = { pending: "Waiting", in_progress: "In progress", complete: "Done", error: "Failed" };

function plan(block, env) {
  const tasks = block.tasks || [];
  const done = tasks.filter((item) => item.status === "complete").length;
  const title = typeof block.title === "string" ? [block.title] : lineOf(block.title, env);
  return h("section", { class: "plan" }, h("div", { class: "plan-head" }, h("strong", {}, ...title), tasks.length > 0 && h("span", { class: "muted" }, `${done} of ${tasks.length}`)), h("ol", { class: "tasks" }, ...tasks.map((item) => task(item, env))));
}

function task(item, env) {
  const status = item.status in TASK_WORDS ? item.status : "pending";
  const prose = (value) => value && (typeof value === "string" ? mrkdwn(value, env) : richText(value, env));
  const details = [item.details, item.output].filter(Boolean).map((value) => h("div", { class: "task-details" }, ...prose(value)));
  const sources = (item.sources || []).map((source) => link(source.url || "", source.text || source.url || ""));
  const mark = { complete: "check", error: "close" }[status];
  return h(
    "li",
    { class: `task task-${status}` },
    h("span", { class: "task-mark", role: "img", "aria-label": TASK_WORDS[status] }, mark && icon(mark)),
    h("div", {}, h("div", { class: "task-title" }, ...inline(typeof item.title === "string" ? item.title : item.title?.text || "", env)), ...details, sources.length > 0 && h("div", { class: "task-details" }, ...sources)),
  );
}
