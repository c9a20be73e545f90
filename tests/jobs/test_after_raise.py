"""After a raise the agent goes on with what nobody has claimed: `jobs.after_raise`, through `jobs.budgets`."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.budget.admission import Holds
from bot.errors import Transient
from bot.principals import Reason
from bot.slack.money import budget_messages
from bot.slack.sentences import say
from bot.store.handoffs import handoffs
from bot.store.installation import agents
from bot.store.money import reviews
from bot.store.outbox import messages
from bot.store.schema import BudgetReview, Handoff, HandoffMove, Message, MoveKind, ReviewState, Turn, now
from jobs import after_raise, budgets, upkeep
from jobs.budgets import see_to
from tests.support.factories import at_once, hand_off, put
from tests.support.paths import CONFIG
from tests.support.product_harness import LOCKED, Place, change_card, furnished
from tests.support.product_steps import (
    raises_below_cards,
    set_language,
    texts_told_directly,
    told_directly,
    whole_thread,
)
from tests.support.workspace_names import BOT, HELP

GOES_ON = say("handoff.goes_on", "en")
OWNER, RESPONDER = "U0OLIVIA", "U0PRIYA"


pytestmark = pytest.mark.usefixtures("budget_file_read_at_once")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return a configuration in which no step of a request fits under the help channel's cap, the only one."""
    config = Path(shutil.copytree(CONFIG, tmp_path / "config"))
    limit(config, channel={"named": {HELP: {"window": "day", "hard": "0.005"}}})
    return config


def limit(config: Path, **scopes: Any) -> None:
    """Write the budget file anew."""
    (config / "budgets.yaml").write_text(yaml.safe_dump({"time_zone": "UTC", **scopes}))


def decide(place: Place, raised_nusd: int = 10**9, *, goes_on: bool = True, review: int = 0) -> None:
    """Let Olivia raise a review, the first if not told otherwise, as the form does; no clock has looked yet."""
    review_id = place.front.rows(BudgetReview)[review].id
    with place.front.database.write() as session:
        told: dict[str, Any] = {"why": "Month end.", "raised_nusd": raised_nusd, "goes_on": goes_on}
        decided = reviews.decide(session, review_id, by=OWNER, decision=ReviewState.RAISED, **told)
        assert decided is not None
        budget_messages.show(session, decided)


def claim(place: Place, handoff: Handoff) -> None:
    """Let Priya have a request."""
    with place.front.database.write() as session:
        handoffs.claim(session, handoff.id, RESPONDER, lease_minutes=30)


def states(place: Place) -> list[str]:
    """Return the state of every handoff."""
    return [row.state for row in place.front.rows(Handoff)]


def card(place: Place) -> str:
    """Return what the owner's newest card says, buttons included."""
    return json.dumps(told_directly(place, OWNER)[-1]["blocks"], ensure_ascii=False)


def test_of_three_the_two_that_nobody_has_are_answered(place: Place) -> None:
    """Each is told once, in one sentence and their language; the responder keeps theirs; the owner reads the number."""
    threads = {user: place.asks_anew(user, LOCKED) for user in ("U0MAYA", "U0IVAN", "U0AIKO")}
    set_language(place, "U0IVAN", "de-DE")
    claim(place, place.front.rows(Handoff)[2])
    budgets.look(place.ctx)
    assert "*2 requests wait.*" in card(place)
    decide(place)
    see_to(0)
    place.work()
    assert states(place) == ["returned", "returned", "claimed"]
    assert [turn.outcome for turn in place.front.rows(Turn)] == ["handoff"] * 3 + ["reply"] * 2
    assert place.writes() == [("acc-maya", "unlock"), ("acc-ivan", "unlock")]
    said = {user: place.thread(user, ts) for user, ts in threads.items()}
    assert said["U0MAYA"].count(GOES_ON) == 1
    assert said["U0IVAN"].count(say("handoff.goes_on", "de")) == 1
    assert "unlocked your account" in said["U0MAYA"][-1]
    assert len(said["U0AIKO"]) == 1
    assert "handoff.cancel" not in whole_thread(place, "U0MAYA", threads["U0MAYA"])
    assert "The agent goes on with 2 requests." in card(place)
    cards = [json.dumps(one["blocks"]) for one in place.queue()]
    assert len([one for one in cards if f"<@{OWNER}> raised the budget <!date^" in one]) == 2
    assert [one["text"] for one in place.queue()].count(
        f"<@{OWNER}> raised the budget, so the agent goes on with this."
    ) == 2
    assert [text.startswith(f"<@{RESPONDER}> <@{OWNER}> has raised") for text in raises_below_cards(place)] == [True]
    before = len(place.front.rows(Message)), len(place.front.rows(HandoffMove))
    for _ in range(2):
        budgets.look(place.ctx)
        budgets.look_again(place.ctx)
    assert (len(place.front.rows(Message)), len(place.front.rows(HandoffMove))) == before


