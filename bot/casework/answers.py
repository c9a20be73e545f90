"""What responders write: below a card, and in a requester's own thread. Each message is checked with `bot.rights`.

When an answer seems to hold a secret and others can read the requester's thread, its author is asked first. Only its
redacted text is stored for good; the words themselves are stored until the author has decided.
"""

from collections.abc import Iterable
from dataclasses import replace

from bot import rights
from bot.agent.card import Agent
from bot.agent.redaction import redact, redact_name
from bot.casework import handoffs as casework
from bot.casework.context import NOTHING, FollowUp, HearingContext, only, tell_only
from bot.rights import Actor, Forbidden
from bot.slack.handoffs import denials, queue_notes, relay
from bot.slack.requesters import sealed
from bot.store.db import Session
from bot.store.handoffs import handoffs, moves, responses
from bot.store.handoffs.moves import Moved, NotMoved
from bot.store.schema import Handoff, HandoffState, InboxEvent, InboxKind, InboxState, Ticket
from bot.store.tickets import inbox_commands, ticket_messages, tickets
from bot.store.tickets.inbox_commands import InboxCommand
from bot.store.tickets.quotes import Quoted
from bot.store.tickets.tickets import Attachment, Heard


def below_card(ctx: HearingContext, session: Session, heard: Heard, handoff_id: int, who: Actor) -> FollowUp:
    """Hear a message below a card: it is internal unless it begins with `>`; then it goes to the requester."""
    found = handoffs.find(session, handoff_id)
    if found is None:
        return NOTHING
    handoff, ticket = found
    agent, holds = ctx.answering(ticket.agent), handoff.claimed_by == heard.user
    marked = relay.is_marked(heard.text) if holds else relay.is_certain(heard.text)
    why = rights.barred_from(agent, who)
    if why is not None or agent is None:
        return _not_counted(session, heard, ticket.id, why or Forbidden.NO_AGENT) if marked or holds else NOTHING
    lease = agent.card.handoff.lease_minutes
    if not marked:
        return _internal(session, handoff, heard, lease)
    return _to_requester(session, ticket, heard, handoff_id, lease)


def in_their_thread(
    session: Session, handoff: Handoff, ticket: Ticket, heard: Heard, agent: Agent, who: Actor
) -> FollowUp:
    """Store a responder's answer in the requester's own thread, and show it to the other responders.

    It claims the handoff if nobody has claimed it.
    """
    why, lease = rights.barred_from(agent, who), agent.card.handoff.lease_minutes
    tickets.lock(session, ticket.id)
    if why is not None:
        return _not_counted(session, heard, ticket.id, why)
    answer = responses.answered(session, ticket, redacted(heard))
    if answer is None:
        return NOTHING  # Slack has delivered it before
    casework.claim(session, handoff.id, heard.user, lease_minutes=lease)
    moved = casework.spoke(session, handoff.id, heard.user, lease_minutes=lease, sent=False)
    relay.wrote(session, handoff, ticket, [answer])
    if sealed.holds_secret(heard.text) and isinstance(moved, Moved):
        _offer_directly(session, ticket, heard, handoff.id)
    return FollowUp(say_in=ticket.id)


def edited(draft: InboxEvent, text: str) -> str | None:
    """Return a draft's new text for storing, or None when the edit is refused because it would send a secret."""
    if not sealed.holds_secret(text):
        responses.hold(draft, None)
        return text
    if draft.state is InboxState.SENT:
        return None
    if draft.state is InboxState.ASKED:  # a draft in any other state is never sent, so its words are not needed
        responses.hold(draft, text)
    return redact(text)


def redacted(heard: Heard) -> Heard:
    """Return a message in the form that is stored, with secrets redacted."""
    return replace(
        heard,
        text=redact(heard.text),
        spoken=redact(heard.spoken),
        files=tuple(map(_redacted_file, heard.files)),
        quoted=redacted_quotes(heard.quoted),
    )


def redacted_quotes(quoted: Iterable[Quoted]) -> tuple[Quoted, ...]:
    """Return quotes in the form that is stored, with secrets redacted."""
    return tuple(replace(one, by=redact(one.by), text=redact(one.text)) for one in quoted)


