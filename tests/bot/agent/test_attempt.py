"""One attempt on real storage and a real meter: `bot.agent.attempt`."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from bot.agent import room_under_budget
from bot.agent.attempt import UNCHECKED
from bot.agent.loop import NeedsPerson, Reply, Resolution
from bot.agent.model import CANCELLATION, Prompt
from bot.agent.retries import TRIES
from bot.budget.admission import Full, Holds
from bot.budget.metering import NoRoom
from bot.errors import OutcomeUnknown, Refused, Transient
from bot.principals import Reason
from bot.store import audit
from bot.store.accounts import accounts
from bot.store.audit import AuditRecord
from bot.store.db import Database
from bot.store.outbox import messages
from bot.store.schema import InboxEvent, LedgerRow, MessageKind, TurnOutcome
from bot.store.tickets import steps, ticket_messages, turns
from bot.store.tickets.turns import Attempt, Fenced
from tests.support.agent_office import MakeOffice, Office, play_attempt
from tests.support.killed_commits import Killed, killed_at
from tests.support.scripted_models import Block, Script, Unlocker, results


def ledger(office: Office) -> list[tuple[str, int | None]]:
    with office.database.read() as session:
        return [(row.state, row.cost_nusd) for row in session.scalars(select(LedgerRow).order_by(LedgerRow.at))]


def records(office: Office, attempt: Attempt) -> list[AuditRecord]:
    with office.database.read() as session:
        return list(audit.of_ticket(session, attempt.ticket.id))


def writes(office: Office, account: str | None = None) -> list[tuple[str, str]]:
    with office.database.read() as session:
        return [(row.account_id, row.action) for row in accounts.writes(session, account)]


def test_a_locked_account_is_unlocked(office: Office) -> None:
    """Look, unlock, resolve, say so: one write, and the ticket may close since the directory agrees."""
    subject = office.account("kim")
    outcome = play_attempt(office.runtime(Unlocker()), office.begin(office.asks()), subject)
    assert outcome == Reply("You can sign in again.", Resolution("Unlocked it.", "locked", closed=True))
    assert writes(office) == [("acc-kim", "unlock")]


def test_every_call_is_written_down(office: Office) -> None:
    """The journal holds each call with its answer, tokens and cost; the ledger has a row for each model call."""
    attempt = office.begin(office.asks())
    play_attempt(office.runtime(Unlocker()), attempt, office.account("kim"))
    with office.database.read() as session:
        taken = steps.of_ticket(session, attempt.ticket.id)
    assert [(step.seq, step.kind, step.name, step.status) for step in taken] == [
        (0, "model", "stand-in-1", "ok"),
        (1, "tool", "look_up_my_account", "ok"),
        (2, "model", "stand-in-1", "ok"),
        (3, "tool", "unlock_my_account", "ok"),
        (4, "model", "stand-in-1", "ok"),
        (5, "model", "stand-in-1", "ok"),
    ]
    assert all(step.cost_nusd > 0 and step.input_tokens == step.output_tokens == 10 for step in taken[::5])
    assert [state for state, _ in ledger(office)] == ["settled"] * 4
    assert sum(cost or 0 for _, cost in ledger(office)) == sum(step.cost_nusd for step in taken)


def test_what_a_tool_returns_is_redacted(office: Office) -> None:
    """A directory's own words may hold what somebody typed; it is neither kept nor read by the model."""
    failed = {"minutes_ago": 3, "ok": False, "why": "user typed password Hunter2-Orange!"}
    subject, script = office.account("kim", sign_ins=[failed]), Script([(("recent_sign_ins", {}),), ("I looked.",)])
    attempt = office.begin(office.asks())
    attempt.ticket.private = True
    play_attempt(office.runtime(script), attempt, subject)
    [given] = results(script.prompts[-1])
    assert "user typed password [password]" in str(given)
    with office.database.read() as session:
        assert "Hunter2" not in str([step.response for step in steps.of_ticket(session, attempt.ticket.id)])