def test_what_was_written_meanwhile_is_answered_with_it(place: Place) -> None:
    """The requester has said more while they waited: the agent reads it as what they ask, a wish for a person too."""
    ts = place.asks_anew("U0MAYA", LOCKED)
    place.front.say("U0MAYA", HELP, "Can I talk to a person please?", thread_ts=ts)
    decide(place)
    see_to(0)
    place.work()
    assert [row.reason for row in place.front.rows(Handoff)] == ["budget", "requested"]
    assert place.writes() == []


def test_without_the_owners_wish_people_keep_it_until_they_have_it(place: Place) -> None:
    """A plain raise gives nothing back and says how many wait; the owner may let the agent go on later, once."""
    place.asks_anew("U0MAYA", LOCKED)
    budgets.look_again(place.ctx)
    decide(place, goes_on=False)
    see_to(0)
    budgets.look_again(place.ctx)
    assert states(place) == ["open"]
    assert "1 request waits for a person as before." in card(place)
    assert "budget.go_on" in card(place)
    with place.front.database.write() as session:
        assert reviews.let_go_on(session, 1, by="U0RUTH")
    see_to(0)
    place.work()
    assert states(place) == ["returned"]
    assert "The agent goes on with 1 request." in card(place)
    assert "budget.go_on" not in card(place)
    assert place.front.rows(HandoffMove)[-1].actor == "U0RUTH"


def test_the_question_says_how_many_wait(place: Place) -> None:
    """With the first one there is a button for it at once, the number follows, and both go when nobody waits."""
    budgets.look(place.ctx)
    place.asks_anew("U0MAYA", LOCKED)
    budgets.look(place.ctx)
    assert "*1 request waits.*" in card(place)
    assert "Raise and let the agent go on" in card(place)
    place.asks_anew("U0IVAN", LOCKED)
    budgets.look_again(place.ctx)
    assert "*2 requests wait.*" in card(place)
    first, second = place.front.rows(Handoff)
    claim(place, first)
    with place.front.database.write() as session:
        handoffs.cancel(session, second.id, by="U0IVAN")
    budgets.look(place.ctx)
    assert "wait" not in card(place)
    assert "raise_and_on" not in card(place)


def test_another_budget_that_is_used_up_keeps_it_with_people(place: Place, config: Path) -> None:
    """Whether or not a call has met that one before; the owner reads how many wait still, and for what."""
    channel = {"named": {HELP: {"window": "day", "hard": "0.005"}}}
    theirs = {"U0IVAN": {"window": "month", "hard": "0.004"}}
    limit(config, channel=channel, user={"named": theirs})
    for user in ("U0MAYA", "U0IVAN", "U0AIKO"):
        place.asks_anew(user, LOCKED)
    limit(config, channel=channel, user={"named": {**theirs, "U0AIKO": {"window": "week", "hard": "0.003"}}})
    decide(place)
    see_to(0)
    place.work()
    assert states(place) == ["returned", "open", "open"]
    said = json.dumps([one["blocks"] for one in told_directly(place, OWNER)])
    assert "The agent goes on with 1 request; 1 still waits for people: the monthly budget of <@U0IVAN> is used" in said
    assert "; 1 still waits for people: the weekly budget of <@U0AIKO> is used up as well." in said
    assert raises_below_cards(place) == []  # nobody is told that the agent could go on
    assert [row.holder for row in place.front.rows(BudgetReview)] == [HELP, "U0IVAN"]


def test_a_raise_that_is_too_small_lets_nothing_go_on(place: Place) -> None:
    """Nobody is told that the agent goes on when no step fits under what was added; the owner reads so."""
    ts = place.asks_anew("U0MAYA", LOCKED)
    decide(place, 1)
    see_to(0)
    place.work()
    assert states(place) == ["open"]
    assert GOES_ON not in place.thread("U0MAYA", ts)
    assert "goes on with 0 requests; 1 still waits for people: what is left of the daily budget" in card(place)


def test_nobody_is_told_that_the_agent_can_go_on_after_a_raise_that_is_too_small(place: Place) -> None:
    """A responder would give the request back in vain; after one that is large enough, they are told."""
    place.asks_anew("U0MAYA", LOCKED)
    claim(place, place.front.rows(Handoff)[0])
    budgets.look(place.ctx)
    decide(place, 1)
    see_to(0)
    assert raises_below_cards(place) == []
    place.asks_anew("U0IVAN", LOCKED)
    decide(place, review=1)
    see_to(0)
    assert [text.startswith(f"<@{RESPONDER}> <@{OWNER}> has raised") for text in raises_below_cards(place)] == [True]


