// Makes the controls of Block Kit: buttons, menus, pickers and inputs. Each control is
// {node, read, focus}; `read` gives its value shaped as Slack shapes `view.state.values`.

import { h, icon, uid } from "./dom.js";
import { lineOf } from "./text.js";

/** Make the control of a block element, or null when the page does not know its type. */
export function control(element, env, at = {}) {
  const make = MAKERS[element.type];
  return make ? make(element, env, { ...at, action_id: element.action_id }) : null;
}

/** Return whether a control holds an answer that the person gives, and is not clicked. */
export function isInput(element) {
  return !["button", "feedback_buttons", "icon_button", "overflow", "image", "workflow_button"].includes(element.type);
}

const MAKERS = {
  button, feedback_buttons: feedback, icon_button: iconAction, overflow,
  plain_text_input: textInput("text"), email_text_input: textInput("email"), url_text_input: textInput("url"), number_input: numberInput,
  static_select: select, multi_static_select: multiSelect,
  users_select: entitySelect("selected_user", "initial_user", (env) => env.people()),
  conversations_select: entitySelect("selected_conversation", "initial_conversation", (env) => env.channels()),
  channels_select: entitySelect("selected_channel", "initial_channel", (env) => env.channels()),
  multi_users_select: entityMulti("selected_users", "initial_users", (env) => env.people()),
  multi_conversations_select: entityMulti("selected_conversations", "initial_conversations", (env) => env.channels()),
  radio_buttons: radios, checkboxes,
  datepicker: picker("date", "selected_date", "initial_date"), timepicker: picker("time", "selected_time", "initial_time"),
};

function say(object) {
  return object?.text || "";
}

/** Send an action; meanwhile the control shows that it is waiting and cannot be pressed again. */
async function act(node, element, env, at, payload) {
  if (node.getAttribute("aria-busy") === "true") return;
  if (element.confirm && !(await env.confirm(element.confirm))) return;
  node.setAttribute("aria-busy", "true");
  try {
    await env.act({ action_id: element.action_id, block_id: at.block_id, ...payload });
  } finally {
    node.removeAttribute("aria-busy");
  }
}

function hooks(element) {
  return { "data-action-id": element.action_id || null };
}

function button(element, env, at) {
  const style = element.style ? ` button-${element.style}` : "";
  const props = { class: `button${style}`, "aria-label": element.accessibility_label, title: element.accessibility_label, "data-value": element.value, ...hooks(element) };
  const press = () => act(node, element, env, at, { value: element.value });
  const node = /^https?:\/\//.test(element.url || "")
    ? h("a", { ...props, href: element.url, target: "_blank", rel: "noopener noreferrer", onclick: press }, ...lineOf(element.text, env), icon("link"))
    : h("button", { type: "button", ...props, onclick: press }, ...lineOf(element.text, env));
  return { node };
}

function feedback(element, env, at) {
  const sides = [[element.positive_button, "thumb-up"], [element.negative_button, "thumb-down"]];
  const buttons = sides.map(([side, look]) => {
    const label = side?.accessibility_label || say(side?.text);
    const press = async () => {
      await act(node, element, env, at, { value: side.value });
      buttons.forEach((other) => other.setAttribute("aria-pressed", String(other === node)));
    };
    const node = h("button", { type: "button", class: `feedback ${look}`, "aria-label": label, title: say(side?.text) || label, "aria-pressed": "false", "data-value": side?.value, ...hooks(element), onclick: press }, icon("thumb"));
    return node;
  });
  return { node: h("span", { class: "feedback-pair", role: "group", "aria-label": "Was this helpful?" }, ...buttons) };
}

function iconAction(element, env, at) {
  if (element.visible_to_user_ids && !element.visible_to_user_ids.includes(env.me)) return { node: h("span") };
  const label = element.accessibility_label || say(element.text);
  const node = h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, ...hooks(element), onclick: () => act(node, element, env, at, { value: element.value }) }, icon(element.icon === "trash" ? "trash" : "bolt"));
  return { node };
}

function overflow(element, env, at) {
  const choose = (option) => act(node, element, env, at, { value: option.value, selected: option });
  const items = (element.options || []).map((option) => ({ label: say(option.text), onclick: () => choose(option) }));
  const node = h("button", { type: "button", class: "icon-button", "aria-label": "More actions", "aria-haspopup": "menu", ...hooks(element), onclick: () => env.menu(node, items) }, icon("more"));
  return { node };
}

/** Wrap an input: outside an `input` block every change is an action of its own. */
function answering(node, element, env, at, read) {
  if (at.dispatch) node.addEventListener("change", () => act(node, element, env, at, chosen(read())));
  return { node, read, focus: () => (node.matches("input,select,textarea") ? node : node.querySelector("input,select,textarea")).focus() };
}

/** Return a choice in the form of an act: a text as `value`; an option, an id or a list as `selected`. */
function chosen({ type: _type, ...state }) {
  const [[key, value]] = Object.entries(state);
  return key === "value" ? { value } : { selected: value };
}

