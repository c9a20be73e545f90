// The things that float above the page: menus, toasts, the confirm dialog and the modal of a view.
// Dialogs are native <dialog> elements, which keep the focus inside and close on Escape.

import { renderBlocks } from "./blocks.js";
import { h, icon, iconButton, put } from "./dom.js";
import { lineOf, textObject } from "./text.js";

const TOAST_MS = 9000;

/** Open a menu beside a button; `items` are {label, icon?, danger?, onclick}. */
export function openMenu(anchor, items) {
  const close = (refocus) => {
    menu.remove();
    document.removeEventListener("pointerdown", outside, true);
    anchor.setAttribute("aria-expanded", "false");
    if (refocus) nowDrawn(anchor)?.focus();
  };
  const outside = (event) => !menu.contains(event.target) && close(false);
  const entry = (item) => h("button", { type: "button", role: "menuitem", class: item.danger ? "danger" : null, onclick: () => { close(true); item.onclick(); } }, item.icon && icon(item.icon), item.label);
  const menu = h("div", { class: "menu", role: "menu", popover: "manual", "data-testid": "menu" }, ...items.map(entry));
  menu.addEventListener("keydown", (event) => menuKey(event, menu, close));
  (anchor.closest("dialog") || document.body).append(menu);
  menu.showPopover();
  place(menu, anchor);
  anchor.setAttribute("aria-expanded", "true");
  document.addEventListener("pointerdown", outside, true);
  menu.firstElementChild?.focus();
}

/** Return a button as it is on the page now: what is around it may have been drawn anew while its menu was open. */
function nowDrawn(button) {
  const { testid } = button.dataset;
  return button.isConnected || !testid ? button : document.querySelector(`[data-testid="${CSS.escape(testid)}"]`);
}

function menuKey(event, menu, close) {
  const items = [...menu.children];
  const at = items.indexOf(document.activeElement);
  const moves = { ArrowDown: at + 1, ArrowUp: at - 1 + items.length, Home: 0, End: items.length - 1 };
  if (event.key in moves) items[moves[event.key] % items.length].focus();
  else if (event.key === "Escape" || event.key === "Tab") close(true);
  else return;
  event.preventDefault();
  event.stopPropagation();
}

function place(menu, anchor) {
  const from = anchor.getBoundingClientRect();
  const { width, height } = menu.getBoundingClientRect();
  const below = from.bottom + 4 + height < window.innerHeight;
  menu.style.setProperty("left", `${Math.max(8, Math.min(from.right - width, window.innerWidth - width - 8))}px`);
  menu.style.setProperty("top", `${below ? from.bottom + 4 : Math.max(8, from.top - height - 4)}px`);
}

/** Show a short notice; it stays long enough to be read, and can be closed. */
export function toast(text, level = "warning") {
  const region = document.getElementById("toasts");
  const note = h("div", { class: `toast toast-${level}`, "data-testid": "toast" }, icon(level === "info" ? "info" : "alert"), h("span", {}, text), iconButton("close", "Close this notice", () => note.remove()));
  region.append(note);
  region.hidePopover();
  region.showPopover();
  setTimeout(() => note.remove(), TOAST_MS);
}

/** Show the dialog that `build(done)` makes; resolves to what `done` is called with, or to `left` if it is closed. */
function ask(build, left) {
  return new Promise((resolve) => {
    const done = (answer) => {
      dialog.close();
      dialog.remove();
      resolve(answer);
    };
    const dialog = build(done);
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      done(left);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Return a dialog with a title, fields and a button; `read` returns its result. */
function form(title, fields, save, done, read) {
  const foot = h("footer", { class: "dialog-foot" }, h("button", { type: "button", class: "button", onclick: () => done(null) }, "Cancel"), h("button", { type: "submit", class: "button button-primary", "data-testid": save.testid }, save.label));
  const parts = [h("header", { class: "dialog-head" }, h("h2", {}, title)), h("div", { class: "dialog-body" }, ...fields), foot];
  return h("dialog", { class: "dialog", "aria-label": title }, h("form", { onsubmit: (event) => { event.preventDefault(); done(read()); } }, ...parts));
}

/** Ask the question of a Block Kit confirm object (or a plain one); resolves to true for yes. */
export function confirm(question, env) {
  return ask((done) => h(
    "dialog",
    { class: "dialog dialog-small", "data-testid": "confirm", "aria-label": question.title?.text || "Please confirm" },
    h("h2", {}, ...lineOf(question.title, env)),
    h("div", { class: "dialog-body" }, ...textObject(question.text, env)),
    h("div", { class: "dialog-foot" }, h("button", { type: "button", class: "button", onclick: () => done(false) }, ...lineOf(question.deny || { text: "Cancel" }, env)), h("button", { type: "button", class: `button button-${question.style || "primary"}`, "data-testid": "confirm-yes", onclick: () => done(true) }, ...lineOf(question.confirm || { text: "Yes" }, env))),
  ), false);
}

/** Let a person change a text; resolves to the new text, or null when they leave it. */
export function editText(title, text) {
  const box = h("textarea", { class: "input", rows: "5", value: text, "aria-label": title, "data-testid": "edit-box" });
  const answer = ask((done) => {
    box.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      done(box.value);
    });
    return form(title, [box], { testid: "edit-save", label: "Save" }, done, () => box.value);
  }, null);
  box.focus();
  return answer;
}

/** Ask where to forward a message to, and with which text; resolves to {channel, text}, or null. */
export function chooseForward(places) {
  const where = h("select", { class: "input", "aria-label": "Forward to", "data-testid": "forward-to" }, ...places.map((one) => h("option", { value: one.value }, one.label)));
  const box = h("textarea", { class: "input", rows: "3", "aria-label": "Add a message", placeholder: "Add a message, if you like", "data-testid": "forward-text" });
  const save = { testid: "forward-send", label: "Forward" };
  const answer = ask((done) => form("Forward message", [where, box], save, done, () => ({ channel: where.value, text: box.value })), null);
  box.focus();
  return answer;
}

let shown = null;

/** Show, update or close the modal so that it matches the view; `hooks` are {env, submit, close}. */
export function showView(view, hooks) {
  const signature = view && JSON.stringify([view.id, view.hash, view.title, view.blocks, view.submit, view.close]);
  if (!view || view.type === "home") return closeShown();
  if (shown && shown.signature === signature) return tellErrors(shown, view.errors);
  const kept = shown && shown.id === view.id ? valuesOf(shown) : {};
  const trigger = shown ? shown.trigger : document.activeElement;
  const fields = new Map();
  const stateOf = (block, action) => kept[block]?.[action] || (view.state?.values || view.state || {})[block]?.[action] || null;
  const env = { ...hooks.env, surface: "modal", fields, stateOf };
  const dialog = shown?.dialog || newDialog();
  shown = { id: view.id, signature, fields, dialog, hooks, trigger, view };
  fillDialog(shown, env);
  if (!dialog.open) dialog.showModal();
  const first = [...fields.values()][0];
  if (first && !dialog.contains(document.activeElement?.closest(".dialog-body"))) first.focus();
  return tellErrors(shown, view.errors);
}

/** Show what the app objects to once: the focus would go back to it whenever the page is drawn. */
function tellErrors(current, errors) {
  if (JSON.stringify(errors) === current.told) return;
  current.told = JSON.stringify(errors);
  showErrors(current, errors);
}

function newDialog() {
  const dialog = h("dialog", { class: "dialog", "data-testid": "modal", "aria-labelledby": "modal-title" });
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    shown?.hooks.close(shown.view);
  });
  document.body.append(dialog);
  return dialog;
}

