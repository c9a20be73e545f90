// Where a person is on the page, by its address: who, in which channel, thread and tab.

/** Read the place from the address. */
export function readRoute() {
  const given = new URLSearchParams(location.hash.slice(1));
  return { user: given.get("user") || "", channel: given.get("channel") || "", thread: given.get("thread") || "", tab: given.get("tab") || "" };
}

/** Write a place as an address of this page. */
export function hashOf({ user, channel, thread, tab }) {
  const parts = [["user", user], ["channel", channel], ["thread", thread], ["tab", tab]];
  return `#${parts.filter(([, value]) => value).map(([key, value]) => `${key}=${value}`).join("&")}`;
}

/** Return the channel and thread that a permalink of this workspace leads to, or null for any other link. */
export function placeOf(anchor) {
  const match = anchor.host === location.host && /^\/archives\/(\w+)\/p(\d+)(\d{6})$/.exec(anchor.pathname);
  if (!match) return null;
  const [, channel, seconds, micros] = match;
  return { channel, thread: new URL(anchor.href).searchParams.get("thread_ts") || `${seconds}.${micros}` };
}
