"""A suspended agent begins no step, and every ticket of it ends with a person: `bot.agent.standing_checks`."""

import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from threading import Event, Lock, Thread, local
from typing import Any

import pytest

from bot.agent.model import Completion, Prompt
from bot.budget.metering import Meter
from bot.directory.local import LocalDirectory
from bot.errors import ConfigError, Transient
from bot.principals import Reason
from bot.store.installation import agents
from bot.store.schema import (
    AccountRow,
    AccountWrite,
    AuditRow,
    LedgerRow,
    LedgerState,
    Step,
    Suspension,
    Ticket,
    TicketState,
    Turn,
    TurnOutcome,
    WriteState,
    now,
)
from jobs import process
from jobs.turn import run_turn
from tests.support.crowd import SIZE, all_like, member
from tests.support.product_harness import LOCKED, Place, end_worker
from tests.support.scripted_models import Unlocker, results
from tests.support.surge_house import TURNS_IN_FLIGHT, SurgeHouse, surge_house
from tests.support.workspace_names import BOT

UNBARRED = ("active", "password_expired")
CAUSE = "It sends people the wrong link."


def suspend(place: Place) -> None:
    """Suspend the agent as an operator does."""
    with place.front.database.write() as session:
        assert agents.suspend(session, "access", cause=CAUSE, by="operator") is not None


def resume(place: Place) -> None:
    """Let the agent go on."""
    with place.front.database.write() as session:
        assert agents.resume(session, "access", by="operator") is not None


def steps_of(place: Place) -> list[tuple[str, str]]:
    """Return the steps that were begun, in order: kind and name."""
    return [(one.kind, one.name) for one in place.front.rows(Step)]


def test_a_new_request_goes_to_a_person_with_the_reason(place: Place) -> None:
    """The model is not asked; the requester hears that the agent is paused, and responders who did it and why."""
    suspend(place)
    ts = place.asks("U0MAYA", LOCKED)
    handoff = place.last_handoff()
    assert (handoff.reason, handoff.state) == (Reason.AGENT_SUSPENDED, "open")
    assert handoff.summary == f'The agent was suspended by an operator: "{CAUSE}".'
    assert (place.calls(), place.writes(), steps_of(place)) == ([], [], [])
    [notice] = place.thread("U0MAYA", ts)
    assert notice.startswith("I have been paused for the moment, so I cannot work on this myself.")
    assert CAUSE not in notice
    card = json.dumps([one["blocks"] for one in place.queue()])
    assert "The agent is paused" in card
    assert CAUSE in card


def test_after_resuming_it_takes_new_requests(place: Place) -> None:
    """What people have got stays with them."""
    suspend(place)
    place.asks("U0LENA", LOCKED)
    resume(place)
    place.asks("U0MAYA", LOCKED)
    first, second = place.front.rows(Ticket)
    assert (first.state, second.state) == (TicketState.HANDED_OFF, TicketState.RESOLVED)
    assert place.writes() == [("acc-maya", "unlock")]


@pytest.mark.parametrize("call", range(4), ids=["look", "unlock", "resolve", "answer"])
def test_a_running_turn_ends_at_its_next_step(place: Place, call: int) -> None:
    """In whichever call it is suspended: nothing follows, and nothing that it would have said is said."""
    suspended: list[Suspension] = []

    def before(prompt: Prompt) -> None:
        if len(results(prompt)) == call:
            suspend(place)
            suspended.extend(place.front.rows(Suspension))

    place.change_desk(call_model=Unlocker(before=before))
    ts = place.asks("U0MAYA", LOCKED)
    assert place.last_handoff().reason == Reason.AGENT_SUSPENDED
    assert place.last_turn().outcome is TurnOutcome.HANDOFF
    assert all(one.started_at <= suspended[0].at for one in place.front.rows(Step))
    assert place.writes() == ([] if call < 2 else [("acc-maya", "unlock")])
    [notice] = place.thread("U0MAYA", ts)
    assert "You can sign in again" not in notice
    assert ("I have unlocked your account." in notice) is (call >= 2)
    assert place.front.rows(Ticket)[0].state is TicketState.HANDED_OFF


