"""Writing an outcome down: `bot.agent.conclusion`."""

import pytest

from bot.agent.conclusion import CANNOT_GO_ON, STILL, Concluded, conclude
from bot.agent.context import context_of
from bot.agent.linked import Linked, LinkKind
from bot.agent.loop import NeedsPerson, Outcome, Reply, Resolution
from bot.principals import Reason, Subject
from bot.store import audit
from bot.store.handoffs import handoffs
from bot.store.schema import HandoffContext, Step, Surge, SurgeCause, Ticket, Turn
from bot.store.tickets import ticket_messages, tickets, turns
from bot.store.tickets.turns import Attempt, Fenced
from tests.support.agent_office import Office, play_attempt
from tests.support.scripted_models import Block, Script

KIM = Subject("T1", "U0KIM", ("acc-kim",))
CLOSED = Reply("Unlocked.", Resolution("Unlocked it.", "locked", closed=True))
OPEN = Reply("A link is on its way.", Resolution("Sent a link.", "password", closed=False))
PERSON = NeedsPerson(Reason.REQUESTED, "Kim wants a person.")


def end(office: Office, attempt: Attempt, outcome: Outcome) -> Concluded:
    with office.database.write() as session:
        return conclude(session, office.runtime(Script([])), attempt, KIM, outcome)


def now_is(office: Office, attempt: Attempt) -> tuple[Ticket, Turn]:
    with office.database.read() as session:
        return session.get_one(Ticket, attempt.ticket.id), session.get_one(Turn, attempt.turn_id)


def asks_again(office: Office, attempt: Attempt, text: str) -> Attempt:
    return office.begin(office.asks(text, thread=attempt.ticket.thread_ts))


def test_a_reply_ends_the_turn_and_binds_the_account(office: Office) -> None:
    """The ticket stays open and knows whose account it is about."""
    attempt = office.begin(office.asks())
    concluded = end(office, attempt, Reply("Which account?", None))
    ticket, turn = now_is(office, attempt)
    assert (concluded.next_turn, concluded.handoff) == (None, None)
    assert (turn.state, turn.outcome, turn.category) == ("done", "reply", None)
    assert (ticket.state, ticket.account, ticket.category) == ("open", "acc-kim", None)
    assert turn.release
    assert turn.release.startswith("access@")


def test_a_resolution_that_the_directory_confirms_closes_the_ticket(office: Office) -> None:
    """With its category, and an audit record."""
    attempt = office.begin(office.asks())
    end(office, attempt, CLOSED)
    ticket, turn = now_is(office, attempt)
    assert (ticket.state, ticket.category, turn.category) == ("resolved", "locked", "locked")
    assert ticket.resolved_at is not None
    with office.database.read() as session:
        assert [row.event for row in audit.of_ticket(session, ticket.id)] == ["ticket.resolved"]


def test_a_resolution_that_it_does_not_confirm_leaves_it_open(office: Office) -> None:
    """The sweep closes it once the directory agrees."""
    attempt = office.begin(office.asks())
    end(office, attempt, OPEN)
    ticket, _turn = now_is(office, attempt)
    assert (ticket.state, ticket.category, ticket.resolved_at) == ("open", "password", None)
    with office.database.read() as session:
        assert [row.event for row in audit.of_ticket(session, ticket.id)] == ["ticket.answered"]
        assert [row.id for row in tickets.awaiting_confirmation(session)] == [ticket.id]


def test_a_handoff_carries_everything(office: Office) -> None:
    """What was tried and what it gave in words, the account's state, how many accounts match, the cost so far."""
    subject = office.account("kim", factors=("totp",))
    look: tuple[Block, ...] = (("look_up_my_account", {}), ("recent_sign_ins", {}))
    attempt = office.begin(office.asks())
    play_attempt(office.runtime(Script([look, (("unlock_my_account", {}),), ("?",)])), attempt, subject)
    concluded = end(office, attempt, PERSON)
    ticket, turn = now_is(office, attempt)
    assert (ticket.state, turn.outcome, turn.reason) == ("handed_off", "handoff", "requested")
    assert concluded.handoff is not None
    assert (concluded.handoff.reason, concluded.handoff.summary) == ("requested", "Kim wants a person.")
    assert concluded.handoff.queue_channel == "C0QUEUE"
    context = concluded.handoff.context
    assert context.tried == (
        ("look_up_my_account", "status: locked"),
        ("recent_sign_ins", "withheld: sign-ins are told in a direct message only, since others read along here"),
        ("unlock_my_account", "done: yes, status: active"),
    )
    assert context.went_through == ("look_up_my_account", "recent_sign_ins", "unlock_my_account")
    assert (context.account, context.accounts) == ("active", 1)
    assert context.cost_nusd > 0
    assert context.calls == 3


