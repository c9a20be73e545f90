"""A handoff's whole life, whatever order things happen in: store, listeners, clock and outbox together.

Hypothesis plays a requester, three responders, an owner and a stranger, the clock, the workers and a
Slack that loses answers. What stands in the rows is checked after every step; what stands in the two
threads whenever everything has been said.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bot.slack.outbox import posting
from bot.store import db, members
from bot.store.db import Database
from bot.store.handoffs import handoff_history
from bot.store.handoffs.handoff_history import ReplayedHandoff
from bot.store.schema import Base, Departed, Handoff, HandoffMove, InboxEvent, Message, MoveKind
from bot.store.sql import audit_guard
from bot.store.tickets.turns import Attempt
from jobs import handoff as clockwork
from tests.scenarios.lifecycle import MAYA, OWNER, RESPONDERS, STRANGER, OneTicket
from tests.support.emptying import empty
from tests.support.factories import Clock
from tests.support.volumes import volume
from tests.support.workspace_names import BOT, HELP, QUEUE

HELPERS = (*RESPONDERS, OWNER)
HOLDER = "who has it"
ANYBODY = st.sampled_from((*HELPERS, STRANGER))
MOSTLY_HOLDER = st.sampled_from((*([HOLDER] * 6), *HELPERS, STRANGER))
WHICH = st.integers(0, 7)
LATE = st.sampled_from((0, 0, 0, 0, 1, 2))
"How many handoffs ago is the card, or the form, that somebody still has before them."
FAULTS = st.sampled_from((None, None, "refused", "lost before", "lost after"))
LONG = " word" * 2_600
"Beyond what one section or message can hold, so that it is said in parts."

TRIED = settings(
    max_examples=volume(12, long=100),  # twelve lives make nearly every kind of move, and a hundred make all
    stateful_step_count=50,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@dataclass
class Word:
    """Something that somebody wrote, under a name that stands nowhere else."""

    name: str
    kind: str
    "asked, answer, draft, reply, done, note, internal"
    user: str
    channel: str = HELP
    ts: str = ""
    "Where it can be edited; empty for what came from a form."
    handoff: int = 0
    "Below whose card it is shown; 0: nowhere but in transcripts."
    asked_about: bool = False
    sent: bool = False
    "To the requester, by a responder who held the ticket; a draft that loses its mark is taken back for good."
    deleted: bool = False
    before: list[str] = field(default_factory=list)
    "What it was before it was edited."
    told: set[int] = field(default_factory=set)
    "The handoffs in whose transcript it is, since they opened when it stood."

    @property
    def stands(self) -> bool:
        """Whether it is part of the conversation with the requester."""
        return not self.deleted and (self.sent or self.kind in ("asked", "answer", "note"))

    @property
    def below(self) -> set[int]:
        """The handoffs below whose card the bot shows it, once."""
        if self.asked_about or self.kind == "internal":
            return {self.handoff}
        own = {self.handoff} if self.kind != "done" else set()
        return (self.told | own) if self.stands else set()


class Lifecycle(RuleBasedStateMachine):
    """One ticket."""

    def __init__(self, database: Database, patch: pytest.MonkeyPatch, moved: set[str]) -> None:
        super().__init__()
        self.patch, self.moved = patch, moved
        self.clock = Clock(tick=timedelta(milliseconds=1)).rule(self.patch)
        self.place = OneTicket(database, self.clock, self.patch)
        self.words: list[Word] = []
        self.attempts = list[Attempt]()
        self.active: Handoff | None = None
        "The handoff that is open or claimed, as the last step left it."
        self.waits = False
        "A turn waits for a worker."
        self.handoffs = 0
        self.was_long = False
        self.spoken: set[tuple[object, ...]] = set()
        "Claims in which something has gone to the requester."

    def teardown(self) -> None:
        """Say everything, and look once more at what stands where."""
        try:
            self.everything_is_said()
        finally:
            self.patch.undo()

    @initialize(claimed=st.booleans(), shown=st.booleans(), spoken=st.booleans())
    def somebody_needs_a_person(self, *, claimed: bool, shown: bool, spoken: bool) -> None:
        """Begin where it gets interesting: with a handoff, that somebody may have, and may have answered."""
        self.requester_writes(long=False, twice=False)
        self.somebody_hands_it_to_a_person(MAYA)
        assert self.handoffs == 1
        if shown:
            self.everything_is_said()
        if claimed:
            self.somebody_claims(RESPONDERS[0], 0)
        if spoken:
            self.somebody_replies(RESPONDERS[0], 0, long=False, twice=False)

    # In the requester's thread

    @rule(long=st.booleans(), twice=st.booleans())
    def requester_writes(self, *, long: bool, twice: bool) -> None:
        """To the agent or to people; the first time, it opens the ticket."""
        active = self.active
        word = self._word("asked", MAYA, handoff=active.id if active else 0)
        text = f"<@{BOT}> {self._words(word.name, long=long)}"
        word.ts = self.place.write(MAYA, HELP, self.place.thread or None, text, mentioned=True, twice=twice)
        self.place.thread = self.place.thread or word.ts

    @rule(user=MOSTLY_HOLDER, twice=st.booleans())
    def somebody_else_writes_there(self, user: str, *, twice: bool) -> None:
        """A responder's word is an answer, by which they take over from the agent; anything else is none of ours."""
        active = self.active
        if user == HOLDER:
            user = (active and active.claimed_by) or RESPONDERS[0]
        if self._is_gone(user):
            return
        word = self._word("answer", user, handoff=active.id if active else 0)
        word.ts = self.place.write(user, HELP, self.place.thread, self._words(word.name), mentioned=False, twice=twice)
        if user == STRANGER:
            word.kind, word.deleted = "ignored", True
        elif active is None and self.active is not None:
            self._look_for_a_handoff()
            word.handoff = self.handoffs

    @precondition(lambda self: any(word.ts and not word.deleted for word in self.words))
    @rule(which=WHICH, how=st.sampled_from(("edited", "edited", "longer", "deleted", "unmarked")), twice=st.booleans())
    def an_author_changes_what_they_wrote(self, which: int, how: str, *, twice: bool) -> None:
        """Both follow: the rows say what Slack says, unless who edits an answer may give none any more."""
        written = [word for word in self.words if word.ts and not word.deleted]
        word, name = written[-1 - which % len(written)], self._name()
        may = how == "deleted" or word.kind not in ("answer", "draft") or self._helps(word.user)
        follows = may and self._follows(word)
        text = None if how == "deleted" else self._words(name, long=how == "longer")
        if text is not None and word.kind == "draft" and how != "unmarked":
            text = f"&gt; {text}"
        for _ in range(1 + twice):
            self.place.edit(word.channel, word.user, word.ts, text)
        if how == "deleted":
            word.deleted, word.asked_about = True, False
        elif follows:
            word.before.append(word.name)
            word.name = name
            word.sent = word.sent and how != "unmarked"
            word.asked_about = word.asked_about and how != "unmarked"

    @rule()
    def requester_stops_the_agent(self) -> None:
        """The turn under way ends without an answer."""
        self.place.stop()

    @precondition(lambda self: self.active is None)
    @rule(user=st.sampled_from((MAYA, *RESPONDERS)))
    def somebody_hands_it_to_a_person(self, user: str) -> None:
        """By the shortcut, whatever the agent is doing."""
        self.place.shortcut(user)
        self._look_for_a_handoff()

    # The agent

    @precondition(lambda self: self.waits)
    @rule()
    def a_worker_begins(self) -> None:
        """A turn that waits is begun."""
        attempt = self.place.begin()
        if attempt is not None:
            self.attempts.append(attempt)

    @precondition(lambda self: self.attempts)
    @rule(replies=st.booleans())
    def a_worker_ends(self, *, replies: bool) -> None:
        """With a reply, or by handing off."""
        self.place.conclude(self.attempts.pop(), f"Agent{self._name()}" if replies else None)
        self._look_for_a_handoff()

    # Buttons

    @rule(user=ANYBODY, late=LATE)
    def somebody_claims(self, user: str, late: int) -> None:
        """A responder gets what is open; a click on an old card does nothing."""
        before, user = self._before(late, user)
        self.place.press(user, "claim", before.id)
        may = before.state == "open" and self._helps(user)
        self._expect(before, ("claimed", user) if may else None)

    @precondition(lambda self: self.active is not None and self.active.state == "claimed")
    @rule(user=MOSTLY_HOLDER, late=LATE)
    def somebody_lets_go(self, user: str, late: int) -> None:
        """Only the holder can."""
        before, user = self._before(late, user)
        self.place.press(user, "unclaim", before.id)
        self._expect(before, ("open", None) if self._holds(user, before) else None)

    @rule(user=st.sampled_from((MAYA, *HELPERS, STRANGER)), late=LATE)
    def somebody_takes_the_request_back(self, user: str, late: int) -> None:
        """Only its requester can, while nobody has it."""
        before, user = self._before(late, user)
        self.place.press(user, "cancel", before.id)
        self._expect(before, ("cancelled", None) if before.state == "open" and user == MAYA else None)

    # Forms

    @precondition(lambda self: self.active is not None and self.active.state == "claimed")
    @rule(user=MOSTLY_HOLDER, late=LATE, long=st.booleans(), twice=st.booleans())
    def somebody_replies(self, user: str, late: int, *, long: bool, twice: bool) -> None:
        """The holder's words go to the requester, once by a double click."""
        before, user = self._before(late, user)
        word = self._word("reply", user, handoff=before.id)
        self.place.submit(user, "replied", before.id, twice=twice, text=self._words(word.name, long=long))
        word.sent = self._holds(user, before)
        if word.sent:
            self._spoke(before)

    @precondition(lambda self: self.active is not None and self.active.state == "claimed")
    @rule(user=MOSTLY_HOLDER, to=ANYBODY, late=LATE)
    def somebody_reassigns(self, user: str, to: str, late: int) -> None:
        """The holder can, and an owner; to somebody else who helps."""
        before, user = self._before(late, user)
        word = self._word("internal", user, handoff=before.id)
        self.place.submit(user, "reassigned", before.id, to=to, why=self._words(word.name))
        may = self._holds(user, before) or (before.state == "claimed" and user == OWNER and not self._is_gone(user))
        may = may and self._helps(to) and to != before.claimed_by
        self._expect(before, ("claimed", to) if may else None)
        if not may:
            word.kind = "ignored"

    @precondition(lambda self: self.active is not None and self.active.state == "claimed")
    @rule(user=MOSTLY_HOLDER, late=LATE, twice=st.booleans())
    def somebody_resolves(self, user: str, late: int, *, twice: bool) -> None:
        """Only the holder can."""
        before, user = self._before(late, user)
        word = self._word("done", user, handoff=before.id)
        fields = {"done": self._words(word.name), "category": "other", "agent_could": "no"}
        self.place.submit(user, "resolved", before.id, twice=twice, **fields)
        word.sent = self._holds(user, before)
        self._expect(before, ("resolved", user) if word.sent else None)

    @precondition(lambda self: self.active is not None and self.active.state == "claimed")
    @rule(user=MOSTLY_HOLDER, late=LATE, twice=st.booleans())
    def somebody_gives_back(self, user: str, late: int, *, twice: bool) -> None:
        """Only the holder can; the agent has a turn then."""
        before, user = self._before(late, user)
        word = self._word("note", user, handoff=before.id)
        self.place.submit(user, "given_back", before.id, twice=twice, note=self._words(word.name))
        may = self._holds(user, before)
        self._expect(before, ("returned", user) if may else None)
        if not may:
            word.kind = "ignored"

    @precondition(lambda self: self.active is None or self.active.state == "open")
    @rule(
        user=st.sampled_from(HELPERS), late=LATE, form=st.sampled_from(("lets go", "replies", "resolves", "gives back"))
    )
    def somebody_comes_too_late(self, user: str, late: int, form: str) -> None:
        """A form or a button of a claim that is over does nothing."""
        match form:
            case "lets go":
                self.somebody_lets_go(user, late)
            case "replies":
                self.somebody_replies(user, late, long=False, twice=False)
            case "resolves":
                self.somebody_resolves(user, late, twice=False)
            case _:
                self.somebody_gives_back(user, late, twice=False)

    # Below the card

    @rule(user=MOSTLY_HOLDER, late=LATE, mark=st.sampled_from((True, True, False)), twice=st.booleans())
    def somebody_writes_below_the_card(self, user: str, late: int, *, mark: bool, twice: bool) -> None:
        """It stays there, unless it is marked and its author has, or takes, the ticket; a first one is asked about."""
        before, user = self._before(late, user)
        ts = self.place.card_ts(before.id)
        if ts is None or self._is_gone(user):
            return
        word = self._word("ignored", user, handoff=before.id, channel=QUEUE)
        text = f"&gt; {self._words(word.name)}" if mark else self._words(word.name)
        word.ts = self.place.write(user, QUEUE, ts, text, mentioned=False, twice=twice)
        takes = mark and before.state == "open" and self._helps(user)
        if takes:
            self._expect(before, ("claimed", user))
        if takes or (mark and before.state == "claimed" and before.claimed_by == user):
            word.kind = "draft"
            word.sent = _claim(before) in self.spoken
            word.asked_about = not word.sent

    @precondition(lambda self: any(word.kind == "draft" for word in self.words))
    @rule(
        which=WHICH,
        own=st.sampled_from((True, True, False)),
        user=ANYBODY,
        button=st.sampled_from(("send", "send", "keep")),
    )
    def somebody_decides_a_draft(self, which: int, user: str, button: str, *, own: bool) -> None:
        """Its author sends it while they hold the ticket, or keeps it; once."""
        drafts = [word for word in self.words if word.kind == "draft"]
        word = drafts[-1 - which % len(drafts)]
        before, user = self.place.handoff(word.handoff), word.user if own else user
        [event_id] = [row.id for row in self.place.all(InboxEvent) if row.kind == "draft" and self._is(row, word)]
        self.place.press(user, button, event_id)
        if word.asked_about and user == word.user and self._helps(user):
            word.asked_about = False
            word.sent = button == "send" and self._holds(user, before)
            if word.sent:
                self._spoke(before)

    # Time, and those who come and go

    @rule(minutes=st.sampled_from((1, 6, 26, 31)), clocks=st.integers(1, 2))
    def time_passes(self, minutes: int, clocks: int) -> None:
        """And one clock looks, or two."""
        self.place.passes(minutes)
        for _ in range(clocks - 1):
            clockwork.look(self.place.ctx)

    @rule(user=st.sampled_from(RESPONDERS))
    def somebody_leaves_or_comes_back(self, user: str) -> None:
        """Who leaves loses their claims at once."""
        if not self._is_gone(user):
            clockwork.left(self.place.ctx, user)
            assert all(row.claimed_by != user for row in self.place.all(Handoff) if row.state == "claimed")
            return
        with self.place.database.write() as session:
            members.note_return(session, user)

    # Slack

    @rule(which=WHICH)
    def a_sender_takes_something(self, which: int) -> None:
        """One of the messages that are owed is on its way."""
        self.place.take(which)

    @precondition(lambda self: self.place.held)
    @rule(which=WHICH, fault=FAULTS)
    def a_sender_says_it(self, which: int, fault: str | None) -> None:
        """Slack takes it, or does not, or its answer is lost."""
        self.place.send(which, fault)

    @rule()
    def everything_is_said(self) -> None:
        """Then Slack shows what the rows say, and every word stands where it belongs, once."""
        self.place.settle()
        posts = self.place.slack.posts
        said = {row.ts: row for row in self.place.all(Message) if row.op == "post" and row.ts is not None}
        assert {ts: post.key for ts, post in posts.items()} == {ts: row.key for ts, row in said.items()}
        for ts, post in posts.items():
            assert post.text in (said[ts].body["text"], posting._short(said[ts].body)), post.key
        assert {row.state for row in self.place.all(Message)} <= {"posted", "withdrawn"}
        for word in self.words:
            self._stands_where_it_belongs(word)
        self.nothing_was_said_that_should_not_be()

    def _stands_where_it_belongs(self, word: Word) -> None:
        with_requester = word.stands and word.kind in ("reply", "draft", "done")
        current = range(1, self.handoffs + 1)
        for end in "A" if word.asked_about else "AZ":  # a question repeats only the beginning
            assert self.place.with_requester(word.name + end) == with_requester, word
            for number in current:
                if end == "Z" and word.kind == "draft" and number in word.told:
                    continue  # a transcript repeats a sent message, not the second one that it grows into
                assert self.place.below(number, word.name + end) == (number in word.below), (number, word)
        for name in word.before:
            assert self.place.with_requester(name) == 0, word
            assert not any(self.place.below(number, name) for number in current), word

    # After every step

    @invariant()
    def rows_agree(self) -> None:
        """State, owner, lease, history and audit tell one story; people have the ticket, or the agent."""
        rows = self.place.rows()
        actives = [row for row in rows.handoffs if row.state in ("open", "claimed")]
        assert len(actives) <= 1
        active = actives[0] if actives else None
        self.active, self.waits = active, any(turn.state == "waiting" for turn in rows.turns)
        for ticket in rows.tickets:
            holder = active.claimed_by if active is not None else None
            assert (ticket.state == "handed_off", ticket.assignee) == (active is not None, holder)
        for row in rows.handoffs:
            moves = [move for move in rows.moves if move.handoff_id == row.id]
            come_to = handoff_history.replay(moves)
            assert come_to == ReplayedHandoff(
                row.state, row.claimed_by, row.expiries, row.openings, row.escalation_level
            )
            assert (row.state == "claimed") == (row.lease_until is not None)
            assert row.claimed_by in (None, *HELPERS)
            _check_the_clock(moves)
        assert [one for one in rows.audit if one[0] != "handoff.refused"] == [
            (f"handoff.{move.move}", move.actor) for move in rows.moves
        ]
        self.moved.update(move.move for move in rows.moves)
        for event in rows.events:  # a turn's, people's, or parked until one of them takes it
            if event.kind == "message" and event.state != "withdrawn":
                assert (event.state == "accepted") == (event.turn_id is not None), event.text
        under_way = [turn for turn in rows.turns if turn.state != "done"]
        assert len(under_way) <= (active is None)

    @invariant()
    def nothing_was_said_that_should_not_be(self) -> None:
        """No empty message, none twice, none of the bot's after a claim; and nothing has crashed."""
        assert self.place.slack.wrong == []
        assert self.place.crashes == []

    def _name(self) -> str:
        number, letters = self.place.number(), ""
        for _ in range(4):
            number, digit = divmod(number, 26)
            letters += chr(ord("a") + digit)
        return f"Q{letters}"

    def _word(self, kind: str, user: str, *, handoff: int, channel: str = HELP) -> Word:
        self.words.append(Word(self._name(), kind, user, channel, handoff=handoff))
        return self.words[-1]

    def _words(self, name: str, *, long: bool = False) -> str:
        """Return what is written under a name; a second long one would be in a file, of which this Slack has none."""
        long, self.was_long = long and not self.was_long, self.was_long or long
        return f"{name}A{LONG * long} {name}Z"

    def _follows(self, word: Word) -> bool:
        """Return whether an edit is the house's to honour: of whatever it has heard."""
        return any(self._is(row, word) for row in self.place.all(InboxEvent))

    @staticmethod
    def _is(row: InboxEvent, word: Word) -> bool:
        return (row.channel, row.ts) == (word.channel, word.ts)

    def _look_for_a_handoff(self) -> None:
        """Note what the transcript of a handoff that has just opened holds."""
        if len(self.place.all(Handoff)) > self.handoffs:
            self.handoffs += 1
            for word in self.words:
                if word.stands:
                    word.told.add(self.handoffs)

    def _before(self, late: int, user: str) -> tuple[Handoff, str]:
        """Return the newest handoff, or one so many before it; and who acts, which may be who has it."""
        row = self.place.handoff(max(1, self.handoffs - late))
        return row, (row.claimed_by or RESPONDERS[0]) if user == HOLDER else user

    def _expect(self, before: Handoff, now: tuple[str, str | None] | None) -> None:
        after = self.place.handoff(before.id)
        assert (after.state, after.claimed_by) == (now or (before.state, before.claimed_by))

    def _is_gone(self, user: str) -> bool:
        return user in {row.user for row in self.place.all(Departed)}

    def _helps(self, user: str) -> bool:
        return user in HELPERS and not self._is_gone(user)

    def _holds(self, user: str, row: Handoff) -> bool:
        return row.state == "claimed" and row.claimed_by == user and self._helps(user)

    def _spoke(self, row: Handoff) -> None:
        self.spoken.add(_claim(row))


