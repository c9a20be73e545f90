// Connects the parts of the page: the address says who and where one is, the store holds what the workspace
// sent, and every change of either redraws the page from the store.

import * as acts from "./acts.js";
import { follow, inWords, loadState, post } from "./api.js";
import { createComposer } from "./composer.js";
import { h, icon, put } from "./dom.js";
import { count } from "./format.js";
import { createHome } from "./home.js";
import { confirm, openMenu, showView, toast } from "./overlays.js";
import { createPane } from "./pane.js";
import { createPhone } from "./phone.js";
import { hashOf, placeOf, readRoute } from "./route.js";
import { drawChannels, drawMe, drawPeople, peopleKeys } from "./sidebar.js";
import { apply, channelOf, channelsShown, findMessage, groupOf, load, markRead, nameOf, person, replies, store, topLevel, unreadOf } from "./store.js";

const RETRY_MS = [300, 1000, 2000, 5000];
const GLANCE_MS = 1500;
const IDLE_GLANCES = 5;
const $ = (id) => document.getElementById(id);

let route = { user: "", channel: "", thread: "", tab: "" };
let unread = new Map();
let unfollow = () => {};
let attempt = 0;
let drawing = 0;
let pressed = false;

// ---- where we are

const hrefOf = (channel, thread = "") => hashOf({ user: store.me, channel, thread });

function go(change) {
  location.hash = hashOf({ ...route, ...change });
}

/** Return who and where one is; the address may have changed a moment ago, before the page was told. */
function here() {
  const found = readRoute();
  return { ...found, user: found.user || localStorage.getItem("deskhand.me") || "U0MAYA" };
}

/** Choose a place that this person can see when the address names none, or one they cannot see. */
function settleRoute() {
  const { channels, dms } = channelsShown();
  const places = [...channels, ...dms];
  const found = places.some((channel) => channel.id === route.channel);
  const fallback = places.find((channel) => channel.id === "C0HELP") || places[0];
  if (!found) route = { user: store.me, channel: fallback?.id || "", thread: "", tab: "" };
  const wanted = hashOf(route);
  if (location.hash !== wanted) history.replaceState(null, "", wanted);
}

// ---- talking with the workspace

async function enter(user) {
  unfollow();
  try {
    const data = await loadState(user);
    route = here();
    if (route.user !== user) return;
    load(user, data);
    attempt = 0;
    setLine("");
    settleRoute();
    unfollow = follow(user, data.seq, received, () => lost(user));
    draw();
    newest = Math.max(newest, data.seq);
    glanceAtOthers();
  } catch (error) {
    if (route.user !== user) return;
    if (/user_not_found|unknown_user|no_such_user/.test(error.message) && user !== "U0MAYA") return go({ user: "U0MAYA" });
    lost(user, error.message === "no_key" ? inWords("no_key") : undefined);
  }
}

function lost(user, why = "Connection lost. Trying again…") {
  setLine(why);
  const wait = RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)];
  attempt += 1;
  setTimeout(() => route.user === user && enter(user), wait);
}

function setLine(text) {
  if ($("line").textContent !== text) $("line").textContent = text;
}

function received(event) {
  newest = Math.max(newest, event.seq || 0);
  if (!apply(event)) refresh();
  const message = event.message || event;
  if (event.type === "message" && message.user !== store.me) $("announcer").textContent = acts.spoken(event);
  draw();
}

let refreshing = 0;
/** Read the whole state again, once for several reasons that come together. */
function refresh() {
  clearTimeout(refreshing);
  refreshing = setTimeout(async () => {
    const user = store.me;
    try {
      const data = await loadState(user);
      if (user !== route.user) return;
      load(user, data);
      draw();
    } catch {
      setLine("Connection lost. Trying again…");
    }
  }, 60);
}

const glances = new Map();
let newest = 0;
let ticks = 0;

/** Count the unread messages of the other people, one person at a time; rarely while nothing happens. */
async function glanceAtOthers() {
  if (document.hidden || !store.data) return;
  ticks += 1;
  const others = store.data.users.filter((user) => !user.is_bot && !user.deleted && user.id !== store.me);
  const stale = others.filter((user) => (glances.get(user.id) ?? -1) < newest);
  if (!stale.length && ticks % IDLE_GLANCES) return;
  const next = stale.find((user) => user.role !== "requester") || stale[0] || others[ticks % others.length];
  try {
    const data = await loadState(next.id);
    newest = Math.max(newest, data.seq);
    glances.set(next.id, data.seq);
    unread.set(next.id, unreadOf(data, next.id));
    draw();
  } catch {
    setLine("Connection lost. Trying again…");
  }
}

