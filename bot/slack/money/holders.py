"""What those are called whose spending is told: in Slack, and where text is plain (charts, the terminal).

Invariant: each has one name wherever people read it. A channel that not everybody may know of is `a private channel`
in plain text; in Slack it is a mention, which Slack writes out for those who are in it and for nobody else.
"""

import re
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor

from bot import directory
from bot.principals import CHANNEL_ID, DIRECT_ID, OF_EVALUATIONS, USER_ID
from bot.slack import mrkdwn
from bot.slack.api import names
from bot.slack.api.client import WebClient
from bot.store.db import Database

WORKSPACE, DIRECT, DIRECTS = "this workspace", "a direct message", "direct messages"
SOME_CHANNEL = "a channel"
"One whose name Slack does not tell just now: it may be private."
MOST_ASKED = 50
"Look-ups in Slack for one report. People and channels beyond them are called as the directory says, else by their ids."
_ASK_AT_ONCE = 4
_CHANNEL, _DIRECT, _USER = re.compile(CHANNEL_ID), re.compile(DIRECT_ID), re.compile(USER_ID)
_LENGTH = 60
"Characters of what is nobody's id."


def in_slack(scope: str, key: str, *, workspaces: int = 1) -> str:
    """Return the name of a budget's holder, as mrkdwn.

    Args:
        scope: `channel`, `user`, `team` or `agent`.
        key: the holder's id, or an agent's folder.
        workspaces: how many of them the report names; of several, each bears its id, since Slack tells no name.
    """
    if scope == "user":
        return mrkdwn.mention(key)
    if scope == "channel" and _CHANNEL.fullmatch(key):
        return f"<#{key}>"
    return mrkdwn.line(plain(scope, key, workspaces=workspaces), _LENGTH)


def plain(scope: str, key: str, called: Mapping[str, str] | None = None, *, workspaces: int = 1) -> str:
    """Return the name of a budget's holder as plain text, of a channel or a person as it is known.

    Args:
        scope: as above.
        key: as above; where a name stands in the place of an id already, that.
        called: names by id.
        workspaces: as above.
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
    """Return the names of people and channels by id, as Slack says, else the directory; no transaction is open then.

    Args:
        ids: of whom; what is no such id has no name.
        client: None: Slack is not asked.
        database: the one that holds the directory.
    """
    found = directory.connect(database).names_of(ids)
    asked = [one for one in ids if _USER.fullmatch(one) or _CHANNEL.fullmatch(one)][:MOST_ASKED]
    if client is not None and asked:
        with ThreadPoolExecutor(_ASK_AT_ONCE) as asking:
            says = zip(asked, asking.map(names.kept(client).in_plain_text, asked), strict=True)
            found |= {one: name for one, name in says if name is not None}
    return found