def _claim(row: Handoff) -> tuple[object, ...]:
    return row.id, row.claimed_by, row.claimed_at


def _check_the_clock(moves: list[HandoffMove]) -> None:
    """Check that a lease is warned of once, and that of every opening each step is taken once and in order."""
    kept = [move.move for move in moves if move.move != "escalated"]
    assert (MoveKind.WARNED, MoveKind.WARNED) not in pairwise(kept)
    openings = level = 0
    for move in moves:
        if move.move in ("opened", "unclaimed", "expired"):
            openings, level = openings + 1, 0
        elif move.move == "escalated":
            assert move.detail["level"] == level
            level += 1
    assert openings <= len(moves)
    assert level <= len(("remind", "mention", "tell"))


play: Any = run_state_machine_as_test
"Hypothesis takes anything that makes a machine; its types say only classes."


@pytest.fixture
def patch() -> Iterator[pytest.MonkeyPatch]:
    """Return what a life changes of its process; it is undone even where a life fails before it can be torn down."""
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def test_no_order_of_things_loses_doubles_or_betrays_a_word(patch: pytest.MonkeyPatch) -> None:
    """On SQLite: rows of one mind, one owner at most, every word once on its side, law 4."""
    blank, moved = db.connect("sqlite://"), set[str]()
    with blank.engine.begin() as tables, audit_guard.lifted(tables.connection.driver_connection):  # type: ignore[arg-type]
        Base.metadata.create_all(tables)

    def one_life() -> Lifecycle:
        database = db.connect("sqlite://")
        with blank.engine.connect() as tables, database.engine.connect() as copy:
            tables.connection.backup(copy.connection.driver_connection)
        return Lifecycle(database, patch, moved)

    play(one_life, settings=TRIED)
    missing = set(MoveKind) - moved
    assert len(missing) <= volume(3, long=0), f"no life has been {', '.join(sorted(missing))}: it proves too little"


def test_nor_on_postgres(postgres: Database, patch: pytest.MonkeyPatch) -> None:
    """The same for a few lives on PostgreSQL."""

    def one_life() -> Lifecycle:
        empty(postgres)
        return Lifecycle(postgres, patch, set())

    play(one_life, settings=settings(TRIED, max_examples=3))
