"""Messages that carry the same key in Slack: to find what is out already, and to take back what stands twice.

A message in doubt is looked up before it is said again. But Slack may still have the first one in its hands
then, and post it seconds later. So what was in doubt is looked at once more when that must be over.
"""

from collections.abc import Iterator

import structlog

from bot.errors import Transient
from bot.slack.api import client as slack
from bot.slack.api.client import WebClient
from bot.store.db import Database
from bot.store.outbox import duplicates
from bot.store.schema import Message

log = structlog.get_logger()

PEOPLE = ("U", "W")
"How the id of a person begins, who is written to instead of a channel."
PAGES = 10
NO_THREAD = "thread_not_found"
"Of a thread whose root is gone."


def standing(
    client: WebClient, *, channel: str, thread_ts: str | None, key: str, file_id: str | None = None
) -> Iterator[str]:
    """Find the messages that carry a key, or a file; give the ts of each.

    Raises:
        Transient, Rejected: see `bot.slack.api.client`.
    """
    if channel.startswith(PEOPLE):
        return  # no history is read by a person's id: a card said twice is better than one never said
    cursor = None
    where = {"channel": channel, "include_all_metadata": True, "limit": 200}
    for _page in range(PAGES):
        if thread_ts is not None:
            page = slack.call(client.conversations_replies, ts=thread_ts, cursor=cursor, **where)
        else:
            page = slack.call(client.conversations_history, cursor=cursor, **where)
        for message in page["messages"]:
            shown = file_id is not None and any(file.get("id") == file_id for file in message.get("files") or ())
            if shown or message.get("metadata", {}).get("event_payload", {}).get("key") == key:
                yield str(message["ts"])
        cursor = page.get("response_metadata", {}).get("next_cursor")
        if not cursor:
            return


def take_back(database: Database, client: WebClient) -> int:
    """Look once more at what was in doubt, and let go from Slack what should not stand there; return how many."""
    with database.read() as session:
        doubted = duplicates.due(session)
    taken_back = 0
    for one in doubted:
        try:
            found = list(_anywhere(client, one))
        except Transient as error:
            log.warning("message.not_looked_up", key=one.key, error=str(error))
            continue  # the next round does
        except slack.Rejected as error:
            log.warning("message.not_looked_up", key=one.key, error=str(error))
            found = []  # no one may look there now
        with database.write() as session:
            late = duplicates.looked(session, one.id, found)
        for ts in late:
            log.warning("duplicate.found", key=one.key, ts=ts)
        taken_back += len(late)
    return taken_back


def astray(client: WebClient, *, channel: str, key: str, file_id: str | None = None) -> Iterator[str]:
    """Find what was meant for a thread that is gone and stands at the top level of the channel; give the ts of each.

    Raises:
        Transient, Rejected: see `bot.slack.api.client`.
    """
    return standing(client, channel=channel, thread_ts=None, key=key, file_id=file_id)


def _anywhere(client: WebClient, message: Message) -> Iterator[str]:
    try:
        yield from standing(client, channel=message.channel, thread_ts=message.thread_ts, key=message.key)
    except slack.Rejected as error:
        if error.code != NO_THREAD:
            raise
        yield from astray(client, channel=message.channel, key=message.key)