def test_another_try_at_a_call_is_looked_at_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Time passes between the tries: the model is not asked again, and the money of the try is given back."""
    monkeypatch.setattr("bot.agent.standing_checks.LOOK_SECONDS", 0.0)
    asked: list[Prompt] = []

    def fails(prompt: Prompt) -> Completion:
        asked.append(prompt)
        suspend(place)
        raise Transient("no answer")

    place.change_desk(call_model=fails, sleep=lambda _seconds: None)
    place.asks("U0MAYA", LOCKED)
    assert (len(asked), place.last_handoff().reason) == (1, Reason.AGENT_SUSPENDED)
    assert {(row.state, row.cost_nusd) for row in place.front.rows(LedgerRow)} == {(LedgerState.SETTLED, 0)}


def test_a_call_that_waited_for_room_is_looked_at_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reservation may take long: what was seen before it is too old."""
    monkeypatch.setattr("bot.agent.standing_checks.LOOK_SECONDS", 0.0)
    begin = Meter.begin

    def slowly(meter: Meter, *args: Any, **more: Any) -> Any:
        reservation = begin(meter, *args, **more)
        suspend(place)
        return reservation

    monkeypatch.setattr(Meter, "begin", slowly)
    place.asks("U0MAYA", LOCKED)
    assert (place.calls(), place.last_handoff().reason) == ([], Reason.AGENT_SUSPENDED)
    assert {(row.state, row.cost_nusd) for row in place.front.rows(LedgerRow)} == {(LedgerState.SETTLED, 0)}