// ---- drawing

function draw() {
  if (drawing || pressed) return;
  drawing = setTimeout(() => {
    drawing = 0;
    if (!pressed && store.data && store.me === route.user) drawAll();
  }, 0);
}

/** Draw nothing while something is pressed: a click counts only on an element that was there from press to release. */
function waitForRelease() {
  const press = (event) => { pressed ||= event.type === "pointerdown" || event.key === " "; };
  const release = (event) => {
    if (event.type === "blur" && event.target !== window) return;
    if (pressed) setTimeout(draw, 0);
    pressed = false;
  };
  for (const type of ["pointerdown", "keydown"]) addEventListener(type, press, true);
  for (const type of ["pointerup", "pointercancel", "keyup", "blur"]) addEventListener(type, release, true);
}

function drawAll() {
  const channel = channelOf(route.channel);
  if (!document.hidden && markRead(route.channel)) post("read", { user: store.me, channel: route.channel });
  unread.set(store.me, unreadOf(store.data, store.me));
  $("banner-text").textContent = store.data.banner || "";
  drawPeople($("rail"), unread, (user) => go({ user, thread: "", tab: "" }));
  drawMe($("me"), acts.accountMenu);
  drawChannels($("channels"), route.channel, hrefOf, openDm);
  phone.draw();
  drawTop(channel);
  const onHome = route.tab === "home" && channel?.is_im && store.data.has_home;
  acts.lookAt(channel?.is_im ? (onHome ? "home" : "dm") : "");
  $("home").hidden = !onHome;
  $("scroll").hidden = onHome;
  $("composer").hidden = onHome;
  if (onHome) home.draw();
  else if (channel) drawMessages(channel);
  drawThread(channel);
  showView(store.data.view || null, { env: makeEnv("view", { view_id: store.data.view?.id }), submit: acts.submitView, close: (view) => acts.closeView(view, draw) });
}

function drawTop(channel) {
  const name = channel?.is_im ? "Deskhand" : channel?.name || "Nothing to see here";
  put($("title"), channel && !channel.is_im && icon("hash"), name);
  const about = channel?.is_archived ? "Archived" : channel?.is_im ? "App" : count(topLevel(route.channel).length, "message");
  $("about").textContent = about;
  const me = nameOf(store.me);
  document.title = `${channel?.is_im ? "" : "#"}${name}, ${me}, ${store.data.team?.name || "local workspace"}`;
  $("tabs").hidden = !channel?.is_im || !store.data.has_home;
  if ($("tabs").dataset.drawn === route.tab) return;
  $("tabs").dataset.drawn = route.tab;
  const tab = (label, value) => h("button", { type: "button", role: "tab", "aria-selected": String((route.tab || "") === value), "data-testid": `tab-${value || "messages"}`, onclick: () => go({ tab: value, thread: "" }) }, label);
  put($("tabs"), tab("Home", "home"), tab("Messages", ""));
}

function drawMessages(channel) {
  pane.draw({ channel: channel.id });
  const empty = topLevel(channel.id).length === 0;
  $("scroll").classList.toggle("empty", empty);
  $("scroll").dataset.empty = channel.is_im ? "This is the start of your conversation with Deskhand. Say what is wrong with your account." : `This is the start of #${channel.name}. Write @deskhand and what is wrong.`;
  openComposer(composer, channel.id, channel, channel.is_im ? "Message Deskhand" : `Message #${channel.name}`);
}

/** Enable the composers where this person may write. */
function openComposer(one, place, channel, placeholder) {
  const { deleted } = person(store.me);
  one.open(`${store.me}/${place}`, deleted ? "This account is deactivated." : placeholder, Boolean(deleted || channel.is_archived));
}

function drawThread(channel) {
  const root = route.thread && channel && findMessage(channel.id, route.thread);
  const open = Boolean(root || (route.thread && channel && replies(channel.id, route.thread).length));
  const wasOpen = !$("thread").hidden;
  $("thread").hidden = !open;
  $("frame").classList.toggle("with-thread", open);
  if (!open) return;
  $("thread-about").textContent = channel.is_im ? "Deskhand" : `#${channel.name}`;
  threadPane.draw({ channel: channel.id, thread: route.thread });
  openComposer(threadComposer, `${channel.id}/${route.thread}`, channel, "Reply…");
  if (!wasOpen && focusThread) threadComposer.focus();
  focusThread = false;
}

