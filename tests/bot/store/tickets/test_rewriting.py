"""What becomes of an edit or a deletion: `bot.store.tickets.rewriting`."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest

from bot.principals import Reason
from bot.store.db import Database
from bot.store.handoffs import handoffs
from bot.store.schema import Handoff, InboxEvent, Step, StepKind, StepStatus, TicketState, Turn, TurnOutcome
from bot.store.tickets import quotes, rewriting, steps, ticket_messages, tickets, turns
from bot.store.tickets.quotes import Quoted
from bot.store.tickets.rewriting import Rewritten
from bot.store.tickets.tickets import Attachment, Heard
from tests.support import factories
from tests.support.beside import Beside
from tests.support.factories import FIRST, accept, begin, event, finish, heard, new_turn, rows, running
from tests.support.ticket_people import THEIR_ANSWER, THEIR_DRAFT, THEIR_FILES, answered_and_drafted, read_by_turn

SECRET = "the code on my badge says XK-77-ALPHA"


def rewrite(database: Database, message: Heard, text: str | None, **more: object) -> Rewritten | None:
    """Let an edit or a deletion arrive."""
    with database.write() as session:
        return rewriting.rewrite(session, message.channel, message.ts, text, **more)  # type: ignore[arg-type]


def texts(database: Database, turn_id: int | None) -> Sequence[str]:
    """Return what a turn answers."""
    with database.read() as session:
        return [one.text for one in ticket_messages.messages_of(session, int(turn_id or 0))]


def outcomes(database: Database) -> list[str | None]:
    """Return how each turn stands."""
    return [turn.outcome or turn.state for turn in rows(database, Turn)]


def test_an_edit_before_the_turn_begins_is_honoured(database: Database) -> None:
    """The worker reads the words as they are when it begins; an unknown message changes nothing."""
    turn_id = new_turn(database)
    with database.write() as session:
        assert rewriting.rewrite(session, FIRST.channel, FIRST.ts, "I can sign in again") is not None
        assert rewriting.rewrite(session, FIRST.channel, "0.0", "what?") is None
    with database.read() as session:
        assert [one.text for one in ticket_messages.messages_of(session, turn_id)] == ["I can sign in again"]


def test_the_last_message_deleted_ends_a_turn_that_waits(database: Database) -> None:
    """A turn with another message goes on without the deleted one; a turn without any is withdrawn."""
    turn_id = new_turn(database)
    accept(database, heard(2))
    for ts, left in ((FIRST.ts, {"Ev2"}), (heard(2).ts, set())):
        with database.write() as session:
            assert rewriting.rewrite(session, FIRST.channel, ts, None) is not None
        assert read_by_turn(database, turn_id) == left
    assert begin(database, turn_id) is None
    [turn] = rows(database, Turn)
    assert (turn.state, turn.outcome) == ("done", "withdrawn")


def test_a_parked_message_can_be_taken_back(database: Database) -> None:
    """Deleted before it was read, it opens no turn."""
    attempt = running(database, new_turn(database))
    accept(database, heard(2))
    with database.write() as session:
        assert rewriting.rewrite(session, FIRST.channel, heard(2).ts, None) is not None
    assert finish(database, attempt) is None


def test_an_edit_waits_for_a_handoff_that_is_being_written(database: Database, beside: Beside) -> None:
    """Made in the moment in which people get the words, it is theirs to see, and not too late for the agent."""
    attempt = running(database, new_turn(database))
    with database.write() as session:
        turns.finish(session, attempt, outcome=TurnOutcome.HANDOFF, reason=None, category=None, release="access@1")
        tickets.lock(session, attempt.ticket.id).state = TicketState.HANDED_OFF
        session.flush()
        edited = beside(lambda: rewrite(database, FIRST, "better"))
    assert edited.result() is not None


def test_an_edit_waits_for_a_turn_that_takes_its_message_along(database: Database, beside: Beside) -> None:
    """A parked message that is folded into the next turn in this very moment is edited there."""
    attempt = running(database, new_turn(database))
    accept(database, heard(2))
    with database.write() as session:
        following = turns.finish(
            session, attempt, outcome=TurnOutcome.REPLY, reason=None, category=None, release="access@1"
        )
        edited = beside(lambda: rewrite(database, heard(2), "better"))
    assert edited.result() is not None
    with database.read() as session:
        assert [one.text for one in ticket_messages.messages_of(session, following or 0)] == ["better"]


def test_a_deletion_waits_for_a_turn_that_takes_its_message_along(database: Database, beside: Beside) -> None:
    """The next turn ends, when what was folded into it this very moment is all that it had to answer."""
    attempt = running(database, new_turn(database))
    accept(database, heard(2))
    with database.write() as session:
        following = turns.finish(
            session, attempt, outcome=TurnOutcome.REPLY, reason=None, category=None, release="access@1"
        )
        session.flush()
        deleted = beside(lambda: rewrite(database, heard(2), None))
    assert deleted.result() is not None
    assert [turn.outcome for turn in rows(database, Turn) if turn.id == following] == ["withdrawn"]


def test_words_are_left_as_long_as_one_of_the_requesters_stands(database: Database) -> None:
    """A responder's do not count."""
    answered_and_drafted(database)
    left = []
    for message in (FIRST, heard(2), heard(3)):
        rewrite(database, message, None)
        with database.read() as session:
            left.append(tickets.has_words_left(session, 1))
    assert left == [True, True, False]


