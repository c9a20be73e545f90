// Keeps a list of messages on the screen in step with the store. Only changed parts are rebuilt, so that
// focus, selections and half-typed answers elsewhere survive; a view at the bottom stays there.

import { h, icon, put } from "./dom.js";
import { day } from "./format.js";
import { author, ephemeralsIn, findMessage, replies, sessionIn, store, topLevel } from "./store.js";
import { avatar, ephemeralView, messageView, pendingView, sessionWords } from "./messages.js";

const GROUP_SECONDS = 300;

/** Make a scrolling message list inside `scroller`; `draw(place)` brings it up to date. */
export function createPane(scroller, makeEnv, does) {
  const list = h("div", { class: "messages", role: "log", "aria-live": "off", "aria-label": "Messages" });
  const jump = h("button", { type: "button", class: "jump", hidden: true, onclick: () => toBottom(true) }, icon("down"), "New messages");
  put(scroller, list);
  scroller.after(jump);
  const nodes = new Map();
  let shownPlace = "";

  const atBottom = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 60;
  const toBottom = (smooth) => {
    scroller.scrollTo({ top: scroller.scrollHeight, behavior: smooth && !matchMedia("(prefers-reduced-motion: reduce)").matches ? "smooth" : "instant" });
    jump.hidden = true;
  };
  scroller.addEventListener("scroll", () => atBottom() && (jump.hidden = true), { passive: true });
  list.addEventListener("keydown", (event) => walk(event, list));

  return {
    draw(place) {
      const name = `${store.me}/${place.channel}/${place.thread || ""}`;
      const moved = name !== shownPlace;
      const stick = moved || atBottom();
      if (moved) nodes.clear();
      const items = itemsOf(place, makeEnv, does);
      const grew = reconcile(list, nodes, items);
      shownPlace = name;
      roving(list);
      if (stick) toBottom(false);
      else if (grew) jump.hidden = false;
      if (moved) jump.hidden = true;
    },
    toBottom,
  };
}

function itemsOf(place, makeEnv, does) {
  const root = place.thread && findMessage(place.channel, place.thread);
  const messages = place.thread ? [root, ...replies(place.channel, place.thread)].filter(Boolean) : topLevel(place.channel);
  const entries = [
    ...messages.map((message) => ({ ts: message.ts, message })),
    ...ephemeralsIn(place.channel, place.thread).map((note) => ({ ts: note.ts || note.id, note })),
  ].sort((a, b) => Number(a.ts) - Number(b.ts));
  const items = place.thread ? threadItems(entries, place, makeEnv, does) : channelItems(entries, place, makeEnv, does);
  const pending = store.pending.filter((item) => item.user === store.me && item.channel === place.channel && (item.thread_ts || "") === (place.thread || ""));
  items.push(...pending.map((item) => ({ key: `pending-${item.id}`, signature: item.state + item.error, make: () => pendingView(item, makeEnv(`p${item.id}`), does) })));
  const session = place.thread && sessionIn(place.channel, place.thread);
  if (session) items.push({ key: "session", signature: JSON.stringify(session), make: () => sessionBar(session, does) });
  return items;
}

function threadItems(entries, place, makeEnv, does) {
  const items = entries.map((entry) => itemOf(entry, place, false, makeEnv, does));
  if (entries.length > 1) items.splice(1, 0, { key: "rule", signature: String(entries.length - 1), make: () => h("div", { class: "day-rule" }, h("span", {}, `${entries.length - 1} ${entries.length === 2 ? "reply" : "replies"}`)) });
  return items;
}

function channelItems(entries, place, makeEnv, does) {
  const items = [];
  let before = null;
  for (const entry of entries) {
    const today = day(entry.ts);
    if (!before || day(before.ts) !== today) {
      items.push({ key: `day-${today}`, signature: today, make: () => h("div", { class: "day-rule" }, h("span", {}, today)) });
      before = null;
    }
    items.push(itemOf(entry, place, follows(before, entry), makeEnv, does));
    before = entry;
  }
  return items;
}

