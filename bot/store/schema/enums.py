"""The states and kinds of what is stored: each a closed set, with a sentence a value.

Invariant: a column that holds one of them holds nothing else, and every place that tells them apart is checked by
mypy, so that a new value is a type error wherever nobody has said yet what becomes of it.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import assert_never


def listed(values: Iterable[StrEnum]) -> str:
    """Return values as SQL lists them: `'open', 'claimed'`."""
    return ", ".join(f"'{value}'" for value in values)


class TicketState(StrEnum):
    """Whose a ticket is."""

    OPEN = "open"
    "The agent's: its next message is answered by it."
    HANDED_OFF = "handed_off"
    "The people's, whether or not one of them has claimed it."
    RESOLVED = "resolved"
    "Nobody's: it is done, until its requester comes back."


class TurnState(StrEnum):
    """How far a turn is."""

    WAITING = "waiting"
    "It waits for a worker, or for another turn of its requester."
    RUNNING = "running"
    "A worker plays it, until its lease ends."
    DONE = "done"
    "It has its outcome."


class TurnOutcome(StrEnum):
    """What a turn has ended in."""

    REPLY = "reply"
    "The agent has answered."
    HANDOFF = "handoff"
    "A person was given the ticket."
    REFUSED = "refused"
    "Its requester was not admitted."
    WITHDRAWN = "withdrawn"
    "The request was deleted, or somebody stopped the turn, before there was an answer."


class InboxKind(StrEnum):
    """What it is that Slack told us."""

    MESSAGE = "message"
    "A requester's words to an agent."
    ANSWER = "answer"
    "A responder's words in the requester's thread."
    NOTE = "note"
    "A responder's words to the agent."
    DRAFT = "draft"
    "A responder's words that may go to the requester."
    INTERNAL = "internal"
    "A responder's words to the others, which keep their claim; the words are not kept."
    OVERHEARD = "overheard"
    "Said in the thread to somebody else, or before the agent was asked."
    UNASSIGNED = "unassigned"
    "Said directly, to an agent that is yet to be chosen."
    COMMAND = "command"
    "A slash command."
    SHORTCUT = "shortcut"
    "A shortcut of a message, or a button that asks for a person."
    PLEA = "plea"
    "A message that its writer wants the agent to look at."
    STOP = "stop"
    "The button that stops an agent's turn."


class InboxState(StrEnum):
    """What has become of what Slack told us."""

    ACCEPTED = "accepted"
    "It is kept, and belongs to a turn or waits for its answer."
    PARKED = "parked"
    "It waits for the turn under way to end."
    RELAYED = "relayed"
    "It is on the people's side, and no turn answers it."
    WITHDRAWN = "withdrawn"
    "Its writer has deleted it."
    ANSWERED = "answered"
    "A job has answered it."
    ASKED = "asked"
    "A draft: its writer was asked whether it is to be sent."
    SENT = "sent"
    "A draft: it went to the requester."
    KEPT = "kept"
    "A draft: it was not sent, and never will be."


class StepKind(StrEnum):
    """Whom a step of a turn calls."""

    MODEL = "model"
    "The model."
    TOOL = "tool"
    "A tool."


class StepStatus(StrEnum):
    """How a step of a turn came out."""

    STARTED = "started"
    "The call has left, and its answer is not there."
    OK = "ok"
    "It was answered."
    REFUSED = "refused"
    "The tool or the policy refused it, and the model was told so."
    FAILED = "failed"
    "The call failed."
    UNSEEN = "unseen"
    "The turn ended before anybody saw how a tool call came out."


class MessageState(StrEnum):
    """How far the saying of a message is; `bot.store.outbox.messages` draws it."""

    STORED = "stored"
    "It is written down, and yet to be said."
    SENDING = "sending"
    "A sender has it; once that one's time is over, nobody knows whether it was said."
    POSTED = "posted"
    "Slack has it."
    WITHDRAWN = "withdrawn"
    "It is not said, since a person has the ticket, or it was taken back."
    FAILED = "failed"
    "Slack will never take it."


class MessageOp(StrEnum):
    """Which call of Slack's says a message."""

    POST = "post"
    "It is posted for everybody who reads along."
    EPHEMERAL = "ephemeral"
    "It is shown to one person in a channel."
    RESPOND = "respond"
    "It answers a command or a click at the address that came with it."