def test_every_tool_call_has_an_intent_and_an_outcome(office: Office) -> None:
    """Who, for whom, which tool, decided how, in answer to what; and the outcome that names the intent."""
    attempt = office.begin(office.asks())
    subject = office.account("kim")
    runtime = office.runtime(Unlocker())
    play_attempt(runtime, attempt, subject)
    intended, finished = records(office, attempt)[2:4]
    assert (intended.event, finished.event) == ("tool.intended", "tool.finished")
    assert (intended.actor, intended.subject) == (f"agent:{runtime.release}", "U0KIM")
    assert finished.intent_id == intended.seq
    assert (
        intended.record.items()
        >= {
            "tool": "unlock_my_account",
            "scope": "account:unlock",
            "decision": "Allowed",
            "account": "acc-kim",
            "turn": attempt.turn_id,
            "step": 3,
            "worker": "w1",
            "in_answer_to": ["C0HELP", attempt.ticket.thread_ts],
        }.items()
    )


def test_killed_anywhere_the_turn_ends_the_same(database: Database, office_on: MakeOffice) -> None:
    """Before each commit in turn the worker dies; the next attempt ends with one write and nothing missing."""
    office, commit, made = office_on(database), 0, [1]
    while commit < made[0] + 1:
        commit += 1
        subject = office.account(f"kim{commit}")
        turn, model = office.asks(user=subject.user), Unlocker()
        runtime = office.runtime(model)
        before = len(ledger(office))
        attempt = office.begin(turn, lease=0)
        with killed_at(database, commit) as made, suppress(Killed):
            play_attempt(runtime, attempt, subject)
        attempt = office.begin(turn)
        outcome = play_attempt(runtime, attempt, subject)
        assert outcome == Reply("You can sign in again.", Resolution("Unlocked it.", "locked", closed=True))
        assert writes(office, subject.account) == [(subject.account, "unlock")]
        rows = records(office, attempt)
        intents = [row.seq for row in rows if row.event == "tool.intended"]
        assert len(intents) == 2
        assert [row.intent_id for row in rows if row.event == "tool.finished"] == intents
        # A row that was committed is a call that may have left; one more at most, killed before it did.
        assert len(ledger(office)) - before - model.calls in (0, 1)
        assert 4 <= model.calls <= 5
    assert commit > 10, "too few places to die at: the attempt does not write down what it does"


def test_a_model_call_is_not_repeated_once_its_answer_is_kept(office: Office) -> None:
    """An attempt that takes over asks the model only for what is still open."""
    subject, turn = office.account("kim"), office.asks()

    def die_at_third(prompt: Prompt) -> None:
        if len(results(prompt)) == 2:
            raise Killed

    first = Unlocker(before=die_at_third)
    with pytest.raises(Killed):
        play_attempt(office.runtime(first), office.begin(turn, lease=0), subject)
    second = Unlocker()
    play_attempt(office.runtime(second), office.begin(turn), subject)
    assert (first.calls, second.calls) == (3, 2)
    assert [state for state, _ in ledger(office)] == ["settled", "settled", "sent", "settled", "settled"]
    assert writes(office) == [("acc-kim", "unlock")]


def test_an_attempt_that_was_given_up_writes_nothing_more(office: Office) -> None:
    """A worker thought dead that wakes up again is stopped at its next call, before the effect."""
    subject, turn = office.account("kim"), office.asks()

    def taken_over(prompt: Prompt) -> None:
        if len(results(prompt)) == 1:
            office.begin(turn)

    with pytest.raises(Fenced):
        play_attempt(office.runtime(Unlocker(before=taken_over)), office.begin(turn, lease=0), subject)
    assert writes(office) == []


def test_over_the_cap_is_a_handoff_with_its_end(office: Office) -> None:
    """Nothing is asked of the model, and the requester can be told from when on it works again."""
    model = Unlocker()
    outcome = play_attempt(office.runtime(model, hard="0.000001"), office.begin(office.asks()), office.account("kim"))
    assert isinstance(outcome, NeedsPerson)
    assert (outcome.reason, model.calls, ledger(office)) == (Reason.BUDGET, 0, [])
    assert outcome.until is not None
    assert outcome.until > datetime.now(UTC)
    assert outcome.until.hour == outcome.until.minute == 0


