"""Notes below a handoff's card: each move, and what is still to be done.

Invariant: every sentence is ours and true when it is stored; a note mentions the person who is to act.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from slack_sdk.models.blocks import ActionsBlock, ButtonElement

from bot.slack import mrkdwn
from bot.slack.mrkdwn import Body
from bot.store.schema import ExpiryCause

_MOST_MENTIONED = 10
_SHOWN = 1_500
"The most characters of a draft in a question; the whole draft is in the thread above it."


class DraftEnd(StrEnum):
    """How a `>` message ended, as its thread says."""

    SENT = "sent"
    "It went to the requester's thread."
    DIRECTLY = "directly"
    "It went to the requester directly."
    KEPT = "kept"
    "Its writer does not want it sent."
    LATE = "late"
    "Its writer no longer had the ticket."
    EXPIRED = "expired"
    "Its writer had not decided in time."
    WITHDRAWN = "withdrawn"
    "Its writer deleted it before it was sent."
    UNSENT = "unsent"
    "Its writer took it back after it was sent."


@dataclass(frozen=True, slots=True)
class NoteSubject:
    """The ticket that a note names, for readers in the channel, where its card is far above."""

    ticket_id: int
    requester: str
    "Slack user id."
    link: str | None
    "Address of the requester's thread; None when it is private."


def reminded(subject: NoteSubject, waiting_since: datetime) -> Body:
    """Remind the responders of an unclaimed handoff; the note is also shown in the channel."""
    return _broadcast(subject, f"Nobody has taken this yet. The requester is {_since(waiting_since)}.")


def called(subject: NoteSubject, call: Sequence[str], waiting_since: datetime, *, already: bool) -> Body:
    """Mention the people on call unless they have just been called; the note is also shown in the channel."""
    please = "Those on call have just been called." if already else _please(call)
    return _broadcast(subject, f"Nobody has taken this, and the requester is {_since(waiting_since)}. {please}")


def told(opens_at: datetime | None) -> Body:
    """Say that the requester was told that they still wait."""
    closed = f" and that people are back {mrkdwn.date(opens_at)}" if opens_at else ""
    return _note(f"I have told the requester that nobody has been free yet{closed}.")


def not_copied(requester: str, most: int) -> Body:
    """Say that a requester writes more messages than are stored and copied here."""
    return _note(
        f"{mrkdwn.mention(requester)} has written more than {most} messages within an hour. "
        "I keep and copy no more of them for now: the rest is in their thread only, and I have told them so."
    )


def warned(holder: str, until: datetime) -> Body:
    """Remind the holder that their claim ends soon."""
    ends = mrkdwn.date(until, "{time}")
    return _note(
        f"{mrkdwn.mention(holder)} your claim ends at {ends}. Write anything here or to the requester to keep it; "
        "otherwise anybody can claim it again."
    )


def expired(subject: NoteSubject, holder: str, call: Sequence[str], *, why: ExpiryCause) -> Body:
    """Say that a claim has expired."""
    return _broadcast(subject, f"{_ended(holder, why)}, so nobody has this now. {_please(call)}")


def stranded(subject: NoteSubject, holder: str) -> Body:
    """Say that a claim has ended and that nobody can claim the handoff, because its agent is gone."""
    text = (
        f"The agent that looked after this is no longer here, so {mrkdwn.mention(holder)} no longer has this. "
        "Nobody can act on it until an operator names the agent that inherits it."
    )
    return _broadcast(subject, text)


def in_private(requester: str) -> Body:
    """Introduce the conversation that a holder gets directly because others read the queue channel."""
    return _note(
        f"You have the request of {mrkdwn.mention(requester)}. It was written in a direct message, and others read the "
        "queue channel, so the conversation comes to you alone. What you write in this thread stays with you, unless "
        "it starts with `>`: then it goes to them."
    )


def unclaimed(subject: NoteSubject, holder: str, call: Sequence[str]) -> Body:
    """Say that the holder has unclaimed the handoff."""
    return _broadcast(subject, f"{mrkdwn.mention(holder)} unclaimed this, so nobody has it now. {_please(call)}")


def reassigned(by: str, holder: str, to: str, *, until: datetime | None, why: str) -> Body:
    """Tell the next holder that the handoff is theirs."""
    ends = f" until {mrkdwn.date(until, '{time}')}" if until else ""
    gave = f"{mrkdwn.mention(to)} this is yours{ends}: {mrkdwn.mention(by)} gave it to you"
    taken = "" if by == holder else f" (it was with {mrkdwn.mention(holder)})"
    return _note(f"{gave}{taken}.", why)


def given_back(holder: str, note: str) -> Body:
    """Say that the agent goes on, with the holder's note to it."""
    return _note(f"{mrkdwn.mention(holder)} gave this back to the agent, which now goes on with:", note)


