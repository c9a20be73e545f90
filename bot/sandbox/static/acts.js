// What a person can do: write, click, command, edit, submit. Each act goes to the workspace; its result
// arrives through the live events, and only failures are shown here.

import { inWords, post } from "./api.js";
import { decode, encode } from "./composer.js";
import { clip } from "./format.js";
import { chooseForward, confirm, editText, openMenu, toast } from "./overlays.js";
import { findMessage, nameOf, person, store } from "./store.js";

const ANSWER_MS = 3200;
let serial = 0;

/** Post a message, shown at once as being sent; returns an error for the composer, or nothing. */
export async function say(place, { text, files }, redraw) {
  if (text.startsWith("/") && !text.startsWith("/ ")) return command(place, text, redraw);
  serial += 1;
  const item = { id: serial, user: store.me, channel: place.channel, thread_ts: place.thread, text: encode(text), files, state: "sending", error: "" };
  store.pending.push(item);
  redraw();
  await deliver(item, redraw);
  return null;
}

async function deliver(item, redraw) {
  const body = { user: item.user, channel: item.channel, text: item.text };
  if (item.thread_ts) body.thread_ts = item.thread_ts;
  if (item.files.length) body.files = item.files;
  const answer = await post("say", body);
  if (!answer.ok) Object.assign(item, { state: "failed", error: `Not sent. ${inWords(answer.error)}` });
  else if (findMessage(item.channel, answer.ts)) store.pending = store.pending.filter((other) => other !== item);
  else item.ts = answer.ts;
  redraw();
}

async function command(place, text, redraw) {
  const [name, ...rest] = text.split(" ");
  const known = store.data.commands.find((one) => one.command === name);
  if (!known) return `${name} is not a command here. Known: ${store.data.commands.map((one) => one.command).join(", ") || "none"}.`;
  if (place.thread) return `${name} cannot be used in a thread. Use it in the channel instead.`;
  const answer = await waiting(post("command", { user: store.me, channel: place.channel, command: name, text: rest.join(" ").trim() }), name);
  redraw();
  // The workspace reports what the bot did not answer; the composer shows only what the workspace refused.
  if (answer.ok || answer.status !== undefined) return null;
  return `${name} failed. ${inWords(answer.error)}`;
}

/** Tell the person when the bot has not answered an act within Slack's three seconds. */
async function waiting(answer, what) {
  const timer = setTimeout(() => toast(`Deskhand has not answered “${what}” within 3 seconds.`), ANSWER_MS);
  const result = await answer;
  clearTimeout(timer);
  return result;
}

/** Click a control of a message, a modal or the Home tab; `at` says where the control is. */
export async function click(at, act) {
  const answer = await waiting(post("click", { user: store.me, ...at, ...act }), "click");
  if (!answer.ok || answer.error) toast(inWords(answer.error));
}

/** Send a modal's answers; returns what the modal must show. */
export async function submitView(view, values) {
  const answer = await post("submit", { user: store.me, view_id: view.id, values });
  if (answer.errors) return { errors: answer.errors };
  return answer.ok ? {} : { message: inWords(answer.error) };
}

/** Close a modal. */
export async function closeView(view, redraw) {
  const answer = await post("close_view", { user: store.me, view_id: view.id });
  if (!answer.ok) toast(inWords(answer.error));
  if (store.data.view?.id === view.id) store.data.view = null;
  redraw();
}

let lookedAt = "";

/** Tell the app, once per visit, that a person opened its `home` or `dm` tab; "" means neither. */
export async function lookAt(tab) {
  const now = tab && `${store.me}/${tab}`;
  const isNew = now && now !== lookedAt;
  lookedAt = now;
  if (!isNew || person(store.me).deleted) return null;
  const answer = await post(tab, { user: store.me });
  if (answer.ok) return answer;
  lookedAt = "";
  toast(inWords(answer.error));
  return null;
}

/** Stop what the bot is doing in a thread. */
export async function stopSession(session) {
  const answer = await waiting(post("stop_session", { user: store.me, channel: session.channel, thread_ts: session.thread_ts }), "Stop");
  if (!answer.ok) toast(inWords(answer.error));
}

