"""The states and kinds of what is stored: each a closed set, with a sentence for each value.

Invariant: a column of such a type holds nothing else, and every `match` on it is exhaustive, so that a new value is a
type error wherever it is not handled.
"""

from collections.abc import Iterable
from enum import StrEnum

from bot.store.schema.approval_enums import ApprovalMoveKind, ApprovalState, ProofState, WithdrawCause
from bot.store.schema.eval_enums import (
    PlayedBy,
    ProbeState,
    ProposalState,
    RunKind,
    RunState,
    SampledFor,
    Verdict,
)
from bot.store.schema.message_enums import MessageKind, MessageOp, MessageState
from bot.store.schema.watch_enums import AlertKind, CountedEvents, DriftStream


def listed(values: Iterable[StrEnum]) -> str:
    """Return values as SQL lists them: `'open', 'claimed'`."""
    return ", ".join(f"'{value}'" for value in values)


class TicketState(StrEnum):
    """Who has a ticket."""

    OPEN = "open"
    "The agent has it and answers its next message."
    HANDED_OFF = "handed_off"
    "People have it, whether or not one of them has claimed it."
    RESOLVED = "resolved"
    "It is done, until its requester writes again."


class TurnState(StrEnum):
    """How far a turn has got."""

    WAITING = "waiting"
    "It waits for a worker, or for another turn of its requester."
    RUNNING = "running"
    "A worker plays it, until its lease expires."
    DONE = "done"
    "It has its outcome."


class TurnOutcome(StrEnum):
    """How a turn ended."""

    REPLY = "reply"
    "The agent has answered."
    HANDOFF = "handoff"
    "The ticket was handed to people."
    REFUSED = "refused"
    "Its requester was not admitted."
    WITHDRAWN = "withdrawn"
    "The request was deleted, or somebody stopped the turn, before there was an answer."
    LINKED = "linked"
    "Its ticket follows a surge: the requester was told so, and the model was not asked."


class InboxKind(StrEnum):
    """What kind of event Slack told us."""

    MESSAGE = "message"
    "A requester's words to an agent."
    ANSWER = "answer"
    "A responder's words in the requester's thread."
    NOTE = "note"
    "A responder's words to the agent."
    DRAFT = "draft"
    "A responder's words that may go to the requester."
    INTERNAL = "internal"
    "A responder's words to other responders, which renew their claim; the text is not stored."
    OVERHEARD = "overheard"
    "Said in the thread to somebody else, or before the agent was asked."
    UNASSIGNED = "unassigned"
    "A direct message whose writer has not chosen an agent yet."
    COMMAND = "command"
    "A slash command."
    WHY = "why"
    "Somebody asked by the message shortcut why a message came to be."
    SHORTCUT = "shortcut"
    "A message shortcut, or a button that asks for a person."
    PLEA = "plea"
    "A message that its writer wants the agent to look at."
    STOP = "stop"
    "The button that stops an agent's turn."


class InboxState(StrEnum):
    """What became of an event that Slack told us."""

    ACCEPTED = "accepted"
    "It is stored, and belongs to a turn or waits for its answer."
    PARKED = "parked"
    "It waits for the turn under way to end."
    RELAYED = "relayed"
    "It is for people, and no turn answers it."
    WITHDRAWN = "withdrawn"
    "Its writer deleted it."
    ANSWERED = "answered"
    "A job answered it."
    ASKED = "asked"
    "A draft: its writer was asked whether to send it."
    SENT = "sent"
    "A draft: it was sent to the requester."
    KEPT = "kept"
    "A draft: it will not be sent."


class SurgeCause(StrEnum):
    """What the tickets of a surge have in common."""

    DIRECTORY = "directory"
    "The directory of accounts does not answer."
    ALIKE = "alike"
    "Their requesters write of the same thing, and the agent handed them off for the same reason."


class SurgeEnd(StrEnum):
    """Why a surge is over."""

    ANSWERS = "answers"
    "The directory has answered several times in a row."
    PEOPLE = "people"
    "A person has resolved the parent handoff or given it back."
    NOBODY = "nobody"
    "Nobody waits for it any more."


class FollowerState(StrEnum):
    """How a ticket stands to the surge that it is linked to."""

    WAITING = "waiting"
    "It waits for the end of the surge."
    WITH_PEOPLE = "with_people"
    "It was handed off for the cause of the surge: it is the parent, or was handed off before the surge was found."
    LEFT = "left"
    "It no longer waits: its problem is another one or is solved, or it went to a person or was withdrawn."
    GONE_ON = "gone_on"
    "The surge is over, its requester was told, and the agent goes on with it."