def went_on(owner: str) -> Body:
    """Say that the agent goes on after an owner's raise of the budget."""
    return _note(f"{mrkdwn.mention(owner)} raised the budget, so the agent goes on with this.")


def went_on_after_surge() -> Body:
    """Say that the agent goes on because the directory answers again."""
    return _note("The directory answers again, so the agent goes on with this and with everyone who waits.")


def surge_over(holder: str) -> Body:
    """Tell the holder that the directory answers again, and what that means for their ticket."""
    return _note(
        f"{mrkdwn.mention(holder)}: the directory answers again. The agent goes on with everyone who waits; "
        "this ticket stays with you."
    )


def possible_takeover(evidence: str) -> Body:
    """Say that somebody else may be in the account, and why that seems so."""
    return _note("*Possible takeover.* The second factors of this account were reset, and now:", evidence)


def cancelled(requester: str) -> Body:
    """Say that nobody is needed any longer."""
    return _note(f"{mrkdwn.mention(requester)} no longer needs help. There is nothing left to do.")


def emptied(holder: str, requester: str) -> Body:
    """Tell the holder that the request is deleted; the edited card itself notifies nobody."""
    return _note(
        f"{mrkdwn.mention(holder)} {mrkdwn.mention(requester)} has deleted everything they wrote. "
        "It is still yours: ask them, or resolve it."
    )


def not_delivered(requester: str, error: str) -> Body:
    """Say that a responder's message could not be delivered."""
    code = mrkdwn.line(error, 60).replace("`", "")
    return _note(f":warning: The message above was not delivered to {mrkdwn.mention(requester)}: Slack says `{code}`.")


def ask_to_send(draft_id: int, author: str, requester: str, text: str, *, certain: bool = True) -> Body:
    """Ask the author of the first `>` message, or of one with a similar character, whether to send it.

    Args:
        draft_id: the message.
        author: its author.
        requester: the person it would go to.
        text: the message, without its marks.
        certain: whether it starts with `>` itself.
    """
    first = "It would be the first of your claim. Send this one?"
    alike = "Yours starts with a character that looks like it. Send it?"
    question = (
        f"{mrkdwn.mention(author)} a message that starts with `>` goes to {mrkdwn.mention(requester)}, "
        f"under your name. {first if certain else alike}"
    )
    body = _note(question, mrkdwn.clamp(text, _SHOWN))
    choices = [
        ButtonElement(text="Send it", action_id="handoff.send", value=str(draft_id), style="primary"),
        ButtonElement(text="Keep it internal", action_id="handoff.keep", value=str(draft_id)),
    ]
    body["blocks"].append(ActionsBlock(elements=choices).to_dict())
    return body


def ask_about_secret(draft_id: int, author: str, requester: str, channel: str, text: str) -> Body:
    """Ask the author of a message that seems to hold a secret how to send it to the requester.

    Args:
        draft_id: the message.
        author: its author.
        requester: the person it is for.
        channel: the channel of the requester's thread, which others can read.
        text: the message with its secrets redacted.
    """
    question = (
        f"{mrkdwn.mention(author)} this seems to hold a password or another secret, and their thread can be read by "
        f"everyone in <#{channel}>. Send it to {mrkdwn.mention(requester)} directly?"
    )
    body = _note(question, mrkdwn.clamp(text, _SHOWN))
    body["blocks"].append(ActionsBlock(elements=_secret_choices(draft_id)).to_dict())
    return body


