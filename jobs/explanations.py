"""Answers to the message shortcut "Why did this happen?": an owner gets the page of the message as a direct message.

Nobody else learns anything: whoever owns no agent is told so before anything is looked up, and one who does not own the
agent of this message reads the same sentence. Every answer and every refusal is in the audit log.
"""

import structlog

from bot import rights
from bot.rights import Forbidden
from bot.slack.handoffs.denials import in_words
from bot.slack.mrkdwn import Body
from bot.slack.requesters import replies
from bot.slack.sentences import Language, say, spoken_by
from bot.store import audit
from bot.store.audit import things
from bot.store.audit.things import NameKind, ThingName
from bot.store.outbox import messages
from bot.store.schema import InboxEvent, MessageKind
from bot.store.tickets import inbox_commands
from bot.stories import reading, slack_page
from bot.stories.reading import ReadThing
from jobs import undeliverable
from jobs.process import WorkerContext

log = structlog.get_logger()


def answer(ctx: WorkerContext, event: InboxEvent) -> None:
    """Explain a message to an owner of its agent, once; tell anybody else in a sentence why not."""
    who = ctx.actor(event.user)
    owned = rights.owned_by(ctx.agents, event.user)
    why = rights.barred(who, (event.user,) if owned else ())
    with ctx.database.read() as session:
        language = spoken_by(session, event.user)
        found = things.find(session, _name(event)) if why is None else []
        known = reading.read(session, found[0]) if found else None
    agent = None if known is None or known.history is None else known.history.ticket.agent
    if agent is not None and agent not in owned:
        why, known = Forbidden.NO_ROLE, None
    page = None if known is None else _page(known)
    with ctx.database.write() as session:
        if not inbox_commands.mark_answered(session, event.id):
            return
        audit.append(
            session,
            "explanation.refused" if why is not None else "explanation.given",
            actor=event.user,
            ticket_id=None if known is None else known.thing.ticket_id,
            **({"why": why} if why is not None else {"thing": None if known is None else known.thing.name}),
        )
        url = event.detail.get("response_url")
        alone = page is None and url is not None
        told = page or replies.only_you(_sentence(why, language))
        messages.add(
            session,
            key=f"response:event:{event.id}",
            kind=MessageKind.RESPONSE,
            op="respond" if alone else "post",
            lane=f"response:event:{event.id}",
            channel=event.channel if alone else event.user,
            user=event.user,
            body={**told, **({"response_url": url, "response_type": "ephemeral"} if alone else {})},
        )
    log.info("explanation.answered", event_id=event.id, refused=why is not None, found=known is not None)
    undeliverable.deliver(0)


def _name(event: InboxEvent) -> ThingName:
    detail = event.detail
    return ThingName(NameKind.MESSAGE, channel=event.channel, ts=str(detail["ts"]), thread_ts=str(detail["thread_ts"]))


def _page(known: ReadThing) -> Body:
    """Return the page with mentions: Slack shows each reader the names."""
    return slack_page.body(reading.page(known, {}), known.ids)


def _sentence(why: Forbidden | None, language: Language) -> str:
    if why is None:
        return say("explain.nothing", language)
    return say("explain.owners_only", language) if why is Forbidden.NO_ROLE else in_words(why, language)
