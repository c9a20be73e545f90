"""Slack and the people in it, small enough to reason about: what they do to the house, and what they see.

The listeners, the store, the clock's look and the outbox are the real ones; Slack is a dictionary of
messages that can lose an answer, and time goes as the test says.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from bot import directory
from bot.agent import card
from bot.agent.loop import NeedsPerson as HandedOff
from bot.agent.loop import Outcome, Reply
from bot.listeners import actions, messages, modals, stop_button
from bot.listeners.context import ListenerContext
from bot.principals import Reason, Subject
from bot.responders.people import People
from bot.rights import Membership
from bot.slack.api import response_urls
from bot.slack.handoffs import linked_threads
from bot.slack.outbox import outbox
from bot.store import audit
from bot.store.db import Database, Session
from bot.store.outbox import deliveries
from bot.store.schema import AuditRow, Handoff, HandoffMove, InboxEvent, InboxKind, Message, Purpose, Ticket, Turn
from bot.store.tickets import inbox_commands, turns
from bot.store.tickets.inbox_commands import InboxCommand
from bot.store.tickets.turns import Attempt, Fenced
from jobs import commands, handoff, process, turn
from jobs import undeliverable as saying
from jobs.leases import Leases
from jobs.process import WorkerContext
from jobs.requester import Asker
from tests.scenarios.fake_slack import FakeSlack
from tests.support.factories import Clock
from tests.support.json_object import Json
from tests.support.paths import CONFIG
from tests.support.workspace_names import BOT, HELP, QUEUE

_TEAM, MAYA = "T1", "U0MAYA"
RESPONDERS, OWNER, STRANGER = ("U0PRIYA", "U0BEN", "U0CHEN"), "U0OLIVIA", "U0IVAN"


@dataclass
class Rows:
    """What is stored, at one moment."""

    tickets: Sequence[Ticket]
    handoffs: Sequence[Handoff]
    moves: Sequence[HandoffMove]
    audit: Sequence[tuple[str, str]]
    "Of handoffs: event and actor."
    events: Sequence[InboxEvent]
    turns: Sequence[Turn]


def members_all(_user: str, _team: str) -> Membership:
    """Know everybody for a confirmed member: these tests are about what people do, not about who they are."""
    return Membership.MEMBER


class OneTicket:
    """The house around one ticket, and everybody who does something to it."""

    def __init__(self, database: Database, clock: Clock, patch: pytest.MonkeyPatch) -> None:
        self.database, self.clock = database, clock
        self.slack = FakeSlack(self._may_post)
        self.held: dict[str, deliveries.Delivery] = {}
        "What senders have taken and not yet said."
        agents = card.load_all(CONFIG)
        agent = agents["access"]
        people = {**agent.card.handoff.model_dump(by_alias=True), "responders": RESPONDERS, "approvers": ()}
        changed = agent.card.model_copy(update={"handoff": People.model_validate(people)})
        self.agents = {"access": replace(agent, card=changed)}
        queue: Any = SimpleNamespace(put=lambda *_: None, stop=lambda *_: 0)
        self.listener_ctx = ListenerContext(database, queue, self.agents, look_up=members_all)
        self.runtime: Any = SimpleNamespace(
            agent=self.agents["access"], release="access@1", directory=None, purpose=Purpose.TURN
        )
        client: Any = self.slack
        nothing: Any = None
        leases = Leases(database, lease=60.0)
        members: Any = SimpleNamespace(may_act=lambda *_, **__: None)
        found, agents = directory.connect(database), self.agents
        self.ctx = WorkerContext(nothing, database, nothing, queue, client, members, found, agents, nothing, {}, leases)
        patch.setattr(process, "current", lambda: self.ctx)
        patch.setattr(response_urls, "respond", self.slack.respond)
        patch.setattr(saying, "deliver", lambda _: None)  # things are said when the test says so
        self.thread = ""
        self.crashes: list[str] = []
        "What the clock and the outbox have logged of bugs, which they survive."
        for module in (outbox, handoff, turn):
            patch.setattr(module, "log", SimpleNamespace(info=_heard, warning=_heard, exception=self._crashed))
        self._number = 0

    def number(self) -> int:
        """Return a number that was not used before."""
        self._number += 1
        return self._number

    def write(self, user: str, channel: str, thread_ts: str | None, text: str, *, mentioned: bool, twice: bool) -> str:
        """Let somebody write, and Slack deliver it once or again; return its ts."""
        number = self.number()
        ts = f"1{number:09d}.000000"
        event = {"channel": channel, "ts": ts, "thread_ts": thread_ts, "user": user, "text": text}
        for again in range(1 + twice):
            body = {"event_id": f"Ev{number}-{again}", "team_id": _TEAM, "event": event}
            messages.hear(self.listener_ctx, body, BOT, mentioned=mentioned)
        return ts

    def edit(self, channel: str, user: str, ts: str, text: str | None) -> None:
        """Let somebody edit a message, or with None delete it."""
        gone: Json = {"subtype": "message_deleted", "deleted_ts": ts}
        changed: Json = {"subtype": "message_changed", "message": {"ts": ts, "user": user, "text": text}}
        event = {"channel": channel, **(gone if text is None else changed)}
        body = {"event_id": f"Ev{self.number()}", "team_id": _TEAM, "event": event}
        messages.hear(self.listener_ctx, body, BOT, mentioned=False)

    def press(self, user: str, button: str, value: int) -> None:
        """Let somebody press a button."""
        does = {
            "claim": actions._claim,
            "unclaim": actions._unclaim,
            "cancel": actions._cancel,
            "send": actions._send,
            "keep": actions._keep,
        }[button]
        pressed = {"actions": [{"value": str(value)}], "trigger_id": f"t{self.number()}", "channel": {"id": QUEUE}}
        actions._press(self.listener_ctx, {"user": {"id": user, "team_id": _TEAM}, **pressed}, does)

    def submit(self, user: str, form: str, handoff_id: int, *, twice: bool = False, **fields: str) -> None:
        """Let somebody submit a form, once or by a double click."""
        first, takes = {
            "replied": ("text", modals._reply),
            "resolved": ("done", modals._resolve),
            "reassigned": ("to", modals._reassign),
            "given_back": ("note", modals._give_back),
        }[form]
        values = {name: {name: _typed(name, value)} for name, value in fields.items()}
        view = {"id": f"V{self.number()}", "callback_id": f"handoff.{form}", "private_metadata": str(handoff_id)}
        body = {"view": {**view, "state": {"values": values}}, "user": {"id": user, "team_id": _TEAM}}
        for _ in range(1 + twice):
            modals._take(self.listener_ctx, body, first, takes)

    def stop(self) -> None:
        """Let the requester press Slack's stop button."""
        event = {"channel_id": HELP, "thread_ts": self.thread, "user": MAYA}
        stop_button._stop(self.listener_ctx, {"event_id": f"Ev{self.number()}", "team_id": _TEAM, "event": event})

    def shortcut(self, user: str) -> None:
        """Let somebody hand the thread to a person."""
        detail = {"thread_ts": self.thread, "response_url": "https://hooks.slack.com/app/T1/1/x"}
        asked = InboxCommand(f"Ev{self.number()}", InboxKind.SHORTCUT, _TEAM, HELP, user, "", detail)
        with self.database.write() as session:
            event_id = inbox_commands.accept(session, asked)
        assert event_id is not None
        commands.answer(event_id)

    def begin(self) -> Attempt | None:
        """Let a worker begin the turn that waits."""
        waiting = [row.id for row in self.all(Turn) if row.state == "waiting"]
        with self.database.write() as session:
            return turns.begin(session, waiting[0], worker="w", lease=10**8) if waiting else None

    def conclude(self, attempt: Attempt, words: str | None) -> bool:
        """Let the worker end its turn with a reply, or with None in a handoff; tell whether it still had the turn."""
        outcome: Outcome = HandedOff(Reason.NO_PROGRESS, "s") if words is None else Reply(words, None)
        nobody = Asker(None, Subject(_TEAM, MAYA, ()))
        try:
            turn._write_down(self.ctx, self.runtime, attempt, nobody, outcome)
        except Fenced:
            return False
        return True

    def take(self, which: int) -> None:
        """Let a sender take one of the messages that are owed."""
        with self.database.write() as session:
            owed = deliveries.due(session)
            delivery = deliveries.take(session, owed[which % len(owed)]) if owed else None
            if delivery is None:
                return
            if delivery.ts is None and not delivery.in_doubt and _is_ours(delivery.key) and _owner(session) is not None:
                self.slack.wrong.append(f"{delivery.key} was taken under a person")
        self.held[delivery.key] = delivery

    def send(self, which: int, fault: str | None) -> None:
        """Let a sender say what it has taken."""
        delivery = self.held[sorted(self.held)[which % len(self.held)]]
        self.slack.fault = fault
        outbox._send(outbox._Sender(self.database, self.ctx.slack, lambda *_: None, outbox._for_a_while), delivery)
        self.slack.fault = None
        del self.held[delivery.key]

    def passes(self, minutes: float) -> None:
        """Let time pass, in which no sender has lived on, and the clock look."""
        self.held.clear()
        self.clock.passes(minutes=minutes)
        handoff.look(self.ctx)

    def settle(self) -> None:
        """Let every sender end, and then everything be said, whatever was in doubt."""
        while self.held:
            self.send(0, None)
        for number in range(50):  # what was refused often waits longer each time
            self.clock.passes(seconds=90)
            outbox.deliver(self.database, self.ctx.slack)
            if number > 1 and not any(row.state in ("stored", "sending") for row in self.all(Message)):
                break

    def handoff(self, handoff_id: int) -> Handoff:
        """Return a handoff as it is now."""
        with self.database.read() as session:
            return session.get_one(Handoff, handoff_id)

    def all(self, table: type[Any]) -> Sequence[Any]:
        """Return every row of a table."""
        with self.database.read() as session:
            return session.scalars(select(table).order_by(*table.__table__.primary_key)).all()

    def rows(self) -> Rows:
        """Return what is stored now."""
        with self.database.read() as session:
            moves = select(AuditRow).where(AuditRow.event.like("handoff.%")).order_by(AuditRow.seq)
            audited = audit.named(session, session.scalars(moves).all())
            return Rows(
                session.scalars(select(Ticket)).all(),
                session.scalars(select(Handoff).order_by(Handoff.id)).all(),
                session.scalars(select(HandoffMove).order_by(HandoffMove.id)).all(),
                [(row.event, row.actor) for row in audited],
                session.scalars(select(InboxEvent)).all(),
                session.scalars(select(Turn)).all(),
            )

    def card_ts(self, handoff_id: int) -> str | None:
        """Return where the card of a handoff stands."""
        wanted = linked_threads.card_key(handoff_id)
        return next((ts for ts, post in self.slack.posts.items() if post.key == wanted), None)

    def below(self, handoff_id: int, word: str) -> int:
        """Return how many of the bot's messages below a card hold a word."""
        ts = self.card_ts(handoff_id)
        return sum(post.thread_ts == ts and word in post.shown for post in self.slack.posts.values())

    def with_requester(self, word: str) -> int:
        """Return how many of the bot's messages in the requester's thread hold a word."""
        return sum(post.channel == HELP and word in post.shown for post in self.slack.posts.values())

    def _crashed(self, what: str, **about: Any) -> None:
        self.crashes.append(f"{what} {about}")

    def _may_post(self, key: str) -> bool:
        """Law 4: what the bot says was taken, or looked up in vain, while nobody had the ticket."""
        with self.database.read() as session:
            delivery = self.held.get(key)
            return not _is_ours(key) or _owner(session) is None or (delivery is not None and not delivery.in_doubt)


def _is_ours(key: str) -> bool:
    """Tell whether the bot speaks to the requester for itself: not for a person, nor of who has it now."""
    named, _, rest = key.partition(":")
    to_requester = named in ("notice", "reply", "stopped") or rest.startswith("requester:")
    return to_requester and named != "claimed"


def _owner(session: Session) -> str | None:
    return session.scalars(select(Ticket.assignee)).one()


def _typed(name: str, value: str) -> Json:
    """Return what was typed or chosen, as a form holds it."""
    match name:
        case "to":
            return {"selected_user": value}
        case "category" | "agent_could":
            return {"selected_option": {"value": value}}
        case _:
            return {"value": value}


def _heard(_what: str, **_about: Any) -> None:
    """Log nothing: a hundred lives are long."""