def test_an_edit_of_what_a_turn_has_begun_on_is_answered_instead(database: Database) -> None:
    """The attempt is fenced off, put back or not; a turn of its own answers the new words, and what was parked."""
    for put_back in (False, True):
        message = replace(FIRST, event_id=f"Ev:{put_back}", ts=f"1700000009.{put_back:06d}")
        attempt = running(database, new_turn(database, message))
        accept(database, replace(heard(7), event_id=f"Ev7:{put_back}", ts=f"17{put_back:d}.7", thread_ts=message.ts))
        if put_back:
            with database.write() as session:
                turns.put_back(session, attempt, after=0)
        followed = rewrite(database, message, "expired for BRAVO")
        assert followed is not None
        assert followed.stopped == attempt.turn_id
        assert sorted(texts(database, followed.turn_id)) == ["7", "expired for BRAVO"]
        with pytest.raises(turns.Fenced):
            finish(database, attempt)
        with pytest.raises(turns.Fenced), database.write() as session:
            turns.hold(session, attempt)


@pytest.mark.parametrize("other", [False, True], ids=["alone", "of two"])
def test_a_request_that_is_deleted_ends_its_turn_before_the_next_tool(database: Database, *, other: bool) -> None:
    """What is left of it is answered by another turn; of nothing there is none."""
    turn_id = new_turn(database)
    if other:
        accept(database, heard(2))
    attempt = running(database, turn_id)
    deleted = rewrite(database, FIRST, None)
    assert deleted is not None
    assert deleted.stopped == turn_id
    assert texts(database, deleted.turn_id) == (["2"] if other else [])
    with pytest.raises(turns.Fenced), database.write() as session:
        steps.start(session, attempt, seq=0, kind=StepKind.TOOL, name="unlock_my_account", request={})
    assert outcomes(database) == ["withdrawn", *(["waiting"] if other else [])]


@pytest.mark.parametrize("when", ["waiting", "begun", "parked", "answered", "handed off", "later turn"])
def test_what_is_deleted_is_kept_nowhere(database: Database, when: str) -> None:
    """Whenever it is deleted, no row of any table has its words: message, journal, the summary that quotes it."""
    turn_id = new_turn(database, replace(FIRST, text=SECRET, files=THEIR_FILES))
    if when == "waiting":
        message = FIRST
    else:
        attempt, message = running(database, turn_id), FIRST
        if when == "parked":
            accept(database, replace(heard(2), text=SECRET))
            message = heard(2)
        said = {"role": "user", "content": [{"type": "text", "text": f"<message>{SECRET}</message>"}]}
        with database.write() as session:
            request = {"model": "m", "messages": [said]} if message == FIRST else {}
            steps.start(session, attempt, seq=0, kind=StepKind.MODEL, name="m", request=request)
            answer = {"content": [{"type": "text", "text": f"You say: {SECRET}"}]}
            steps.finish(session, attempt, seq=0, status=StepStatus.OK, response=answer if message == FIRST else {})
        if when == "parked":
            with database.write() as session:
                rewriting.rewrite(session, FIRST.channel, FIRST.ts, "something else", changes=False)
        if when in ("answered", "later turn"):
            finish(database, attempt)
        if when == "later turn":
            later = running(database, new_turn(database, heard(3)))
            with database.write() as session:
                steps.start(session, later, seq=0, kind=StepKind.MODEL, name="m", request={"messages": [said]})
        if when == "handed off":
            finish(database, attempt, TurnOutcome.HANDOFF)
            factories.hand_off(database, attempt.ticket.id, reason=Reason.REQUESTED)
            with database.write() as session:
                handoffs.of_ticket(session, attempt.ticket.id)[0].summary = f'They asked for a person: "{SECRET}"'
    assert rewrite(database, message, None) is not None
    assert SECRET not in str(factories.everything(database))
    gone = event(database, "Ev1" if message == FIRST else "Ev2")
    assert (gone.state, gone.text, gone.files) == ("withdrawn", "", [])
    assert [one.summary for one in rows(database, Handoff)] == (
        ['They asked for a person: "(deleted)"'] if when == "handed off" else []
    )
    if when == "later turn":  # it has read the words, and would write them down with its next call
        with pytest.raises(turns.Fenced), database.write() as session:
            turns.hold(session, later)


