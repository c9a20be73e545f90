// Shows one message: its author, its blocks or text, its files and reactions, and its actions.

import { renderBlocks } from "./blocks.js";
import { h, icon, iconButton } from "./dom.js";
import { emoji } from "./emoji.js";
import { bytes, clock, count, dateOf, initials, tint } from "./format.js";
import { author, BOT, isReply, nameOf, person, replies, sessionIn, store } from "./store.js";
import { markdown, mrkdwn } from "./text.js";

/** Show who somebody is as a small tile of initials, or the bot's mark. */
export function avatar(id, name, bot = false) {
  const look = bot ? "avatar avatar-bot" : `avatar tint-${tint(name || id)}`;
  return h("span", { class: look, "aria-hidden": "true" }, bot ? botMark() : initials(name));
}

/** The bot's mark: a desk lamp, drawn in three strokes. */
export function botMark() {
  return icon("check");
}

/** Show one message; `place` is {channel, thread, compact, root} and `does` carries out what is chosen. */
export function messageView(message, place, env, does) {
  if (message.deleted) return tombstone(message, place, does);
  const who = author(message);
  const head = !place.compact && headOf(message, who);
  const gutter = h("div", { class: "gutter" }, place.compact ? h("time", { class: "hover-time", datetime: dateOf(message.ts).toISOString() }, clock(message.ts)) : avatar(who.id, who.name, who.bot && !who.alias));
  const foot = [filesOf(message), reactionsOf(message), !place.thread && !isReply(message) && threadLine(message, place, does)];
  return h(
    "article",
    { class: `message${place.compact ? " compact" : ""}${message.streaming ? " streaming" : ""}`, "data-testid": `message-${message.ts}`, "data-ts": message.ts, "data-user": who.id, tabindex: "-1", "aria-label": `${who.name}, ${clock(message.ts)}`, "aria-busy": message.streaming ? "true" : null },
    gutter,
    h("div", { class: "content" }, head, isReply(message) && !place.thread && h("p", { class: "muted small" }, "replied in a thread"), h("div", { class: "body" }, ...bodyOf(message, env)), ...foot),
    toolbar(message, place, does),
  );
}

/** Show a placeholder for a deleted message that still has replies. */
function tombstone(message, place, does) {
  return h(
    "article",
    { class: "message", "data-testid": `message-${message.ts}`, "data-ts": message.ts, tabindex: "-1", "aria-label": `Deleted message, ${clock(message.ts)}` },
    h("div", { class: "gutter muted" }, icon("trash")),
    h("div", { class: "content" }, h("p", { class: "muted" }, message.text), !place.thread && threadLine(message, place, does)),
  );
}

function headOf(message, who) {
  const user = person(who.id);
  const role = !who.bot && user?.role && user.role !== "requester" ? h("span", { class: `role role-${user.role}` }, user.role) : null;
  return h(
    "div",
    { class: "head" },
    h("span", { class: "author" }, who.name),
    who.bot && h("span", { class: "app-tag", title: who.alias && !message.bot_profile ? "Posted by Deskhand under this name" : null }, "App"),
    who.through && h("span", { class: "muted small" }, `through ${who.through}`),
    role,
    h("time", { datetime: dateOf(message.ts).toISOString(), title: dateOf(message.ts).toLocaleString() }, clock(message.ts)),
  );
}

function bodyOf(message, env) {
  const blocks = message.blocks?.length ? renderBlocks(message.blocks, env) : null;
  const text = message.streaming ? markdown(message.text, env) : mrkdwn(message.text, env);
  const nodes = [...(blocks || text), ...(message.attachments || []).map((one) => attached(one, env))];
  if (!message.edited) return nodes;
  const edited = h("span", { class: "muted small edited" }, "(edited)");
  if (!nodes.at(-1)?.matches("p")) return [...nodes, edited];
  nodes.at(-1).append(edited);
  return nodes;
}

/** Show the attachments of a message: a forwarded one with its author, a pasted table. */
function attached(one, env) {
  if (!one.is_share) return h("div", {}, ...(one.blocks ? renderBlocks(one.blocks, env) : mrkdwn(one.text || one.fallback || "", env)));
  const files = (one.files || []).map((file) => file.name || "file").join(", ");
  return h(
    "blockquote",
    { class: "share", "data-testid": "share" },
    h("p", { class: "muted small" }, icon("forward"), "Forwarded: ", h("strong", {}, nameOf(one.author_id) || one.author_name || "somebody")),
    ...mrkdwn(one.text || "", env),
    files && h("p", { class: "muted small" }, `Attached: ${files}`),
  );
}