def _redacted_file(file: Attachment) -> Attachment:
    """Return a file without a secret in its name. Slack's link ends with the name, and works without it."""
    name, link = redact_name(file.name), file.link
    return file if name == file.name else Attachment(name, link and link.rpartition("/")[0])


def _to_requester(session: Session, ticket: Ticket, heard: Heard, handoff_id: int, lease_minutes: float) -> FollowUp:
    tickets.lock(session, ticket.id)
    if ticket_messages.is_heard(session, heard.channel, heard.ts):
        return NOTHING  # Slack has delivered it before
    handoff = handoffs.read_again(session, handoff_id)
    own, has_content = ticket.requester == heard.user, bool(relay.sendable(heard.text) or heard.files)
    if has_content:
        casework.claim(session, handoff_id, heard.user, lease_minutes=lease_minutes)
    if handoff.state is not HandoffState.CLAIMED or handoff.claimed_by != heard.user or own:
        why = "their own request" if own else "not the holder"
        moves.refuse(session, handoff_id, heard.user, move="send", why=why)
        why_not = denials.explanation(NotMoved(handoff.state, handoff.claimed_by, own), heard.user)
        return only(session, heard, ticket.id, f"This was not sent. {why_not}")
    if not has_content:
        return only(session, heard, ticket.id, "This was not sent: there is nothing after its `>`.")
    secret = sealed.holds_secret(heard.text)
    at_once = handoff.sent and relay.is_certain(heard.text) and (ticket.private or not secret)
    state = InboxState.SENT if at_once else InboxState.ASKED
    kept, words = (redacted(heard), heard.text) if secret else (heard, None)
    draft = responses.drafted(session, ticket, kept, handoff_id=handoff_id, state=state, words=words)
    if draft is None:
        return NOTHING  # Slack has delivered it before
    if state is InboxState.ASKED:
        casework.renew(session, handoff_id, heard.user, lease_minutes=lease_minutes)
        relay.asked(session, handoff, ticket, draft)
    else:
        casework.spoke(session, handoff_id, heard.user, lease_minutes=lease_minutes)
        relay.sent(session, handoff, ticket, draft)
    return FollowUp(say_in=ticket.id)


def _offer_directly(session: Session, ticket: Ticket, heard: Heard, handoff_id: int) -> None:
    """Warn only the responder that others can read the secret they have just written, and offer to send it directly."""
    draft = responses.composed(
        session,
        ticket,
        key=f"direct:{heard.channel}:{heard.ts}",
        channel=heard.channel,
        user=heard.user,
        text=redact(heard.text),
        words=heard.text,
        handoff_id=handoff_id,
    )
    if draft is not None:
        body = queue_notes.offer_directly(draft.id, ticket.requester, ticket.channel)
        tell_only(
            session,
            key=f"secret:{heard.channel}:{heard.ts}",
            user=heard.user,
            channel=heard.channel,
            thread_ts=heard.thread_ts,
            text=body,
            ticket_id=ticket.id,
        )


def _internal(session: Session, handoff: Handoff, heard: Heard, lease_minutes: float) -> FollowUp:
    """Renew the holder's claim for a message among responders, once a message; its words are not stored."""
    if handoff.claimed_by != heard.user:
        return NOTHING
    note = InboxCommand(
        f"internal:{heard.channel}:{heard.ts}", InboxKind.INTERNAL, heard.team, heard.channel, heard.user, "", {}
    )
    if inbox_commands.accept(session, note) is None:
        return NOTHING  # Slack has delivered it before
    moved = casework.renew(session, handoff.id, heard.user, lease_minutes=lease_minutes)
    if not isinstance(moved, Moved):
        return NOTHING
    return FollowUp(say_in=moved.ticket.id)


def _not_counted(session: Session, heard: Heard, ticket_id: int, why: Forbidden) -> FollowUp:
    """Tell only the author that their message was not passed on, and audit it."""
    handoff = handoffs.active(session, ticket_id)
    if handoff is not None:
        moves.refuse(session, handoff.id, heard.user, move="write", why=why)
    return only(session, heard, ticket_id, f"This was not passed on. {denials.in_words(why)}")