/** What blocks need to know and may do; `at` says where their clicks go. */
function makeEnv(key, at = {}, surface = "message") {
  return {
    me: store.me, surface, key, unfolded: store.unfolded, nameOf, groupOf, hrefOf,
    channelName: (id) => channelOf(id)?.name || "",
    people: () => store.data.users.filter((user) => !user.deleted).map((user) => ({ id: user.id, name: user.real_name || user.name })),
    channels: () => store.data.channels.filter((channel) => !channel.is_im).map((channel) => ({ id: channel.id, name: `#${channel.name}` })),
    confirm: (question) => confirm(question, makeEnv(key, at, surface)),
    menu: openMenu,
    act: (act) => acts.click(at, act),
  };
}

// ---- acts

let focusThread = false;
const does = {
  thread(message, write = false) {
    focusThread = true;
    const ts = message.thread_ts || message.ts;
    if (route.thread === ts && write) threadComposer.focus();
    go({ thread: ts });
  },
  menu: (anchor, message) => acts.messageMenu(anchor, route.channel, message, makeEnv("menu"), hrefOf),
  retry: (item) => acts.retry(item, draw),
  stop: acts.stopSession,
  discard(item) {
    store.pending = store.pending.filter((other) => other !== item);
    draw();
  },
  dismiss(note) {
    store.dismissed.add(note.id);
    draw();
    composer.focus();
  },
};

async function openDm() {
  const answer = await acts.lookAt("dm");
  if (!answer) return;
  load(store.me, await loadState(store.me));
  go({ channel: answer.channel, thread: "", tab: "" });
}

function editLast(list) {
  const mine = list.filter((message) => message.user === store.me && !message.bot_id && !message.deleted).at(-1);
  if (mine) acts.edit(route.channel, mine);
  return Boolean(mine);
}

function openSide(open) {
  document.body.classList.toggle("side-open", open);
  $("open-side").setAttribute("aria-expanded", String(open));
  if (open) $("rail").querySelector('[aria-current="true"]')?.focus();
}

const phone = createPhone($("open-phone"), $("phone"), (text) => { $("announcer").textContent = text; });
const home = createHome($("home"), makeEnv);
const pane = createPane($("scroll"), makeEnv, does);
const threadPane = createPane($("thread-scroll"), makeEnv, does);
const composer = createComposer($("composer"), {
  testid: "composer", label: "Message", inThread: false,
  send(given) { const sent = acts.say({ channel: route.channel }, given, draw); setTimeout(() => pane.toBottom(), 0); return sent; },
  editLast: () => editLast(topLevel(route.channel)),
});
const threadComposer = createComposer($("thread-composer"), {
  testid: "thread-composer", label: "Reply", inThread: true,
  send(given) { const sent = acts.say({ channel: route.channel, thread: route.thread }, given, draw); setTimeout(() => threadPane.toBottom(), 0); return sent; },
  editLast: () => editLast(replies(route.channel, route.thread)),
});

function arrive() {
  const before = route;
  route = here();
  localStorage.setItem("deskhand.me", route.user);
  if (route.channel !== before.channel || route.user !== before.user) openSide(false);
  if (route.user !== store.me) return enter(route.user);
  settleRoute();
  return draw();
}

/** Follow a permalink of this workspace inside the page instead of in a new tab. */
function followPermalink(event) {
  const anchor = event.target.closest?.("a[href]");
  const place = anchor && placeOf(anchor);
  if (!place || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (!channelOf(place.channel)) return toast(`${nameOf(store.me)} is not in that conversation.`, "info");
  go({ ...place, tab: "" });
}

function closeThread() {
  const ts = route.thread;
  go({ thread: "" });
  setTimeout(() => (document.querySelector(`#scroll [data-testid="open-thread-${CSS.escape(ts)}"]`) || $("composer").querySelector("textarea")).focus(), 30);
}

put($("close-thread"), icon("close"));
put($("open-side"), icon("menu"));
peopleKeys($("rail"));
waitForRelease();
$("close-thread").addEventListener("click", closeThread);
$("open-side").addEventListener("click", () => openSide(!document.body.classList.contains("side-open")));
$("skip").addEventListener("click", (event) => {
  event.preventDefault();
  const box = $("composer").querySelector("textarea");
  (box.disabled || $("composer").hidden ? $("main") : box).focus();
});
$("frame").addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  if (document.body.classList.contains("side-open")) openSide(false);
  else if ($("thread").contains(event.target)) closeThread();
});
$("main").addEventListener("click", (event) => document.body.classList.contains("side-open") && !$("open-side").contains(event.target) && openSide(false));
addEventListener("click", followPermalink);
addEventListener("hashchange", arrive);
addEventListener("visibilitychange", draw);
setInterval(glanceAtOthers, GLANCE_MS);
arrive();