def offer_directly(draft_id: int, requester: str, channel: str) -> Body:
    """Warn a responder that others can read the secret they have just written."""
    warning = (
        f"What you wrote here seems to hold a password or another secret, and everyone in <#{channel}> can read it. "
        f"Please delete it. Shall I send it to {mrkdwn.mention(requester)} directly?"
    )
    body = _note(warning)
    [directly, _, keep] = _secret_choices(draft_id)
    body["blocks"].append(ActionsBlock(elements=[directly, keep]).to_dict())
    return body


def _secret_choices(draft_id: int) -> list[ButtonElement]:
    value = str(draft_id)
    return [
        ButtonElement(text="Send it directly", action_id="handoff.send_directly", value=value, style="primary"),
        ButtonElement(text="Send it in the thread", action_id="handoff.send", value=value, style="danger"),
        ButtonElement(text="Do not send it", action_id="handoff.keep", value=value),
    ]


def decided(author: str, requester: str, *, end: DraftEnd) -> Body:
    """Return what replaces the question about a `>` message, or the copy of one: how it ended."""
    return _note(_decided(mrkdwn.mention(author), mrkdwn.mention(requester), end))


def _decided(who: str, reader: str, end: DraftEnd) -> str:
    match end:
        case DraftEnd.SENT:
            return f"{who} sent this to {reader}. From now on, messages that start with `>` go out at once."
        case DraftEnd.DIRECTLY:
            return f"{who} sent this to {reader} directly, where nobody else reads it."
        case DraftEnd.EXPIRED:
            return f"Nobody has decided this in time, so I no longer hold the words. {reader} has not seen them."
        case DraftEnd.KEPT:
            return f"{who} kept this internal. {reader} has not seen it."
        case DraftEnd.WITHDRAWN:
            return f"{who} deleted this before it was sent. {reader} has not seen it."
        case DraftEnd.UNSENT:
            return f"{who} took this back after it was sent. It is no longer in the thread of {reader}."
        case DraftEnd.LATE:
            return f"This was not sent: {who} no longer has this ticket. {reader} has not seen it."
        case _:
            assert_never(end)


def _broadcast(subject: NoteSubject, text: str) -> Body:
    """Return a note that is also shown in the channel."""
    link = f" · <{subject.link}|Their thread>" if subject.link and mrkdwn.openable(subject.link) else ""
    head = f"*Ticket {subject.ticket_id}* of {mrkdwn.mention(subject.requester)}{link}"
    return {**_note(f"{head}\n{text}"), "reply_broadcast": True}


def _note(text: str, quoted: str = "") -> Body:
    blocks = [mrkdwn.section(text)]
    if quoted.strip():
        whole = mrkdwn.clamp(mrkdwn.quote(quoted), mrkdwn.LONGEST)
        blocks += map(mrkdwn.section, mrkdwn.split_quote(whole, mrkdwn.SECTION_CHARACTERS))
    return mrkdwn.body(text, blocks)


def _ended(holder: str, why: ExpiryCause) -> str:
    who = mrkdwn.mention(holder)
    match why:
        case ExpiryCause.LEFT:
            return f"{who} is no longer a member of this workspace"
        case ExpiryCause.OFF_CARD:
            return f"{who} is no longer one of the responders"
        case ExpiryCause.LEASE:
            return f"The claim of {who} has expired"
        case _:
            assert_never(why)


def _since(at: datetime) -> str:
    return f"waiting since {mrkdwn.date(at, mrkdwn.TIME + ' ({ago})')}"


def _please(call: Sequence[str]) -> str:
    mentions = " ".join(mrkdwn.group(one) for one in call[:_MOST_MENTIONED])
    return f"{mentions} please claim it." if mentions else "Please claim it."
