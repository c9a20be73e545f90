"""What an explanation says of one tool call: what was decided, who approved it, what was done, and if it agreed. Pure.

Everything is read from the audit log and the rows of the ticket; what an older build has not recorded is said to be
unknown.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.policy import PolicyRule
from bot.principals import Effect
from bot.store.audit import AuditRecord
from bot.store.schema import Approval, DirectoryWrite, Step, StepKind
from bot.store.tickets.steps import write_key
from bot.stories import plain_words
from bot.stories.explanation import StoryPart
from bot.stories.ticket_story import TicketStory, cut
from bot.tools.registry import REGISTRY

_AGREED = {
    "matched": "The directory was read back and showed it: matched.",
    "diverged": "The directory was read back and did not show it: diverged.",
    "unknown": "It is unknown whether the directory showed it.",
}
_OUTCOMES = {
    "tool.finished": "The tool finished",
    "tool.refused": "The tool did not succeed",
    "tool.unseen": "The worker died during the call, so nobody saw its result",
}


@dataclass(frozen=True, slots=True)
class ToldCall:
    """One tool call of a ticket, with every record and row of it."""

    step: Step
    intents: tuple[AuditRecord, ...]
    "What was decided: once for each attempt that made the call."
    outcome: AuditRecord | None
    changes: tuple[AuditRecord, ...]
    "What was found when the directory was read back again."
    approval: Approval | None
    approved: tuple[AuditRecord, ...]
    "What became of the approval."
    writes: tuple[DirectoryWrite, ...]

    @property
    def records(self) -> tuple[AuditRecord, ...]:
        """Return every audit record of the call, in order."""
        closing = () if self.outcome is None else (self.outcome,)
        rows = {row.seq: row for row in (*self.intents, *closing, *self.changes, *self.approved)}
        return tuple(rows[seq] for seq in sorted(rows))

    @property
    def only_read(self) -> bool:
        """Return whether it was an allowed call of a tool that reads."""
        tool = REGISTRY.get(self.step.name)
        allowed = bool(self.intents) and self.intents[-1].record.get("decision") == "Allowed"
        return tool is not None and tool.effect is Effect.READ and allowed


def calls_of(story: TicketStory) -> list[ToldCall]:
    """Return the tool calls of a ticket, in order."""
    return [_call(story, step) for step in story.history.steps if step.kind is StepKind.TOOL]


def _call(story: TicketStory, step: Step) -> ToldCall:
    history = story.history
    here = {"turn": step.turn_id, "step": step.seq}
    of_step = [row for row in history.audit if here.items() <= row.record.items()]
    intents = tuple(row for row in of_step if row.event in ("tool.intended", "tool.taken_over"))
    numbers = {row.seq for row in intents}
    approval = next((one for one in history.approvals if (one.turn_id, one.step) == (step.turn_id, step.seq)), None)
    key = write_key(step.turn_id, step.seq)
    return ToldCall(
        step=step,
        intents=intents,
        outcome=next((row for row in history.audit if row.intent_id in numbers and row.intent_id), None),
        changes=tuple(row for row in of_step if row.event == "agreement.changed"),
        approval=approval,
        approved=tuple(
            row for row in history.audit if approval is not None and row.record.get("approval") == approval.id
        ),
        writes=tuple(one for one in history.writes if one.key == key or one.key.startswith(f"{key}:")),
    )


def parts(story: TicketStory, call: ToldCall) -> Iterator[StoryPart]:
    """Yield what is known of a call, in the order in which it happened."""
    yield _decided(story, call)
    yield _approved(story, call)
    yield _done(call)
    if call.writes or call.changes or (call.outcome is not None and "agreement" in call.outcome.record):
        yield _agreed(call)


def _decided(story: TicketStory, call: ToldCall) -> StoryPart:
    if not call.intents:
        unknown = f"{stamp(call.step.started_at)} The agent called {call.step.name}; no decision is on record."
        return StoryPart("Decided", (unknown,), {"tool": call.step.name, "decisions": []})
    says = [_decision(row, call.step) for row in call.intents]
    claims = call.intents[-1].record.get("delegation") or {}
    if claims:
        says.extend(_delegated(story, claims))
    facts = [
        {"audit": row.seq, "at": utc(row.at), **{key: row.record.get(key) for key in _DECISION}} for row in call.intents
    ]
    about = {"tool": call.step.name, "arguments": call.step.request.get("arguments"), "decisions": facts}
    return StoryPart("Decided", tuple(says), about | {"delegation": claims or None})


_DECISION = ("decision", "rule", "why", "policy", "scope", "account", "attempt", "worker")


def _decision(row: AuditRecord, step: Step) -> str:
    record = row.record
    arguments = ", ".join(f"{name} {value}" for name, value in (step.request.get("arguments") or {}).items())
    said = plain_words.decision(str(record.get("decision")))
    what = f"{step.name}{f' with {cut(arguments)}' if arguments else ''}"
    again = f", taken over by attempt {record.get('attempt')}," if row.event == "tool.taken_over" else ""
    rule = str(record.get("rule"))
    sentence = next((one.sentence for one in PolicyRule if one == rule), str(record.get("why")))
    return f"{stamp(row.at)} {what}{again} was {said} by the rule {rule}: {sentence}"


def _delegated(story: TicketStory, claims: dict[str, Any]) -> Iterator[str]:
    act = claims.get("act") or {}
    grants = " and ".join(map(str, claims.get("grant") or ())) or "nobody"
    yield f"It was granted by {grants}, for {claims.get('scope')}; policy {str(claims.get('policy'))[:12]}."
    subject = story.name(str(claims.get("sub")).rpartition(":")[2])
    worker = str((act.get("act") or {}).get("sub"))
    owners = ", ".join(story.name(str(one)) for one in claims.get("owner") or ())
    yield (
        f"{subject} delegated this one call to {act.get('sub')}, played by {worker} and owned by {owners}; "
        f"token {claims.get('jti')}."
    )


def _approved(story: TicketStory, call: ToldCall) -> StoryPart:
    approval = call.approval
    if approval is None:
        return StoryPart("Approved", ("No approval was asked for.",), {"approval": None})
    says = [
        f"Approval {approval.id} is {approval.state}. It was asked for exactly this: {cut(' '.join(approval.plan))}"
    ]
    for row in call.approved:
        what = plain_words.plain(row.event.removeprefix("approval."))
        detail = ", ".join(
            f"{plain_words.plain(name)} {story.name(str(value))}"
            for name, value in row.record.items()
            if name != "approval" and value is not None and row.event != "approval.opened"
        )
        says.append(f"{stamp(row.at)} {what} by {story.name(row.actor)}{f' ({cut(detail)})' if detail else ''}.")
    moves = [{"audit": row.seq, "at": utc(row.at), "event": row.event, "by": row.actor} for row in call.approved]
    facts = {"approval": approval.id, "state": approval.state, "by": approval.decided_by, "moves": moves}
    return StoryPart("Approved", tuple(says), facts)


def _done(call: ToldCall) -> StoryPart:
    says = [
        f"{stamp(one.at)} The directory did {one.action}: {one.before or 'none'} -> {one.after or 'none'} ({one.key})."
        for one in call.writes
    ]
    outcome, step = call.outcome, call.step
    if outcome is None:
        says.append("No outcome is on record: the call is under way, or its worker died.")
    else:
        took = (
            "" if step.finished_at is None else f" after {(step.finished_at - step.started_at).total_seconds():.1f} s"
        )
        error = ((step.response or {}).get("content") or {}).get("error")
        why = f": {cut(str(error))}" if error and outcome.event == "tool.refused" else ""
        says.append(f"{stamp(outcome.at)} {_OUTCOMES.get(outcome.event, outcome.event)}{took}{why}.")
    facts = {
        "outcome": None if outcome is None else outcome.event,
        "audit": None if outcome is None else outcome.seq,
        "result_sha256": None if outcome is None else outcome.record.get("result_sha256"),
        "changes": [
            {"key": one.key, "action": one.action, "before": one.before, "after": one.after, "at": utc(one.at)}
            for one in call.writes
        ],
    }
    return StoryPart("Done", tuple(says), facts)


def _agreed(call: ToldCall) -> StoryPart:
    first = None if call.outcome is None else call.outcome.record.get("agreement")
    says = [_AGREED.get(str(first), "The directory was not read back: the build of that time did not.")]
    says += [
        f"{stamp(row.at)} It was read back again: {row.record['agreement']}, {row.record['before']} before."
        for row in call.changes
    ]
    now = call.changes[-1].record["agreement"] if call.changes else first
    changes = [{"audit": row.seq, "at": utc(row.at), "agreement": row.record["agreement"]} for row in call.changes]
    return StoryPart("Agreed", tuple(says), {"agreement": now, "at_first": first, "changes": changes})


def stamp(at: datetime) -> str:
    """Return a time as a page shows it."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def utc(at: datetime) -> str:
    """Return a time as JSON has it."""
    return at.astimezone(UTC).isoformat()