function filesOf(message) {
  if (!message.files?.length) return null;
  const chip = (file) => {
    const inside = [icon("file"), h("span", { class: "chip-name" }, file.name || file.title || "file"), file.size ? h("span", { class: "muted" }, bytes(file.size)) : null];
    // Only the path: after a restart the workspace may be served at another address.
    const path = URL.parse(file.permalink || "", location.href)?.pathname || "";
    return path.startsWith("/files/") ? h("a", { class: "chip", href: path, target: "_blank", rel: "noopener" }, ...inside) : h("span", { class: "chip" }, ...inside);
  };
  return h("div", { class: "row" }, ...message.files.map(chip));
}

function reactionsOf(message) {
  if (!message.reactions?.length) return null;
  const names = (users) => (users || []).map((id) => nameOf(id) || id).join(", ");
  return h("div", { class: "row reactions" }, ...message.reactions.map((r) => h("span", { class: "reaction", title: names(r.users) }, emoji(r.name) || `:${r.name}:`, h("span", {}, String(r.count ?? r.users?.length ?? 1)))));
}

function threadLine(message, place, does) {
  const all = replies(place.channel, message.ts);
  const session = sessionIn(place.channel, message.ts);
  if (!all.length && !session) return null;
  const people = [...new Map(all.map((reply) => [author(reply).name, author(reply)])).values()].slice(0, 4);
  const last = all.at(-1);
  return h(
    "div",
    { class: "thread-line" },
    all.length > 0 &&
      h("button", { type: "button", class: "thread-button", "data-testid": `open-thread-${message.ts}`, onclick: () => does.thread(message) }, ...people.map((who) => avatar(who.id, who.name, who.bot && !who.alias)), h("strong", {}, count(all.length, "reply", "replies")), h("span", { class: "muted" }, `Last at ${clock(last.ts)}`)),
    session && h("span", { class: "working" }, h("span", { class: "dots", "aria-hidden": "true" }), sessionWords(session)),
  );
}

/** Return what a session of the bot is doing. */
export function sessionWords(session) {
  return `Deskhand ${session.line || "is working…"}`;
}

function toolbar(message, place, does) {
  const more = iconButton("more", "More actions", () => does.menu(more, message), { "aria-haspopup": "menu", "aria-expanded": "false", "data-testid": `more-${message.ts}` });
  const reply = !place.thread && iconButton("reply", "Reply in thread", () => does.thread(message, true), { "data-testid": `reply-${message.ts}` });
  return h("div", { class: "tools" }, reply, more);
}

/** Show a message that only this person sees. */
export function ephemeralView(note, env, onDismiss) {
  const body = note.blocks?.length ? renderBlocks(note.blocks, env) : mrkdwn(note.text, env);
  const name = note.from ? note.username : "Deskhand";
  return h(
    "article",
    { class: "message ephemeral", "data-testid": `ephemeral-${note.id}`, tabindex: "-1", "aria-label": `${name}, only visible to you` },
    h("div", { class: "gutter" }, avatar(note.from || BOT, name, !note.from)),
    h(
      "div",
      { class: "content" },
      h("p", { class: "only-you" }, icon("eye"), "Only visible to you"),
      h("div", { class: "head" }, h("span", { class: "author" }, name), h("span", { class: "app-tag" }, "App")),
      h("div", { class: "body" }, ...body),
      h("button", { type: "button", class: "link-button", onclick: onDismiss }, "Dismiss message"),
    ),
  );
}

/** Show a message of this person that is being sent, or that was not delivered. */
export function pendingView(item, env, does) {
  const name = nameOf(store.me);
  const failed = item.state === "failed";
  return h(
    "article",
    { class: `message pending${failed ? " failed" : ""}`, "data-testid": "pending", tabindex: "-1", "aria-label": `${name}, ${failed ? "not sent" : "sending"}` },
    h("div", { class: "gutter" }, avatar(store.me, name)),
    h(
      "div",
      { class: "content" },
      h("div", { class: "head" }, h("span", { class: "author" }, name), h("span", { class: "muted" }, failed ? "" : "Sending…")),
      h("div", { class: "body" }, ...mrkdwn(item.text, env)),
      filesOf(item),
      failed && h("p", { class: "field-error", role: "alert" }, icon("error"), item.error, " ", h("button", { type: "button", class: "link-button", onclick: () => does.retry(item) }, "Try again"), h("button", { type: "button", class: "link-button", onclick: () => does.discard(item) }, "Discard")),
    ),
  );
}
