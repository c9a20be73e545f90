"""Finds messages by their key in Slack: to know what is posted already, and to delete what was posted twice.

A message in doubt is looked up before it is posted again. But Slack may still be working on the first post, and show
it seconds later. So every message that was in doubt is looked up once more when that must be over.
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
"The first letters of a person's id, which can take the place of a channel."
PAGES = 10
"The most pages of 200 messages that are searched."
NO_THREAD = "thread_not_found"
"Slack's error code for a thread whose first message is gone."


def find_by_key(
    client: WebClient, *, channel: str, thread_ts: str | None, key: str, file_id: str | None = None
) -> Iterator[str]:
    """Yield the ts of each message that has a key, or a file.

    Raises:
        Transient, Rejected: see `bot.slack.api.client`.
    """
    if channel.startswith(PEOPLE):
        return  # a person's id gives no history, and a card posted twice is better than none
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
    """Look up what was in doubt once more, and mark duplicates for deletion; return how many there are."""
    with database.look() as session:
        doubted = duplicates.due(session)
    taken_back = 0
    for one in doubted:
        try:
            found = list(_anywhere(client, one))
        except Transient as error:
            log.warning("message.not_looked_up", key=one.key, error=str(error))
            continue  # the next round looks it up
        except slack.Rejected as error:
            log.warning("message.not_looked_up", key=one.key, error=str(error))
            found = []  # the channel cannot be read
        with database.write() as session:
            late = duplicates.looked(session, one.id, found)
        for ts in late:
            log.warning("duplicate.found", key=one.key, ts=ts)
        taken_back += len(late)
    return taken_back


def find_misplaced(client: WebClient, *, channel: str, key: str, file_id: str | None = None) -> Iterator[str]:
    """Yield the ts of each message that was meant for a deleted thread and is at the top level of the channel.

    Raises:
        Transient, Rejected: see `bot.slack.api.client`.
    """
    return find_by_key(client, channel=channel, thread_ts=None, key=key, file_id=file_id)


def _anywhere(client: WebClient, message: Message) -> Iterator[str]:
    try:
        yield from find_by_key(client, channel=message.channel, thread_ts=message.thread_ts, key=message.key)
    except slack.Rejected as error:
        if error.code != NO_THREAD:
            raise
        yield from find_misplaced(client, channel=message.channel, key=message.key)