def test_another_try_at_a_write_is_looked_at_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The directory is not asked again; the first try may have done it, so its end is told as unknown."""
    monkeypatch.setattr("bot.agent.standing_checks.LOOK_SECONDS", 0.0)
    asked: list[str] = []

    def fails(_directory: LocalDirectory, account: str, **_more: Any) -> None:
        asked.append(account)
        suspend(place)
        raise Transient("no answer")

    monkeypatch.setattr(LocalDirectory, "unlock", fails)
    place.change_desk(call_model=Unlocker(), sleep=lambda _seconds: None)
    place.asks("U0MAYA", LOCKED)
    assert (asked, place.last_handoff().reason) == (["acc-maya"], Reason.AGENT_SUSPENDED)
    assert [one.state for one in place.front.rows(AccountWrite)] == [WriteState.BEGUN]


def test_a_turn_that_waits_in_the_queue_goes_to_a_person(place: Place) -> None:
    """It was accepted before; it is not lost and not played."""
    place.front.say("U0MAYA", "C0HELP", LOCKED)
    suspend(place)
    place.work()
    assert (place.last_handoff().reason, place.calls()) == (Reason.AGENT_SUSPENDED, [])


def test_thanks_need_no_agent_and_fetch_nobody(place: Place) -> None:
    """Code answers them, so the ticket stays resolved."""
    ts = place.asks("U0MAYA", LOCKED)
    calls = len(place.calls())
    suspend(place)
    place.asks("U0MAYA", "thank you!", thread_ts=ts)
    assert place.thread("U0MAYA", ts)[-1] == "You're welcome."
    assert (place.front.rows(Ticket)[0].state, len(place.calls())) == (TicketState.RESOLVED, calls)


def test_who_asks_for_a_person_gets_one_for_that_reason(place: Place) -> None:
    """A suspension does not hide what people want."""
    suspend(place)
    place.asks("U0MAYA", f"<@{BOT}> I want to talk to a person")
    assert place.last_handoff().reason == Reason.REQUESTED


def test_no_worker_starts_with_the_id_of_a_retired_agent(place: Place) -> None:
    """Neither does a clock; one that runs goes on, and gives everything to people."""
    with place.front.database.write() as session:
        agents.retire(session, "access", because="its card says so")
    place.asks("U0MAYA", LOCKED)
    assert (place.last_handoff().reason, place.calls()) == (Reason.AGENT_SUSPENDED, [])
    end_worker(place.ctx)
    with pytest.raises(ConfigError, match="name: the agent access was retired on"):
        process.current()


class Slow:
    """A model that unlocks accounts; some of its calls, and each last one, last a second longer than a suspension."""

    def __init__(self) -> None:
        self.unlocker, self.lock = Unlocker(), Lock()
        self.held = 0
        self.suspended = Event()
        self.here = local()
        "Of each thread, when a call that lasted so long came to its end."
        self.chance = random.Random(16)

    def __call__(self, prompt: Prompt) -> Completion:
        """Answer at once, or only when the agent has been suspended for more than a second."""
        with self.lock:
            waits = not self.suspended.is_set() and (len(results(prompt)) == 3 or self.chance.random() < 0.4)
            self.held += waits
        if waits:
            assert self.suspended.wait(60)
            time.sleep(1.1)
            self.here.went_on = now()
        return self.unlocker(prompt)


def test_fifty_turns_in_flight_begin_no_step_after_a_second(
    monkeypatch: pytest.MonkeyPatch, postgres_url: str, redis_url: str, config: Path, tmp_path: Path
) -> None:
    """Each ends with a person, whatever it was at; the calls that were under way are paid for and written down."""
    with surge_house(
        monkeypatch, database_url=postgres_url, redis_url=redis_url, config=config, file=tmp_path / "deskhand.db"
    ) as house:
        _suspend_in_flight(house)


def _suspend_in_flight(house: SurgeHouse) -> None:
    model = Slow()
    house.change_desk(call_model=model)
    usual = {row.id for row in house.front.rows(AccountRow) if row.status in UNBARRED and not row.privileged}
    others = [user for user in map(member, range(SIZE)) if f"acc-crowd.{user.lower()}" in usual]
    house.ask_all([*all_like("U0MAYA"), *others][:TURNS_IN_FLIGHT], lambda _user: LOCKED)
    turns = house.owed()
    assert len(turns) == TURNS_IN_FLIGHT

    def stop_it() -> None:
        while model.held < TURNS_IN_FLIGHT * 3 // 5:  # the others are between two steps
            time.sleep(0.01)
        suspend(house)
        model.suspended.set()

    operator = Thread(target=stop_it)
    operator.start()

    def play(turn: int) -> datetime | None:
        model.here.went_on = None
        run_turn(turn)
        found: datetime | None = model.here.went_on
        return found

    with ThreadPoolExecutor(TURNS_IN_FLIGHT) as hands:
        went_on = dict(zip(turns, hands.map(play, turns), strict=True))
    operator.join()
    house.play_all()
    [suspension] = house.front.rows(Suspension)
    # A step is late by the clock of its own turn: on a busy machine a thread may stand still between look and step.
    begun = [(one.started_at, went_on[one.turn_id]) for one in house.front.rows(Step)]
    assert sum(at is not None for at in went_on.values()) >= TURNS_IN_FLIGHT * 3 // 5
    assert [at for at, over in begun if over is not None and at > over] == []
    assert min(at for at, _ in begun) < suspension.at
    assert {one.state for one in house.front.rows(Ticket)} == {TicketState.HANDED_OFF}
    assert {(one.outcome, one.reason) for one in house.front.rows(Turn)} == {
        (TurnOutcome.HANDOFF, Reason.AGENT_SUSPENDED)
    }
    assert {row.state for row in house.front.rows(LedgerRow)} == {LedgerState.SETTLED}
    intents = [row for row in house.front.rows(AuditRow) if row.event == "tool.intended"]
    ended = {row.intent_id for row in house.front.rows(AuditRow) if row.intent_id is not None}
    assert {row.seq for row in intents} == ended