function fillDialog(current, env) {
  const { view, hooks, dialog } = current;
  const needsAnswer = view.submit || [...(view.blocks || [])].some((block) => block.type === "input");
  const form = h(
    "form",
    { novalidate: true, onsubmit: (event) => { event.preventDefault(); submit(current); } },
    h("header", { class: "dialog-head" }, h("h2", { id: "modal-title" }, ...lineOf(view.title || { text: "" }, env)), iconButton("close", "Close", () => hooks.close(view), { "data-testid": "modal-x" })),
    h("div", { class: "dialog-body" }, ...renderBlocks(view.blocks, env)),
    h("p", { class: "form-error", role: "alert", hidden: true }),
    h("footer", { class: "dialog-foot" }, h("button", { type: "button", class: "button", "data-testid": "modal-close", onclick: () => hooks.close(view) }, ...lineOf(view.close || { text: needsAnswer ? "Cancel" : "Close" }, env)), needsAnswer && h("button", { type: "submit", class: "button button-primary", "data-testid": "modal-submit" }, ...lineOf(view.submit || { text: "Submit" }, env))),
  );
  put(dialog, form);
}

/** Return the values of a form, in Slack's format of `view.state.values`. */
export function valuesOf({ fields }) {
  const values = {};
  for (const { block, element, read } of fields.values()) (values[block.block_id] ||= {})[element.action_id] = read();
  return values;
}

async function submit(current) {
  const missing = Object.fromEntries([...current.fields.values()].filter(unanswered).map(({ block }) => [block.block_id, "Please complete this required field."]));
  if (Object.keys(missing).length) return showErrors(current, missing);
  const button = current.dialog.querySelector("[data-testid=modal-submit]");
  button.setAttribute("aria-busy", "true");
  formError(current, "");
  const { errors, message } = await current.hooks.submit(current.view, valuesOf(current));
  button.removeAttribute("aria-busy");
  if (message) formError(current, message);
  return showErrors(current, errors);
}

function unanswered({ block, read, error }) {
  if (!error || block.optional) return false;
  const { type: _type, ...state } = read();
  return Object.values(state).every((value) => value === null || value === "" || (Array.isArray(value) && value.length === 0));
}

function formError({ dialog }, text) {
  const line = dialog.querySelector(".form-error");
  line.textContent = text;
  line.hidden = !text;
}

function showErrors(current, errors) {
  if (!current || !errors) return;
  let first = null;
  for (const { block, node, error, focus } of current.fields.values()) {
    if (!error) continue;
    const text = errors[block.block_id] || "";
    put(error, text && icon("error"), text);
    error.hidden = !text;
    node.setAttribute("aria-invalid", String(Boolean(text)));
    describe(node, error.id, Boolean(text));
    if (text && !first) first = focus;
  }
  first?.();
}

function describe(node, id, on) {
  const ids = (node.getAttribute("aria-describedby") || "").split(" ").filter((other) => other && other !== id);
  if (on) ids.unshift(id);
  if (ids.length) node.setAttribute("aria-describedby", ids.join(" "));
  else node.removeAttribute("aria-describedby");
}

function closeShown() {
  if (!shown) return;
  const { dialog, trigger } = shown;
  shown = null;
  dialog.close();
  dialog.remove();
  if (trigger?.isConnected) trigger.focus();
}
