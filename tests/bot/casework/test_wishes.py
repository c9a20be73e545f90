"""A wish for a person, seen before the agent plays a turn: `bot.casework.beforehand`."""

from bot.admission import NotAdmitted
from bot.agent.linked import Linked
from bot.agent.loop import NeedsPerson, Outcome
from bot.agent.runtime import AgentRuntime
from bot.casework import beforehand
from bot.principals import Reason, Subject
from bot.store.schema import LedgerRow, Purpose, Step, Ticket, Turn
from bot.store.tickets.turns import Attempt
from tests.support.agent_office import Office
from tests.support.factories import rows
from tests.support.scripted_models import Unlocker


def before(runtime: AgentRuntime, attempt: Attempt, subject: Subject) -> Outcome | NotAdmitted | Linked | None:
    """Return what a turn of somebody who was admitted comes to before it is played, with nothing to catch up."""
    return beforehand.outcome(runtime, attempt, None, subject, catch_up=lambda: None)


def test_a_wish_for_a_person_needs_no_model(office: Office) -> None:
    """Seen by code: no call, no reservation, no row in the ledger, no step; their words go to the person."""
    model, attempt = Unlocker(), office.begin(office.asks("I am locked out. Can I talk to a human, please?"))
    outcome = before(office.runtime(model, hard="0.000001"), attempt, office.account("kim"))
    assert outcome == NeedsPerson(
        Reason.REQUESTED, 'They asked for a person: "I am locked out. Can I talk to a human, please?"'
    )
    assert (model.calls, rows(office.database, LedgerRow)) == (0, [])
    assert rows(office.database, Step) == []


def test_a_long_wish_is_quoted_in_part(office: Office) -> None:
    """A summary is for reading; the whole is in the transcript."""
    attempt = office.begin(office.asks("Can I talk to a human?\n" + "so much to say " * 2_000))
    outcome = before(office.runtime(Unlocker()), attempt, office.account("kim"))
    assert isinstance(outcome, NeedsPerson)
    assert outcome.summary.startswith('They asked for a person: "Can I talk to a human? so much')
    assert outcome.summary.endswith('\N{HORIZONTAL ELLIPSIS}"')
    assert len(outcome.summary) < 350


def test_any_message_of_the_turn_may_be_the_wish(office: Office) -> None:
    """Said while the turn waited, it counts, and it is the one that is quoted."""
    turn = office.asks("I am locked out")
    with office.database.read() as session:
        ts = session.get_one(Ticket, session.get_one(Turn, turn).ticket_id).thread_ts
    assert office.asks("a human please", thread=ts) == turn
    outcome = before(office.runtime(Unlocker()), office.begin(turn), office.account("kim"))
    assert outcome == NeedsPerson(Reason.REQUESTED, 'They asked for a person: "a human please"')


def test_a_wish_of_an_earlier_turn_is_over(office: Office) -> None:
    """What was answered, or a colleague had, is not asked for again."""
    attempt = office.begin(office.asks("I want to talk to a person"))
    following = office.is_given_back(attempt, Reason.REQUESTED, "Please unlock.")
    assert (
        before(office.runtime(Unlocker(), purpose=Purpose.EVAL), office.begin(following), office.account("kim")) is None
    )


def test_a_colleagues_words_are_no_wish(office: Office) -> None:
    """Kim "wants to talk to a human" in a note, and an answer in the thread, are the colleague's own words."""
    attempt = office.begin(office.asks())
    following = office.is_given_back(attempt, Reason.FRUSTRATION, "I want to talk to a human, she said. Unlock her.")
    assert (
        before(office.runtime(Unlocker(), purpose=Purpose.EVAL), office.begin(following), office.account("kim")) is None
    )


def test_a_new_wish_beside_a_note_is_honoured(office: Office) -> None:
    """The requester asks again after the giving back: at once, even for the same reason."""
    attempt = office.begin(office.asks())
    following = office.is_given_back(attempt, Reason.REQUESTED, "Please unlock her.")
    assert office.asks("get me a human", thread=attempt.ticket.thread_ts) == following
    model = Unlocker()
    outcome = before(office.runtime(model), office.begin(following), office.account("kim"))
    assert outcome == NeedsPerson(Reason.REQUESTED, 'They asked for a person: "get me a human"')
    assert model.calls == 0