/** Return whether a message continues the one before it and needs no author of its own. */
function follows(before, entry) {
  if (!before?.message || !entry.message || entry.message.blocks?.length) return false;
  const [a, b] = [author(before.message), author(entry.message)];
  return a.name === b.name && a.id === b.id && a.through === b.through && Number(entry.ts) - Number(before.ts) < GROUP_SECONDS && !before.message.reply_count;
}

function itemOf(entry, place, compact, makeEnv, does) {
  if (entry.note) {
    const { note } = entry;
    return { key: `note-${note.id}`, signature: JSON.stringify(note), make: () => ephemeralView(note, makeEnv(note.id, { ephemeral_id: note.id, channel: note.channel }), () => does.dismiss(note)) };
  }
  const { message } = entry;
  const about = place.thread ? "" : threadSignature(place.channel, message.ts);
  return {
    key: message.ts,
    signature: `${compact}${JSON.stringify(message)}${about}`,
    make: () => messageView(message, { ...place, compact }, makeEnv(message.ts, { channel: place.channel, ts: message.ts }), does),
  };
}

function threadSignature(channel, ts) {
  const all = replies(channel, ts);
  return `${all.length}/${all.at(-1)?.ts || ""}/${sessionIn(channel, ts)?.status || ""}`;
}

function sessionBar(session, does) {
  return h(
    "div",
    { class: "session", "data-testid": "session" },
    avatar("U0DESKHAND", "Deskhand", true),
    h("span", { class: "working" }, h("span", { class: "dots", "aria-hidden": "true" }), sessionWords(session), session.title && h("span", { class: "muted" }, ` ${session.title}`)),
    h("button", { type: "button", class: "button button-small", "data-testid": "stop-session", onclick: () => does.stop(session) }, icon("stop"), "Stop"),
  );
}

function reconcile(list, nodes, items) {
  let grew = false;
  const wanted = new Set(items.map((item) => item.key));
  for (const key of nodes.keys()) if (!wanted.has(key)) nodes.delete(key);
  const focus = focusIn(list);
  const children = items.map((item) => {
    const old = nodes.get(item.key);
    if (old?.signature === item.signature) return old.node;
    grew ||= !old;
    const node = item.make();
    nodes.set(item.key, { signature: item.signature, node });
    return node;
  });
  const same = list.children.length === children.length && children.every((node, index) => list.children[index] === node);
  if (!same) list.replaceChildren(...children);
  if (focus && !list.contains(document.activeElement)) restore(list, focus);
  return grew;
}

function focusIn(list) {
  const active = document.activeElement;
  if (!list.contains(active)) return null;
  const article = active.closest("[data-testid]:is(article)");
  return { node: active, message: article?.dataset.testid, action: active.dataset.actionId, value: active.dataset.value };
}

// A card that is redrawn after a click keeps the focus: on the same control, or else on the card.
function restore(list, { node, message, action, value }) {
  if (node.isConnected) return node.focus({ preventScroll: true });
  const article = message && list.querySelector(`[data-testid="${CSS.escape(message)}"]`);
  if (!article) return null;
  const controls = [...article.querySelectorAll("[data-action-id]")];
  const same = controls.find((other) => other.dataset.actionId === action && other.dataset.value === value);
  return (action && same ? same : article).focus({ preventScroll: true });
}

function roving(list) {
  const articles = [...list.querySelectorAll(":scope > article")];
  if (articles.some((article) => article.tabIndex === 0)) return;
  if (articles.length) articles.at(-1).tabIndex = 0;
}

function walk(event, list) {
  if (!event.target.matches("article") || !["ArrowUp", "ArrowDown", "Home", "End"].includes(event.key)) return;
  const articles = [...list.querySelectorAll(":scope > article")];
  const at = articles.indexOf(event.target);
  const next = articles[{ ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: articles.length - 1 }[event.key]];
  if (!next) return;
  event.preventDefault();
  event.target.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}
