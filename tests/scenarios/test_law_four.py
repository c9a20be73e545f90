"""Law 4: a person who has a ticket is never talked over, in whichever moment of a turn they take it.

A turn is played once for each of its moments (see `tests.support.checkpoints`), and somebody takes the ticket in
that very moment, from another thread. What was on its way to Slack then may still stand, before the words
that say who has it; everything else the bot wrote is withdrawn, and is there for the person to read.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import delete, select, update

from bot.casework import handoffs as casework
from bot.principals import AccountStatus
from bot.responders.people import People
from bot.slack.handoffs import linked_threads
from bot.store.accounts import accounts
from bot.store.db import Session
from bot.store.handoffs import handoffs
from bot.store.handoffs.moves import Moved, NotMoved
from bot.store.schema import DirectoryWrite, Handoff, Message, Ticket, Turn, now
from bot.store.tickets import threads
from jobs import undeliverable, upkeep
from tests.support.checkpoints import watched
from tests.support.json_object import Json
from tests.support.product_harness import Place, furnished
from tests.support.volumes import volume
from tests.support.workspace_names import BOT, HELP, QUEUE

HAS_IT = "<@U0PRIYA> has your request"
ASKS = {"U0FINN": "When is the next payday?", "U0MAYA": "I am locked out", "U0LENA": "I want to talk to a person"}
LONGEST = 20.0
"Seconds; a thread that takes longer waits for a lock that nobody gives back."
BLOCKED = 0.15
"Seconds, after which somebody who waits for the turn's transaction is left waiting."

PEOPLE = People(queue_channel=QUEUE, responders=("U0PRIYA",), on_call="U0BEN")
ENDS: dict[str, Callable[[Session, int], Moved | NotMoved]] = {
    "unclaim": partial(casework.unclaim, user="U0PRIYA", people=PEOPLE),
    "give_back": partial(casework.give_back, user="U0PRIYA", note="please go on"),
    "resolve": partial(casework.resolve, user="U0PRIYA", done="Rang.", category="other", agent_could=False),
}
"How Priya may end her claim."

SHARED = volume(1, long=0)
"Whether the moments are shared out between ways that are alike: each is played in one of these, or in all."

Takes = Callable[["Case"], None]
Wanted = Callable[[str], bool]
Work = Callable[[Place], None]

SQLITE = pytest.mark.parametrize("place", ["sqlite"], indirect=True)


@dataclass
class Case:
    """One request, and the moment in which it is taken over."""

    place: Place
    user: str
    ts: str
    words: list[str] = field(default_factory=list)
    "What the requester has written besides."
    said: list[str] = field(default_factory=list)
    "Keys of what stood in the thread just before the claim."
    moment: str = ""
    showing: str | None = None
    "What Slack showed of the agent once the ticket was taken."

    def handoff(self) -> Handoff | None:
        """Return the ticket's handoff, if it has one."""
        with self.place.front.database.read() as session:
            ticket = threads.ticket_at(session, HELP, self.ts)
            return None if ticket is None else handoffs.last(session, ticket.id)

    def says(self, text: str) -> None:
        """Let the requester write something more."""
        self.words.append(text)
        self.place.front.say(self.user, HELP, text, thread_ts=self.ts)

    def thread(self) -> list[tuple[str, Json]]:
        """Return what the bot has said in the thread, in order, each with its key."""
        found = self.place.front.sees(self.user)["messages"][HELP]
        ours = [one for one in found if one.get("thread_ts") == self.ts and one.get("bot_id")]
        return [(key(self.place, one), one) for one in sorted(ours, key=lambda one: str(one["ts"]))]

    def rows(self) -> dict[str, Message]:
        """Return the ticket's messages by their keys."""
        query = select(Message).join(Ticket).where(Ticket.thread_ts == self.ts).order_by(Message.id)
        with self.place.front.database.read() as session:
            return {row.key: row for row in session.scalars(query)}


def key(place: Place, message: Json) -> str:
    """Return the key that a message carries in its metadata."""
    stands = place.front.world.state.channels[message.get("channel", HELP)].messages[message["ts"]]
    return str(stands["metadata"]["event_payload"]["key"])


