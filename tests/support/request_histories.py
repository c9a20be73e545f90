"""Histories of requests: random ones with everything that the figures read, and the figures computed the slow way.

`with_rows` reads every row into Python, and `computed` works the figures out one request after another, by the
sentences of `bot.store.figures.success` and `claims`; they share no code with the SQL.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from random import Random
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.store.figures.success import Requests, Success
from bot.store.handoffs.handoff_metrics import Cohort, Spread
from bot.store.money.ticket_costs import TicketCosts
from bot.store.schema import (
    Base,
    Feedback,
    Handoff,
    HandoffMove,
    InboxEvent,
    LedgerRow,
    Message,
    Ticket,
    Turn,
)

MEASURED = datetime(2026, 10, 28, 11, tzinfo=UTC)
WHOLE_DAY = timedelta(hours=24)
AGENTS = ("access", "software", "vpn")
RATES = {"access": 45 * 10**9, "software": 72 * 10**9}
"Nano-USD for an hour of people; the third agent's card has no rate."
RowsOfTicket = dict[Any, list[Any]]
"The rows of one ticket, by their table."
_ENDED = ("reassigned", "unclaimed", "expired", "returned", "resolved", "cancelled")


@dataclass
class History:
    """Rows that are being written, in order."""

    rows: list[Base] = field(default_factory=list)
    number: int = 0

    def add(self, table: type[Base], **values: Any) -> int:
        """Add a row with a number of its own, which is returned."""
        self.number += 1
        key = {} if table is LedgerRow else {"id": self.number}
        self.rows.append(table(**key, **values))
        return self.number

    def ticket(self, opened: datetime, **more: Any) -> int:
        """Open a ticket."""
        place = {"team": "T1", "channel": "C0HELP", "thread_ts": str(self.number), "private": False}
        return self.add(Ticket, **(place | {"requester": "U0MAYA", "agent": "access", "created_at": opened} | more))

    def turn(self, ticket: int, **more: Any) -> int:
        """Let a turn end, or be under way with `state`."""
        return self.add(Turn, **({"ticket_id": ticket, "state": "done"} | more))

    def handoff(self, ticket: int, opened: datetime, moves: Sequence[tuple[str, datetime]] = (), **more: Any) -> int:
        """Hand a ticket to people, with these later moves."""
        waited = {"opened_at": opened, "waiting_since": opened, "open_since": opened}
        named = {"reason": "requested", "summary": "", "queue_channel": "C0Q", "state": "resolved"}
        handoff = self.add(Handoff, ticket_id=ticket, **(waited | named | more))
        for move, at in (("opened", opened), *moves):
            self.add(HandoffMove, handoff_id=handoff, move=move, actor="U0PRIYA", at=at)
        return handoff

    def heard(self, ticket: int, at: datetime, kind: str, state: str = "relayed") -> int:
        """Keep what somebody wrote."""
        said = {"event_id": f"Ev{self.number}", "team": "T1", "channel": "C0HELP", "ts": str(self.number)}
        return self.add(
            InboxEvent, **said, kind=kind, state=state, user="U0PRIYA", text="", ticket_id=ticket, received_at=at
        )

    def said(self, ticket: int, at: datetime | None, kind: str = "reply") -> int:
        """Store a message, posted then, or not yet with None."""
        place = {"lane": "l", "channel": "C0HELP", "body": {}, "state": "stored" if at is None else "posted"}
        return self.add(Message, **place, key=f"m{self.number}", kind=kind, ticket_id=ticket, posted_at=at)

    def thumb(self, turn: int, at: datetime, *, good: bool, user: str = "U0MAYA") -> int:
        """Let somebody say what they think of an answer."""
        return self.add(Feedback, turn_id=turn, user=user, good=good, at=at)

    def call(self, ticket: int, nusd: int, purpose: str = "turn") -> int:
        """Charge a model call."""
        of = {"team": "T1", "channel": "C0HELP", "user": "U0MAYA", "agent": "access", "release": "access@1"}
        money = {
            "price_version": "1",
            "accounts": [],
            "reserved_nusd": nusd,
            "cost_nusd": nusd,
            "lease_until": MEASURED,
        }
        return self.add(
            LedgerRow,
            **(of | money),
            rid=f"r{self.number}",
            state="settled",
            purpose=purpose,
            ticket_id=ticket,
            step=0,
            model="m",
            at=MEASURED,
        )

    def write(self, session: Session) -> None:
        """Write the rows down, each table before those that name it."""
        for table in (Ticket, Turn, Handoff, HandoffMove, InboxEvent, Message, Feedback, LedgerRow):
            session.add_all(row for row in self.rows if type(row) is table)
            session.flush()


def random_history(seed: int, tickets: int = 150) -> History:
    """Return requests of ten days before `MEASURED`, with every kind of end, and with times at the edges of a day."""
    chance, history = Random(seed), History()

    def later(than: datetime) -> datetime:
        edge = chance.choice((1, 59, 3_600, 86_399, 86_400, 86_401, 200_000))
        return min(than + timedelta(seconds=chance.choice((edge, chance.randrange(1, 90_000)))), MEASURED)

    for _ in range(tickets):
        opened = MEASURED - timedelta(seconds=chance.choice((86_399, 86_400, 86_401, chance.randrange(0, 864_000))))
        resolved = later(opened) if chance.random() < 0.75 else None
        again = later(resolved) if resolved and chance.random() < 0.35 else None
        if again and resolved and chance.random() < 0.2:
            again = resolved - timedelta(seconds=5)  # before the last resolution
        ticket = history.ticket(
            opened,
            agent=chance.choice(AGENTS),
            state=chance.choice(("open", "handed_off")) if resolved is None else chance.choice(("resolved", "open")),
            category=chance.choice((None, "locked", "locked", "password", "withdrawn", "refused")),
            resolved_at=resolved,
            contradicted_at=again,
        )
        turn = history.turn(ticket, state=chance.choice(("done", "done", "done", "running")))
        if chance.random() < 0.15:
            user = chance.choice(("U0MAYA", "U0BEN"))
            history.thumb(turn, later(resolved or opened), good=chance.random() < 0.3, user=user)
        for _ in range(chance.choice((0, 0, 0, 0, 1, 2))):
            _random_handoff(chance, history, ticket, later(opened))
        for _ in range(chance.choice((0, 0, 0, 0, 0, 1))):
            kind, state = chance.choice((("answer", "relayed"), ("draft", "sent"), ("draft", "kept"), ("note", "sent")))
            history.heard(ticket, later(opened), kind, state)
        for _ in range(chance.choice((0, 1, 2))):
            kind = chance.choice(("reply", "human_reply", "notice", "copy"))
            history.said(ticket, chance.choice((None, later(opened), later(opened))), kind)
        for _ in range(chance.choice((0, 1, 3))):
            history.call(ticket, chance.randrange(0, 10**9), chance.choice(("turn", "turn", "eval")))
    return history


def _random_handoff(chance: Random, history: History, ticket: int, opened: datetime) -> None:
    at, moves, claimed = opened, list[tuple[str, datetime]](), False
    for _ in range(chance.randrange(0, 7)):
        at = min(at + timedelta(seconds=chance.randrange(0, 20_000)), MEASURED)
        if claimed:
            move = chance.choice(("renewed", "warned", "reassigned", "unclaimed", "expired", "returned", "resolved"))
            claimed = move in ("renewed", "warned", "reassigned")
        else:
            move = chance.choice(("claimed", "claimed", "escalated", "cancelled"))
            claimed = move == "claimed"
        moves.append((move, at))
        if move in ("returned", "resolved", "cancelled"):
            break
    history.handoff(ticket, opened, moves, state=chance.choice(("resolved", "returned", "cancelled")))


def with_rows(session: Session) -> list[tuple[Any, RowsOfTicket]]:
    """Return every ticket with all rows that belong to it, by their table and in the order of their ids."""
    tables = (Turn, Handoff, HandoffMove, InboxEvent, Message, Feedback, LedgerRow)
    every = session.scalars(select(Ticket)).all()
    found: dict[int, RowsOfTicket] = {ticket.id: {table: [] for table in tables} for ticket in every}
    of_handoff = {one.id: one.ticket_id for one in session.scalars(select(Handoff))}
    of_turn = {one.id: one.ticket_id for one in session.scalars(select(Turn))}
    for table in tables:
        rows: list[Any] = list(session.scalars(select(table)))
        for row in rows:
            if isinstance(row, HandoffMove):
                ticket_id = of_handoff[row.handoff_id]
            elif isinstance(row, Feedback):
                ticket_id = of_turn[row.turn_id]
            else:
                ticket_id = row.ticket_id
            if ticket_id in found:
                found[ticket_id][table].append(row)
    for mine in found.values():
        mine[HandoffMove].sort(key=lambda one: one.id)
    return [(ticket, found[ticket.id]) for ticket in every]


def computed(
    history: list[tuple[Any, RowsOfTicket]], cohort: Cohort, *, day: str | None = None, agent: str | None = None
) -> Success:
    """Return the figures of a cohort, or of its requests of one day or one agent, the slow way."""
    counts = {True: dict[str, int](), False: dict[str, int]()}
    answers, resolutions = list[float](), list[float]()
    costs = {"all": TicketCosts(), "resolved": TicketCosts()}
    for ticket, mine in history:
        if not cohort.since <= ticket.created_at < cohort.until:
            continue
        if ticket.agent not in (AGENTS if cohort.named is None else cohort.named) or agent not in (None, ticket.agent):
            continue
        if day not in (None, ticket.created_at.astimezone(UTC).date().isoformat()):
            continue
        found = _end(ticket, mine, cohort.at)
        if found is None:
            continue
        end, settled, resolved, answer, nusd, seconds = found
        counts[settled][end] = counts[settled].get(end, 0) + 1
        if answer is not None:
            answers.append((answer - ticket.created_at).total_seconds())
        if resolved:
            resolutions.append((ticket.resolved_at - ticket.created_at).total_seconds())
        for name in ("all", "resolved") if resolved else ("all",):
            so_far = costs[name]
            rate = cohort.rates.get(ticket.agent)
            costs[name] = TicketCosts(
                so_far.tickets + 1,
                so_far.ai_nusd + nusd,
                round(so_far.claimed_seconds + seconds, 3),
                so_far.priced_nusd + (0 if rate is None else round(Fraction(seconds) * rate / 3_600)),
                so_far.unpriced + (rate is None and seconds > 0),
            )
    return Success(
        day=None if day is None else datetime.fromisoformat(day).date(),
        agent=agent or cohort.agent,
        settled=Requests(**counts[True]),
        unsettled=Requests(**counts[False]),
        to_answer=_spread(answers),
        to_resolution=_spread(resolutions),
        costs=costs["all"],
        resolved=costs["resolved"],
    )


def _end(ticket: Any, mine: RowsOfTicket, at: datetime) -> Any:
    wrote = [one for one in mine[InboxEvent] if one.kind == "answer" or (one.kind == "draft" and one.state == "sent")]
    touched = bool(mine[Handoff] or wrote)
    if ticket.category in ("withdrawn", "refused") and not touched:
        return None
    contradicted = ticket.resolved_at is not None and any(
        ticket.resolved_at < moment < ticket.resolved_at + WHOLE_DAY
        for moment in (
            *([] if ticket.contradicted_at is None else [ticket.contradicted_at]),
            *(one.at for one in mine[Feedback] if one.user == ticket.requester and not one.good),
        )
    )
    settled = at - ticket.created_at >= WHOLE_DAY
    if touched:
        end = "to_people"
    elif ticket.resolved_at is None:
        end = "unconfirmed"
    elif contradicted:
        end = "contradicted"
    else:
        end = "solved"
        under_way = any(turn.state != "done" for turn in mine[Turn])
        settled = settled and at - ticket.resolved_at >= WHOLE_DAY and not under_way
    resolved = ticket.resolved_at is not None and not contradicted and ticket.state != "handed_off"
    resolved = resolved and ticket.category not in ("withdrawn", "refused")
    posted = [one.posted_at for one in mine[Message] if one.kind in ("reply", "human_reply") and one.posted_at]
    posted += [one.received_at for one in mine[InboxEvent] if one.kind == "answer"]
    nusd = sum(one.cost_nusd for one in mine[LedgerRow] if one.purpose == "turn")
    return end, settled, resolved, min(posted, default=None), nusd, _claimed(mine[HandoffMove], at)


def _claimed(moves: Sequence[HandoffMove], at: datetime) -> float:
    """Walk through the moves and add up how long somebody held the ticket."""
    since: dict[int, datetime] = {}
    seconds = 0.0
    for move in moves:
        if move.move in _ENDED and move.handoff_id in since:
            seconds += (move.at - since.pop(move.handoff_id)).total_seconds()
        if move.move in ("claimed", "reassigned"):
            since[move.handoff_id] = move.at
    return seconds + sum((at - begun).total_seconds() for begun in since.values())


def _spread(times: Sequence[float]) -> Spread:
    if not times:
        return Spread()
    ranked = sorted(times)
    return Spread(len(ranked), *(next(t for n, t in enumerate(ranked, 1) if n >= q * len(ranked)) for q in (0.5, 0.9)))