/** Open the menu of a message: shortcuts of the app, link, and edit and delete for one's own. */
export function messageMenu(anchor, channel, message, env, hrefOf) {
  const shortcut = (one) => ({ label: one.name, icon: "bolt", onclick: () => useShortcut(one, channel, message) });
  const own = message.user === store.me && !message.bot_id && !message.deleted;
  const link = `${location.origin}/${hrefOf(channel, message.thread_ts || message.ts)}`;
  openMenu(anchor, [
    ...(message.deleted ? [] : store.data.shortcuts.map(shortcut)),
    ...(message.deleted ? [] : [{ label: "Forward message", icon: "forward", onclick: () => forward(channel, message) }]),
    { label: "Copy link", icon: "link", onclick: () => copy(link) },
    ...(own ? [{ label: "Edit message", icon: "edit", onclick: () => edit(channel, message) }, { label: "Delete message", icon: "trash", danger: true, onclick: () => remove(channel, message, env) }] : []),
  ]);
}

/** Forward a message to another conversation, with or without a text of one's own. */
async function forward(from, message) {
  const places = store.data.channels.filter((one) => !one.is_im && one.is_member !== false && !one.is_archived).map((one) => ({ value: one.id, label: `#${one.name}` }));
  const chosen = await chooseForward([{ value: "", label: "Deskhand, directly" }, ...places]);
  if (!chosen) return;
  const channel = chosen.channel || (await post("dm", { user: store.me })).channel;
  const answer = await post("forward", { user: store.me, channel, from_channel: from, ts: message.ts, text: encode(chosen.text.trim()) });
  if (answer.ok) toast("Message forwarded.", "info");
  else toast(`The message was not forwarded. ${inWords(answer.error)}`);
}

/** Open the menu of an account, with what an administrator does to it in Slack's settings. */
export function accountMenu(anchor, user) {
  const label = user.deleted ? `Bring ${user.real_name}'s account back` : `Deactivate ${user.real_name}'s account`;
  openMenu(anchor, [{ label, icon: user.deleted ? "check" : "close", danger: !user.deleted, onclick: () => changeAccount(user, !user.deleted) }]);
}

async function changeAccount(user, deleted) {
  const answer = await post("user", { user: user.id, deleted });
  if (!answer.ok) toast(`The account was not changed. ${inWords(answer.error)}`);
}

async function useShortcut(one, channel, message) {
  const answer = await waiting(post("shortcut", { user: store.me, channel, ts: message.ts, callback_id: one.callback_id }), one.name);
  if (!answer.ok) toast(inWords(answer.error));
}

async function copy(link) {
  try {
    await navigator.clipboard.writeText(link);
    toast("Link copied.", "info");
  } catch {
    toast(`The browser did not allow copying. The link is ${link}`, "info");
  }
}

/** Edit one's own message. */
export async function edit(channel, message) {
  const text = await editText("Edit message", decode(message.text || ""));
  if (text === null || !text.trim() || encode(text.trim()) === message.text) return;
  const answer = await post("edit", { user: store.me, channel, ts: message.ts, text: encode(text.trim()) });
  if (!answer.ok) toast(`The message was not changed. ${inWords(answer.error)}`);
}

async function remove(channel, message, env) {
  const question = { title: { text: "Delete this message?" }, text: { type: "plain_text", text: clip(decode(message.text || ""), 200) }, confirm: { text: "Delete" }, style: "danger" };
  if (!(await confirm(question, env))) return;
  const answer = await post("delete", { user: store.me, channel, ts: message.ts });
  if (!answer.ok) toast(`The message was not deleted. ${inWords(answer.error)}`);
}

/** Send a message that failed again. */
export async function retry(item, redraw) {
  Object.assign(item, { state: "sending", error: "" });
  redraw();
  await deliver(item, redraw);
}

/** Announce who wrote what to the screen reader. */
export function spoken(event) {
  const message = event.message || event;
  const channel = store.data.channels.find((one) => one.id === (event.channel?.id || event.channel));
  const where = channel && !channel.is_im ? `#${channel.name}` : "direct message";
  const who = message.username || nameOf(message.user) || "Deskhand";
  return `${who} in ${where}: ${clip(decode(message.text || "a message"), 160)}`;
}
