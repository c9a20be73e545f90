"""What happened to one ticket, in order, and who did it: on a terminal, and for the page of the ticket."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never

from bot.slack.mrkdwn import dollars
from bot.store.audit import AuditRecord
from bot.store.schema import HandoffMove, InboxKind, Message, MessageKind, MessageState, Step, StepKind, Turn
from bot.store.tickets.ticket_history import TicketHistory
from bot.stories import plain_words

WIDTH = 160
"The most characters of a text that are shown; `--json` has all of it."
HEARD: Mapping[InboxKind, str] = {
    InboxKind.MESSAGE: "wrote",
    InboxKind.ANSWER: "answered the requester",
    InboxKind.NOTE: "wrote to the agent",
    InboxKind.DRAFT: "wrote to the requester",
    InboxKind.INTERNAL: "wrote to the other responders",
    InboxKind.OVERHEARD: "wrote to somebody else",
    InboxKind.STOP: "pressed Stop",
    InboxKind.UNASSIGNED: "wrote, to no agent yet",
    InboxKind.COMMAND: "gave a command",
    InboxKind.SHORTCUT: "asked for a person",
    InboxKind.WHY: "asked why a message came to be",
    InboxKind.PLEA: "wanted the agent to look at a message",
}
SAID: Mapping[MessageKind, str] = {
    MessageKind.REPLY: "answered",
    MessageKind.NOTICE: "told the requester",
    MessageKind.CARD: "posted the card",
    MessageKind.TRANSCRIPT: "posted the transcript",
    MessageKind.COPY: "copied below the card",
    MessageKind.HUMAN_REPLY: "passed a responder's answer on",
    MessageKind.CLAIMED: "told the requester who has it",
    MessageKind.MOVE: "noted below the card",
    MessageKind.QUESTION: "asked a responder",
    MessageKind.ONLY_YOU: "told one person alone",
    MessageKind.REVIEW: "asked an owner about the budget",
    MessageKind.RESPONSE: "answered a command or a button",
    MessageKind.CHOICE: "asked which agent is needed",
    MessageKind.ADDED: "said that it belongs to the open request",
    MessageKind.OFFER: "offered help",
    MessageKind.FORM: "asked for words",
    MessageKind.SOFT_CAP_ALERT: "told an owner of a soft cap",
    MessageKind.ALERT: "told owners of an anomaly",
    MessageKind.OWNER_ALERT: "alerted owners",
    MessageKind.DIGEST: "sent a digest",
    MessageKind.SURGE: "told a help channel of a surge",
    MessageKind.RELEASE: "told responders of a release",
    MessageKind.EVALUATION: "told an owner of an evaluation",
    MessageKind.CASE: "told somebody of a proposed case",
    MessageKind.EVENTS_LOST: "told owners of lost events",
    MessageKind.APPROVAL: "asked approvers",
    MessageKind.PROOF: "asked the requester's manager",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened."""

    at: datetime
    who: str
    what: str
    within: int = 0
    "The order of things that happened in the same microsecond."
    step: Step | None = None
    "The model or tool call, if it is one."


