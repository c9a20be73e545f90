"""Names of people and channels for a terminal: Slack's, or the directory's where Slack gives none."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace

from bot.budget.reports.statement import Statement
from bot.settings import Settings
from bot.slack.api import client as slack
from bot.slack.api import names
from bot.slack.money import holders
from bot.slack.money.digest_figures import Digest
from bot.store.db import Database

SECONDS = 3
"The longest wait for one look-up."


def put_into(statement: Statement, settings: Settings, database: Database) -> Statement:
    """Return a statement with names in place of the ids of people and channels, as far as names are known."""
    question = statement.question
    cut = [line.key for line in statement.lines if question.by in {"user", "channel"}]
    asked = [question.channel, question.user, *(account.cap.holder for account in statement.accounts)]
    called = known([some_id for some_id in dict.fromkeys([*cut, *asked]) if some_id], settings, database)
    lines = [replace(line, key=called.get(line.key or "", line.key)) for line in statement.lines]
    caps = [replace(one.cap, holder=called.get(one.cap.holder, one.cap.holder)) for one in statement.accounts]
    named = tuple(replace(one, cap=cap) for one, cap in zip(statement.accounts, caps, strict=True))
    channel, user = (called.get(one or "", one) for one in (question.channel, question.user))
    question = replace(question, channel=channel, user=user)
    return replace(statement, question=question, lines=tuple(lines), accounts=named)


def in_digest(digest: Digest, sent: Collection[str], settings: Settings, database: Database) -> Mapping[str, str]:
    """Return the names, by id, of the people and channels in a digest, and of those it was sent to."""
    spenders = [line.key for line in digest.users if line.key]
    alerted = [name for _, per, name, _ in digest.alerts if per == "user"]
    ids = dict.fromkeys([*sent, *(one.holder for one in digest.caps), *alerted, *spenders])
    return known(list(ids), settings, database)


def known(ids: Collection[str], settings: Settings, database: Database) -> Mapping[str, str]:
    """Return names by id; people with the same name get their ids added, and private channels get numbers."""
    token = settings.slack_bot_token
    found = holders.known(ids, None if token is None else _client(settings, token.get_secret_value()), database)
    shown = {some_id: "".join(filter(str.isprintable, name)) for some_id, name in found.items()}
    count, private = Counter(shown.values()), [one for one, name in shown.items() if name == names.PRIVATE]
    unique = {some_id: name if count[name] == 1 else f"{name} ({some_id})" for some_id, name in shown.items() if name}
    numbered = {some_id: f"{names.PRIVATE} {number}" for number, some_id in enumerate(private, 1)}
    return unique | (numbered if len(private) > 1 else {})


def _client(settings: Settings, token: str) -> slack.WebClient:
    return slack.connect(token=token, base_url=settings.slack_api_url, network=settings.network, seconds=SECONDS)