def test_a_turn_that_has_cost_enough_is_a_handoff(office: Office) -> None:
    """The limit is the turn's: what its calls were charged so far is read from the journal."""
    subject, turn, model = office.account("kim"), office.asks(), Unlocker()
    card = office.agent.card
    limits = card.limits.model_copy(update={"cost_usd": Decimal("0.000001")})
    agent = replace(office.agent, card=card.model_copy(update={"limits": limits}))
    outcome = play_attempt(office.runtime(model, agent=agent), office.begin(turn), subject)
    assert outcome == NeedsPerson(Reason.NO_PROGRESS, "The agent stopped at its cost limit without an answer.")
    assert model.calls == 1


def test_a_model_that_never_answers_is_a_handoff(office: Office) -> None:
    """Overloaded at every try: each is a reservation of its own, settled at zero."""
    overloaded = Transient("529 overloaded_error", retry_after=3)
    slept: list[float] = []
    runtime = office.runtime(Script([overloaded] * TRIES), sleep=slept.append)
    outcome = play_attempt(runtime, office.begin(office.asks()), office.account("kim"))
    assert isinstance(outcome, NeedsPerson)
    assert outcome.reason is Reason.MODEL_UNAVAILABLE
    assert ledger(office) == [("settled", 0)] * TRIES
    assert outcome.summary == "the model was asked 4 times and did not answer"
    assert len(slept) == TRIES - 1
    assert all(3 <= seconds <= 8 for seconds in slept)