@pytest.fixture(params=["sqlite", "postgres"])
def place(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, redis_url: str, spacious: Path, tmp_path: Path
) -> Iterator[Place]:
    """Open the house on each kind of database, with a release that may serve."""
    url = request.getfixturevalue(f"{request.param}_url")
    with furnished(monkeypatch, database_url=url, redis_url=redis_url, config=spacious) as (front, model):
        opened = Place(front, model, tmp_path / "deskhand.db")
        opened.passes()
        yield opened


def claims(case: Case) -> None:
    """Let Priya claim the handoff from her App Home, where she need not wait for the card."""
    handoff = case.handoff()
    assert handoff is not None, case.moment
    case.said = [key for key, _ in case.thread()]
    case.place.front.press_at_home("U0PRIYA", "claim", handoff.id)
    case.place.front.work()
    case.showing = status(case)


def status(case: Case) -> str | None:
    """Return what Slack shows of the agent in the thread."""
    session = case.place.front.world.state.sessions.get((HELP, case.ts), {})
    return session.get("status")


def takes_over(case: Case) -> None:
    """Let Priya use the shortcut and claim, while the requester goes on writing."""
    case.says("before the claim")
    case.place.front.act("shortcut", "U0PRIYA", channel=HELP, ts=case.ts, callback_id="hand_to_person")
    case.place.front.work()
    claims(case)
    case.says("after the claim")
    case.place.front.work()


def at_each_moment(
    place: Place,
    user: str,
    takes: Takes,
    *,
    wanted: Callable[[], Wanted],
    work: Work = Place.work,
    first: int = 0,
    step: int = 1,
) -> Iterator[Case]:
    """Play a request once for each wanted moment, with somebody who takes it over in that moment.

    Args:
        place: the house.
        user: who asks.
        takes: what happens in the moment, in a thread of its own.
        wanted: returns, for one turn, what tells whether this is a moment for it; asked in their order.
        work: plays the turn.
        first: number of the first moment that is played.
        step: the number of moments from one that is played to the next.
    """
    for number in count(first, step):
        place.front.world.journal.clear()
        place.front.resolve_all()
        case = Case(place, user, place.front.say(user, HELP, f"<@{BOT}> {ASKS[user]}"))
        other = _Other(case, takes, number, wanted())
        with watched(place.ctx, other.at):
            work(place)
        if not other.started:
            place.work()
            assert case.rows(), "this request was not taken on, so that no moment of it was played"
            return
        other.join()
        _settle(place)
        yield case


@dataclass
class _Other:
    """Somebody who does something in one moment of a job, in another thread."""

    case: Case
    takes: Takes
    number: int
    wanted: Wanted
    passed: int = 0
    thread: Thread | None = None
    failed: list[BaseException] = field(default_factory=list)

    @property
    def started(self) -> bool:
        return self.thread is not None

    def at(self, moment: str) -> None:
        if self.started or not self.wanted(moment):
            return
        self.passed += 1
        if self.passed <= self.number:
            return
        self.case.moment = moment
        self.thread = Thread(target=self._take, daemon=True)
        self.thread.start()
        inside = moment.startswith("commit")  # in a transaction, for whose end the other may have to wait
        self.thread.join(BLOCKED if inside else LONGEST)
        assert inside or not self.thread.is_alive(), f"a transaction is open while there is: {moment}"

    def join(self) -> None:
        assert self.thread is not None
        self.thread.join(LONGEST)
        assert not self.thread.is_alive()
        if self.failed:
            raise self.failed[0]

    def _take(self) -> None:
        try:
            self.takes(self.case)
        except BaseException as error:  # noqa: BLE001 - raised again by join, in the test's own thread
            self.failed.append(error)


def _settle(place: Place) -> None:
    """Play what is left, and say all that is owed; nobody waits for a pause."""
    for _ in range(3):
        place.front.work()
        place.work()
        with place.front.database.write() as session:
            session.execute(update(Message).where(Message.state.in_(("stored", "sending"))).values(due_at=now()))
        upkeep.deliver_messages(place.ctx)