@pytest.mark.parametrize(("window", "hard", "told"), [("day", "0.006", 0), ("week", "0.006", 0), ("week", "1.00", 1)])
def test_responders_are_told_of_a_changed_limit_only_if_there_is_room(
    place: Place, config: Path, window: str, hard: str, told: int
) -> None:
    """A limit that was raised in the file may still be less than a step can cost."""
    place.asks_anew("U0MAYA", LOCKED)
    budgets.look(place.ctx)
    limit(config, channel={"named": {HELP: {"window": window, "hard": hard}}})
    budgets.look_again(place.ctx)
    assert place.front.rows(BudgetReview)[0].state == ReviewState.CHANGED
    budgets.look(place.ctx)
    assert ["was changed" in text for text in raises_below_cards(place)] == [True] * told


def test_an_agent_that_does_not_answer_goes_on_with_nothing(place: Place, config: Path) -> None:
    """Its card says that it is paused: the request stays where it is."""
    place.asks_anew("U0MAYA", LOCKED)
    agent = place.ctx.agents["access"]
    paused = replace(agent, card=agent.card.model_copy(update={"status": "paused"}))
    object.__setattr__(place.ctx, "agents", {"access": paused})
    decide(place)
    see_to(0)
    assert states(place) == ["open"]
    assert "1 still waits for people: the agent does not answer now." in card(place)
    assert config.is_dir()


def test_an_agent_that_was_suspended_goes_on_with_nothing(place: Place) -> None:
    """An operator has suspended it: the request stays where it is."""
    place.asks_anew("U0MAYA", LOCKED)
    with place.front.database.write() as session:
        agents.suspend(session, "access", cause="wrong links", by="operator")
    decide(place)
    see_to(0)
    assert states(place) == ["open"]
    assert "1 still waits for people: the agent does not answer now." in card(place)


