// Holds what the current person can see, as the workspace sent it, and answers questions about it. Only
// `load` and `apply` change it; what is read or folded belongs to the page and is kept in the browser.

/** The bot's id in this workspace. */
export const BOT = "U0DESKHAND";

export const store = {
  me: "",
  data: null,
  pending: [],
  dismissed: new Set(),
  unfolded: new Map(),
};

const MOST_RECENT = 500;

/** Live events of the current person, oldest first: a state that was read before them lacks them. */
let recent = [];

/** Replace everything with a state of the workspace, unless it is older, and keep what has happened since it was read. */
export function load(user, data) {
  if (user === store.me && data.seq < store.data.seq) return;
  recent = user === store.me ? recent.filter((event) => event.seq > data.seq) : [];
  store.me = user;
  store.data = { users: [], channels: [], messages: {}, ephemeral: [], sessions: [], groups: [], shortcuts: [], commands: [], ...data };
  recent.forEach(change);
}

/** Apply one live event; returns false if only a fresh state can show what changed. */
export function apply(event) {
  recent = [...recent.slice(1 - MOST_RECENT), event];
  return change(event);
}

function change(event) {
  const { data } = store;
  const channel = event.channel?.id || event.channel;
  switch (event.type) {
    case "message":
    case "message_changed":
    case "reaction":
      return upsert(channel, event.message || event, event.type === "reaction");
    case "message_deleted":
      return remove(channel, event.message?.ts || event.deleted_ts || event.ts);
    case "ephemeral":
      data.ephemeral = [...data.ephemeral.filter((note) => note.id !== (event.ephemeral || event).id), event.ephemeral || event];
      return true;
    case "ephemeral_removed":
      data.ephemeral = data.ephemeral.filter((note) => note.id !== (event.id || event.ephemeral?.id));
      return true;
    case "session":
      data.sessions = [...data.sessions.filter((old) => old.channel !== event.session.channel || old.thread_ts !== event.session.thread_ts), event.session];
      return true;
    case "view":
      data.view = event.view ?? null;
      return true;
    case "home":
      data.home = event.home ?? event.view ?? null;
      return true;
    default:
      return false;
  }
}

function upsert(channel, message, partial) {
  if (!channel || !message.ts) return false;
  const list = store.data.messages[channel] || [];
  const at = list.findIndex((other) => other.ts === message.ts);
  if (at < 0 && partial) return false;
  const merged = at < 0 ? message : { ...(partial ? list[at] : {}), ...message };
  store.data.messages[channel] = at < 0 ? [...list, merged] : list.with(at, merged);
  settle(channel, message);
  return store.data.channels.some((known) => known.id === channel);
}

function remove(channel, ts) {
  const list = store.data.messages[channel];
  if (!list || !ts) return false;
  store.data.messages[channel] = list.filter((message) => message.ts !== ts || message.reply_count).map((message) => (message.ts === ts ? { ...message, deleted: true } : message));
  return true;
}

/** Forget the pending copy of a message that has arrived. */
function settle(channel, message) {
  const at = store.pending.findIndex((item) => item.channel === channel && item.state === "sending" && (item.ts ? item.ts === message.ts : item.user === message.user && item.text === message.text));
  if (at >= 0) store.pending.splice(at, 1);
}

export function person(id) {
  return store.data?.users.find((user) => user.id === id) || null;
}

/** Return the name people see for an id. */
export function nameOf(id) {
  if (id === BOT) return "Deskhand";
  const user = person(id);
  return user ? user.real_name || user.name : "";
}

export function groupOf(id) {
  return store.data?.groups.find((group) => group.id === id) || null;
}

export function channelOf(id) {
  return store.data?.channels.find((channel) => channel.id === id) || null;
}

/** Return the channels a person sees in the sidebar: joined channels first by name, then the DMs. */
export function channelsShown() {
  const joined = store.data.channels.filter((channel) => channel.is_im || channel.is_member !== false);
  return {
    channels: joined.filter((channel) => !channel.is_im),
    dms: joined.filter((channel) => channel.is_im),
  };
}

export function author(message) {
  const bot = message.user === BOT || (Boolean(message.bot_id) && (!message.user || message.subtype === "bot_message"));
  const alias = bot && Boolean(message.username) && message.username.toLowerCase() !== "deskhand";
  if (bot) return { id: BOT, name: alias ? message.username : "Deskhand", bot, alias };
  const through = (message.bot_id && message.bot_profile?.name) || "";
  return { id: message.user, name: nameOf(message.user) || message.username || message.user, bot, alias, through };
}

export function isReply(message) {
  return Boolean(message.thread_ts) && message.thread_ts !== message.ts;
}

const byTs = (a, b) => Number(a.ts) - Number(b.ts);

/** Return the top-level messages of a channel in order, broadcast replies included. */
export function topLevel(channel) {
  return (store.data.messages[channel] || []).filter((m) => !isReply(m) || m.subtype === "thread_broadcast" || m.reply_broadcast).sort(byTs);
}

export function replies(channel, root) {
  return (store.data.messages[channel] || []).filter((m) => isReply(m) && m.thread_ts === root && !m.deleted).sort(byTs);
}

export function findMessage(channel, ts) {
  return (store.data.messages[channel] || []).find((message) => message.ts === ts) || null;
}

export function ephemeralsIn(channel, thread) {
  return store.data.ephemeral.filter((note) => note.channel === channel && (note.thread_ts || null) === (thread || null) && !store.dismissed.has(note.id));
}

/** Return a thread's session that is still running, if any. */
export function sessionIn(channel, thread) {
  return store.data.sessions.find((session) => session.channel === channel && session.thread_ts === thread && session.status === "processing") || null;
}

const readKey = (user, channel) => `deskhand.read.${user}.${channel}`;

/** Remember that a person has seen a whole channel; returns whether anything was new. */
export function markRead(channel) {
  const last = (store.data.messages[channel] || []).reduce((max, m) => (Number(m.ts) > Number(max) ? m.ts : max), "0");
  const key = readKey(store.me, channel);
  const news = Number(last) > Number(localStorage.getItem(key) || 0);
  if (news) localStorage.setItem(key, last);
  return news;
}

/**
 * Count what a person has not seen in one channel: `fresh` is everything new, `calls` is what asks for
 * this person: direct messages, private channels, mentions of them or of a group of theirs, and answers
 * in threads they take part in.
 */
export function unreadIn(channel, data = store.data, user = store.me) {
  const seen = Number(localStorage.getItem(readKey(user, channel)) || 0);
  const list = data.messages[channel] || [];
  const card = data.channels.find((one) => one.id === channel);
  const mine = new Set(list.filter((m) => m.user === user).map((m) => m.thread_ts || m.ts));
  const news = list.filter((m) => Number(m.ts) > seen && m.user !== user && !m.deleted);
  const names = [`<@${user}>`, ...data.groups.filter((group) => group.users.includes(user)).map((group) => `<!subteam^${group.id}`)];
  const calls = (m) => card?.is_im || (card?.is_private && !isReply(m)) || (isReply(m) && mine.has(m.thread_ts)) || names.some((name) => (m.text || "").includes(name));
  return { fresh: news.filter((m) => !isReply(m) || calls(m)).length, calls: news.filter(calls).length };
}

/** Count what asks for a person anywhere. */
export function unreadOf(data, user) {
  return data.channels.filter((c) => c.is_im || c.is_member !== false).reduce((sum, c) => sum + unreadIn(c.id, data, user).calls, 0);
}
