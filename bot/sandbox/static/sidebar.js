// Shows who one can be (the rail of people), who one is now, and where one can read and write.

import { h, icon, iconButton, put } from "./dom.js";
import { count } from "./format.js";
import { avatar } from "./messages.js";
import { BOT, channelsShown, nameOf, person, store, unreadIn } from "./store.js";

const part = (user) => (user.is_guest ? "guest" : user.role);
const ROLES = [["requester", "Requesters"], ["responder", "Responders"], ["owner", "Owner"], ["partner", "Of another organisation"]];

let peopleDrawn = "";

/** Draw the rail of people if it is to show something new; `unread` maps a person's id to a count. */
export function drawPeople(rail, unread, choose) {
  const shown = JSON.stringify([store.me, store.data.users.map((user) => [user, unread.get(user.id) || 0])]);
  if (shown === peopleDrawn) return;
  peopleDrawn = shown;
  const groups = ROLES.map(([role, title]) => {
    const people = store.data.users.filter((user) => user.role === role && !user.is_bot);
    if (!people.length) return null;
    const id = `group-${role}`;
    return h("div", { class: `people people-${role}`, role: "group", "aria-labelledby": id }, h("h2", { id }, title), ...people.map((user) => tile(user, unread.get(user.id) || 0, choose)));
  });
  const focused = rail.contains(document.activeElement) ? document.activeElement.dataset.testid : null;
  const top = rail.querySelector(".people-requester")?.scrollTop || 0;
  put(rail, groups);
  const scroller = rail.querySelector(".people-requester");
  if (scroller) {
    scroller.append(h("span", { class: "people-more", "aria-hidden": "true" }, icon("chevron")));
    scroller.onscroll = () => scroller.classList.toggle("at-end", scroller.scrollTop + scroller.clientHeight > scroller.scrollHeight - 8);
    scroller.scrollTop = top;
    scroller.onscroll();
  }
  if (focused) rail.querySelector(`[data-testid="${focused}"]`)?.focus();
  if (scroller && rail.dataset.user !== store.me) reveal(scroller, scroller.querySelector("[aria-current]"));
  rail.dataset.user = store.me;
}

// Pixels at the end of the rail that fade while more people follow.
const FADE = 28;

/** Scroll a box to one of its children; `scrollIntoView` would also make the Tab key continue there (Chromium). */
function reveal(box, child) {
  if (!child) return;
  const [seen, wanted] = [box.getBoundingClientRect(), child.getBoundingClientRect()];
  box.scrollTop += Math.min(0, wanted.top - seen.top) + Math.max(0, wanted.bottom + FADE - seen.bottom);
}

function tile(user, unread, choose) {
  const current = user.id === store.me;
  const label = [user.real_name, part(user), user.title, user.deleted ? "deactivated" : "", unread ? `${unread} unread` : ""].filter(Boolean).join(", ");
  return h(
    "button",
    { type: "button", class: `person${user.deleted ? " gone" : ""}`, "data-testid": `person-${user.id}`, "aria-label": label, "aria-current": current ? "true" : null, title: `${user.real_name}\n${user.title}`, tabindex: current ? "0" : "-1", onclick: () => choose(user.id) },
    avatar(user.id, user.real_name),
    h("span", { class: "person-name" }, user.real_name.split(" ")[0]),
    unread > 0 && h("span", { class: "badge", "aria-hidden": "true" }, unread > 99 ? "99+" : String(unread)),
  );
}

/** Let the arrow keys walk along the people; Enter or Space switches. */
export function peopleKeys(rail) {
  rail.addEventListener("keydown", (event) => {
    const tiles = [...rail.querySelectorAll(".person")];
    const at = tiles.indexOf(document.activeElement);
    const moves = { ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1, Home: 0, End: tiles.length - 1 };
    if (at < 0 || !(event.key in moves)) return;
    event.preventDefault();
    const next = tiles[(moves[event.key] + tiles.length) % tiles.length];
    tiles.forEach((other) => { other.tabIndex = other === next ? 0 : -1; });
    next.focus();
  });
}

/** Draw who one is: name, role, title, and a menu with which an administrator would deactivate the account. */
export function drawMe(box, menu) {
  const me = person(store.me);
  if (!me) return put(box);
  if (box.dataset.drawn === JSON.stringify(me)) return box;
  box.dataset.drawn = JSON.stringify(me);
  const more = iconButton("more", `Account of ${me.real_name}`, () => menu(more, me), { "aria-haspopup": "menu", "aria-expanded": "false", "data-testid": "account" });
  const role = me.deleted ? h("span", { class: "role role-gone" }, "deactivated") : h("span", { class: `role role-${part(me)}` }, part(me));
  return put(box, h("div", { class: "me-head" }, h("p", { class: "team" }, store.data.team?.name || ""), more), h("p", { class: "me-name" }, me.real_name), h("p", { class: "me-title" }, role, me.title));
}

/** Draw the channels and the direct messages. */
export function drawChannels(box, current, hrefOf, openDm) {
  const { channels, dms } = channelsShown();
  const row = (channel, name, mark) => {
    const { fresh, calls } = channel.id === current ? { fresh: 0, calls: 0 } : unreadIn(channel.id);
    return h(
      "li",
      {},
      h(
        "a",
        { class: `channel${fresh ? " unread" : ""}`, href: hrefOf(channel.id), "data-testid": `channel-${channel.id}`, "aria-current": channel.id === current ? "page" : null, "aria-label": `${channel.is_im ? "Direct message with " : "Channel "}${name}${fresh ? `, ${count(fresh, "unread message")}` : ""}${channel.is_archived ? ", archived" : ""}` },
        mark,
        h("span", { class: "channel-name" }, name),
        calls > 0 && h("span", { class: "badge", "aria-hidden": "true" }, String(calls)),
      ),
    );
  };
  const bot = () => avatar(BOT, "Deskhand", true);
  const focused = box.contains(document.activeElement) ? document.activeElement.dataset.testid : null;
  put(
    box,
    h("h2", { id: "channels-title" }, "Channels"),
    h("ul", { "aria-labelledby": "channels-title" }, ...channels.map((channel) => row(channel, channel.name, icon("hash")))),
    h("h2", { id: "dms-title" }, "Apps"),
    h("ul", { "aria-labelledby": "dms-title" }, ...(dms.length ? dms.map((channel) => row(channel, "Deskhand", bot())) : [h("li", {}, h("button", { type: "button", class: "channel", "data-testid": "open-dm", onclick: openDm }, bot(), h("span", { class: "channel-name" }, nameOf(BOT) || "Deskhand")))])),
  );
  if (focused) box.querySelector(`[data-testid="${focused}"]`)?.focus();
}
