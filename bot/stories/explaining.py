"""Explains one thing: the message, who asked, what was decided and done, what was said, and what it cost. Pure.

It reads the history of the thing's ticket (`bot.stories.ticket_story` tells all of it in order), and shows of it what
belongs to the thing: one tool call, one turn, or the whole ticket in short.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.slack.mrkdwn import dollars
from bot.store.audit import AuditRecord
from bot.store.audit.things import Thing
from bot.store.schema import TO_REQUESTER, InboxEvent, LedgerRow, Message, MessageKind, MoveKind
from bot.stories import plain_words, tool_calls
from bot.stories.explanation import Explanation, StoryPart
from bot.stories.ticket_story import HEARD, SAID, TicketStory, cut
from bot.stories.tool_calls import ToldCall, stamp, utc

MOST = 6
"The most messages or moves on one page; `deskhand ticket` has them all."
_SHOWN = TO_REQUESTER | {MessageKind.CARD, MessageKind.APPROVAL, MessageKind.PROOF}


def explain(thing: Thing, story: TicketStory) -> Explanation:
    """Return the page of a thing.

    Args:
        thing: what is explained.
        story: the history of its ticket, with names.
    """
    told = tool_calls.calls_of(story)
    calls = [call for call in told if _belongs(thing, call.step.turn_id, call.step.seq)]
    read = [] if thing.step is not None else [call for call in calls if call.only_read]
    parts = [_asked(thing, story), _verified(thing, story, calls)]
    for call in calls:
        if call not in read:
            parts += tool_calls.parts(story, call)
    if read:
        parts.append(_read(read))
    parts += [*_people(thing, story), _said(thing, story), _cost(thing, story), _records(thing, story, calls)]
    return Explanation(thing.name, _heading(thing, story), tuple(parts))


def explain_record(row: AuditRecord, story: TicketStory | None, *, names: Mapping[str, str]) -> Explanation:
    """Return the page of an audit record that belongs to no tool call.

    Args:
        row: the record.
        story: the history of its ticket; None: it belongs to none.
        names: names of people by their Slack ids.
    """
    name = names.get(row.actor, row.actor)
    about = "" if row.subject is None else f" for {names.get(row.subject, row.subject)}"
    facts = {"audit": row.seq, "at": utc(row.at), "event": row.event, "actor": row.actor, "subject": row.subject}
    detail = [f"{plain_words.plain(key)}: {cut(str(value))}." for key, value in row.record.items() if value is not None]
    happened = StoryPart(
        "Done", (f"{stamp(row.at)} {name}: {row.event}{about}.", *detail), facts | {"record": row.record}
    )
    if story is None:
        parts: tuple[StoryPart, ...] = (happened,)
        return Explanation(f"audit:{row.seq}", f"Audit record {row.seq}: {row.event}, of no ticket.", parts)
    ticket = story.history.ticket
    thing = Thing(f"audit:{row.seq}", ticket.id, row.record.get("turn"), record=row.seq)
    handoff = row.record.get("handoff")
    people = () if handoff is None else _people(thing, story, handoff=handoff)
    after = (_said(thing, story), _cost(thing, story), _records(thing, story, []))
    parts = (_asked(thing, story), happened, *people, *after)
    return Explanation(thing.name, f"Audit record {row.seq}: {row.event}, of ticket {ticket.id}.", parts)


def explain_model_call(row: LedgerRow) -> Explanation:
    """Return the page of a model call that belongs to no ticket: one of an evaluation."""
    facts = {"id": row.rid, "model": row.model, "state": row.state, "cost_nusd": row.cost_nusd, "purpose": row.purpose}
    cost = StoryPart("Cost", (_priced(row),), facts)
    return Explanation(row.rid, f"A model call of {row.agent} for {row.purpose}, of no ticket.", (cost,))


def _belongs(thing: Thing, turn_id: int | None, step: int | None = None) -> bool:
    if thing.turn_id is not None and turn_id != thing.turn_id:
        return False
    return thing.step is None or step is None or step == thing.step


def _heading(thing: Thing, story: TicketStory) -> str:
    ticket = story.history.ticket
    state = f"Ticket {ticket.id} of {ticket.agent} is {plain_words.plain(ticket.state)}"
    if thing.turn_id is None:
        return f"{state}."
    turn = next((one for one in story.history.turns if one.id == thing.turn_id), None)
    ended = "" if turn is None else f", which ended in {turn.outcome}" if turn.outcome else ", which is not done"
    why = f" ({plain_words.plain(turn.reason)})" if turn is not None and turn.reason else ""
    what = f"Step {thing.step} of turn {thing.turn_id}" if thing.step is not None else f"Turn {thing.turn_id}"
    return f"{what}{ended}{why}. {state}."


def _asked(thing: Thing, story: TicketStory) -> StoryPart:
    history = story.history
    heard = [one for one in history.heard if _belongs(thing, one.turn_id)] or list(history.heard[:1])
    says = [_wrote(story, one) for one in heard[:MOST]]
    if len(heard) > MOST:
        says.append(f"And {len(heard) - MOST} more.")
    facts = [
        {
            "at": utc(one.received_at),
            "user": one.user,
            "channel": one.channel,
            "ts": one.ts,
            "event": one.event_id,
            "text": one.text,
        }
        for one in heard
    ]
    return StoryPart("Asked", tuple(says) or ("What was asked is no longer stored.",), {"messages": facts})


def _wrote(story: TicketStory, one: InboxEvent) -> str:
    place = "a direct message" if story.history.ticket.private else story.name(one.channel)
    words = f"“{cut(one.text)}”" if one.text.strip() else "words that are no longer stored"
    at = f" ({one.channel}/{one.ts})" if one.ts else ""
    return f"{stamp(one.received_at)} {story.name(one.user)} {HEARD[one.kind]} in {place}{at}: {words}"


def _verified(thing: Thing, story: TicketStory, calls: Sequence[ToldCall]) -> StoryPart:
    history, ticket = story.history, story.history.ticket
    events = [one.event_id for one in history.heard if _belongs(thing, one.turn_id)][:1]
    signed = f"Slack signed the request as event {events[0]}." if events else "Slack signed the request."
    refused = [
        row for row in history.audit if row.event == "requester.refused" and _belongs(thing, row.record.get("turn"))
    ]
    accounts = list(dict.fromkeys(str(row.record.get("account")) for call in calls for row in call.intents))
    bound = [one for one in accounts if one != "None"] or ([ticket.account] if ticket.account else [])
    who = story.name(ticket.requester)
    if refused:
        said = f"{who} was not admitted: {refused[0].record.get('why', 'see the record')} (audit {refused[0].seq})."
    elif bound:
        said = f"{who} was admitted, and exactly one account of the directory was theirs: {bound[0]}."
    else:
        said = f"No account of the directory was bound to {who}."
    how = [call.approval.evidence.verified for call in calls if call.approval is not None]
    facts: dict[str, Any] = {"requester": ticket.requester, "team": ticket.team, "admitted": not refused}
    facts |= {"account": bound[0] if bound else None, "event": events[0] if events else None}
    return StoryPart("Verified", (f"{signed} {said}", *filter(None, how[:1])), facts)


def _read(calls: Sequence[ToldCall]) -> StoryPart:
    names = ", ".join(f"{call.step.name} (turn:{call.step.turn_id}:{call.step.seq})" for call in calls)
    facts = [
        {
            "tool": call.step.name,
            "turn": call.step.turn_id,
            "step": call.step.seq,
            "audit": [row.seq for row in call.records],
        }
        for call in calls
    ]
    return StoryPart("Read", (f"It was allowed to read, and changed nothing: {names}.",), {"calls": facts})


def _people(thing: Thing, story: TicketStory, *, handoff: int | None = None) -> Iterator[StoryPart]:
    history = story.history
    here = {one.id for one in history.handoffs if _belongs(thing, one.turn_id) and handoff in {None, one.id}}
    moves = [one for one in history.moves if one.handoff_id in here]
    if not moves:
        return
    reasons = {one.id: one.reason for one in history.handoffs}
    says = [
        f"{stamp(one.at)} {story.name(one.actor)}: handoff {one.handoff_id} {plain_words.plain(one.move)}"
        f"{f' ({plain_words.plain(reasons[one.handoff_id])})' if one.move == MoveKind.OPENED else ''}."
        for one in moves[:MOST]
    ]
    if len(moves) > MOST:
        says.append(f"And {len(moves) - MOST} more.")
    facts = [{"at": utc(one.at), "handoff": one.handoff_id, "move": one.move, "by": one.actor} for one in moves]
    yield StoryPart("People", tuple(says), {"moves": facts})


def _said(thing: Thing, story: TicketStory) -> StoryPart:
    said = [one for one in _messages(thing, story) if one.kind in _SHOWN]
    says = [_told(one) for one in said[:MOST]]
    if len(said) > MOST:
        says.append(f"And {len(said) - MOST} more.")
    facts = [
        {
            "at": utc(one.posted_at or one.created_at),
            "kind": one.kind,
            "state": one.state,
            "channel": one.channel,
            "ts": one.ts,
            "text": one.body.get("text"),
        }
        for one in said
    ]
    return StoryPart("Said", tuple(says) or ("Nothing was said to the requester.",), {"messages": facts})


def _messages(thing: Thing, story: TicketStory) -> Iterator[Message]:
    """Yield the messages of a thing: those of its turn, and those about its handoffs and its approvals."""
    history = story.history
    handoffs = {one.id for one in history.handoffs if _belongs(thing, one.turn_id)}
    about = tuple(f":approval:{one.id}" for one in history.approvals if _belongs(thing, one.turn_id, one.step))
    for one in history.messages:
        if _belongs(thing, one.turn_id) or one.handoff_id in handoffs or one.key.endswith(about):
            yield one


def _told(one: Message) -> str:
    at = f" ({one.channel}/{one.ts})" if one.ts else f" ({one.state})"
    words = str(one.body.get("text") or "")
    said = f"“{cut(words)}”" if words else "words that are no longer stored"
    return f"{stamp(one.posted_at or one.created_at)} The bot {SAID[one.kind]}{at}: {said}"


def _cost(thing: Thing, story: TicketStory) -> StoryPart:
    history = story.history
    calls = [one for one in history.calls if _belongs(thing, one.turn_id)]
    total, whole = sum(one.cost_nusd for one in calls), history.cost_nusd
    count = f"{len(calls)} model call{'' if len(calls) == 1 else 's'}"
    says = [f"{dollars(total)} in {count}; the whole ticket has cost {dollars(whole)}."]
    says += [_priced(one) for one in calls if one.rid == thing.model_call]
    facts = {
        "cost_nusd": total,
        "ticket_cost_nusd": whole,
        "calls": [{"id": one.rid, "model": one.model, "state": one.state, "cost_nusd": one.cost_nusd} for one in calls],
    }
    return StoryPart("Cost", tuple(says), facts)


def _priced(one: LedgerRow) -> str:
    tokens = one.input_tokens + one.cache_read_tokens + one.cache_write_5m_tokens + one.cache_write_1h_tokens
    return (
        f"{stamp(one.at)} Model call {one.rid} of step {one.step}: {one.model} by {one.release}, {tokens:,} tokens in "
        f"and {one.output_tokens:,} out, {dollars(one.cost_nusd)} ({one.state}), prices {one.price_version}."
    )


def _records(thing: Thing, story: TicketStory, calls: Sequence[ToldCall]) -> StoryPart:
    history = story.history
    if thing.step is not None:
        rows = [row for call in calls for row in call.records]
    elif thing.turn_id is not None:
        rows = [row for row in history.audit if row.record.get("turn") == thing.turn_id]
        rows += [row for call in calls for row in call.records if row not in rows]
    else:
        rows = list(history.audit)
    if thing.record is not None and thing.record not in {row.seq for row in rows}:
        rows += [row for row in history.audit if row.seq == thing.record]
    shown = ", ".join(f"{row.seq} {row.event}" for row in rows[: 2 * MOST])
    more = f", and {len(rows) - 2 * MOST} more" if len(rows) > 2 * MOST else ""
    says = [f"Audit records: {shown or 'none'}{more}. Everything: deskhand ticket {history.ticket.id}"]
    if history.audit_begins is not None:
        says.append(
            f"The records before {history.audit_begins} are sealed and removed: an export from before has those of "
            "this ticket."
        )
    facts = {"audit": [row.seq for row in rows], "audit_begins": history.audit_begins, "ticket": history.ticket.id}
    return StoryPart("Records", tuple(says), facts)