class StepKind(StrEnum):
    """What a step of a turn calls."""

    MODEL = "model"
    "The model."
    TOOL = "tool"
    "A tool."


class StepStatus(StrEnum):
    """How a step of a turn ended."""

    STARTED = "started"
    "The call has left and is not answered yet."
    OK = "ok"
    "The call was answered."
    REFUSED = "refused"
    "The tool or the policy refused the call, and the model was told."
    FAILED = "failed"
    "The call failed."
    UNSEEN = "unseen"
    "The turn ended before the result of a tool call was seen."


class HandoffState(StrEnum):
    """The state of a handoff; `bot.store.handoffs.handoffs` draws the moves between them."""

    OPEN = "open"
    "Nobody has claimed it, and responders are asked to."
    CLAIMED = "claimed"
    "A responder has it, until their lease expires."
    RETURNED = "returned"
    "It is over: the agent goes on with the ticket."
    RESOLVED = "resolved"
    "It is over: a responder said what was done."
    CANCELLED = "cancelled"
    "It is over: its requester needs nothing more."


class MoveKind(StrEnum):
    """What a move of a handoff does."""

    OPENED = "opened"
    "A ticket was handed to people."
    CLAIMED = "claimed"
    "A responder claimed it."
    RENEWED = "renewed"
    "Its holder wrote, which renews their lease."
    WARNED = "warned"
    "Its holder was reminded that their lease expires soon."
    REASSIGNED = "reassigned"
    "It was given to another responder."
    UNCLAIMED = "unclaimed"
    "Its holder gave up the claim."
    EXPIRED = "expired"
    "The claim ended by itself."
    ESCALATED = "escalated"
    "Nobody had claimed it, and an escalation level was reached."
    RETURNED = "returned"
    "It was given back to the agent, or the agent went on with it after a raise of its budget."
    RESOLVED = "resolved"
    "Its holder said what was done."
    CANCELLED = "cancelled"
    "Its requester took it back, or deleted everything they wrote."


class ExpiryCause(StrEnum):
    """Why a claim ends by itself."""

    LEASE = "lease"
    "Its lease has expired."
    LEFT = "left"
    "Its holder has left the workspace."
    OFF_CARD = "off_card"
    "Its holder is no longer a responder."


class ReviewState(StrEnum):
    """What became of the review of a hard cap."""

    OPEN = "open"
    "The budget's owner has not decided yet; a budget key has at most one open review."
    RAISED = "raised"
    "The owner allowed more spending until the window ends."
    DENIED = "denied"
    "The owner left the limit as it was."
    ENDED = "ended"
    "Nobody had decided by the end of its window."
    CHANGED = "changed"
    "The budget file was changed before anybody had decided."


class LedgerState(StrEnum):
    """What is known of the cost of a model call."""

    SENT = "sent"
    "The call has left, and its cost is not known yet."
    SETTLED = "settled"
    "It is charged at its true cost."
    CHARGED = "charged"
    "It is charged at the worst case, because its outcome is unknown."


class WriteState(StrEnum):
    """What is known of a write to an account."""

    BEGUN = "begun"
    "It was allowed, and its result has not been seen."
    DONE = "done"
    "The directory has done it."
    REFUSED = "refused"
    "The directory certainly has not done it."


class DirectoryAgreement(StrEnum):
    """Whether the directory, when it was read back after a write, was as the write should have left it."""

    MATCHED = "matched"
    "It was."
    DIVERGED = "diverged"
    "It was not, although the write is known to have been made."
    UNKNOWN = "unknown"
    "It did not answer, or it does not know of the write and is not as the write should have left it."


class Purpose(StrEnum):
    """What a model call is paid for."""

    TURN = "turn"
    "It answers a person."
    EVAL = "eval"
    "It plays a case of an evaluation."


ALL: tuple[type[StrEnum], ...] = (
    *(TicketState, TurnState, TurnOutcome),
    *(SurgeCause, SurgeEnd, FollowerState),
    *(InboxKind, InboxState, StepKind, StepStatus, MessageKind, MessageState, MessageOp),
    *(HandoffState, MoveKind),
    *(ReviewState, LedgerState, Purpose, WriteState, DirectoryAgreement),
    *(RunKind, RunState, ProbeState, Verdict, PlayedBy, ProposalState, SampledFor),
    *(ApprovalState, ApprovalMoveKind, WithdrawCause, ProofState),
    *(DriftStream, AlertKind, CountedEvents),
)
"The enums that columns hold."
