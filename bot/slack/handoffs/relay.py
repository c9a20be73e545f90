"""Carries messages, edits and deletions between the two linked threads of a handoff.

Messages below a card are internal by default: only those that a responder sends reach the requester. The key of every
copy names its original, so that there is one copy, which follows edits.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile

from bot import markup
from bot.slack.handoffs import copies, handoff_messages, handoff_transcript, linked_threads, queue_notes, transcript
from bot.slack.handoffs.queue_notes import DraftEnd
from bot.slack.mrkdwn import Body
from bot.slack.outbox.posting import AS_USER
from bot.slack.requesters import replies, sealed
from bot.slack.requesters.sealed import as_kept, holds_secret
from bot.slack.sentences import Language, spoken_by
from bot.store.db import Session
from bot.store.handoffs import handoffs, responses
from bot.store.outbox import messages
from bot.store.outbox.messages import UNNAMED
from bot.store.schema import Handoff, InboxEvent, InboxKind, InboxState, MessageKind, Ticket
from bot.store.tickets import quotes
from bot.store.tickets.tickets import Attachment

SEND_MARKS = (">", "\N{FULLWIDTH GREATER-THAN SIGN}", "\N{SMALL GREATER-THAN SIGN}")
"A responder's message that starts with one of these goes to the requester; any other stays among responders."
PERHAPS = {"\u300b": "\u300a", "\u3009": "\u3008", "\u00bb": "\u00ab", "\u203a": "\u2039", "\u226b": "\u226a"}
"""Characters that keyboards give for `>`, each with its counterpart. The author of a message that starts with one is
asked, unless the message has both, because then they are quotation marks."""
QUOTE_ALL = ">>>"
"Slack's mark for a quotation that goes to the end of the message."
_UNSEEN = "\u200b\u200e\u200f\u2060\ufeff"


def replied(
    session: Session,
    handoff: Handoff,
    ticket: Ticket,
    *,
    key: str,
    text: str,
    user: str,
    files: Sequence[Attachment] = (),
    directly: bool = False,
) -> None:
    """Send a responder's message to the requester and copy it into the queue thread, or edit both.

    A message that is sent directly goes to the requester's direct messages; their thread, which others read, only says
    that there is one.
    """
    language = spoken_by(session, ticket.requester)
    spoken = _spoken(text, user, files, language)
    if directly:
        spoken = [replies.directly(user, ticket.channel, language), *spoken]
        linked_threads.directly(session, ticket, handoff, key=f"human:{key}", bodies=spoken)
        where = replies.sent_directly(user, language)
        linked_threads.to_requester(
            session, ticket, handoff, key=f"directly:{key}", kind=MessageKind.CLAIMED, bodies=[where]
        )
    else:
        linked_threads.to_requester(
            session, ticket, handoff, key=f"human:{key}", kind=MessageKind.HUMAN_REPLY, bodies=spoken
        )
    shown = copies.sent_to_requester(ticket.requester, as_kept(text), files, responder=user)
    linked_threads.below(session, handoff, key=f"sent:{key}", kind=MessageKind.COPY, bodies=shown)


def _spoken(text: str, user: str, files: Sequence[Attachment], language: Language) -> list[Body]:
    """Return a responder's message under their name; its secrets are no longer stored once it is sent."""
    bodies, kept = (
        [{**body, AS_USER: user} for body in _as_said(said, files, language)] for said in (text, as_kept(text))
    )
    return sealed.seal(bodies, kept) if holds_secret(text) else bodies


def _as_said(text: str, files: Sequence[Attachment], language: Language) -> Iterator[Body]:
    """Return a responder's message, with what the model reads of it where it names people; its readers see names."""
    bodies, said = copies.human_reply(text, files, language), markup.without_names(text)
    if said == text:
        yield from bodies
        return
    read = [body["text"] for body in copies.human_reply(said, files, language)]
    before = len(bodies) - 1
    parts = [*read[:before], "\n".join(read[before:])]  # without the names it may be in more messages, or in fewer
    for number, body in enumerate(bodies):
        yield {**body, UNNAMED: parts[number] if number < len(parts) else ""}


def was_sent(session: Session, key: str) -> bool:
    """Return whether a responder's message with this key has been sent to the requester."""
    return messages.by_key(session, f"human:{key}") is not None


def wrote(session: Session, handoff: Handoff, ticket: Ticket, events: Iterable[InboxEvent]) -> None:
    """Copy messages of the requester's thread into the queue thread."""
    for event in events:
        where = None if event.user == ticket.requester else "wrote to them in their thread"
        passed_on = quotes.of(event)
        bodies = copies.wrote(event.user, event.text, transcript.attachments(event), where=where, quoted=passed_on)
        linked_threads.below(session, handoff, key=f"copy:event:{event.id}", kind=MessageKind.COPY, bodies=bodies)


def asked(session: Session, handoff: Handoff, ticket: Ticket, draft: InboxEvent) -> None:
    """Ask the author of a draft whether to send it, or, with a secret that others would read, how to send it."""
    text = sendable(draft.text)
    if responses.WORDS in draft.detail and not ticket.private:
        question = queue_notes.ask_about_secret(draft.id, draft.user, ticket.requester, ticket.channel, text)
    else:
        question = queue_notes.ask_to_send(draft.id, draft.user, ticket.requester, text, certain=is_certain(draft.text))
    linked_threads.below(session, handoff, key=_question(draft), kind=MessageKind.QUESTION, bodies=[question])


