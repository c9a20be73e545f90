"""What must hold once a trial is quiet, read from outside: the database's rows and the workspace's witness."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, select, text

from bot.sandbox.demo.scenes.stage import HELP
from bot.store.audit import gaps
from bot.store.db import Session
from bot.store.schema import DirectoryWrite, Handoff, InboxEvent, LedgerRow, Message, Ticket, Turn, now
from tests.e2e.chaos.slack import CHANGED, OK
from tests.e2e.chaos.traffic import SHARED, TrafficRequest, follows
from tests.support.json_object import Json

MONEY_GRACE = timedelta(seconds=5)
"A sweep looks every two seconds."


@dataclass
class ChaosVerdict:
    """What a trial showed; every list should be empty and names what is not as it should be."""

    tickets: int = 0
    replies: int = 0
    handoffs: int = 0
    changed: int = 0
    "Edits and deletions that were followed."
    lost: list[str] = field(default_factory=list)
    "Messages of people without a visible answer."
    doubled: list[str] = field(default_factory=list)
    "What was said twice, or answered twice."
    writes_doubled: list[str] = field(default_factory=list)
    "Tickets whose account was changed more often, or more seldom, than the answer says."
    money_open: list[str] = field(default_factory=list)
    audit_gaps: list[str] = field(default_factory=list)
    unposted: list[str] = field(default_factory=list)
    "Messages and cards that never came out."
    stale: list[str] = field(default_factory=list)
    "Rows that do not say what Slack says, and what stands where it should not."
    breaches: list[str] = field(default_factory=list)
    "Rows changed that are for ever."
    unheard: list[str] = field(default_factory=list)
    "Events that Slack gave up sending: nobody acknowledged any try. No fault of the product."
    taken_back: int = 0
    "Posts that were there twice for a moment and then deleted."

    def broken(self) -> list[str]:
        """Return everything that is wrong, one sentence each."""
        laws = ("lost", "doubled", "writes_doubled", "money_open", "audit_gaps", "unposted", "stale", "breaches")
        return [f"{law}: {what}" for law in laws for what in getattr(self, law)]


@dataclass
class _Rows:
    """The rows of a trial's tickets."""

    tickets: dict[int, Ticket]
    turns: dict[int, Turn]
    events: dict[tuple[str, str], InboxEvent]
    messages: Sequence[Message]
    handoffs: Sequence[Handoff]


def judge_answers(session: Session, asked: Sequence[TrafficRequest], witness: Json) -> ChaosVerdict:
    """Hold a trial to the laws.

    Args:
        session: an open transaction.
        asked: what people asked.
        witness: what the workspace has seen.
    """
    rows, verdict = _rows(session, asked), ChaosVerdict(tickets=len(asked))
    posts: dict[str, list[Json]] = defaultdict(list)
    for post in witness["posts"]:
        posts[str(post["key"])].append(post)
    _judge_posts(verdict, rows, posts)
    for one in asked:
        for ts in one.said:
            _judge_message(verdict, rows, posts, one, ts, tries=witness["tries"].get(ts, []))
        _judge_change(verdict, rows, one, tries=witness["tries"].get(f"{one.ts}{CHANGED}", []))
    strays = session.scalars(select(Ticket.id).where(Ticket.channel == SHARED))
    verdict.stale += [f"ticket {ticket} is of a shared channel" for ticket in strays]
    _judge_writes(session, verdict, rows, asked)
    _judge_books(session, verdict)
    breaches = text("SELECT seal, row, was, became, at FROM chaos.breaches ORDER BY id")
    verdict.breaches += [_breach(row) for row in session.execute(breaches)]
    return verdict


def _rows(session: Session, asked: Sequence[TrafficRequest]) -> _Rows:
    said = [ts for one in asked for ts in one.said]
    events = session.scalars(select(InboxEvent).where(InboxEvent.ts.in_(said))).all()
    ids = {event.ticket_id for event in events}
    return _Rows(
        tickets={ticket.id: ticket for ticket in session.scalars(select(Ticket).where(Ticket.id.in_(ids)))},
        turns={turn.id: turn for turn in session.scalars(select(Turn).where(Turn.ticket_id.in_(ids)))},
        events={(event.channel, str(event.ts)): event for event in events},
        messages=session.scalars(select(Message).where(Message.ticket_id.in_(ids))).all(),
        handoffs=session.scalars(select(Handoff).where(Handoff.ticket_id.in_(ids))).all(),
    )


def _judge_posts(verdict: ChaosVerdict, rows: _Rows, posts: dict[str, list[Json]]) -> None:
    """Compare what was to be said with what stands in Slack."""
    for key, found in posts.items():
        standing = [post for post in found if not post["removed"]]
        verdict.stale += [
            f"{key} stands at the top of the help channel"
            for post in standing
            if post["channel"] == HELP and not post["thread_ts"]
        ]
        verdict.taken_back += len(found) - len(standing)
        if len(standing) > 1:
            where = ", ".join(f"{post['channel']} {post['ts']}" for post in standing)
            verdict.doubled.append(f"{key} stands {len(standing)} times: {where}")
    for message in rows.messages:
        standing = [post for post in posts[message.key] if not post["removed"]]
        if message.body.get("deleted"):
            if standing or message.state != "withdrawn":
                verdict.unposted.append(
                    f"{message.key} is to be taken back and {message.state}, {len(standing)} in Slack"
                )
        elif message.op == "post" and not _has_come_out(rows, message, standing):
            verdict.unposted.append(
                f"{message.key} is {message.state}, {len(standing)} in Slack, {message.attempts} tries, {message.error}"
            )
        elif message.revision > message.shown_revision and message.state != "withdrawn":
            verdict.unposted.append(f"{message.key} is owed revision {message.revision}")
    for handoff in rows.handoffs:
        if not posts.get(f"card:handoff:{handoff.id}"):
            verdict.unposted.append(f"handoff {handoff.id} has no card")