def test_a_call_that_was_never_answered_is_said_so(office: Office) -> None:
    """A person is told that nobody knows what a tool did, and that a refusal was one."""
    runtime = office.runtime(Script([(("unlock_my_account", {}),), ("?",)]))
    attempt = office.begin(office.asks())
    play_attempt(runtime, attempt, office.account("kim", "active"))
    with office.database.write() as session:
        [step] = [s for s in session.query(Step) if s.kind == "tool"]
        assert context_of(session, attempt.ticket.id, turn_id=attempt.turn_id, last=None).tried == (
            ("unlock_my_account", "refused: there is nothing to unlock: the account is active"),
        )
        step.response = None
        session.flush()
        assert context_of(session, attempt.ticket.id, turn_id=attempt.turn_id, last=None).tried == (
            ("unlock_my_account", "no answer was seen"),
        )


def test_what_a_tool_gave_is_told_but_for_what_is_not_so(office: Office) -> None:
    """A number of none is an answer; no, and nothing, are none."""
    attempt = office.begin(office.asks())
    play_attempt(office.runtime(Script([(("look_up_my_account", {}),), ("?",)])), attempt, office.account("kim"))
    content = {"status": "active", "password_age_days": 0, "for_a_person": False, "lock_reason": None}
    with office.database.write() as session:
        [step] = [s for s in session.query(Step) if s.kind == "tool"]
        step.response = {"content": content}
        session.flush()
        [[_, said]] = context_of(session, attempt.ticket.id, turn_id=attempt.turn_id, last=None).tried
    assert said == "status: active, password age days: 0"


def test_messages_that_waited_get_a_turn_after_a_reply(office: Office) -> None:
    """Nothing that was said meanwhile is lost."""
    attempt = office.begin(office.asks())
    assert office.asks("and hurry", thread=attempt.ticket.thread_ts) is None
    following = end(office, attempt, Reply("Wait.", None)).next_turn
    assert following is not None
    with office.database.read() as session:
        assert [event.text for event in ticket_messages.messages_of(session, following)] == ["and hurry"]


def test_messages_that_waited_go_to_the_person_after_a_handoff(office: Office) -> None:
    """There is no next turn: they are copied to whoever takes the ticket."""
    attempt = office.begin(office.asks())
    office.asks("and hurry", thread=attempt.ticket.thread_ts)
    concluded = end(office, attempt, PERSON)
    assert concluded.next_turn is None
    with office.database.read() as session:
        assert [row.state for row in ticket_messages.said(session, attempt.ticket.id)] == ["accepted", "relayed"]