def sent(session: Session, handoff: Handoff, ticket: Ticket, draft: InboxEvent, *, directly: bool = False) -> None:
    """Send a draft to the requester as it was written; its secrets are no longer stored."""
    files, text = transcript.attachments(draft), sendable(str(draft.detail.get(responses.WORDS, draft.text)))
    message = {"key": _place(draft), "text": text, "user": draft.user}
    replied(session, handoff, ticket, **message, files=files, directly=directly)
    responses.hold(draft, None)


def decided(session: Session, handoff: Handoff, ticket: Ticket, draft: InboxEvent, *, end: DraftEnd) -> None:
    """Replace the question about a draft by how it ended, and send the draft if that was the answer."""
    answer = queue_notes.decided(draft.user, ticket.requester, end=end)
    linked_threads.below(session, handoff, key=_question(draft), kind=MessageKind.QUESTION, bodies=[answer])
    if end in (DraftEnd.SENT, DraftEnd.DIRECTLY):
        sent(session, handoff, ticket, draft, directly=end is DraftEnd.DIRECTLY)
    responses.hold(draft, None)


def rewritten(session: Session, handoff: Handoff, ticket: Ticket, event: InboxEvent) -> None:
    """Carry an edit or a deletion to every place that shows the words."""
    if event.kind is InboxKind.DRAFT:
        _redraft(session, handoff, ticket, event)
        for later in handoffs.of_ticket(session, ticket.id):  # their transcripts repeat earlier messages
            handoff_transcript.retell(session, later)
        return
    handoff_transcript.retell(session, handoff)
    handoff_messages.show_card(session, handoff, ticket)
    copy = messages.by_key(session, linked_threads.placed(handoff, f"copy:event:{event.id}"))
    if copy is None or copy.handoff_id != handoff.id:  # the copy is below the card of another handoff
        return
    if event.state is InboxState.WITHDRAWN:
        stub = copies.deleted(event.user)
        linked_threads.below(session, handoff, key=f"copy:event:{event.id}", kind=MessageKind.COPY, bodies=[stub])
    else:
        wrote(session, handoff, ticket, [event])


def emptied(session: Session, handoff: Handoff, ticket: Ticket) -> None:
    """Tell the holder, once, that the requester has deleted every message."""
    note = queue_notes.emptied(str(handoff.claimed_by), ticket.requester)
    linked_threads.below(session, handoff, key=f"emptied:handoff:{handoff.id}", kind=MessageKind.MOVE, bodies=[note])


def is_certain(text: str) -> bool:
    """Return whether a message starts with a mark that sends it."""
    return text.lstrip(_UNSEEN).startswith(SEND_MARKS)


def is_marked(text: str) -> bool:
    """Return whether a message starts with such a mark, or with a character that may be meant as one."""
    first = text.lstrip(_UNSEEN)[:1]
    return first in SEND_MARKS or (first in PERHAPS and PERHAPS[first] not in text)


def sendable(text: str) -> str:
    """Return a `>` message without its marks; Slack puts one before every line of a quotation."""
    lines = text.lstrip(_UNSEEN).split("\n")
    marked = sum(1 for _ in takewhile(is_marked, lines))
    bare = [line[len(QUOTE_ALL) if line.startswith(QUOTE_ALL) else 1 :].removeprefix(" ") for line in lines[:marked]]
    return "\n".join(bare + lines[marked:]).strip()


def is_sendable(draft: InboxEvent) -> bool:
    """Return whether a draft still has a mark, and something to send."""
    return is_marked(draft.text) and bool(sendable(draft.text) or draft.files)


def _redraft(session: Session, handoff: Handoff, ticket: Ticket, draft: InboxEvent) -> None:
    """Carry out the edit of a `>` message; a message that has lost its mark is taken back as if it were deleted."""
    gone, key = draft.state is InboxState.WITHDRAWN, _place(draft)
    if not was_sent(session, key):
        if gone:
            decided(session, handoff, ticket, draft, end=DraftEnd.WITHDRAWN)
        elif not is_sendable(draft):
            if responses.decide(session, draft.id, draft.user, state=InboxState.KEPT) is not None:
                decided(session, handoff, ticket, draft, end=DraftEnd.KEPT)
        elif draft.state is InboxState.ASKED:
            asked(session, handoff, ticket, draft)
    elif draft.state is InboxState.KEPT:
        return  # it was taken back, and an edit never sends a message
    elif gone or not is_sendable(draft):
        if not gone:
            responses.take_back(draft)
        number = 0
        while messages.take_back(session, f"human:{key}" if number == 0 else f"human:{key}:{number}"):
            number += 1
        taken = queue_notes.decided(draft.user, ticket.requester, end=DraftEnd.UNSENT)
        linked_threads.below(session, handoff, key=f"sent:{key}", kind=MessageKind.COPY, bodies=[taken])
    else:
        sent(session, handoff, ticket, draft)


def _place(draft: InboxEvent) -> str:
    return f"{draft.channel}:{draft.ts}" if draft.ts else draft.event_id


def _question(draft: InboxEvent) -> str:
    return f"ask:event:{draft.id}"