def wrongs(case: Case) -> list[str]:
    """Return what is wrong after somebody has claimed; empty when law 4 was kept and nothing is lost."""
    thread, rows = case.thread(), case.rows()
    keys, found = [key for key, _ in thread], []
    ours = {key for key, row in rows.items() if row.bot_voice}
    late = (set(keys) & ours) - set(case.said)
    if case.moment.startswith("commit") or case.moment.endswith(tuple(late)):
        late = set()  # it was on its way, or may have been
    found += [f"said after the claim: {sorted(late)}"] if late else []
    found += [f"not in order: {keys}"] if keys != sorted(keys, key=list(rows).index) else []
    if not thread or HAS_IT not in thread[-1][1]["text"] or sum(HAS_IT in one["text"] for _, one in thread) != 1:
        found.append(f"the last word is not who has it: {keys}")
    unsaid = {key: row.state for key, row in rows.items() if row.state not in ("posted", "withdrawn")}
    found += [f"left over: {unsaid}"] if unsaid else []
    return found + _lost(case, rows) + _state(case, thread)


def _lost(case: Case, rows: dict[str, Message]) -> list[str]:
    """Return what did not reach the person once."""
    below = case.place.queue()
    cards = Counter(key(case.place, {**one, "channel": QUEUE}) for one in below)
    handoff = case.handoff()
    assert handoff is not None
    mine = [one for one in below if one.get("thread_ts") == rows[linked_threads.card_key(handoff.id)].ts]
    text = "\n".join(str(one["blocks"]) for one in mine if one["ts"] != one["thread_ts"])
    found = [f"{name} stands {times} times" for name, times in cards.items() if times != 1]
    found += [f"{word!r} is there {text.count(word)} times" for word in case.words if text.count(word) != 1]
    withdrawn = [row.body["text"] for row in rows.values() if row.kind == "reply" and row.state == "withdrawn"]
    return found + [f"nobody can read {said!r}" for said in withdrawn if said not in text]


def _state(case: Case, thread: list[tuple[str, Json]]) -> list[str]:
    """Return what is shown or kept that is not so."""
    shown = [status(case)] if case.moment.startswith("call agents") else [case.showing, status(case)]
    found = [f"the agent seems to be at it: {shown}"] if "processing" in shown else []
    buttons = [one for _, one in thread if any("handoff.cancel" in str(block) for block in one["blocks"])]
    found += ["a claimed request can be taken back"] if buttons else []
    with case.place.front.database.read() as reading:
        ticket = threads.ticket_at(reading, HELP, case.ts)
        assert ticket is not None
        under_way = reading.scalars(select(Turn.id).where(Turn.ticket_id == ticket.id, Turn.state != "done")).all()
    found += [] if (ticket.assignee, ticket.state) == ("U0PRIYA", "handed_off") else [f"owner {ticket.assignee}"]
    return found + [f"turns under way: {under_way}"] * bool(under_way)


def moments(place: Place, *, after: str = "") -> Callable[[], Wanted]:
    """Return what tells, for each turn anew, that a moment comes after one that begins so, and is a possible one.

    Inside a transaction of SQLite, the one writer, nobody else can do anything; the other moments are played there, so
    that PostgreSQL need not have them once more. An answer is followed by another moment before anything is read or
    done, so that the two are the same for everybody else, and one of them is enough.
    """
    sqlite = place.front.database.engine.dialect.name == "sqlite"
    only = "commit" if SHARED and not sqlite else ""
    passed_over = ("answer", "thought", *(["commit"] if sqlite else []))

    def of_a_turn() -> Wanted:
        begun: list[str] = [] if after else ["from the first on"]

        def wanted(moment: str) -> bool:
            counts = bool(begun) and moment.startswith(only) and not moment.startswith(passed_over)
            begun.extend([moment] * moment.startswith(after))
            return counts

        return wanted

    return of_a_turn


def gone_through(cases: Iterator[Case], *, least: int) -> dict[str, list[str]]:
    """Return what was wrong in which moment, of at least so many moments."""
    found, number = {}, 0
    for number, case in enumerate(cases, 1):
        if wrong := wrongs(case):
            found[f"{number}: {case.moment}"] = wrong
    assert number >= least
    return found