WORDS_OF_OURS = (
    "I see. It is locked: I may open it, and nothing is lost. Oil, ICE and Maya's \U0001f44d stay. It took 2."
)


@pytest.mark.parametrize("said", ["I", "it", "2", "no", "Maya", "\U0001f44d", "may", "I may", ".", "?!"])
def test_a_deleted_word_is_not_taken_out_of_what_the_agent_said(database: Database, said: str) -> None:
    """What is deleted is a message: where it is quoted it goes, and words that are everybody's stay in the journal."""
    attempt = running(database, new_turn(database, replace(FIRST, text=said)))
    quoted = "".join(
        f"{mark}{said}{end} " for mark, end in ('""', "''", "``", "\u201c\u201d", "\u00ab\u00bb", "\u300c\u300d")
    )
    answer = {"content": [{"type": "text", "text": f"{WORDS_OF_OURS}"}, {"type": "text", "text": quoted}]}
    with database.write() as session:
        steps.start(session, attempt, seq=0, kind=StepKind.MODEL, name="m", request={})
        steps.finish(session, attempt, seq=0, status=StepStatus.OK, response=answer)
    assert rewrite(database, FIRST, None) is not None
    [step] = rows(database, Step)
    ours, quotation = (part["text"] for part in (step.response or {})["content"])
    assert ours == WORDS_OF_OURS
    assert quotation == quoted.replace(said, rewriting.DELETED)


def test_a_deleted_message_is_kept_in_no_step(database: Database) -> None:
    """Not what came with it either, nor what a tool was told or a handoff's summary says of it; the rest stays."""
    told = "Locked since <Monday>  &\nXK-77-ALPHA does not work."
    forwarded, file = (
        Quoted("Ivan", "forwarded", "Her badge is number 99-BRAVO."),
        Attachment("badge-of-maya.png", None),
    )
    code = replace(heard(2), text="4711-X")
    turn_id = new_turn(database, replace(FIRST, text=told, quoted=(forwarded,), files=(file,)))
    accept(database, code)
    attempt = running(database, turn_id)
    says = (
        "You write that it is locked since <Monday> & XK-77-ALPHA does not work, see badge-of-maya.png and 4711-X.",
        "locked since &lt;Monday&gt;  &amp;\nXK-77-ALPHA does not work. The code 4711-XY is not yours.",
        "'Locked since <Monday> & XK-77-ALPHA\N{HORIZONTAL ELLIPSIS}' and (her badge is number 99-BRAVO.)",
    )
    answer = {"content": [{"type": "text", "text": one} for one in says], "usage": {"output_tokens": 3}}
    called = {"arguments": {"summary": says[0]}}
    ends: dict[str, Any] = {"content": {}, "ok": True, "ends": {"reason": "low_confidence", "summary": says[2]}}
    with database.write() as session:
        steps.start(session, attempt, seq=0, kind=StepKind.MODEL, name="m", request={})
        steps.finish(session, attempt, seq=0, status=StepStatus.OK, response=answer)
        steps.start(session, attempt, seq=1, kind=StepKind.TOOL, name="hand_off", request=called)
        steps.finish(session, attempt, seq=1, status=StepStatus.OK, response=ends)
    for message in (FIRST, code):
        assert rewrite(database, message, None) is not None
    model, tool = rows(database, Step)
    gone = rewriting.DELETED
    left = (
        f"You write that it is {gone}, see {gone} and {gone}.",
        f"{gone} The code 4711-XY is not yours.",
        f"'{gone}' and ({gone})",
    )
    assert model.response == {**answer, "content": [{"type": "text", "text": one} for one in left]}
    assert tool.request == {"arguments": {"summary": left[0]}}
    assert tool.response == {**ends, "ends": {"reason": "low_confidence", "summary": left[2]}}