def test_without_budgets_the_model_is_not_blamed(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis or the accounts are away at every try: nothing was asked, and people are told that."""

    def away(*_: object, **__: object) -> None:
        raise Transient("redis: away")

    monkeypatch.setattr(Holds, "reserve", away)
    model = Unlocker()
    outcome = play_attempt(office.runtime(model), office.begin(office.asks()), office.account("kim"))
    assert outcome == UNCHECKED
    assert (model.calls, ledger(office)) == (0, [])


def test_a_short_trouble_is_tried_again(office: Office) -> None:
    """The try that failed costs nothing, the next one answers."""
    outcome = play_attempt(
        office.runtime(Script([Transient("429"), ("Hello.",)])), office.begin(office.asks()), office.account("kim")
    )
    assert outcome == Reply("Hello.", None)
    [first, second] = ledger(office)
    assert first == ("settled", 0)
    assert second[0] == "settled"
    assert second[1]


def test_a_call_in_doubt_stays_sent(office: Office) -> None:
    """It may be billed: its row is charged when its lease ends, and the next try has a row of its own."""
    runtime = office.runtime(Script([OutcomeUnknown("cut"), ("Hello.",)]))
    assert play_attempt(runtime, office.begin(office.asks()), office.account("kim")) == Reply("Hello.", None)
    assert [state for state, _ in ledger(office)] == ["sent", "settled"]


def test_a_model_that_refuses_for_good_is_not_asked_again(office: Office) -> None:
    """A wrong key is no use to try twice; a person takes over."""
    refused = Refused("401 authentication_error", reason=Reason.MODEL_UNAVAILABLE)
    outcome = play_attempt(office.runtime(Script([refused])), office.begin(office.asks()), office.account("kim"))
    assert outcome == NeedsPerson(Reason.MODEL_UNAVAILABLE, "401 authentication_error")
    assert ledger(office) == [("settled", 0)]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"privileged": True}, Reason.OUT_OF_POLICY),
        ({"status": "disabled"}, Reason.OUT_OF_POLICY),
        ({"status": "departed"}, Reason.OUT_OF_POLICY),
    ],
)
def test_what_policy_denies_is_not_done(office: Office, given: dict[str, Any], reason: Reason) -> None:
    """The model wants to unlock; the intent says Denied, the outcome says refused, a person gets it."""
    attempt = office.begin(office.asks())
    outcome = play_attempt(
        office.runtime(Script([(("unlock_my_account", {}),)])), attempt, office.account("kim", **given)
    )
    assert isinstance(outcome, NeedsPerson)
    assert outcome.reason is reason
    assert writes(office) == []
    [intended, refused] = records(office, attempt)
    assert (intended.record["decision"], refused.event) == ("Denied", "tool.refused")


def test_a_second_factor_is_a_persons_where_nobody_may_approve_it(office: Office) -> None:
    """The agent can prepare it, and no more."""
    agent = replace(office.agent, card=office.agent.card.model_copy(update={"approvals": {}}))
    runtime = office.runtime(Script([(("reset_second_factor", {"lost": "phone"}),)]), agent=agent)
    outcome = play_attempt(runtime, office.begin(office.asks()), office.account("kim", factors=["totp"]))
    assert isinstance(outcome, NeedsPerson)
    assert outcome.reason is Reason.APPROVAL_NEEDED
    assert writes(office) == []


def test_what_need_not_be_done_is_an_error_to_the_model(office: Office) -> None:
    """An active account is not locked: the model reads so and answers; nothing is written, nothing counts."""
    model = Script([(("unlock_my_account", {}),), ("It is not locked.",)])
    outcome = play_attempt(office.runtime(model), office.begin(office.asks()), office.account("kim", "active"))
    assert outcome == Reply("It is not locked.", None)
    assert results(model.prompts[1]) == [
        {"error": "there is nothing to unlock: the account is active", "is_error": True}
    ]
    assert writes(office) == []


def test_a_message_that_waited_comes_after_the_answer_before_it(office: Office) -> None:
    """Said while the first turn ran, it is what the second turn answers: the last word is the requester's."""
    subject, turn = office.account("kim"), office.asks("I am locked out")
    attempt = office.begin(turn)
    thread = attempt.ticket.thread_ts
    assert office.asks("hurry, please", thread=thread) is None
    with office.database.write() as session:
        messages.add(
            session,
            key="r",
            kind=MessageKind.REPLY,
            lane="l",
            channel="C0HELP",
            body={"text": "Unlocked."},
            ticket_id=1,
        )
        following = turns.finish(session, attempt, outcome=TurnOutcome.REPLY, reason=None, category=None, release="r")
    with office.database.read() as session:
        assert [type(row).__name__ for row in ticket_messages.said(session, 1)] == [
            "InboxEvent",
            "InboxEvent",
            "Message",
        ]
    model = Script([("Done already.",)])
    play_attempt(office.runtime(model), office.begin(following), subject)
    assert [message["role"] for message in model.prompts[0].messages] == ["user", "assistant", "user"]
    assert "hurry" in model.prompts[0].messages[2]["content"][0]["text"]


HAND_OFF: Block = ("hand_off", {"reason": "requested", "summary": "Kim wants a person."})
POLICY: Block = ("hand_off", {"reason": "out_of_policy", "summary": "A lost phone."})


def test_after_giving_back_the_agent_goes_on(office: Office) -> None:
    """The note comes last, as a colleague's, after what both said; with it the agent does its work."""
    attempt = office.begin(office.asks("lost my phone", file="shot.png"))
    ticket = attempt.ticket
    with office.database.write() as session:
        answer = {"event_id": "EvA", "team": "T1", "channel": "C0HELP", "user": "U0PRIYA", "text": "It is me, Priya."}
        session.add(InboxEvent(kind="answer", state="relayed", ticket_id=ticket.id, **answer))
        messages.add(
            session,
            key="h",
            kind=MessageKind.HUMAN_REPLY,
            lane="l",
            channel="C",
            body={"text": "a &lt; b"},
            ticket_id=ticket.id,
        )
        gone = {"text": "forget this", "deleted": True}
        messages.add(
            session, key="d", kind=MessageKind.HUMAN_REPLY, lane="l", channel="C", body=gone, ticket_id=ticket.id
        )
    following = office.is_given_back(attempt, Reason.OUT_OF_POLICY, "Phone found. Please unlock.")
    model = Unlocker()
    prompts: list[Prompt] = []
    model.before = prompts.append
    assert isinstance(play_attempt(office.runtime(model), office.begin(following), office.account("kim")), Reply)
    said = [block["text"] for block in prompts[0].messages[0]["content"]]
    assert [text.split("\n")[1] for text in said] == [
        "lost my phone",
        "It is me, Priya.",
        "a &lt; b",
        "Phone found. Please unlock.",
    ]
    assert "[attached file: shot.png]" in said[0]
    assert [text.split(" ")[0] for text in said] == ["<message", "<colleague", "<colleague", "<colleague"]
    assert all("U0PRIYA" not in text for text in said)
    assert writes(office) == [("acc-kim", "unlock")]


def test_handed_straight_back_is_refused_once(office: Office) -> None:
    """For the reason it was with the colleague; the model reads so, and unlocks."""
    following = office.is_given_back(office.begin(office.asks()), Reason.REQUESTED, "Please unlock her.")
    model = Script([(HAND_OFF,), (("unlock_my_account", {}),), ("Unlocked.",)])
    assert play_attempt(office.runtime(model), office.begin(following), office.account("kim")) == Reply(
        "Unlocked.", None
    )
    assert "has just given it back" in results(model.prompts[1])[0]["error"]


def test_handed_straight_back_twice_is_no_progress(office: Office) -> None:
    """A person gets it under a reason that says what went on."""
    following = office.is_given_back(office.begin(office.asks()), Reason.REQUESTED, "Please unlock her.")
    outcome = play_attempt(
        office.runtime(Script([(HAND_OFF,), (HAND_OFF,)])), office.begin(following), office.account("kim")
    )
    assert outcome == NeedsPerson(
        Reason.NO_PROGRESS, "Given back by a colleague, but the agent could not go on: Kim wants a person."
    )


def test_what_policy_denies_stays_denied_after_giving_back(office: Office) -> None:
    """A colleague's note lifts no rule: refused, explained once, then a person's again; nothing is written."""
    subject = office.account("kim", privileged=True)
    following = office.is_given_back(office.begin(office.asks()), Reason.OUT_OF_POLICY, "Go ahead, unlock it.")
    model = Script([(("unlock_my_account", {}),), (POLICY,)])
    outcome = play_attempt(office.runtime(model), office.begin(following), subject)
    assert isinstance(outcome, NeedsPerson)
    assert outcome.reason is Reason.NO_PROGRESS
    assert "an administrator's account is a person's work" in results(model.prompts[1])[0]["error"]
    assert writes(office) == []


def test_a_refused_handing_back_is_replayed_the_same(office: Office) -> None:
    """A worker that dies after the refusal leaves a journal from which the next ends alike."""
    subject = office.account("kim", privileged=True)
    following = office.is_given_back(office.begin(office.asks()), Reason.OUT_OF_POLICY, "Go ahead, unlock it.")
    dying = Script([(("unlock_my_account", {}),), Killed()])
    with pytest.raises(Killed):
        play_attempt(office.runtime(dying), office.begin(following, lease=0), subject)
    outcome = play_attempt(office.runtime(Script([(POLICY,)])), office.begin(following), subject)
    assert isinstance(outcome, NeedsPerson)
    assert outcome.reason is Reason.NO_PROGRESS


def test_another_reason_is_handed_off_at_once(office: Office) -> None:
    """Given back for one thing, handed off for another: nothing is in the way."""
    following = office.is_given_back(office.begin(office.asks()), Reason.REQUESTED, "She lost her phone, too.")
    outcome = play_attempt(office.runtime(Script([(POLICY,)])), office.begin(following), office.account("kim"))
    assert outcome == NeedsPerson(Reason.OUT_OF_POLICY, "A lost phone.")


def test_the_turn_after_that_is_a_turn_like_any_other(office: Office) -> None:
    """Once it has gone on, the agent may hand off for that reason again."""
    first = office.begin(office.asks())
    following = office.begin(office.is_given_back(first, Reason.OUT_OF_POLICY, "Please unlock."))
    with office.database.write() as session:
        turns.finish(session, following, outcome=TurnOutcome.REPLY, reason=None, category=None, release="r")
    later = office.asks("my phone is gone as well", thread=first.ticket.thread_ts)
    outcome = play_attempt(office.runtime(Script([(POLICY,)])), office.begin(later), office.account("kim"))
    assert outcome == NeedsPerson(Reason.OUT_OF_POLICY, "A lost phone.")


def test_what_code_alone_knows_is_not_refused(office: Office) -> None:
    """A budget that is used up again is a handoff for it again."""
    following = office.is_given_back(office.begin(office.asks()), Reason.BUDGET, "There is money now, go on.")
    outcome = play_attempt(office.runtime(Unlocker(), hard="0.000001"), office.begin(following), office.account("kim"))
    assert isinstance(outcome, NeedsPerson)
    assert outcome.reason is Reason.BUDGET


def no_room(times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let calls under way leave no room so often."""
    reserve, left = Holds.reserve, [times]

    def full(gate: Holds, rid: str, amount: int, caps: Any, *rest: Any, **more: Any) -> Any:
        left[0] -= 1
        return Full(tuple(caps), 0) if left[0] >= 0 else reserve(gate, rid, amount, caps, *rest, **more)

    monkeypatch.setattr(Holds, "reserve", full)


def test_a_call_waits_for_what_others_hold(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is made as soon as there is room, in the same attempt; nobody is told anything."""
    no_room(20, monkeypatch)
    slept: list[float] = []
    runtime = office.runtime(Script([("Hello.",)]), sleep=slept.append)
    assert play_attempt(runtime, office.begin(office.asks()), office.account("kim")) == Reply("Hello.", None)
    assert len(slept) == 20
    assert sum(slept) < room_under_budget.TURN_SECONDS
    assert len(set(slept)) > 10, "by chance, or all who wait would look at once"


def test_a_wait_without_end_gives_the_thread_back(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """After some seconds the turn is worth another try; it has asked the model nothing and holds no money."""
    no_room(10_000, monkeypatch)
    slept: list[float] = []
    model = Unlocker()
    with pytest.raises(NoRoom) as full:
        play_attempt(office.runtime(model, sleep=slept.append), office.begin(office.asks()), office.account("kim"))
    assert full.value.retry_after
    assert sum(slept) == pytest.approx(room_under_budget.TURN_SECONDS)
    assert (model.calls, ledger(office)) == (0, [])


def test_a_turn_that_never_gets_room_goes_to_a_person_who_hears_busy(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bounded number of times; nothing is used up, so no time is named from which it would work again."""
    no_room(10_000, monkeypatch)
    turn = office.asks()
    for _ in range(room_under_budget.MOST_WAITS):
        attempt = office.begin(turn)
        with pytest.raises(NoRoom):
            play_attempt(office.runtime(Unlocker()), attempt, office.account("kim"))
        with office.database.write() as session:
            turns.put_back(session, attempt, after=0.0, no_room=True)
    outcome = play_attempt(office.runtime(Unlocker()), office.begin(turn), office.account("kim"))
    assert outcome == room_under_budget.BUSY
    assert room_under_budget.BUSY.until is None


def test_who_waits_for_room_can_be_stopped(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stop button and the lease are looked at between two looks for room."""
    no_room(10_000, monkeypatch)
    slept: list[float] = []

    def wanted() -> None:
        if len(slept) == 3:
            raise Fenced

    before = CANCELLATION.set(wanted)
    try:
        with pytest.raises(Fenced):
            play_attempt(
                office.runtime(Unlocker(), sleep=slept.append), office.begin(office.asks()), office.account("kim")
            )
    finally:
        CANCELLATION.reset(before)
    assert len(slept) == 3


def test_a_tool_does_not_begin_once_the_turn_is_not_ours(office: Office) -> None:
    """The stop button and the lease are looked at between the model's answer and the tool that it calls."""
    thought: list[Prompt] = []

    def wanted() -> None:
        if len(thought) == 2:  # it has looked, and asks for the account to be unlocked
            raise Fenced

    before = CANCELLATION.set(wanted)
    try:
        with pytest.raises(Fenced):
            play_attempt(
                office.runtime(Unlocker(before=thought.append)), office.begin(office.asks()), office.account("kim")
            )
    finally:
        CANCELLATION.reset(before)
    assert (len(thought), writes(office)) == (2, [])


def test_a_prompt_that_waits_is_counted_once(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The vendor is not asked again at every look."""
    reserve, left, asked = Holds.reserve, [6], list[int]()

    def full(gate: Holds, rid: str, amount: int, caps: Any, *rest: Any, **more: Any) -> Any:
        left[0] -= 1
        return Full(tuple(caps), amount - 1) if left[0] >= 0 else reserve(gate, rid, amount, caps, *rest, **more)

    def count(_prompt: Prompt) -> int:
        asked.append(1)
        return 100

    monkeypatch.setattr(Holds, "reserve", full)
    runtime = office.runtime(Script([("Hello.",)]), count_tokens=count)
    assert play_attempt(runtime, office.begin(office.asks()), office.account("kim")) == Reply("Hello.", None)
    assert asked == [1]