@dataclass(frozen=True, slots=True)
class TicketStory:
    """A ticket's history, with the names of people and channels."""

    history: TicketHistory
    names: Mapping[str, str] = field(default_factory=dict)
    "Names by Slack id."

    def text(self) -> str:
        """Return the story as a page of text: the ticket and its state, then a line for each thing that happened."""
        moments = self.moments()
        width = max((len(one.who) for one in moments), default=0)
        lines = [f"{one.at:%Y-%m-%d %H:%M:%S}  {one.who:{width}}  {one.what}" for one in moments]
        return "\n".join([*self._head(), "", "times are UTC", *lines])

    def moments(self) -> list[Moment]:
        """Return everything that happened, in order."""
        return sorted(self._moments(), key=lambda one: (one.at, one.within))

    def name(self, some_id: str) -> str:
        """Return the name of a person or a channel, or the id if the name is not known."""
        return self.names.get(some_id, some_id)

    def _head(self) -> Iterator[str]:
        ticket = self.history.ticket
        assignee = f", with {self.name(ticket.assignee)}" if ticket.assignee else ""
        category = f" ({plain_words.plain(ticket.category)})" if ticket.category else ""
        yield f"Ticket {ticket.id}: {plain_words.plain(ticket.state)}{category}{assignee}"
        yield f"  requester  {self.name(ticket.requester)}"
        yield f"  agent      {ticket.agent}"
        yield f"  place      {self.name(ticket.channel)}, thread {ticket.thread_ts}"
        yield f"  account    {ticket.account or 'none bound'}"
        if ticket.surge_id is not None and ticket.following is not None:
            yield f"  surge      {ticket.surge_id}: {plain_words.plain(ticket.following)}"
        calls = len(self.history.calls)
        yield f"  cost       {dollars(self.history.cost_nusd)} in {calls} model call{'' if calls == 1 else 's'}"
        for handoff in self.history.handoffs:
            yield f"  handoff {handoff.id:<2} {handoff.state}, {plain_words.plain(handoff.reason)}"

    def _moments(self) -> Iterator[Moment]:
        history = self.history
        for event in history.heard:
            did = HEARD[event.kind]
            files = f" with {len(event.files)} file{'' if len(event.files) == 1 else 's'}" if event.files else ""
            yield Moment(event.received_at, self.name(event.user), f"{did}{files}: {cut(event.text)}", 0)
        for turn in history.turns:
            yield from _turn(turn)
        for step in history.steps:
            yield Moment(step.started_at, history.ticket.agent, _step(step), 3, step)
        for message in history.messages:
            yield Moment(message.posted_at or message.created_at, "bot", _message(message), 6)
        for move in history.moves:
            yield Moment(move.at, self.name(move.actor), self._move(move), 5)
        for record in history.audit:
            yield Moment(record.at, self.name(record.actor), self._audit(record), 2)
        for write in history.writes:
            yield Moment(write.at, "directory", f"{write.action}: {write.before} -> {write.after}", 4)
        for thumb in history.feedback:
            words = f": {cut(thumb.words)}" if thumb.words else ""
            yield Moment(thumb.at, self.name(thumb.user), f"thumb {'up' if thumb.good else 'down'}{words}", 7)

    def _move(self, move: HandoffMove) -> str:
        detail = ", ".join(f"{plain_words.plain(name)} {self.name(str(value))}" for name, value in move.detail.items())
        return f"handoff {move.handoff_id} {plain_words.plain(move.move)}{f' ({cut(detail)})' if detail else ''}"

    def _audit(self, row: AuditRecord) -> str:
        of = f" for {self.name(row.subject)}" if row.subject else ""
        closes = f", closes {row.intent_id}" if row.intent_id else ""
        tool = f" {row.record['tool']}" if "tool" in row.record else ""
        decided = plain_words.decision(str(row.record.get("decision")))
        decision = f" ({decided}: {row.record['why']})" if "decision" in row.record else ""
        agreed = f", the directory {row.record['agreement']}" if "agreement" in row.record else ""
        return f"audit {row.seq}: {row.event}{tool}{of}{decision}{closes}{agreed}"


def ids_in(history: TicketHistory) -> list[str]:
    """Return the ids of the people and places that a history names."""
    ticket = history.ticket
    people = [event.user for event in history.heard] + [thumb.user for thumb in history.feedback]
    people += [move.actor for move in history.moves] + [row.actor for row in history.audit]
    people += [owner for row in history.audit for owner in (row.record.get("delegation") or {}).get("owner", ())]
    to = [str(value) for move in history.moves for value in move.detail.values()]
    return list(dict.fromkeys([ticket.requester, ticket.channel, *people, *to]))


def _turn(turn: Turn) -> Iterator[Moment]:
    if turn.started_at is not None:
        tries = "" if turn.attempt == 1 else f", attempt {turn.attempt}"
        yield Moment(turn.started_at, "worker", f"turn {turn.id} begins{tries}", 1)
    if turn.finished_at is not None:
        why = ", ".join(plain_words.plain(one) for one in (turn.reason, turn.category) if one)
        by = f" by {turn.release}" if turn.release else ""
        yield Moment(
            turn.finished_at, "worker", f"turn {turn.id} ends: {turn.outcome}{f' ({why})' if why else ''}{by}", 8
        )


def _step(step: Step) -> str:
    took = step.finished_at and step.finished_at - step.started_at
    seconds = f", {took.total_seconds():.1f} s" if took else ""
    match step.kind:
        case StepKind.MODEL:
            tokens = f"{step.input_tokens:,} tokens in, {step.output_tokens:,} out, {dollars(step.cost_nusd)}"
            return f"asks {step.name}: {plain_words.STEPS[step.status]}, {tokens}{seconds}"
        case StepKind.TOOL:
            return f"calls {step.name}: {plain_words.STEPS[step.status]}{seconds}"
        case _:
            assert_never(step.kind)


def _message(message: Message) -> str:
    did = SAID[message.kind]
    state = (
        ""
        if message.state is MessageState.POSTED
        else f" ({message.state}{f': {message.error}' if message.error else ''})"
    )
    words = "deleted" if message.body.get("deleted") else cut(str(message.body.get("text") or ""))
    return f"{did}{state}: {words}"


def cut(text: str, width: int = WIDTH) -> str:
    """Return a text on one line, cut at a width, without the control characters that a terminal would obey."""
    line = "".join(filter(str.isprintable, " ".join(text.split())))
    return line if len(line) <= width else f"{line[: width - 1]}…"
