// Formats times, sizes and names in the same way everywhere on the page.

/** Turn a Slack timestamp (seconds as text) into a Date. */
export function dateOf(ts) {
  return new Date(Number.parseFloat(ts) * 1000);
}

/** Return the time of day of a Slack timestamp. */
export function clock(ts) {
  return dateOf(ts).toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });
}

/** Return the day of a Slack timestamp: Today, Yesterday, or the date. */
export function day(ts) {
  const date = dateOf(ts);
  const days = Math.round((midnight(new Date()) - midnight(date)) / 86_400_000);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  return date.toLocaleDateString([], { weekday: "long", month: "long", day: "numeric" });
}

/** Return a size in bytes for people. */
export function bytes(size) {
  if (!Number.isFinite(size)) return "";
  if (size < 1000) return `${size} B`;
  return size < 1_000_000 ? `${(size / 1000).toFixed(1)} kB` : `${(size / 1_000_000).toFixed(1)} MB`;
}

/** Return a count with its noun. */
export function count(n, noun, plural = `${noun}s`) {
  return `${n} ${n === 1 ? noun : plural}`;
}

/** Return the one or two letters that stand for a person. */
export function initials(name) {
  const parts = (name || "?").trim().split(/\s+/);
  return (parts[0][0] + (parts.length > 1 ? parts.at(-1)[0] : "")).toUpperCase();
}

/** Pick one of the avatar tints (0 to 7) of the style sheet, always the same for one name. */
export function tint(name) {
  let sum = 0;
  for (const char of name) sum = (sum * 33 + char.codePointAt(0)) % 100_003;
  return (sum >> 3) % 8;
}

/** Shorten a text to at most `length` characters. */
export function clip(text, length) {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}

/** Fill in Slack's date tokens (`{date_short} at {time}`) for a unix time in seconds. */
export function slackDate(seconds, format) {
  const date = new Date(seconds * 1000);
  const long = { year: "numeric", month: "long", day: "numeric" };
  const tokens = {
    date_num: () => date.toISOString().slice(0, 10),
    date: () => date.toLocaleDateString([], long),
    date_short: () => date.toLocaleDateString([], { ...long, month: "short" }),
    date_long: () => date.toLocaleDateString([], { ...long, weekday: "long" }),
    time: () => date.toLocaleTimeString([], { hour: "numeric", minute: "2-digit" }),
    time_secs: () => date.toLocaleTimeString(),
    ago: () => ago(Date.now() / 1000 - seconds),
  };
  return format.replace(/\{([a-z_]+)\}/g, (all, name) => {
    const token = tokens[name] || tokens[name.replace(/_pretty$/, "")];
    return token ? token() : all;
  });
}

function ago(seconds) {
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${count(Math.floor(seconds / 60), "minute")} ago`;
  if (seconds < 86_400) return `${count(Math.floor(seconds / 3600), "hour")} ago`;
  return `${count(Math.floor(seconds / 86_400), "day")} ago`;
}

function midnight(date) {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}