class HandoffState(StrEnum):
    """How a handoff stands; `bot.store.handoffs.handoffs` draws what leads from one to another."""

    OPEN = "open"
    "Nobody has it, and people are asked to take it."
    CLAIMED = "claimed"
    "A responder has it, until their lease ends."
    RETURNED = "returned"
    "It is over: the agent goes on with the ticket."
    RESOLVED = "resolved"
    "It is over: a responder has said what was done."
    CANCELLED = "cancelled"
    "It is over: there is nothing left to do for its requester."


class MoveKind(StrEnum):
    """What a move of a handoff does."""

    OPENED = "opened"
    "A ticket was given to people."
    CLAIMED = "claimed"
    "A responder took it."
    RENEWED = "renewed"
    "Its holder wrote, which begins their lease anew."
    WARNED = "warned"
    "Its holder was reminded that their lease ends soon."
    REASSIGNED = "reassigned"
    "It was given to another responder."
    UNCLAIMED = "unclaimed"
    "Its holder gave up the claim."
    EXPIRED = "expired"
    "The claim ended by itself."
    ESCALATED = "escalated"
    "Nobody had taken it, and an escalation level was reached."
    RETURNED = "returned"
    "It was given back to the agent, or a raise of its budget let the agent go on."
    RESOLVED = "resolved"
    "Its holder said what was done."
    CANCELLED = "cancelled"
    "Its requester took it back, or nothing of what they wrote is left."


class EscalationAction(StrEnum):
    """What is done for a handoff that nobody takes."""

    REMIND = "remind"
    "Responders are reminded in the queue channel."
    MENTION = "mention"
    "Who is on call is mentioned there."
    TELL = "tell"
    "The requester is told that they still have to wait."

    @property
    def calls_responders(self) -> bool:
        """Whether it calls responders, who are left alone while they are away."""
        match self:
            case EscalationAction.REMIND | EscalationAction.MENTION:
                return True
            case EscalationAction.TELL:
                return False
            case _:
                assert_never(self)


class ExpiryCause(StrEnum):
    """Why a claim ends by itself."""

    LEASE = "lease"
    "Its lease is over."
    LEFT = "left"
    "Its holder has left the workspace."
    OFF_CARD = "off_card"
    "Its holder is no longer a responder."


class ReviewState(StrEnum):
    """What has become of a hard cap that a call did not fit under."""

    OPEN = "open"
    "The budget's owner has yet to decide; an account has one such review at most."
    RAISED = "raised"
    "Its owner lets more be spent until the window ends."
    DENIED = "denied"
    "Its owner left the limit as it was."
    ENDED = "ended"
    "Nobody had decided by the end of its window."
    CHANGED = "changed"
    "The budget file was changed before anybody had decided."


class LedgerState(StrEnum):
    """What is known of the cost of a model call."""

    SENT = "sent"
    "The call has left, and what it costs is not known."
    SETTLED = "settled"
    "It is charged at its true cost."
    CHARGED = "charged"
    "It is charged at the worst case, as nobody knows how it ended."


class WriteState(StrEnum):
    """What is known of a write to an account."""

    BEGUN = "begun"
    "It was allowed, and its result was not seen."
    DONE = "done"
    "The directory has done it."
    REFUSED = "refused"
    "The directory is known not to have done it."


class RunState(StrEnum):
    """How far an evaluation is."""

    RUNNING = "running"
    "It is played, or its process died while it was."
    FINISHED = "finished"
    "It has a verdict."
    INVALID = "invalid"
    "It met outages, and says nothing about the release."


ALL: tuple[type[StrEnum], ...] = (
    *(TicketState, TurnState, TurnOutcome),
    *(InboxKind, InboxState, StepKind, StepStatus, MessageState, MessageOp),
    *(HandoffState, MoveKind),
    *(ReviewState, LedgerState, WriteState),
    RunState,
)
"Those that a column holds."