def test_nothing_goes_back_before_the_gate_knows_of_the_raise(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis is away when the owner decides: the agent would only be refused again; once it is back it goes on."""

    def away(_gate: Holds, _key: str) -> None:
        raise Transient("redis: away")

    place.asks_anew("U0MAYA", LOCKED)
    drop = Holds.drop
    monkeypatch.setattr(Holds, "drop", away)
    decide(place)
    for _ in range(2):
        with pytest.raises(Transient):
            see_to(0)
    assert states(place) == ["open"]
    assert "The agent is about to go on with the requests that wait." in card(place)
    monkeypatch.setattr(Holds, "drop", drop)
    budgets.look(place.ctx)
    place.work()
    assert (states(place), place.last_turn().outcome) == (["returned"], "reply")


def test_a_turn_that_was_not_queued_is_queued_by_upkeep(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker died, or Redis went, between the commit and the queue: nothing is lost and nothing is done twice."""

    def away(_queue: Any, _job: str, _argument: int) -> None:
        raise Transient("redis: away")

    ts = place.asks_anew("U0MAYA", LOCKED)
    decide(place)
    with monkeypatch.context() as patch:
        patch.setattr(type(place.ctx.queue), "put", away)
        budgets.look(place.ctx)
    place.work()
    assert place.last_turn().state == "waiting"
    put(place.front.database, Turn, place.last_turn().id, queued_at=now() - timedelta(seconds=30))
    upkeep.requeue_turns(place.ctx)
    place.work()
    assert (place.last_turn().outcome, place.writes()) == ("reply", [("acc-maya", "unlock")])
    assert place.thread("U0MAYA", ts).count(GOES_ON) == 1


def test_the_owner_reads_the_true_number_though_a_worker_died_in_between(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gave one back and died before the other and before the card: the next look does the rest, and counts both."""
    for user in ("U0MAYA", "U0IVAN"):
        place.asks_anew(user, LOCKED)
    decide(place)
    give_back, left = after_raise._give_back, [1]

    def dies(*given: Any) -> None:
        if not left:
            raise SystemExit
        left.pop()
        give_back(*given)

    with monkeypatch.context() as patch:
        patch.setattr(after_raise, "_give_back", dies)
        with pytest.raises(SystemExit):
            budgets.look(place.ctx)
    assert states(place) == ["returned", "open"]
    budgets.look(place.ctx)
    assert states(place) == ["returned", "returned"]
    assert "The agent goes on with 2 requests." in card(place)


def test_what_comes_back_after_a_raise_waits_for_the_next(place: Place) -> None:
    """The agent went on and had no money again: it is with people, and no look sends it round and round."""
    place.asks_anew("U0MAYA", LOCKED)
    decide(place)
    see_to(0)
    place.work()
    hand_off(place.front.database, 1, reason=Reason.BUDGET)
    budgets.look(place.ctx)
    assert states(place) == ["returned", "open"]
    assert "The agent goes on with 1 request." in card(place)


def test_a_request_that_comes_late_goes_on_too(place: Place) -> None:
    """Its call was refused before the raise, and it went to people after the others had gone on."""
    place.asks_anew("U0MAYA", LOCKED)
    decide(place)
    see_to(0)
    place.work()
    late = place.asks_anew("U0IVAN", f"<@{BOT}> When is the next payday?")
    with place.front.database.read() as session:
        assert handoffs.last(session, place.last_turn().ticket_id) is None
    hand_off(place.front.database, place.last_turn().ticket_id, reason=Reason.BUDGET)
    budgets.look(place.ctx)
    place.work()
    assert GOES_ON in place.thread("U0IVAN", late)
    assert "The agent goes on with 2 requests." in card(place)


def test_a_request_that_was_taken_back_stays_so(place: Place) -> None:
    """The requester no longer needs anything: nothing goes on, and the owner reads that nothing waited."""
    place.asks_anew("U0MAYA", LOCKED)
    with place.front.database.write() as session:
        handoffs.cancel(session, 1, by="U0MAYA")
    decide(place)
    see_to(0)
    assert states(place) == ["cancelled"]
    assert "No request waited for it." in card(place)


def test_one_raise_that_is_broken_keeps_no_other_waiting(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug in giving back is logged, and the next look does it."""
    place.asks_anew("U0MAYA", LOCKED)
    decide(place)

    def broken(*_: Any) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(after_raise, "_give_back", broken)
        budgets.look(place.ctx)
    assert states(place) == ["open"]
    budgets.look(place.ctx)
    assert states(place) == ["returned"]


def test_a_claim_in_the_middle_of_a_look_wins_whole(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Priya claims between the look and the move: she has it, nothing is said beside her, and nothing is counted."""
    ts = place.asks_anew("U0MAYA", LOCKED)
    decide(place)
    give_back: Callable[..., None] = after_raise._give_back

    def overtaken(*given: Any) -> None:
        claim(place, place.front.rows(Handoff)[0])
        give_back(*given)

    monkeypatch.setattr(after_raise, "_give_back", overtaken)
    budgets.look(place.ctx)
    place.work()
    assert (states(place), len(place.front.rows(Turn))) == (["claimed"], 1)
    assert GOES_ON not in place.thread("U0MAYA", ts)
    assert "No request waits for it any more." in card(place)


@pytest.fixture
def on_postgres(
    monkeypatch: pytest.MonkeyPatch, postgres_url: str, redis_url: str, config: Path, tmp_path: Path
) -> Iterator[Place]:
    """Open the house on PostgreSQL, whose transactions do not queue."""
    change_card(config, lambda card: card["per_person"].update(turns=1))
    with furnished(monkeypatch, database_url=postgres_url, redis_url=redis_url, config=config) as front_and_model:
        opened = Place(*front_and_model, tmp_path / "none")
        opened.passes()
        yield opened


def test_of_several_clocks_one_gives_back(on_postgres: Place) -> None:
    """Four look at once while a responder claims one of three: each goes one way, is said once and counted once."""
    place = on_postgres
    for user in ("U0MAYA", "U0IVAN", "U0AIKO"):
        place.asks_anew(user, LOCKED)
    decide(place)
    place.ctx.meter.cap_events.apply_raises()
    since = now() - timedelta(minutes=1)
    last = place.front.rows(Handoff)[-1]

    def act(number: int) -> None:
        if number:
            after_raise.look(place.ctx, since=since)
        else:
            claim(place, last)

    at_once(5, act)
    budgets.look(place.ctx)
    place.work()
    gone = states(place).count("returned")
    assert states(place)[:2] == ["returned", "returned"]
    assert gone + states(place).count("claimed") == 3
    moves = [row.move for row in place.front.rows(HandoffMove)]
    assert moves.count(MoveKind.RETURNED) == gone
    assert place.front.rows(BudgetReview)[0].gone_on == gone
    said = [row.key for row in place.front.rows(Message) if row.key.startswith("returned:requester:")]
    assert len(said) == gone
    with place.front.database.read() as session:
        shown = messages.by_key(session, f"review:1:{OWNER}")
    assert shown is None or f"The agent goes on with {gone} requests." in json.dumps(shown.body)
    assert texts_told_directly(place, OWNER)