def _has_come_out(rows: _Rows, message: Message, standing: Sequence[Json]) -> bool:
    """Return whether a message is in Slack, or is an answer whose requester deleted all their words before it was."""
    if standing or message.state != "withdrawn":
        return bool(standing) and message.state == "posted"
    words = [event for event in rows.events.values() if event.ticket_id == message.ticket_id and event.text]
    return message.bot_voice and not words


def _judge_message(
    verdict: ChaosVerdict, rows: _Rows, posts: dict[str, list[Json]], one: TrafficRequest, ts: str, *, tries: list[str]
) -> None:
    """See that one message of a person has its one answer."""
    event = rows.events.get((one.channel, ts))
    who = f"{one.user} {one.channel} {ts} ({one.kind.text[:20]}...)"
    if event is None:
        # What follows a message that was never heard is no ticket's.
        heard = any(f": {OK} " in one_try for one_try in tries) and (one.channel, one.ts) in rows.events
        (verdict.lost if heard else verdict.unheard).append(f"{who} was never stored: {tries}")
        return
    if event.state in ("relayed", "withdrawn"):
        return  # a person has the ticket: its words stand below the card, which is judged with all messages
    turn = rows.turns.get(event.turn_id or 0)
    if turn is None or turn.state != "done":
        stands = "in no turn" if turn is None else f"in turn {turn.id}, {turn.state}, attempt {turn.attempt}"
        verdict.lost.append(f"{who} is {event.state}, {stands}")
        return
    replied = bool(posts.get(f"reply:turn:{turn.id}"))
    given = [handoff for handoff in rows.handoffs if handoff.turn_id == turn.id]
    verdict.replies += replied
    verdict.handoffs += len(given)
    if replied + len(given) == 0:
        verdict.lost.append(f"{who} has no answer: turn {turn.id} is {turn.outcome}")
    elif replied + len(given) > 1 and one.said[0] == ts:
        verdict.doubled.append(f"{who} has {int(replied)} replies and {len(given)} handoffs: turn {turn.id}")


def _judge_change(verdict: ChaosVerdict, rows: _Rows, one: TrafficRequest, *, tries: list[str]) -> None:
    """See that the row of a message that was edited or deleted says what Slack says."""
    event = rows.events.get((one.channel, one.ts))
    if event is None or follows(one, event):
        verdict.changed += event is not None and one.changed_at is not None
        return
    what = f"{one.user} {one.channel} {one.ts} says {event.text!r} ({event.state}) and not {one.edited!r}: {tries}"
    told = any(f": {OK} " in one_try for one_try in tries)
    (verdict.stale if told else verdict.unheard).append(what)


def _judge_writes(session: Session, verdict: ChaosVerdict, rows: _Rows, asked: Sequence[TrafficRequest]) -> None:
    """Count the changes of the directory that each ticket made."""
    done: Counter[int] = Counter()
    for write in session.scalars(select(DirectoryWrite)):
        turn = rows.turns.get(int(write.key.split(":")[1]))
        if turn is not None:
            done[turn.ticket_id] += 1
    by_ticket: dict[int, list[TrafficRequest]] = defaultdict(list)
    for one in asked:
        event = rows.events.get((one.channel, one.ts))
        if event is not None and event.ticket_id is not None:
            by_ticket[event.ticket_id].append(one)
    for ticket, those in by_ticket.items():
        # What is edited is answered again.
        least, most = _least(rows, those), sum(one.kind.writes * (2 if one.edited else 1) for one in those)
        if not least <= done[ticket] <= most:
            verdict.writes_doubled.append(
                f"ticket {ticket} ({those[0].kind.text[:20]}...) made {done[ticket]} writes, not {least} to {most}"
            )


def _least(rows: _Rows, asked: Sequence[TrafficRequest]) -> int:
    """Return how many changes of the directory the answers to these requests say at least."""
    answered = 0
    for one in asked:
        event = rows.events.get((one.channel, one.ts))
        turn = None if event is None else rows.turns.get(event.turn_id or 0)
        as_it_was = one.changed_at is None and turn is not None and turn.outcome == "reply"
        answered += one.kind.writes if as_it_was else 0
    return answered


def _judge_books(session: Session, verdict: ChaosVerdict) -> None:
    """See that money is settled, and that every act is on record as `deskhand audit gaps` looks for it."""
    open_rows = select(LedgerRow).where(LedgerRow.state == "sent", LedgerRow.lease_until < now() - MONEY_GRACE)
    verdict.money_open += [f"{row.rid} of turn {row.turn_id}" for row in session.scalars(open_rows)]
    # The trial is quiet: what is to follow an act has followed it by now, so that none is too young.
    found = gaps.find(session, at=now() + gaps.GRACE - MONEY_GRACE)
    verdict.audit_gaps += [f"{one.what} of ticket {one.ticket_id}: {one.kind.means}" for one in found]


def _breach(row: Row[Any]) -> str:
    return f"{row.seal} {row.row}: {row.was} -> {row.became} at {row.at:%H:%M:%S.%f}"
