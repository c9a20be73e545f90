// Talks to the People API of the local workspace; no other code of the page uses the network.

const SLOW_MS = 10_000;

/** Fetch everything that a person can see. */
export async function loadState(user) {
  const response = await fetch(`/sandbox/state?user=${encodeURIComponent(user)}`, { signal: AbortSignal.timeout(SLOW_MS) });
  if (response.status === 403) throw new Error("no_key");
  const body = await response.json();
  if (!response.ok || body.ok === false) throw new Error(body.error || `http_${response.status}`);
  return body;
}

/** Fetch what a person finds on their devices; the answer always has `ok`, and `error` when it is false. */
export async function loadPhone(user) {
  try {
    const response = await fetch(`/sandbox/phone?user=${encodeURIComponent(user)}`, { signal: AbortSignal.timeout(SLOW_MS) });
    return { ok: response.ok, ...(await response.json()) };
  } catch {
    return { ok: false, error: "workspace_unreachable" };
  }
}

/** Post one act of a person; the answer always has `ok`, and `error` when it is false. */
export async function post(path, body) {
  try {
    const response = await fetch(`/sandbox/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(SLOW_MS),
    });
    if (response.status === 403) return { ok: false, error: "no_key" };
    const answer = await response.json();
    return { ok: response.ok, ...answer };
  } catch (error) {
    return { ok: false, error: error.name === "TimeoutError" ? "timeout" : "workspace_unreachable" };
  }
}

/** Follow a person's live events; returns a function that stops. `onLost` is called once when the connection breaks. */
export function follow(user, after, onEvent, onLost) {
  const source = new EventSource(`/sandbox/events?user=${encodeURIComponent(user)}&after=${after}`);
  source.onmessage = (event) => onEvent(JSON.parse(event.data));
  source.onerror = () => {
    source.close();
    onLost();
  };
  return () => source.close();
}

const WORDS = {
  workspace_unreachable: "The local workspace does not answer. Is it still running?",
  no_key: "This page belongs to a demo that has ended. Open the address that `make demo` printed.",
  timeout: "The local workspace took too long to answer.",
  operation_timeout: "Deskhand did not answer within 3 seconds.",
  dispatch_failed: "Deskhand could not be reached.",
  dispatch_unknown_error: "Deskhand answered with an error.",
  account_inactive: "This account is deactivated.",
  home_tab_disabled: "Deskhand's manifest has no Home tab.",
  not_in_channel: "You are not a member of this channel.",
  channel_not_found: "This channel does not exist.",
  is_archived: "This channel is archived.",
  msg_too_long: "The message is too long (40,000 characters at most).",
  no_text: "There is nothing to send.",
  message_not_found: "That message is gone.",
  directory_down: "The directory does not answer.",
  challenge_not_found: "Nobody asks this any longer.",
  expired_trigger_id: "That took longer than 3 seconds, so the window could not open.",
};

/** Return an error of the workspace in words, or its name if there are none. */
export function inWords(error) {
  return WORDS[error] ? `${WORDS[error]} (${error})` : `That did not work (${error || "unknown_error"}).`;
}
