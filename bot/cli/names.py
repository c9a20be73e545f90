"""What people and channels are called, for those who read of them on a terminal: as Slack says, else the directory."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace

from bot.budget.statement import Statement
from bot.settings import Settings
from bot.slack import client as slack
from bot.slack import names
from bot.store import accounts
from bot.store.db import Database

MOST_ASKED = 50
"Look-ups in Slack for one command. People and channels beyond them are shown by their ids."
SECONDS = 3
"The longest wait for one look-up."


def put_into(statement: Statement, settings: Settings, database: Database) -> Statement:
    """Return a statement with names in place of the ids of people and channels, as far as names are known."""
    cut = [line.key for line in statement.lines if statement.question.by in {"user", "channel"}]
    ids = dict.fromkeys([*cut, *(account.cap.holder for account in statement.accounts)])
    called = known([some_id for some_id in ids if some_id], settings, database)
    lines = [replace(line, key=called.get(line.key or "", line.key)) for line in statement.lines]
    caps = [replace(one.cap, holder=called.get(one.cap.holder, one.cap.holder)) for one in statement.accounts]
    named = tuple(replace(one, cap=cap) for one, cap in zip(statement.accounts, caps, strict=True))
    return replace(statement, lines=tuple(lines), accounts=named)


def known(ids: Collection[str], settings: Settings, database: Database) -> Mapping[str, str]:
    """Return the names of people, and of public channels with their `#`, by id; two of one name bear their ids, too."""
    with database.read() as session:
        found = accounts.names_of(session, ids)
    if settings.slack_bot_token is not None:
        token = settings.slack_bot_token.get_secret_value()
        called = names.of(slack.connect(token=token, base_url=settings.slack_api_url, seconds=SECONDS))
        for some_id in list(ids)[:MOST_ASKED]:
            if name := called(some_id):
                found[some_id] = f"#{name}" if some_id.startswith("C") else name
    shown = {some_id: "".join(filter(str.isprintable, name)) for some_id, name in found.items()}
    often = Counter(shown.values())
    return {some_id: name if often[name] == 1 else f"{name} ({some_id})" for some_id, name in shown.items() if name}
