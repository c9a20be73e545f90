"""Names of the holders of budgets and costs: in Slack, and in plain text (charts, the terminal).

Invariant: a holder has the same name everywhere. In plain text a private channel is `a private channel`; in Slack it is
a mention, whose name Slack shows only to the channel's members.
"""

import re
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor

from bot import directory
from bot.principals import CHANNEL_ID, DIRECT_ID, OF_EVALUATIONS, USER_ID
from bot.slack import mrkdwn
from bot.slack.api import names
from bot.slack.api.client import WebClient
from bot.slack.reports import about_ticket
from bot.store.db import Database

WORKSPACE, DIRECT, DIRECTS = "this workspace", about_ticket.DIRECT, "direct messages"
SOME_CHANNEL = "a channel"
"A channel whose name Slack does not give now: it may be private."
MOST_ASKED = 50
"The most look-ups in Slack for one report; other people and channels have the directory's name, or their ids."
_ASK_AT_ONCE = 4
_CHANNEL, _DIRECT, _USER = re.compile(CHANNEL_ID), re.compile(DIRECT_ID), re.compile(USER_ID)
_LENGTH = 60
"The most characters of a key that is not an id."


def in_slack(scope: str, key: str, *, workspaces: int = 1) -> str:
    """Return the name of a budget's holder, as mrkdwn.

    Args:
        scope: `channel`, `user`, `team` or `agent`.
        key: the holder's id, or an agent's folder.
        workspaces: the number of workspaces in the report; with several, each has its id, as Slack gives no name.
    """
    if scope == "user":
        return mrkdwn.mention(key)
    if scope == "channel" and _CHANNEL.fullmatch(key):
        return f"<#{key}>"
    return mrkdwn.line(plain(scope, key, workspaces=workspaces), _LENGTH)


def plain(scope: str, key: str, called: Mapping[str, str] | None = None, *, workspaces: int = 1) -> str:
    """Return the name of a budget's holder as plain text.

    Args:
        scope: as in `in_slack`.
        key: as in `in_slack`, or a name.
        called: names by id.
        workspaces: as in `in_slack`.
    """
    if key in OF_EVALUATIONS:
        return mrkdwn.EVALUATIONS
    match scope:
        case "team":
            return WORKSPACE if workspaces == 1 else f"the workspace {key}"
        case "agent":
            return f"the agent {key}"
        case "channel" if _DIRECT.fullmatch(key):
            return DIRECT
        case _:
            return (called or {}).get(key, key)


def known(ids: Collection[str], client: WebClient | None, database: Database) -> dict[str, str]:
    """Return the names of people and channels by id: Slack's, or the directory's; no transaction may be open.

    Args:
        ids: the ids; one that is neither a person's nor a channel's has no name.
        client: the Slack client; None asks only the directory.
        database: the database with the directory.
    """
    found = directory.connect(database).names_of(ids)
    asked = [one for one in ids if _USER.fullmatch(one) or _CHANNEL.fullmatch(one)][:MOST_ASKED]
    if client is not None and asked:
        with ThreadPoolExecutor(_ASK_AT_ONCE) as asking:
            found_names = zip(asked, asking.map(names.kept(client).in_plain_text, asked), strict=True)
            found |= {one: name for one, name in found_names if name is not None}
    return found