@pytest.mark.parametrize(
    ("said", "edited", "quoted", "follows"),
    [
        ("please, a person", "please, a person at once", '"please, a person"', '"please, a person at once"'),
        ("a person", "a person at once", '"a person", of a person', '"a person at once", of a person'),
        (
            "a person, please " * 30,
            "no person",
            f'"{("a person, please " * 30)[:300]}\N{HORIZONTAL ELLIPSIS}"',
            '"no person"',
        ),
        ("a person, please " * 30, None, f'"{("a person, please " * 30)[:300]}\N{HORIZONTAL ELLIPSIS}"', '"(deleted)"'),
        ("a person, please\nnow", None, '"a person, please now"', '"(deleted)"'),
    ],
    ids=["longer", "short", "cut", "cut and deleted", "lines"],
)
def test_a_summary_quotes_what_is_said_now(
    database: Database, said: str, edited: str | None, quoted: str, follows: str
) -> None:
    """Once, however much of it the edit keeps, and also where the summary quotes only its beginning."""
    attempt = running(database, new_turn(database, replace(FIRST, text=said)))
    finish(database, attempt, TurnOutcome.HANDOFF)
    factories.hand_off(database, attempt.ticket.id, reason=Reason.REQUESTED)
    with database.write() as session:
        handoffs.of_ticket(session, attempt.ticket.id)[0].summary = f"They asked for a person: {quoted}"
    assert rewrite(database, FIRST, edited) is not None
    assert [one.summary for one in rows(database, Handoff)] == [f"They asked for a person: {follows}"]


def test_an_edit_of_what_was_answered_is_answered_again(database: Database) -> None:
    """Once: a ticket that was resolved is open again. An edit that only mends a slip changes the row alone."""
    attempt = running(database, new_turn(database))
    finish(database, attempt)
    with database.write() as session:
        tickets.lock(session, attempt.ticket.id).state = TicketState.RESOLVED
    slip = rewrite(database, FIRST, "I cannott sign in", changes=False)
    assert slip is not None
    assert (slip.turn_id, event(database, "Ev1").text) == (None, "I cannott sign in")
    assert rows(database, Turn)[-1].id == attempt.turn_id
    followed = rewrite(database, FIRST, "expired for BRAVO")
    assert followed is not None
    assert texts(database, followed.turn_id) == ["expired for BRAVO"]
    assert rewrite(database, FIRST, "expired for BRAVO") is None
    with database.read() as session:
        assert session.get_one(type(attempt.ticket), attempt.ticket.id).state == "open"


def test_an_edit_of_what_was_answered_waits_for_the_turn_that_is_played(database: Database) -> None:
    """Like any other word that is said meanwhile."""
    finish(database, running(database, new_turn(database)))
    attempt = running(database, new_turn(database, heard(2)))
    followed = rewrite(database, FIRST, "expired for BRAVO")
    assert followed is not None
    assert (followed.turn_id, followed.stopped) == (None, None)
    assert texts(database, finish(database, attempt)) == ["expired for BRAVO"]


FORWARDED = Quoted("Ivan", "forwarded", "XK-77 is refused")
TABLE = Quoted("", "pasted", "account | state")


@pytest.mark.parametrize("when", ["waiting", "begun", "parked", "answered", "handed off"])
def test_what_an_edit_adds_beside_the_words_follows(database: Database, when: str) -> None:
    """A forward and a table are answered like other words; who wrote them matters not, and once is enough."""
    attempt = None if when == "waiting" else running(database, new_turn(database))
    message = heard(2) if when == "parked" else FIRST
    if when == "waiting":
        new_turn(database)
    elif when == "parked":
        accept(database, message)
    elif attempt is not None and when != "begun":
        finish(database, attempt, TurnOutcome.HANDOFF if when == "handed off" else TurnOutcome.REPLY)
    if attempt is not None and when == "handed off":
        factories.hand_off(database, attempt.ticket.id, reason=Reason.REQUESTED)
    told = [replace(FORWARDED, by="somebody"), TABLE]
    edited = rewrite(database, message, message.text, quoted=told)
    assert edited is not None
    assert (edited.turn_id is not None) == (when in ("begun", "answered"))
    assert (edited.stopped is not None) == (when == "begun")
    assert quotes.of(event(database, message.event_id)) == tuple(told)
    assert rewrite(database, message, message.text, quoted=[FORWARDED, TABLE]) is None
    assert rewrite(database, message, message.text) is None