@pytest.mark.parametrize(
    ("place", "after", "least"),
    [("sqlite", "", 18), ("postgres", "commit metering.end", volume(3, long=12))],
    indirect=["place"],
)
def test_a_turn_never_speaks_after_a_claim(place: Place, after: str, least: int) -> None:
    """Taken over in any moment from its beginning to its end: no late word, no status, nothing lost or doubled."""
    cases = at_each_moment(place, "U0FINN", takes_over, wanted=moments(place, after=after))
    assert gone_through(cases, least=least) == {}


@SQLITE
def test_a_turn_that_acts_is_silent_too(place: Place) -> None:
    """Taken over around any call of the model or of a tool: at most the one effect that was under way, and no word."""
    around = ("think", "thought", "write attempt._intend", "write directory", "write attempt._record")

    cases = at_each_moment(place, "U0MAYA", takes_over, wanted=lambda: lambda moment: moment.startswith(around))
    found: list[tuple[str, str]] = []
    for case in cases:
        found += [(case.moment, wrong) for wrong in wrongs(case)]
        found += [(case.moment, "two effects")] * (len(place.writes()) > 1)
        _lock_again(place)
    assert found == []


def _lock_again(place: Place) -> None:
    with place.front.database.write() as session:
        session.execute(delete(DirectoryWrite))
        accounts.set_status(session, "acc-maya", AccountStatus.LOCKED)


@pytest.mark.parametrize(("place", "least"), [("sqlite", 13), ("postgres", volume(4, long=13))], indirect=["place"])
def test_a_handoff_is_claimed_in_any_moment_of_its_opening(place: Place, least: int) -> None:
    """From the commit that opens it on: one card, one transcript, and the notice before who has it, or not at all."""
    cases = at_each_moment(place, "U0LENA", claims, wanted=moments(place, after="commit turn._write_down"))
    assert gone_through(cases, least=least) == {}


@SQLITE
@pytest.mark.parametrize(("kind", "first"), [("drop_answer", 0), ("http_500", 1)])
def test_a_reply_in_doubt_is_never_said_after_a_claim(place: Place, kind: str, first: int) -> None:
    """Slack's answer was lost, with or without the work: claimed in any moment of finding out, it is not said late."""

    def work(place: Place) -> None:
        place.front.faults({"method": "chat.postMessage", "channel": HELP, "kind": kind, "times": 1})
        place.work()
        with place.front.database.write() as session:
            session.execute(update(Message).where(Message.state == "sending").values(due_at=now()))
        undeliverable.deliver_all(place.ctx)
        place.front.faults()

    doubted = moments(place, after="call chat.postMessage reply")
    first, step = (first, 2) if SHARED else (0, 1)
    cases = at_each_moment(place, "U0FINN", takes_over, wanted=doubted, work=work, first=first, step=step)
    assert gone_through(cases, least=volume(4, long=8)) == {}


@SQLITE
@pytest.mark.parametrize(("end", "first"), [("unclaim", 0), ("give_back", 1), ("resolve", 2)])
def test_a_claim_that_ends_at_once_changes_no_order(place: Place, end: str, first: int) -> None:
    """Claimed and let go in the moment of a reply: what stood before the claim is never said after it, or twice."""

    def comes_and_goes(case: Case) -> None:
        takes_over(case)
        handoff = case.handoff()
        assert handoff is not None
        with place.front.database.write() as session:
            assert isinstance(ENDS[end](session, handoff.id), Moved)

    saying = moments(place, after="commit turn._write_down")
    first, step = (first, len(ENDS)) if SHARED else (0, 1)
    for case in at_each_moment(place, "U0FINN", comes_and_goes, wanted=saying, first=first, step=step):
        keys, rows = [key for key, _ in case.thread()], case.rows()
        assert keys == sorted(keys, key=list(rows).index), case.moment
        assert len(set(keys)) == len(keys), case.moment
        assert [one["text"] for _, one in case.thread() if HAS_IT in one["text"]] != [], case.moment
        assert {row.state for row in rows.values()} <= {"posted", "withdrawn"}, case.moment
        assert _lost(case, rows) == [], case.moment