function textInput(kind) {
  return (element, env, at) => {
    const past = at.state?.value ?? element.initial_value ?? "";
    const props = { class: "input", id: at.id, value: past, placeholder: say(element.placeholder) || null, maxlength: element.max_length, "data-action-id": element.action_id, autofocus: element.focus_on_load };
    const node = element.multiline ? h("textarea", { ...props, rows: "4" }) : h("input", { ...props, type: kind, autocomplete: "off" });
    return answering(node, element, env, at, () => ({ type: element.type, value: node.value === "" ? null : node.value }));
  };
}

function numberInput(element, env, at) {
  const past = at.state?.value ?? element.initial_value ?? "";
  const step = element.is_decimal_allowed ? "any" : "1";
  const node = h("input", { class: "input input-short", type: "number", id: at.id, value: past, step, min: element.min_value, max: element.max_value, placeholder: say(element.placeholder) || null, "data-action-id": element.action_id });
  return answering(node, element, env, at, () => ({ type: element.type, value: node.value === "" ? null : node.value }));
}

function picker(kind, key, initial) {
  return (element, env, at) => {
    const node = h("input", { class: "input input-short", type: kind, id: at.id, value: at.state?.[key] ?? element[initial] ?? "", "data-action-id": element.action_id, "aria-label": at.id ? null : say(element.placeholder) || kind });
    return answering(node, element, env, at, () => ({ type: element.type, [key]: node.value || null }));
  };
}

function allOptions(element) {
  return element.options || (element.option_groups || []).flatMap((group) => group.options);
}

function select(element, env, at) {
  const options = allOptions(element);
  const past = at.state ? at.state.selected_option : element.initial_option;
  const one = (option) => h("option", { value: String(options.indexOf(option)), selected: past?.value === option.value }, option.description ? `${say(option.text)} (${say(option.description)})` : say(option.text));
  const groups = element.option_groups ? element.option_groups.map((group) => h("optgroup", { label: say(group.label) }, ...group.options.map(one))) : options.map(one);
  const first = h("option", { value: "", selected: !past }, say(element.placeholder) || "Choose an option");
  const node = h("select", { class: "input input-select", id: at.id, "data-action-id": element.action_id, "aria-label": at.id ? null : say(element.placeholder) || "Choose an option" }, first, ...groups);
  return answering(node, element, env, at, () => ({ type: element.type, selected_option: node.value === "" ? null : options[Number(node.value)] }));
}

function entitySelect(key, initial, list) {
  return (element, env, at) => {
    const past = at.state?.[key] ?? element[initial];
    const first = h("option", { value: "", selected: !past }, say(element.placeholder) || "Choose");
    const node = h("select", { class: "input input-select", id: at.id, "data-action-id": element.action_id, "aria-label": at.id ? null : say(element.placeholder) || "Choose" }, first, ...list(env).map(({ id, name }) => h("option", { value: id, selected: id === past }, name)));
    return answering(node, element, env, at, () => ({ type: element.type, [key]: node.value || null }));
  };
}

/** Make a list of checkboxes or radio buttons; `type` is the native input type. */
function choices(type, element, at, entries, picked) {
  const name = uid("choice");
  return entries.map((entry, index) => {
    const id = uid("choice");
    const input = h("input", { type, id, name, value: String(index), checked: picked.includes(entry.value), "aria-describedby": entry.note ? `${id}-note` : null });
    const note = entry.note && h("span", { class: "choice-note", id: `${id}-note` }, ...entry.note);
    return h("div", { class: "choice" }, input, h("label", { for: id }, ...entry.label), note);
  });
}

function optionEntries(options, env) {
  return options.map((option) => ({ value: option.value, label: lineOf(option.text, env), note: option.description ? lineOf(option.description, env) : null }));
}

function pickedOf(node) {
  return [...node.querySelectorAll("input:checked")].map((input) => Number(input.value));
}

function radios(element, env, at) {
  const options = allOptions(element);
  const past = at.state ? at.state.selected_option : element.initial_option;
  const node = h("div", { class: "choices", role: "radiogroup", "aria-labelledby": at.labelId, "data-action-id": element.action_id }, ...choices("radio", element, at, optionEntries(options, env), past ? [past.value] : []));
  return answering(node, element, env, at, () => ({ type: element.type, selected_option: options[pickedOf(node)[0]] ?? null }));
}

function boxes(element, env, at, options) {
  const past = (at.state ? at.state.selected_options : element.initial_options) || [];
  const node = h("div", { class: "choices", role: "group", "aria-labelledby": at.labelId, "data-action-id": element.action_id }, ...choices("checkbox", element, at, optionEntries(options, env), past.map((option) => option.value)));
  return answering(node, element, env, at, () => ({ type: element.type, selected_options: pickedOf(node).map((index) => options[index]) }));
}

function checkboxes(element, env, at) {
  return boxes(element, env, at, allOptions(element));
}

function multiSelect(element, env, at) {
  return boxes(element, env, at, allOptions(element));
}

function entityMulti(key, initial, list) {
  return (element, env, at) => {
    const entries = list(env).map(({ id, name }) => ({ value: id, label: [name], note: null }));
    const past = at.state?.[key] ?? element[initial] ?? [];
    const node = h("div", { class: "choices choices-scroll", role: "group", "aria-labelledby": at.labelId, "data-action-id": element.action_id }, ...choices("checkbox", element, at, entries, past));
    return answering(node, element, env, at, () => ({ type: element.type, [key]: pickedOf(node).map((index) => entries[index].value) }));
  };
}
