"""A text that is too long for a few messages is sent whole, as a text file below them.

A channel takes about a message a second, and one long text must not block it for minutes. The file's id is stored
before Slack is asked to show it. When the answer is lost, the file is looked up; a file that is not found is deleted,
so that it cannot appear late, before another is sent.
"""

import hashlib
import http.client
from collections.abc import Callable, Sequence
from typing import Any

from bot.errors import Transient
from bot.slack import mrkdwn
from bot.slack.api import client as slack
from bot.slack.api.client import WebClient
from bot.slack.api.connections import Post
from bot.slack.mrkdwn import Body

FEW = 3
"The most messages for one text, the file's included."
FILE = "file"
"Key in a body: the file, by name and content, that it has instead of blocks."
LONGEST = 1_000_000
"The most characters of one file."
GONE = frozenset({"file_not_found", "file_deleted"})
NOT_PERMITTED: Body = {
    "text": "I may not attach files in this workspace yet, so all of it is in the requester's thread only. "
    "An operator can let me: the scope is `files:write`."
}
"Posted instead of a file when the app lacks the scope."
NOT_TAKEN: Body = {"text": "Slack did not take the file with all of it, which is in the requester's thread only."}
"Posted instead of a file that Slack refuses."
BELOW = "Cut here: read on in the file below."


def few(bodies: Sequence[Body], whole: str, most: int = FEW) -> list[Body]:
    """Return the messages if they are few enough, or else the first of them and a file with the whole text.

    Args:
        bodies: the messages.
        whole: their text, as plain text.
        most: the most messages, the file's included.
    """
    if len(bodies) <= most:
        return list(bodies)
    *first, last = bodies[: most - 1]
    cut = {**last, "text": f"{last['text']}\n{BELOW}", "blocks": [*last["blocks"], mrkdwn.context(BELOW)]}
    digest = hashlib.sha256(whole.encode(errors="replace")).hexdigest()
    name = f"whole-{digest[:8]}.txt"
    text = "All of it, as a file." if len(whole) <= LONGEST else f"The first {LONGEST:,} characters of it, as a file."
    return [*first, cut, {"text": text, FILE: {"name": name, "content": whole[:LONGEST]}}]


def is_file(body: Body) -> bool:
    """Return whether a body is that of a file."""
    return FILE in body


def headed(body: Body) -> Body:
    """Return a file's body without the file: the message below which a person gets it."""
    return {name: one for name, one in body.items() if name != FILE}


def share(
    client: WebClient,
    body: Body,
    *,
    channel: str,
    thread_ts: str | None,
    before: str | None,
    note: Callable[[str], bool],
) -> str | None:
    """Upload a file and show it in a channel; return its id, or None when it must no longer be shown.

    Args:
        client: the Slack client.
        body: the file's body.
        channel: the channel.
        thread_ts: the thread in it; None for the top level.
        before: the id of the file of an earlier try, which is deleted first; None for none.
        note: stores the file's id before Slack shows it, and returns whether it may still be shown.

    Raises:
        Transient, OutcomeUnknown, Rejected: see `bot.slack.api.client`.
    """
    if before is not None:
        delete(client, before)
    name, content = body[FILE]["name"], body[FILE]["content"].encode()
    upload = slack.call(client.files_getUploadURLExternal, filename=name, length=len(content))
    _send(client, str(upload["upload_url"]), content)
    file_id = str(upload["file_id"])
    if not note(file_id):
        return None
    shown: dict[str, Any] = {"files": [{"id": file_id, "title": name}], "initial_comment": body["text"]}
    slack.call(client.files_completeUploadExternal, channel_id=channel, thread_ts=thread_ts, **shown)
    return file_id


def delete(client: WebClient, file_id: str) -> None:
    """Delete a file; it may be gone already."""
    try:
        slack.call(client.files_delete, file=file_id)
    except slack.Rejected as error:
        if error.code not in GONE:
            raise


def _send(client: WebClient, url: str, content: bytes) -> None:
    """Upload the bytes to the address that Slack gave for them; this does not show the file yet."""
    try:
        answer = client.send(Post(url, content, {"Content-Type": "text/plain"}))
    except (http.client.HTTPException, OSError) as error:
        raise Transient(f"slack: upload {type(error).__name__}") from error
    if not answer.is_success:
        raise Transient(f"slack: upload http_{answer.status}")
