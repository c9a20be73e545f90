// The box in which a person writes: Enter sends, Shift+Enter starts a new line, `/` and `@` complete.
// Typed text is escaped as Slack's own client escapes it, and names become mentions.

import { h, icon, iconButton, put, uid } from "./dom.js";
import { bytes } from "./format.js";
import { BOT, groupOf, store } from "./store.js";

const INLINE_FILE_BYTES = 100_000;

/** Turn typed text into what is stored: `&<>` escaped, `@name`, `@group` and `#channel` as mentions. */
export function encode(text) {
  const names = new Map(store.data.users.flatMap((user) => [[user.name.toLowerCase(), `<@${user.id}>`], [user.real_name.toLowerCase().replaceAll(" ", "."), `<@${user.id}>`]]));
  names.set("deskhand", `<@${BOT}>`);
  for (const group of store.data.groups) names.set(group.handle, `<!subteam^${group.id}>`);
  const channels = new Map(store.data.channels.filter((c) => !c.is_im).map((channel) => [channel.name, channel.id]));
  return text
    .replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replace(/(^|[\s(])@([\p{L}\p{N}_.-]*[\p{L}\p{N}])/gu, (all, before, name) => (names.has(name.toLowerCase()) ? `${before}${names.get(name.toLowerCase())}` : all))
    .replace(/(^|[\s(])#([a-z0-9_-]+)/g, (all, before, name) => (channels.has(name) ? `${before}<#${channels.get(name)}|${name}>` : all));
}

/** Turn stored text back into what a person would type, for editing. */
export function decode(text) {
  const name = (id) => (id === BOT ? "deskhand" : store.data.users.find((user) => user.id === id)?.name || id);
  return text
    .replace(/<@([A-Z0-9]+)(?:\|[^>]*)?>/g, (_, id) => `@${name(id)}`)
    .replace(/<!subteam\^([A-Z0-9]+)(?:\|[^>]*)?>/g, (_, id) => `@${groupOf(id)?.handle || id}`)
    .replace(/<#[A-Z0-9]+\|([^>]*)>/g, "#$1")
    .replace(/<((?:https?|mailto):[^|>]+)(?:\|[^>]*)?>/g, "$1")
    .replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

const drafts = new Map();

/** Make a composer in `form`; `send({text, files})` returns an error or nothing. */
export function createComposer(form, { testid, label, inThread, send, editLast }) {
  const listId = uid("suggestions");
  const noteId = uid("note");
  const box = h("textarea", { class: "composer-box", rows: "1", "data-testid": testid, "aria-label": label, "aria-autocomplete": "list", "aria-controls": listId, "aria-describedby": noteId, spellcheck: "true" });
  const suggestions = h("ul", { class: "suggestions", id: listId, role: "listbox", "aria-label": "Suggestions", hidden: true });
  const chips = h("div", { class: "row composer-files" });
  const note = h("p", { class: "composer-note", id: noteId, role: "status" });
  const picker = h("input", { type: "file", multiple: true, class: "sr-only", tabindex: "-1", "aria-hidden": "true", "data-testid": `${testid}-file` });
  const attach = iconButton("attach", "Attach a file", () => picker.click());
  const button = h("button", { type: "submit", class: "send", "data-testid": inThread ? "thread-send" : "send", "aria-label": "Send" }, icon("send"));
  put(form, suggestions, h("div", { class: "composer-frame" }, box, chips, h("div", { class: "composer-bar" }, attach, picker, h("span", { class: "composer-hint", "aria-hidden": "true" }, "Enter sends, Shift+Enter starts a new line"), button)), note);

  let draftKey = "";
  let files = [];
  let offers = [];
  let picked = 0;

  const grow = () => {
    box.style.setProperty("height", "auto");
    box.style.setProperty("height", `${Math.min(box.scrollHeight, 220)}px`);
    button.classList.toggle("ready", Boolean(box.value.trim() || files.length));
  };
  const drawFiles = () => {
    const remove = (file) => { files = files.filter((other) => other !== file); drawFiles(); };
    put(chips, files.map((file) => h("span", { class: "chip" }, icon("file"), h("span", { class: "chip-name" }, file.name), h("span", { class: "muted" }, bytes(file.size)), iconButton("close", `Remove ${file.name}`, () => remove(file)))));
    grow();
  };
  const offer = () => {
    offers = suggest(box, inThread);
    picked = 0;
    drawOffers();
  };
  const drawOffers = () => {
    suggestions.hidden = !offers.length;
    put(suggestions, offers.map((one, index) => h("li", { id: `${listId}-${index}`, role: "option", "aria-selected": String(index === picked), onpointerdown: (event) => { event.preventDefault(); take(index); } }, h("strong", {}, one.label), one.hint && h("code", {}, one.hint), one.about && h("span", { class: "muted" }, one.about))));
    if (offers.length) box.setAttribute("aria-activedescendant", `${listId}-${picked}`);
    else box.removeAttribute("aria-activedescendant");
    suggestions.children[picked]?.scrollIntoView({ block: "nearest" });
  };
  const take = (index) => {
    const { from, insert } = offers[index];
    box.setRangeText(insert, from, box.selectionStart, "end");
    offers = [];
    box.dispatchEvent(new Event("input"));
    offers = [];
    drawOffers();
    box.focus();
  };
  const submit = async () => {
    const text = box.value.trim();
    if (!text && !files.length) return;
    const given = { text, files };
    box.value = "";
    files = [];
    offers = [];
    drafts.delete(draftKey);
    drawFiles();
    drawOffers();
    put(note);
    const complaint = await send(given);
    if (!complaint) return;
    put(note, icon("error"), complaint);
    if (!box.value) box.value = text;
    grow();
  };
  const key = (event) => {
    if (event.isComposing) return;
    if (offers.length && completionKey(event)) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      submit();
    } else if (event.key === "ArrowUp" && !box.value && editLast?.()) event.preventDefault();
  };
  const completionKey = (event) => {
    const exact = event.key === "Enter" && offers[picked].whole === box.value.trim();
    if (event.key === "ArrowDown") picked = (picked + 1) % offers.length;
    else if (event.key === "ArrowUp") picked = (picked - 1 + offers.length) % offers.length;
    else if (event.key === "Escape") offers = [];
    else if (event.key === "Tab" || (event.key === "Enter" && !exact)) take(picked);
    else return false;
    event.preventDefault();
    event.stopPropagation();
    drawOffers();
    return true;
  };

  box.addEventListener("keydown", key);
  box.addEventListener("input", () => { drafts.set(draftKey, box.value); put(note); grow(); offer(); });
  box.addEventListener("blur", () => { offers = []; drawOffers(); });
  picker.addEventListener("change", async () => { files.push(...(await Promise.all([...picker.files].map(readFile)))); picker.value = ""; drawFiles(); });
  form.addEventListener("submit", (event) => { event.preventDefault(); submit(); });

  return {
    focus: () => box.focus(),
    say: (text) => put(note, icon("error"), text),
    open(key_, placeholder, disabled) {
      if (key_ !== draftKey) {
        draftKey = key_;
        box.value = drafts.get(key_) || "";
        files = [];
        offers = [];
        put(note);
        drawFiles();
        drawOffers();
      }
      box.placeholder = placeholder;
      for (const control of [box, attach, button]) control.disabled = disabled;
    },
  };
}

async function readFile(file) {
  const textual = file.type.startsWith("text/") || /\.(txt|log|csv|json|md)$/i.test(file.name);
  if (textual && file.size <= INLINE_FILE_BYTES) return { name: file.name, size: file.size, content: await file.text() };
  return { name: file.name, size: file.size };
}

/** Find completions of the word before the caret. */
function suggest(box, inThread) {
  const before = box.value.slice(0, box.selectionStart);
  const command = /^\/[\w-]*$/.exec(before);
  if (command && !inThread) {
    return store.data.commands
      .filter((one) => one.command.startsWith(before))
      .map((one) => ({ from: 0, label: one.command, hint: one.usage_hint, about: one.description, insert: `${one.command} `, whole: one.command }));
  }
  const mention = /(^|[\s(])@([\p{L}\p{N}_.-]*)$/u.exec(before);
  if (!mention) return [];
  const typed = mention[2].toLowerCase();
  const people = store.data.users.filter((user) => user.id !== BOT && !user.deleted);
  const groups = store.data.groups.map((group) => ({ name: group.handle, real_name: group.name, title: "Group" }));
  return [{ name: "deskhand", real_name: "Deskhand", title: "App" }, ...people, ...groups]
    .filter((user) => user.name.toLowerCase().startsWith(typed) || user.real_name.toLowerCase().split(" ").some((part) => part.startsWith(typed)))
    .slice(0, 6)
    .map((user) => ({ from: before.length - mention[2].length - 1, label: user.real_name, hint: `@${user.name}`, about: user.title, insert: `@${user.name} `, whole: `@${user.name}` }));
}