def test_what_an_edit_takes_away_beside_the_words_is_gone(database: Database) -> None:
    """An edit that does not tell leaves it, one that tells of nothing takes it, and no answer is given to that."""
    finish(database, running(database, new_turn(database, replace(FIRST, quoted=(FORWARDED, TABLE)))))
    assert rewrite(database, FIRST, "I cannott sign in", changes=False, edited_at="1700000020.000000") is not None
    assert quotes.of(event(database, "Ev1")) == (FORWARDED, TABLE)
    late = rewrite(database, FIRST, FIRST.text, quoted=[], changes=False, edited_at="1700000010.000000")
    assert late is None
    for left in ([TABLE], []):
        taken = rewrite(database, FIRST, "I cannott sign in", quoted=left, changes=False)
        assert taken is not None
        assert taken.turn_id is None
        assert quotes.of(event(database, "Ev1")) == tuple(left)
    assert FORWARDED.text not in str(rows(database, InboxEvent)[0].detail)


def test_of_two_edits_the_later_counts(database: Database) -> None:
    """In whatever order they come; an edit without a time is believed."""
    new_turn(database)
    assert rewrite(database, FIRST, "second", edited_at="1700000020.000000") is not None
    assert rewrite(database, FIRST, "first", edited_at="1700000010.000000") is None
    assert event(database, "Ev1").text == "second"
    assert rewrite(database, FIRST, "third", edited_at="1700000030.000000") is not None
    assert rewrite(database, FIRST, "fourth") is not None
    assert event(database, "Ev1").text == "fourth"


@pytest.mark.parametrize("done", [False, True], ids=["with people", "once they are done"])
@pytest.mark.parametrize(
    "message", [FIRST, heard(2), THEIR_ANSWER, THEIR_DRAFT], ids=["answered", "relayed", "answer", "draft"]
)
def test_what_people_have_follows_its_author(database: Database, message: Heard, *, done: bool) -> None:
    """An edit and a deletion are honoured, once each; the words are gone then."""
    answered_and_drafted(database)
    if done:
        with database.write() as session:
            handoffs.claim(session, 1, "U0PRIYA", lease_minutes=30)
            handoffs.resolve(session, 1, "U0PRIYA", done="d", category="locked", agent_could=False)
    for text in ("> better", "> best"):
        edited = rewrite(database, message, text)
        assert edited is not None
        assert (edited.event.event_id, edited.event.text) == (message.event_id, text)
        assert rewrite(database, message, text) is None
    deleted = rewrite(database, message, None)
    assert deleted is not None
    assert (deleted.event.state, deleted.event.text, deleted.event.files) == ("withdrawn", "", [])
    assert rewrite(database, message, None) is rewrite(database, message, "back again") is None
    others = {one.event_id for one in rows(database, InboxEvent) if one.state != "withdrawn"}
    assert others == {"Ev1", "Ev2", "Ev3", "Ev21", "Ev22"} - {message.event_id}


def test_the_last_word_deleted_ends_a_turn_that_runs(database: Database) -> None:
    """There is nothing left to answer: the attempt is fenced off."""
    attempt = running(database, new_turn(database))
    assert rewrite(database, FIRST, None) is not None
    with pytest.raises(turns.Fenced):
        finish(database, attempt)
    with database.read() as session:
        assert tickets.has_words_left(session, attempt.ticket.id) is False


def test_no_edit_is_lost_in_a_race_with_its_turn(postgres: Database) -> None:
    """In 100 races against a turn that begins and ends, the last turn that is answered has read the new words."""
    gate, read = Barrier(2), dict[int, str]()

    def play(turn_id: int, number: int) -> Rewritten | None:
        attempt = begin(postgres, turn_id)
        if attempt is None:
            return None
        with postgres.read() as session:
            words = [one.text for one in ticket_messages.messages_of(session, turn_id)]
        try:
            finish(postgres, attempt)
        except turns.Fenced:
            return None
        read[number] = words[0]
        return None

    def race(side: int, turn_id: int, message: Heard, number: int) -> Rewritten | None:
        gate.wait(timeout=300)
        return play(turn_id, number) if side == 0 else rewrite(postgres, message, "BRAVO")

    with ThreadPoolExecutor(2) as pool:
        for number in range(100):
            message = replace(FIRST, event_id=f"Ev{number}", ts=f"1700000001.{number:05d}")
            turn_id = new_turn(postgres, message)
            _, followed = pool.map(race, range(2), [turn_id] * 2, [message] * 2, [number] * 2)
            assert followed is not None
            play(followed.turn_id or turn_id, number)
            assert (number, read[number]) == (number, "BRAVO")