@pytest.mark.parametrize("stopped", [True, False])
@pytest.mark.parametrize("outcome", [CLOSED, PERSON])
def test_a_ticket_that_a_person_took_meanwhile_is_theirs(office: Office, outcome: Outcome, stopped: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """The attempt is fenced off and writes nothing: by the turn that was stopped, and by the ticket's state alone."""
    attempt = office.begin(office.asks())
    with office.database.write() as session:
        if stopped:
            turns.stop(session, attempt.ticket.id)
        opened = handoffs.open_for(
            session,
            attempt.ticket.id,
            turn_id=None,
            reason=Reason.REQUESTED,
            summary="by shortcut",
            context=HandoffContext(),
            queue_channel="C0QUEUE",
            actor="U0BEN",
        )
    before = now_is(office, attempt)[1].outcome
    with pytest.raises(Fenced):
        end(office, attempt, outcome)
    ticket, turn = now_is(office, attempt)
    assert (ticket.state, ticket.account, turn.outcome) == ("handed_off", None, before)
    with office.database.read() as session:
        last = handoffs.last(session, attempt.ticket.id)
    assert last is not None
    assert last.id == opened.id


@pytest.mark.parametrize("reason", Reason)
def test_straight_back_for_what_code_knows_is_said_so(office: Office, reason: Reason) -> None:
    """It goes to a person all the same, whose card begins with it; the next turn is one like any other."""
    following = office.begin(office.is_given_back(office.begin(office.asks()), reason, "Go on."))
    concluded = end(office, following, NeedsPerson(reason, "No money."))
    assert concluded.again == (reason in CANNOT_GO_ON)
    assert concluded.handoff is not None
    assert (concluded.handoff.state, concluded.handoff.reason) == ("open", reason)
    assert concluded.handoff.summary == (f"{STILL} No money." if concluded.again else "No money.")


def test_another_reason_than_before_is_told_as_any(office: Office) -> None:
    """Given back for one reason and handed off for another, the agent did not come straight back."""
    following = office.begin(office.is_given_back(office.begin(office.asks()), Reason.BUDGET, "Go on."))
    concluded = end(office, following, NeedsPerson(Reason.ERROR, "It broke."))
    assert concluded.handoff is not None
    assert (concluded.again, concluded.handoff.summary) == (False, "It broke.")


def test_an_attempt_that_was_given_up_concludes_nothing(office: Office) -> None:
    """Its transaction is undone as a whole."""
    turn = office.asks()
    stale = office.begin(turn, lease=0)
    office.begin(turn)
    with pytest.raises(Fenced):
        end(office, stale, CLOSED)
    ticket, row = now_is(office, stale)
    assert (ticket.state, ticket.category, row.state) == ("open", None, "running")


@pytest.mark.parametrize("again", [CLOSED, OPEN, PERSON, Reply("Ask IT.", None)])
def test_whoever_comes_back_contradicts_the_resolution(office: Office, again: Outcome) -> None:
    """Another repair, a handoff or any answer shows that the first one did not last, from when it was written."""
    attempt = office.begin(office.asks())
    end(office, attempt, CLOSED)
    assert now_is(office, attempt)[0].contradicted_at is None
    resolved = now_is(office, attempt)[0].resolved_at
    back = asks_again(office, attempt, "locked again")
    end(office, back, again)
    assert now_is(office, attempt)[0].contradicted_at == back.heard[0].received_at
    assert resolved is not None
    assert back.heard[0].received_at > resolved


def test_who_comes_back_in_a_surge_contradicts_the_resolution_too(office: Office) -> None:
    """Though nobody is asked: their ticket waits, and was not solved for good."""
    parent = end(office, office.begin(office.asks()), PERSON).handoff
    assert parent is not None
    attempt = office.begin(office.asks())
    end(office, attempt, CLOSED)
    with office.database.write() as session:
        of_one = {"handoff_id": parent.id, "channel": "C0HELP", "language": "en", "reason": Reason.ERROR}
        session.add(Surge(id=1, agent="access", cause=SurgeCause.DIRECTORY, **of_one))
    back = asks_again(office, attempt, "locked again")
    with office.database.write() as session:
        linked = Linked(1, Reason.ERROR, LinkKind.JOINED)
        conclude(session, office.runtime(Script([])), back, KIM, linked)
    ticket, _turn = now_is(office, attempt)
    assert (ticket.following, ticket.contradicted_at) == ("waiting", back.heard[0].received_at)


def test_what_was_written_before_the_resolution_does_not_contradict_it(office: Office) -> None:
    """A message that waited while the agent resolved the request is answered, and the resolution stands."""
    attempt = office.begin(office.asks())
    assert office.asks("and hurry", thread=attempt.ticket.thread_ts) is None
    following = end(office, attempt, CLOSED).next_turn
    assert following is not None
    end(office, office.begin(following), Reply("It is done.", None))
    ticket, _turn = now_is(office, attempt)
    assert (ticket.state, ticket.contradicted_at) == ("resolved", None)


WELCOME = Reply("You're welcome.", None, thanks=True)


def test_thanks_open_nothing_again(office: Office) -> None:
    """A ticket that was resolved is still resolved after its requester's thanks, which contradict nothing."""
    attempt = office.begin(office.asks())
    end(office, attempt, CLOSED)
    end(office, asks_again(office, attempt, "as they said"), WELCOME)
    ticket, _turn = now_is(office, attempt)
    assert (ticket.state, ticket.contradicted_at) == ("resolved", None)


def test_thanks_do_not_stop_the_wait_for_the_directory(office: Office) -> None:
    """What was answered and not yet confirmed is still looked at after thanks, and is not closed by them."""
    attempt = office.begin(office.asks())
    end(office, attempt, OPEN)
    for _ in range(2):
        end(office, asks_again(office, attempt, "thanks"), WELCOME)
    with office.database.read() as session:
        assert [ticket.id for ticket in tickets.awaiting_confirmation(session)] == [attempt.ticket.id]


def test_a_repair_that_did_not_last_is_not_closed_by_thanks(office: Office) -> None:
    """Its first resolution was contradicted, and the second one waits for the directory."""
    attempt = office.begin(office.asks())
    end(office, attempt, CLOSED)
    end(office, asks_again(office, attempt, "locked again"), OPEN)
    end(office, asks_again(office, attempt, "thanks"), WELCOME)
    assert now_is(office, attempt)[0].state == "open"
